import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { buildElf, formats, type ElfSpec } from "../../test/build/elf.ts";
import { FileError, MemorySource, UnsupportedError, isDwarflessError } from "../io/index.ts";
import {
  ET_EXEC,
  ElfFile,
  PT_LOAD,
  SHF_ALLOC,
  SHT_NOBITS,
  SHT_STRTAB,
  asideSuffix,
  replaceSections,
} from "./index.ts";
import { planReplacements, type SectionReplacement } from "./write-plan.ts";

const folder = mkdtempSync(join(tmpdir(), "dwarfless-replace-"));
const path = join(folder, "input");
const output = join(folder, "output");
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => readdirSync(folder).forEach((name) => rmSync(join(folder, name))));

function open(file: string): ElfFile {
  return ElfFile.open(new MemorySource(new Uint8Array(readFileSync(file)), file));
}

function contents(elf: ElfFile, name: string): number[] {
  return [...elf.rawBytes(elf.section(name)!)];
}

/** Every section of `before` but those named is the same in `after`: header, number and bytes. */
function expectUnchanged(before: ElfFile, after: ElfFile, except: string[]): void {
  for (const section of before.sections) {
    if (section.index === 0 || except.includes(section.name) || section.name === ".shstrtab") continue;
    expect(after.sections[section.index]).toEqual(section);
    expect(Buffer.from(after.rawBytes(section)).equals(before.rawBytes(section))).toBe(true);
  }
  expect(after.segments).toEqual(before.segments);
  for (const segment of before.segments) {
    const now = after.source.read(segment.offset, segment.fileSize);
    expect(Buffer.from(now).equals(before.source.read(segment.offset, segment.fileSize))).toBe(true);
  }
}

const module_: ElfSpec = {
  sections: [
    { name: ".text", flags: SHF_ALLOC, bytes: [1, 2, 3], alignment: 16 },
    { name: ".bss", type: SHT_NOBITS, flags: SHF_ALLOC, byteSize: 0x7000_0000 },
    { name: ".comment", bytes: [4, 5] },
  ],
  symbols: [{ name: "one", section: ".text" }],
};

const linked: ElfSpec = {
  type: ET_EXEC,
  sections: [
    { name: ".text", flags: SHF_ALLOC, address: 0x1000, bytes: [1, 2, 3, 4], alignment: 16 },
    { name: ".BTF", flags: SHF_ALLOC, address: 0x1004, bytes: [7, 7, 7, 7, 7, 7] },
    { name: ".data", flags: SHF_ALLOC, address: 0x1010, bytes: [8], alignment: 16 },
    { name: ".comment", bytes: [4, 5] },
  ],
  segments: [{ type: PT_LOAD, flags: 5, from: ".text", to: ".data", alignment: 16 }],
  symbols: [{ name: "__start_BTF", value: 0x1004, section: ".BTF" }],
};

describe.each(formats)("$name", (format) => {
  test("adds, replaces and removes sections", () => {
    writeFileSync(path, buildElf({ ...format, ...module_ }));
    const before = open(path);
    const base = Array.from({ length: 9 }, (_, i) => i);
    expect(
      replaceSections(path, [
        { name: ".BTF", bytes: Uint8Array.of(1, 2, 3, 4, 5) },
        { name: ".BTF.base", bytes: Uint8Array.from(base), alignment: 8 },
        { name: ".comment", bytes: Uint8Array.of(9, 9, 9, 9) },
        { name: ".gone", bytes: undefined },
      ]),
    ).toEqual(["added", "added", "replaced", "absent"]);
    const after = open(path);
    expectUnchanged(before, after, [".comment"]);
    expect(contents(after, ".BTF")).toEqual([1, 2, 3, 4, 5]);
    expect(after.section(".BTF")).toMatchObject({ type: 1, flags: 0, address: 0n, alignment: 4 });
    expect(contents(after, ".BTF.base")).toEqual(base);
    expect(after.section(".BTF.base")!.offset % 8).toBe(0);
    expect(contents(after, ".comment")).toEqual([9, 9, 9, 9]);
    expect(after.symbolTable()!.name(1)).toBe("one");

    expect(replaceSections(path, [{ name: ".BTF.base", bytes: undefined }])).toEqual(["removed"]);
    const removed = open(path);
    expect(removed.section(".BTF.base")).toBeUndefined();
    expectUnchanged(before, removed, [".comment"]);
    expect(contents(removed, ".BTF")).toEqual([1, 2, 3, 4, 5]);
  });

  test("does not grow from run to run", () => {
    writeFileSync(path, buildElf({ ...format, ...module_ }));
    replaceSections(path, [{ name: ".BTF", bytes: new Uint8Array(1000) }], output);
    const once = readFileSync(output);
    replaceSections(output, [{ name: ".BTF", bytes: new Uint8Array(3000) }]);
    replaceSections(output, [{ name: ".BTF", bytes: new Uint8Array(1000) }]);
    expect(readFileSync(output).equals(once)).toBe(true);
  });

  test("overwrites a section of the image only by one of its size", () => {
    writeFileSync(path, buildElf({ ...format, ...linked }));
    const before = readFileSync(path);
    expect(replaceSections(path, [{ name: ".BTF", bytes: Uint8Array.of(1, 2, 3, 4, 5, 6) }])).toEqual([
      "overwritten",
    ]);
    const elf = open(path);
    expect(contents(elf, ".BTF")).toEqual([1, 2, 3, 4, 5, 6]);
    expect(elf.section(".BTF")).toMatchObject({ address: 0x1004n, flags: SHF_ALLOC });
    const after = readFileSync(path);
    const changed = [...before.keys()].filter(
      (at) => at < elf.section(".comment")!.offset && before[at] !== after[at],
    );
    const { offset } = elf.section(".BTF")!;
    expect(changed.filter((at) => at > 64)).toEqual([0, 1, 2, 3, 4, 5].map((i) => offset + i));
  });

  test.each([3, 60])("keeps the old section in the image beside a new one of %i bytes", (byteSize) => {
    writeFileSync(path, buildElf({ ...format, ...linked }));
    const before = open(path);
    const bytes = new Uint8Array(byteSize).fill(1);
    expect(replaceSections(path, [{ name: ".BTF", bytes }])).toEqual(["set-aside"]);
    const after = open(path);
    expectUnchanged(before, after, [".BTF"]);
    expect(contents(after, ".BTF")).toEqual([...bytes]);
    expect(after.section(".BTF")).toMatchObject({ address: 0n, flags: 0 });
    const aside = after.sections[before.section(".BTF")!.index]!;
    expect(aside).toEqual({ ...before.section(".BTF")!, name: `.BTF${asideSuffix}` });
    expect(contents(after, aside.name)).toEqual([7, 7, 7, 7, 7, 7]);
    expect(replaceSections(path, [{ name: ".BTF", bytes: Uint8Array.of(2) }])).toEqual(["replaced"]);
    expect(contents(open(path), aside.name)).toEqual([7, 7, 7, 7, 7, 7]);
  });

  test("crosses 65,279 sections", () => {
    const sections = Array.from({ length: 0xff00 - 2 }, (_, i) => ({ name: `.s${i}`, bytes: [i & 0xff] }));
    writeFileSync(path, buildElf({ ...format, sections, extendedNumbering: false }));
    expect(open(path).sections.length).toBe(0xff00);
    replaceSections(path, [{ name: ".BTF", bytes: Uint8Array.of(5) }]);
    const after = open(path);
    expect(after.sections.length).toBe(0xff01);
    expect(contents(after, ".BTF")).toEqual([5]);
    expect(contents(after, ".s65000")).toEqual([65_000 & 0xff]);
    expect(replaceSections(path, [{ name: ".BTF.base", bytes: Uint8Array.of(6) }])).toEqual(["added"]);
    expect(contents(open(path), ".BTF.base")).toEqual([6]);
  });
});

test("names that share the table of symbol names keep it whole", () => {
  // As LLVM writes objects: .strtab holds both.
  const bytes = buildElf({ sections: [{ name: ".text", bytes: [1] }], symbols: [{ name: "symbol" }] });
  const elf = ElfFile.open(new MemorySource(bytes));
  const names = elf.section(".shstrtab")!;
  const recordOf = (index: number): number => elf.header.sectionTableOffset + index * 64;
  const merged = bytes.slice();
  const symbolNames = elf.section(".strtab")!.index;
  // Point the symbol table's names at the table of section names, and the symbol at a name in it.
  new DataView(merged.buffer).setUint32(recordOf(elf.section(".symtab")!.index) + 40, names.index, true);
  const symbol = elf.section(".symtab")!.offset + 24;
  new DataView(merged.buffer).setUint32(symbol, 1, true);
  writeFileSync(path, merged);
  replaceSections(path, [{ name: ".BTF", bytes: Uint8Array.of(1) }]);
  const after = open(path);
  expect(after.symbolTable()!.name(1)).toBe(".text");
  expect(after.sections[symbolNames]!.type).toBe(SHT_STRTAB);
  expect(contents(after, ".BTF")).toEqual([1]);
});

test("a file without section headers gets them", () => {
  const bytes = buildElf({ sections: [] });
  bytes.fill(0, 40, 48);
  bytes.fill(0, 58, 64);
  writeFileSync(path, bytes);
  expect(open(path).sections.length).toBe(0);
  replaceSections(path, [{ name: ".BTF", bytes: Uint8Array.of(1, 2) }]);
  const after = open(path);
  expect(after.sections.map(({ name }) => name)).toEqual(["", ".BTF", ".shstrtab"]);
  expect(contents(after, ".BTF")).toEqual([1, 2]);
});

test("what stands behind a module, its signature, is dropped", () => {
  const bytes = buildElf(module_);
  writeFileSync(path, Buffer.concat([bytes, Buffer.alloc(4000, "~Module signature appended~\n")]));
  replaceSections(path, [{ name: ".BTF", bytes: Uint8Array.of(1) }]);
  expect(readFileSync(path).includes("signature")).toBe(false);
});

test("permission bits stay, and a symbolic link stays one", () => {
  writeFileSync(path, buildElf(module_));
  chmodSync(path, 0o750);
  const link = join(folder, "link");
  symlinkSync("input", link);
  replaceSections(link, [{ name: ".BTF", bytes: Uint8Array.of(1) }]);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(statSync(path).mode & 0o7777).toBe(0o750);
  expect(contents(open(path), ".BTF")).toEqual([1]);
  replaceSections(path, [{ name: ".BTF", bytes: Uint8Array.of(2) }], output);
  expect(contents(open(path), ".BTF")).toEqual([1]);
  expect(contents(open(output), ".BTF")).toEqual([2]);
  expect(statSync(output).mode & 0o7777).toBe(0o750);
  expect(readdirSync(folder).sort()).toEqual(["input", "link", "output"]);
});

test("a read-only file is replaced", () => {
  writeFileSync(path, buildElf(module_));
  chmodSync(path, 0o444);
  replaceSections(path, [{ name: ".BTF", bytes: Uint8Array.of(1) }]);
  expect(contents(open(path), ".BTF")).toEqual([1]);
  expect(statSync(path).mode & 0o777).toBe(0o444);
});

describe("leaves everything as it was", () => {
  test("when the output's folder does not exist", () => {
    writeFileSync(path, buildElf(module_));
    const replace = (): unknown =>
      replaceSections(path, [{ name: ".BTF", bytes: Uint8Array.of(1) }], join(folder, "no/x"));
    expect(replace).toThrow(FileError);
    expect(readdirSync(folder)).toEqual(["input"]);
  });

  test("when the section has relocations", () => {
    const spec = { ...module_, relocations: { ".comment": [{ offset: 0, type: 0, addend: 0 }] } };
    writeFileSync(path, buildElf(spec));
    const before = readFileSync(path);
    const replace = (): unknown => replaceSections(path, [{ name: ".comment", bytes: Uint8Array.of(1) }]);
    expect(replace).toThrow(UnsupportedError);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test("when two sections have the name", () => {
    const twice = [".BTF", ".BTF"].map((name) => ({ name, flags: SHF_ALLOC, bytes: [1] }));
    writeFileSync(path, buildElf({ sections: twice }));
    const replace = (): unknown => replaceSections(path, [{ name: ".BTF", bytes: Uint8Array.of(1, 2) }]);
    expect(replace).toThrow(/\.BTF: 2 sections have this name/);
    expect(readdirSync(folder)).toEqual(["input"]);
  });

  test("when a section reaches behind the end of the file", () => {
    writeFileSync(path, buildElf({ sections: [{ name: ".x", byteSize: 0x1_0000, bytes: [1] }] }));
    const replace = (): unknown => replaceSections(path, [{ name: ".BTF", bytes: Uint8Array.of(1) }]);
    expect(replace).toThrow(/its contents reach to 0x10040, the file ends at/);
    expect(readdirSync(folder)).toEqual(["input"]);
  });
});

/** The result of a plan, in memory. */
function replaceInMemory(bytes: Uint8Array, replacements: SectionReplacement[]): Uint8Array {
  const plan = planReplacements(ElfFile.open(new MemorySource(bytes)), replacements);
  const end = Math.max(plan.keep, ...plan.writes.map((write) => write.offset + write.bytes.length));
  const result = new Uint8Array(end);
  result.set(bytes.subarray(0, plan.keep));
  for (const write of plan.writes) result.set(write.bytes, write.offset);
  return result;
}

test("a changed file gives a file with the new section, or a typed error", () => {
  const seeds = formats.flatMap((format) => [
    buildElf({ ...format, ...module_ }),
    buildElf({ ...format, ...linked }),
  ]);
  const changes = fc.array(fc.tuple(fc.nat(0xf_ffff), fc.integer({ min: 0, max: 255 })), {
    maxLength: 5,
  });
  let written = 0;
  fc.assert(
    fc.property(fc.constantFrom(...seeds), changes, (bytes, list) => {
      const changed = bytes.slice();
      for (const [where, value] of list) changed[4 + (where % (changed.length - 4))] = value;
      const contentsWanted = Uint8Array.of(1, 2, 3, 4, 5, 6, 7);
      try {
        const result = replaceInMemory(changed, [{ name: ".BTF", bytes: contentsWanted }]);
        const elf = ElfFile.open(new MemorySource(result));
        expect(contents(elf, ".BTF")).toEqual([...contentsWanted]);
        expect(result.length).toBeLessThan(changed.length + 0x10000);
        written++;
      } catch (error) {
        if (!isDwarflessError(error)) throw error;
      }
    }),
    { numRuns: 4000 },
  );
  expect(written).toBeGreaterThan(1000);
});
