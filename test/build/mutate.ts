/** Changes to files that a hostile or broken file might have. Every one follows from its seed. */
import { ElfFile } from "../../src/elf/index.ts";
import { MemorySource } from "../../src/io/index.ts";
import { testSeed } from "./seed.ts";

/** A region of a file that is worth breaking. Bytes. */
export interface Region {
  name: string;
  offset: number;
  byteSize: number;
}

/** ELF header, section headers, and these sections where the file has them. */
export function regionsOf(bytes: Uint8Array, sections: readonly string[]): Region[] {
  const elf = ElfFile.open(new MemorySource(bytes));
  const { is64 } = elf;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tableOffset = is64
    ? Number(view.getBigUint64(0x28, elf.littleEndian))
    : view.getUint32(0x20, elf.littleEndian);
  const regions: Region[] = [
    { name: "ELF header", offset: 0, byteSize: is64 ? 64 : 52 },
    { name: "section headers", offset: tableOffset, byteSize: elf.sections.length * (is64 ? 64 : 40) },
  ];
  for (const name of sections) {
    const section = elf.section(name);
    if (section !== undefined && section.type !== 8 && section.byteSize > 0)
      regions.push({ name, offset: section.offset, byteSize: section.byteSize });
  }
  return regions;
}

/** Numbers that look random and follow from their seed and that of the run, {@link testSeed} (mulberry32). */
export function randomNumbers(seed: number): (below: number) => number {
  let state = (seed + Math.imul(testSeed, 0x9e37_79b1)) >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const nasty = [0, 1, 0x7f, 0x80, 0xff];

export interface Mutation {
  bytes: Uint8Array;
  /** For a failure's message. */
  text: string;
}

/** Mutation number `seed` of a file: some changed bytes in one region, or a cut. */
export function mutate(original: Uint8Array, regions: readonly Region[], seed: number): Mutation {
  const random = randomNumbers(seed);
  const region = regions[random(regions.length)]!;
  if (random(12) === 0) {
    const length = region.offset + random(region.byteSize + 1);
    return {
      bytes: new Uint8Array(original.subarray(0, length)),
      text: `seed ${seed}: cut at 0x${length.toString(16)}`,
    };
  }
  // Not slice(): a Buffer's is no copy.
  const bytes = new Uint8Array(original);
  const changes: string[] = [];
  // Half of all hit the start: headers, first entries, what everything after depends on.
  const reach = random(2) === 0 ? region.byteSize : Math.min(region.byteSize, 256);
  for (let count = 1 + random(4); count > 0; count--) {
    const at = region.offset + random(reach);
    const run = random(6) === 0 ? 8 : 1;
    const kind = random(3);
    for (let i = at; i < at + run && i < region.offset + region.byteSize; i++) {
      if (kind === 0) bytes[i] = bytes[i]! ^ (1 << random(8));
      else if (kind === 1) bytes[i] = nasty[random(nasty.length)]!;
      else bytes[i] = random(256);
    }
    changes.push(`0x${(at - region.offset).toString(16)}${run > 1 ? `+${run}` : ""}`);
  }
  return { bytes, text: `seed ${seed}: ${region.name} at ${changes.join(", ")}` };
}

/** The debug sections that an encode reads, and what it reads beside them. */
export const readSections: readonly string[] = [
  ".debug_abbrev",
  ".debug_info",
  ".debug_types",
  ".debug_str",
  ".debug_line_str",
  ".debug_str_offsets",
  ".debug_addr",
  ".debug_loclists",
  ".debug_loc",
  ".symtab",
  ".strtab",
  ".shstrtab",
  ".rela.debug_info",
  ".rela.debug_loclists",
  ".BTF_ids",
  ".gnu_debugaltlink",
];
