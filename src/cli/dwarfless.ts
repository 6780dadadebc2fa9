import type { EncodeFile } from "./encode-command.ts";
import { runDwarfless } from "./program.ts";
import { endWhenIdle, runProgram } from "./run-program.ts";

/** Loaded when it is called for: commands on dumps start faster without it. */
const encodeFile: EncodeFile = async (path, options) => {
  const encoder = await import("../encode/index.ts");
  return encoder.encodeFile(path, options);
};

void runProgram("dwarfless", (args, streams) => runDwarfless(args, streams, { encodeFile })).then(
  endWhenIdle,
);
