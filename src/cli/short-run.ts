import { statSync } from "node:fs";
import { setFlagsFromString } from "node:v8";

/** Files up to this many bytes are encoded in a second or two: as most modules. */
const smallFile = 16 << 20;

/** Bytecode that a function has run when V8 looks whether it is worth being optimized; 66 KiB by default. */
const bytecodeBytes = 400_000;

/** V8 of Node 20 to 24, which have this option; where one does not, V8 says so on standard error. */
const v8Versions = [11, 12, 13];

/**
 * Before a run that ends soon: have V8 optimize later. In a run of a second half of the processor time
 * goes into optimizing functions that are hardly called again.
 */
export function expectShortRun(files: readonly string[]): void {
  let byteSize = 0;
  for (const file of files) byteSize += statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const version = Number.parseInt(process.versions.v8, 10);
  if (byteSize <= smallFile && v8Versions.includes(version))
    setFlagsFromString(`--interrupt-budget=${bytecodeBytes}`);
}
