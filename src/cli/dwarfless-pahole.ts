#!/usr/bin/env node
import { encodeFile } from "../encode/index.ts";
import { runPahole } from "./pahole/run.ts";
import { runProgram } from "./run-program.ts";

await runProgram("dwarfless-pahole", (args, streams) => runPahole(args, streams, encodeFile));
