import { encodeFile } from "../encode/index.ts";
import { runPahole } from "./pahole/run.ts";
import { endWhenIdle, runProgram } from "./run-program.ts";

void runProgram("dwarfless-pahole", (args, streams) => runPahole(args, streams, encodeFile)).then(
  endWhenIdle,
);
