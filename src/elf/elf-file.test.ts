import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { ByteWriter } from "../../test/build/bytes.ts";
import { buildElf, formats, noteBytes } from "../../test/build/elf.ts";
import { FormatError, LimitError, MemorySource, UnsupportedError, type ByteSource } from "../io/index.ts";
import { ElfFile, SYMBOL_ABS, SYMBOL_COMMON, SYMBOL_NO_SECTION } from "./index.ts";
import * as elfConstants from "./constants.ts";

const { EM_S390, ET_EXEC, PT_LOAD, PT_NOTE, SHF_ALLOC, SHF_COMPRESSED, SHF_EXECINSTR, SHF_WRITE } =
  elfConstants;
const { SHT_NOBITS, SHT_NOTE, STB_GLOBAL, STB_WEAK, STT_FUNC, STT_OBJECT } = elfConstants;

function open(bytes: Uint8Array): ElfFile {
  return ElfFile.open(new MemorySource(bytes, "input"));
}

describe.each(formats)("$name", (format) => {
  const { is64, littleEndian } = format;

  test("reads header, sections and segments", () => {
    const address = is64 ? 0xffff_ffff_8100_0000n : 0x8100_0000n;
    const elf = open(
      buildElf({
        ...format,
        type: ET_EXEC,
        machine: EM_S390,
        flags: 0x5000_0001,
        sections: [
          { name: ".text", flags: SHF_ALLOC | SHF_EXECINSTR, address, bytes: [1, 2, 3], alignment: 16 },
          {
            name: ".bss",
            type: SHT_NOBITS,
            flags: SHF_ALLOC | SHF_WRITE,
            address: address + 64n,
            byteSize: 0x500,
          },
        ],
        segments: [{ type: PT_LOAD, flags: 5, from: ".text", to: ".text", alignment: 16 }],
      }),
    );
    expect(elf).toMatchObject({ is64, littleEndian, type: ET_EXEC, machine: EM_S390, flags: 0x5000_0001 });
    expect(elf.sections.map(({ name }) => name)).toEqual(["", ".text", ".bss", ".shstrtab"]);
    expect(elf.section(".text")).toMatchObject({ index: 1, address, byteSize: 3, alignment: 16, flags: 6 });
    expect(elf.section(".bss")).toMatchObject({ address: address + 64n, byteSize: 0x500 });
    expect(elf.sectionAddress(1)).toBe(address);
    const text = elf.section(".text")!;
    expect(elf.segments).toEqual([
      {
        type: PT_LOAD,
        flags: 5,
        offset: text.offset,
        virtualAddress: address,
        physicalAddress: address,
        fileSize: 3,
        memorySize: 3,
        alignment: 16,
      },
    ]);
  });

  test("gives contents, none for SHT_NOBITS", async () => {
    const elf = open(
      buildElf({
        ...format,
        sections: [
          { name: ".data", bytes: [1, 2, 3] },
          { name: ".bss", type: SHT_NOBITS, byteSize: 0x7fff_ffff },
        ],
      }),
    );
    expect([...(await elf.sectionBytes(elf.section(".data")!))]).toEqual([1, 2, 3]);
    expect((await elf.sectionBytes(elf.section(".bss")!)).length).toBe(0);
  });

  test("reads symbols into columns", () => {
    const elf = open(
      buildElf({
        ...format,
        sections: [{ name: ".data", flags: SHF_ALLOC, bytes: [0, 0, 0, 0] }],
        symbols: [
          { name: "counter", value: 0x1_2345, byteSize: 4, type: STT_OBJECT, section: ".data" },
          { name: "größe", value: is64 ? -16 : 0xffff_fff0, type: STT_FUNC, binding: STB_GLOBAL, other: 2 },
          { name: "constant", value: 7, section: { reserved: 0xfff1 }, binding: STB_WEAK },
          { name: "common", value: 8, section: { reserved: 0xfff2 } },
          { name: "lost", section: { reserved: 0x1234 } },
        ],
      }),
    );
    const symbols = elf.symbolTable()!;
    expect(symbols.length).toBe(6);
    expect(symbols.name(0)).toBe("");
    expect([1, 2, 3, 4].map((i) => symbols.name(i))).toEqual(["counter", "größe", "constant", "common"]);
    expect(symbols.value(1)).toBe(0x1_2345n);
    expect(symbols.byteSize(1)).toBe(4n);
    expect(symbols.value(2)).toBe(is64 ? 0xffff_ffff_ffff_fff0n : 0xffff_fff0n);
    expect([symbols.type(2), symbols.binding(2), symbols.other[2]]).toEqual([STT_FUNC, STB_GLOBAL, 2]);
    expect([...symbols.sectionIndex]).toEqual([0, 1, 0, SYMBOL_ABS, SYMBOL_COMMON, SYMBOL_NO_SECTION]);
    expect(elf.symbolTable()).toBe(symbols);
    expect(elf.symbolTable(".dynsym")).toBeUndefined();
  });

  test("decompresses SHF_COMPRESSED and .zdebug_ sections", async () => {
    const plain = new Uint8Array(1000).fill(7);
    const header = new ByteWriter(littleEndian).u32(1);
    if (is64) header.u32(0).u64(1000).u64(1);
    else header.u32(1000).u32(1);
    const old = new ByteWriter(false).bytes(Buffer.from("ZLIB")).u64(1000);
    const elf = open(
      buildElf({
        ...format,
        sections: [
          { name: ".debug_info", flags: SHF_COMPRESSED, bytes: header.bytes(deflateSync(plain)).finish() },
          { name: ".zdebug_str", bytes: old.bytes(deflateSync(plain)).finish() },
        ],
      }),
    );
    for (const name of [".debug_info", ".zdebug_str"]) {
      const section = elf.section(name)!;
      expect(elf.isCompressed(section)).toBe(true);
      expect(elf.contentSize(section)).toBe(1000);
      expect(Buffer.from(await elf.sectionBytes(section)).equals(plain)).toBe(true);
    }
  });

  test("finds the build id in a section, else in a segment", () => {
    const id = Array.from({ length: 20 }, (_, i) => i + 1);
    const notes = [...noteBytes(format, "Linux", 0x101, [1]), ...noteBytes(format, "GNU", 3, id)];
    const bySection = buildElf({
      ...format,
      sections: [{ name: ".notes", type: SHT_NOTE, bytes: notes, alignment: 4 }],
    });
    expect([...open(bySection).buildId()!]).toEqual(id);
    const bySegment = buildElf({
      ...format,
      sections: [{ name: ".all", bytes: notes, alignment: 4 }],
      segments: [{ type: PT_NOTE, from: ".all", to: ".all", alignment: 4 }],
    });
    expect([...open(bySegment).buildId()!]).toEqual(id);
    expect(open(buildElf({ ...format, sections: [] })).buildId()).toBeUndefined();
  });

  test("reads the links to other debug files", () => {
    const link = new ByteWriter(littleEndian).cString("vmlinux.debug").align(4).u32(0xdead_beef).finish();
    const alternative = new ByteWriter().cString("../dwz").bytes([9, 8, 7]).finish();
    const elf = open(
      buildElf({
        ...format,
        sections: [
          { name: ".gnu_debuglink", bytes: link },
          { name: ".gnu_debugaltlink", bytes: alternative },
        ],
      }),
    );
    expect(elf.debugLink()).toEqual({ name: "vmlinux.debug", crc: 0xdead_beef });
    expect(elf.debugAltLink()).toEqual({ name: "../dwz", buildId: Uint8Array.of(9, 8, 7) });
    expect(open(buildElf({ ...format, sections: [] })).debugLink()).toBeUndefined();
  });

  test("takes counts from section 0 when they do not fit the header", () => {
    const elf = open(
      buildElf({
        ...format,
        extendedNumbering: true,
        sections: [{ name: ".text", bytes: [1] }],
        segments: [{ type: PT_LOAD, from: ".text", to: ".text" }],
      }),
    );
    expect(elf.sections.map(({ name }) => name)).toEqual(["", ".text", ".shstrtab"]);
    expect(elf.segments.length).toBe(1);
  });

  test("names sections and symbols beyond 65,279 sections", () => {
    const sections = Array.from({ length: 66_000 }, (_, i) => ({
      name: `.s${i}`,
      flags: SHF_ALLOC,
      bytes: [0],
    }));
    const elf = open(
      buildElf({
        ...format,
        sections,
        symbols: [
          { name: "low", section: 5 },
          { name: "high", section: 0xfff1 },
          { name: "absolute", section: { reserved: 0xfff1 } },
          { name: "last", section: ".s65999" },
        ],
      }),
    );
    expect(elf.sections.length).toBe(66_005);
    expect(elf.sections[66_000]!.name).toBe(".s65999");
    expect([...elf.symbolTable()!.sectionIndex]).toEqual([0, 5, 0xfff1, SYMBOL_ABS, 66_000]);
  });

  test("gives each allocated section of a relocatable file addresses of its own", () => {
    const elf = open(
      buildElf({
        ...format,
        sections: [
          { name: ".text", flags: SHF_ALLOC, bytes: [1, 2], alignment: 1 },
          { name: ".empty", flags: SHF_ALLOC, alignment: 1 },
          { name: ".comment", bytes: [1] },
          { name: ".data", flags: SHF_ALLOC, bytes: [1], alignment: 32 },
          { name: ".bss", type: SHT_NOBITS, flags: SHF_ALLOC, byteSize: 4, alignment: 0 },
        ],
      }),
    );
    expect([1, 2, 3, 4, 5].map((i) => elf.sectionAddress(i))).toEqual([
      0x1_0000n,
      0x1_0003n,
      0n,
      0x1_0020n,
      0x1_0022n,
    ]);
    expect(elf.sectionAddress(99)).toBe(0n);
  });
});

test("opening reads headers and names only", () => {
  const memory = new MemorySource(
    buildElf({ sections: [{ name: ".debug_info", bytes: new Uint8Array(1 << 20) }], symbols: [] }),
  );
  let total = 0;
  const counting: ByteSource = {
    name: "counting",
    byteSize: memory.byteSize,
    readInto: (target, offset) => {
      total += target.length;
      memory.readInto(target, offset);
    },
    read: (offset, byteSize) => {
      total += byteSize;
      return memory.read(offset, byteSize);
    },
  };
  expect(ElfFile.open(counting).sections.length).toBe(5);
  expect(total).toBeLessThan(1000);
});

describe("refuses", () => {
  const good = buildElf({ sections: [{ name: ".text", bytes: [1] }], symbols: [{ name: "a" }] });
  const change = (offset: number, ...values: number[]): Uint8Array => {
    const bytes = good.slice();
    bytes.set(values, offset);
    return bytes;
  };

  test.each<[string, Uint8Array, string]>([
    ["an empty file", new Uint8Array(0), "ELF_MAGIC"],
    ["a file that is not ELF", new Uint8Array(100), "ELF_MAGIC"],
    ["an unknown class", change(4, 3), "ELF_CLASS"],
    ["an unknown byte order", change(5, 0), "ELF_BYTE_ORDER"],
    ["an unknown version", change(6, 2), "ELF_VERSION"],
    ["a truncated header", good.slice(0, 40), "ELF_TRUNCATED"],
    ["a section table behind the end", change(40, 0xff, 0xff, 0xff), "ELF_TRUNCATED"],
    ["section headers of another size", change(58, 65), "ELF_SECTION_SIZE"],
    ["names in a section that is none", change(62, 77), "ELF_NAMES"],
  ])("%s", (_, bytes, code) => {
    expect(() => open(bytes)).toThrow(expect.objectContaining({ code }) as Error);
  });

  test("contents behind the end, naming file and section", async () => {
    const bytes = buildElf({ sections: [{ name: ".data", byteSize: 0x1_0000n, bytes: [1] }] });
    const elf = open(bytes);
    await expect(elf.sectionBytes(elf.section(".data")!)).rejects.toThrow(
      /^input: \.data: 0x10000 bytes at 0x40 /,
    );
  });

  test("a name outside the string table", () => {
    const elf = open(buildElf({ sections: [], symbols: [{ name: "a" }] }));
    const symbols = elf.symbolTable()!;
    symbols.nameOffset[1] = 1000;
    expect(() => symbols.name(1)).toThrow(/^input: \.symtab\+0x3e8: symbol 1 /);
  });

  test("an unknown compression, and sizes that the data cannot have", async () => {
    const compressed = (type: number, byteSize: number | bigint, data: ArrayLike<number> = []): ElfFile =>
      open(
        buildElf({
          sections: [
            {
              name: ".debug_info",
              flags: SHF_COMPRESSED,
              bytes: new ByteWriter().u32(type).u32(0).u64(byteSize).u64(1).bytes(data).finish(),
            },
          ],
        }),
      );
    const error = async (elf: ElfFile): Promise<unknown> =>
      elf.sectionBytes(elf.section(".debug_info")!).catch((reason: unknown) => reason);
    expect(await error(compressed(3, 1))).toBeInstanceOf(UnsupportedError);
    expect(await error(compressed(1, 2n ** 60n))).toBeInstanceOf(FormatError);
    expect(await error(compressed(2, 2n ** 33n, new Uint8Array(1 << 19)))).toBeInstanceOf(LimitError);
    expect(await error(compressed(1, 9, deflateSync(new Uint8Array(8))))).toMatchObject({
      code: "COMPRESS_SIZE",
      message: "input: .debug_info: zlib data holds 8 bytes, 9 expected",
    });
    expect(await error(compressed(2, 9, [1, 2, 3]))).toMatchObject({ code: "COMPRESS_BROKEN" });
  });

  test("more allocated bytes than the address space has", () => {
    const elf = open(
      buildElf({
        is64: false,
        sections: [1, 2].map((i) => ({
          name: `.b${i}`,
          type: SHT_NOBITS,
          flags: SHF_ALLOC,
          byteSize: 0xf000_0000,
        })),
      }),
    );
    expect(() => elf.sectionAddress(1)).toThrow(FormatError);
  });
});
