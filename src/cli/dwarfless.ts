#!/usr/bin/env node
import { encodeFile } from "../encode/index.ts";
import { runDwarfless } from "./program.ts";
import { runProgram } from "./run-program.ts";

await runProgram("dwarfless", (args, streams) => runDwarfless(args, streams, { encodeFile }));
