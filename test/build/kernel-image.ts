/** A piece of physical memory with a kernel in it that has little but symbol tables. */
import { FaultError } from "../../src/io/index.ts";
import type { AddressEncoding } from "../../src/kallsyms/index.ts";
import { buildKallsyms } from "./kallsyms.ts";
import type { BuildSymbol, BuiltKallsyms, KallsymsLayout } from "./kallsyms.ts";
import { randomNumbers } from "./mutate.ts";

/** Every layout with the encodings and lengths that kernels of its time had. */
export const kernelForms: readonly [KallsymsLayout, AddressEncoding, longLengths: boolean][] = [
  ["4.19", "absolute", false],
  ["4.19", "absolute-percpu", false],
  ["4.20", "base-relative", false],
  ["4.20", "absolute-percpu", true],
  ["6.2", "absolute-percpu", true],
  ["6.2", "base-relative", true],
  ["6.4", "absolute", true],
  ["6.4", "absolute-percpu", true],
  ["6.4", "base-relative", true],
  ["7.0", "place-relative", true],
];

export interface KernelImageFile {
  symbols: BuildSymbol[];
  built: BuiltKallsyms;
  /** Virtual address of the image; `_stext`. */
  start: bigint;
  physicalStart: number;
  /** The whole memory from physical address 0. */
  memory: Uint8Array;
  readPhysical: (target: Uint8Array, address: number) => void;
  readVirtual: (target: Uint8Array, address: bigint) => void;
}

const tablesOffset = 0x10_0000;

/** An x86-64 kernel of `count` symbols at 2 MiB. */
export function buildKernelImage(
  [layout, encoding, longLengths]: (typeof kernelForms)[number],
  count: number,
  seed: number,
  leadByteSize = 0,
): KernelImageFile {
  const start = 0xffff_ffff_a320_0000n;
  const physicalStart = 0x20_0000;
  const symbols = inventSymbols(start, count, seed, encoding === "absolute-percpu", longLengths ? 511 : 120);
  const built = buildKallsyms(symbols, {
    layout,
    encoding,
    longLengths,
    address: start + BigInt(tablesOffset),
    relativeBase: start,
    leadByteSize,
  });
  const memory = new Uint8Array(physicalStart + tablesOffset + built.bytes.length + 0x1000);
  memory.set(built.bytes, physicalStart + tablesOffset);
  const place = (name: string): number => {
    const symbol = symbols.find((candidate) => candidate.name === name)!;
    return physicalStart + Number(symbol.address - start);
  };
  memory.set(Buffer.from("Linux version 0.0.0 (a@b) #1\n"), place("linux_banner"));
  memory.set(Buffer.from("swapper/0\0"), place("init_task") + 40);
  const physBase = BigInt(physicalStart) - start + 0xffff_ffff_8000_0000n;
  new DataView(memory.buffer).setBigUint64(place("phys_base"), BigInt.asUintN(64, physBase), true);
  // A text that only looks like the banner.
  memory.set(Buffer.from("Linux version %s"), physicalStart + tablesOffset - 0x2000);
  const readPhysical = (target: Uint8Array, address: number): void => {
    const end = address + target.length;
    if (address < 0 || end > memory.length)
      throw new FaultError("absent", Math.max(address, memory.length), "physical");
    target.set(memory.subarray(address, end));
  };
  return {
    symbols,
    built,
    start,
    physicalStart,
    memory,
    readPhysical,
    readVirtual: (target, address) => {
      const offset = BigInt.asUintN(64, address - start);
      if (offset >= 1n << 40n) throw new FaultError("unmapped", address, "virtual");
      readPhysical(target, physicalStart + Number(offset));
    },
  };
}

/** Names like a kernel's, some more than once, some long; addresses ascend, some shared. */
export function inventSymbols(
  start: bigint,
  count: number,
  seed: number,
  withPerCpu: boolean,
  longest: number,
): BuildSymbol[] {
  const random = randomNumbers(seed);
  const words = [
    "init",
    "task",
    "_get",
    "__",
    "do_",
    "x86",
    "net",
    "tcp",
    "list",
    "0",
    "17",
    ".",
    "cold",
    "é",
  ];
  const name = (): string => {
    let text = "";
    const length = random(200) === 0 ? 100 + random(longest - 100) : 1 + random(30);
    while (text.length < length) text += words[random(words.length)];
    return text.slice(0, length);
  };
  const symbols: BuildSymbol[] = [];
  if (withPerCpu) {
    for (let i = 0; i < 20; i++) symbols.push({ address: BigInt(64 * i), letter: "A", name: `percpu_${i}` });
  }
  const fixed: [number, string][] = [
    [0, "_stext"],
    [0, "_text"],
    [0x4000, "_etext"],
    [0x8000, "linux_banner"],
    [0x9000, "phys_base"],
    [0xa000, "init_task"],
    [0xd000, "_end"],
  ];
  // As in every kernel, a variable shares its address with none: by that a table read an entry too late is told.
  const taken = new Set(fixed.map(([offset]) => offset).filter((offset) => offset > 0));
  const rest: [number, string][] = [];
  while (symbols.length + fixed.length + rest.length < count) {
    const known = random(10) === 0 && rest.length > 0;
    const offset = random(0xd000);
    const text = known ? rest[random(rest.length)]![1] : name();
    if (!taken.has(offset)) rest.push([offset, text]);
  }
  const placed = [...fixed, ...rest].sort((a, b) => a[0] - b[0]);
  const letters = "tTdDbBrRVW";
  for (const [offset, text] of placed) {
    symbols.push({ address: start + BigInt(offset), letter: letters[random(letters.length)]!, name: text });
  }
  return symbols;
}
