import { statSync } from "node:fs";

/** Files up to this many bytes are encoded in a second or two: as most modules. */
const smallFile = 16 << 20;

/** Bytecode that a function has run when V8 looks whether it is worth being optimized; 66 KiB by default. */
const bytecodeBytes = 400_000;

/** Bytecode of others that V8 puts into a function that it optimizes; 920 bytes by default. */
const inlinedBytes = 150;

/** V8 of Node 20 to 24, which have these options; where one does not, V8 says so on standard error. */
const v8Versions = [11, 12, 13];

/**
 * Before a run that ends soon: have V8 put less work into optimizing. Up to half of the processor time goes
 * into functions that are hardly called again.
 */
export async function expectShortRun(): Promise<void> {
  await setFlags(`--max-inlined-bytecode-size-cumulative=${inlinedBytes}`);
}

/**
 * Before a program of WebAssembly goes over types of so many bytes once: have V8 leave it as its first compiler
 * makes it. Where the types are few, the second one is not done before the program is.
 */
export async function expectShortWasm(byteSize: number): Promise<void> {
  if (byteSize <= smallFile) await setFlags("--no-wasm-tier-up", "--no-wasm-dynamic-tiering");
}

/** Before these files are encoded, if they are small: have V8 optimize later. */
export async function expectShortEncode(files: readonly string[]): Promise<void> {
  let byteSize = 0;
  for (const file of files) byteSize += statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (byteSize <= smallFile) await setFlags(`--interrupt-budget=${bytecodeBytes}`);
}

async function setFlags(...flags: string[]): Promise<void> {
  if (!v8Versions.includes(Number.parseInt(process.versions.v8, 10))) return;
  // Loaded when it is called for: Node's streams come with it.
  const { setFlagsFromString } = await import("node:v8");
  for (const flag of flags) setFlagsFromString(flag);
}
