import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { ByteWriter } from "../../test/build/bytes.ts";
import { buildElf, formats, type ElfSpec, type RelocationSpec } from "../../test/build/elf.ts";
import { FileSource, FormatError, MemorySource, UnsupportedError } from "../io/index.ts";
import {
  EM_386,
  EM_AARCH64,
  EM_ARM,
  EM_LOONGARCH,
  EM_MIPS,
  EM_PPC64,
  EM_RISCV,
  EM_S390,
  EM_X86_64,
  ET_EXEC,
  ElfFile,
  SHF_ALLOC,
  SHF_COMPRESSED,
  SHT_NOBITS,
  loadDebugSection,
} from "./index.ts";

async function load(spec: ElfSpec, name = ".debug_info"): Promise<number[]> {
  const elf = ElfFile.open(new MemorySource(buildElf(spec), "input"));
  const section = await loadDebugSection(elf, name);
  return [...section!.bytes!];
}

/**
 * One section at the synthetic address 0x10000 with a symbol at +8, one section of strings (address
 * 0) with a symbol at +3, an absolute and an undefined symbol: numbers 1 to 4.
 */
function relocatable(
  debugInfo: ArrayLike<number>,
  relocations: RelocationSpec[],
  rest: Partial<ElfSpec> = {},
): ElfSpec {
  return {
    sections: [
      { name: ".data", flags: SHF_ALLOC, bytes: new Uint8Array(16) },
      { name: ".debug_str", bytes: [0, 0x61, 0] },
      { name: ".debug_info", bytes: debugInfo },
    ],
    symbols: [
      { name: "variable", value: 8, section: ".data" },
      { name: "string", value: 3, section: ".debug_str" },
      { name: "constant", value: 0x77, section: { reserved: 0xfff1 } },
      { name: "absent", binding: 2 },
    ],
    relocations: { ".debug_info": relocations },
    ...rest,
  };
}

const zeros = new Uint8Array(12);

describe("relocates", () => {
  test.each(formats)("by symbol and addend in $name", async (format) => {
    const machine = format.is64 ? EM_S390 : EM_386;
    const type32 = format.is64 ? 4 : 1;
    const relocations = [
      { offset: 1, type: type32, symbol: 1, addend: 4 },
      { offset: 5, type: type32, symbol: 2, addend: -1 },
    ];
    const expected = new ByteWriter(format.littleEndian).u8(0xaa).u32(0x1_000c).u32(2).u8(0xbb);
    expect(
      await load(relocatable([0xaa, 9, 9, 9, 9, 9, 9, 9, 9, 0xbb], relocations, { ...format, machine })),
    ).toEqual([...expected.finish()]);
  });

  test.each(formats)("with the addend in place in $name", async (format) => {
    const machine = format.is64 ? EM_AARCH64 : EM_ARM;
    const type32 = format.is64 ? 258 : 2;
    const before = new ByteWriter(format.littleEndian).u32(-4).u32(0x20);
    const after = new ByteWriter(format.littleEndian).u32(0x1_0004).u32(0x23);
    const relocations = [
      { offset: 0, type: type32, symbol: 1 },
      { offset: 4, type: type32, symbol: 2 },
    ];
    expect(await load(relocatable(before.finish(), relocations, { ...format, machine }))).toEqual([
      ...after.finish(),
    ]);
  });

  test("64-bit sums with a carry, and in place", async () => {
    const addend = 0xffff_ffff_ffff_fff0n;
    const rela = [{ offset: 0, type: 1, symbol: 1, addend }];
    expect(await load(relocatable(new Uint8Array(8), rela))).toEqual([
      ...new ByteWriter().u64(0x1_0008n - 16n).finish(),
    ]);
    const rel = [{ offset: 0, type: 1, symbol: 1 }];
    const before = new ByteWriter().u64(0xffff_ffffn).finish();
    expect(await load(relocatable(before, rel))).toEqual([...new ByteWriter().u64(0x1_0001_0007n).finish()]);
    const high = [{ offset: 0, type: 1, symbol: 4, addend: 0xffff_ffff_8100_0000n }];
    expect(await load(relocatable(new Uint8Array(8), high))).toEqual([
      ...new ByteWriter().u64(0xffff_ffff_8100_0000n).finish(),
    ]);
  });

  test.each<[string, number, number, number, number | bigint, number, number[]]>([
    // name, machine, type, symbol, addend, offset, bytes expected at offset
    ["R_X86_64_NONE", EM_X86_64, 0, 1, 5, 0, [0, 0, 0, 0]],
    ["R_X86_64_32S", EM_X86_64, 11, 1, 0, 2, [0x08, 0, 1, 0]],
    ["R_X86_64_PC32", EM_X86_64, 2, 1, 0, 4, [0x04, 0, 1, 0]],
    ["R_X86_64_PC64, below zero", EM_X86_64, 24, 2, 0, 4, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
    ["R_X86_64_DTPOFF32", EM_X86_64, 21, 1, 1, 0, [9, 0, 0, 0]],
    ["R_X86_64_DTPOFF64", EM_X86_64, 17, 1, 1, 0, [9, 0, 0, 0, 0, 0, 0, 0]],
    ["R_X86_64_64, absolute symbol", EM_X86_64, 1, 3, 1, 0, [0x78, 0, 0, 0, 0, 0, 0, 0]],
    ["R_X86_64_64, undefined symbol", EM_X86_64, 1, 4, 1, 0, [1, 0, 0, 0, 0, 0, 0, 0]],
    ["R_X86_64_16", EM_X86_64, 12, 1, 0, 0, [8, 0]],
    ["R_X86_64_8", EM_X86_64, 14, 1, 0, 0, [8]],
    ["R_X86_64_PC16", EM_X86_64, 13, 1, 0, 2, [6, 0]],
    ["R_X86_64_PC8", EM_X86_64, 15, 1, 0, 2, [6]],
    ["R_AARCH64_ABS64", EM_AARCH64, 257, 1, 0, 0, [8, 0, 1, 0, 0, 0, 0, 0]],
    ["R_AARCH64_PREL32", EM_AARCH64, 261, 1, 0, 8, [0, 0, 1, 0]],
    ["R_PPC64_ADDR64", EM_PPC64, 38, 1, 0, 0, [8, 0, 1, 0, 0, 0, 0, 0]],
    ["R_PPC64_ADDR32", EM_PPC64, 1, 2, 0, 0, [3, 0, 0, 0]],
    ["R_RISCV_32", EM_RISCV, 1, 1, 0, 0, [8, 0, 1, 0]],
    ["R_LARCH_64", EM_LOONGARCH, 2, 1, 0, 0, [8, 0, 1, 0, 0, 0, 0, 0]],
    ["R_MIPS_32", EM_MIPS, 2, 1, 0, 0, [8, 0, 1, 0]],
    ["R_MIPS_64", EM_MIPS, 18, 1, 0, 0, [8, 0, 1, 0, 0, 0, 0, 0]],
  ])("%s", async (_, machine, type, symbol, addend, offset, expected) => {
    const bytes = await load(relocatable(zeros, [{ offset, type, symbol, addend }], { machine }));
    expect(bytes.slice(offset, offset + expected.length)).toEqual(expected);
  });

  // "new = old + (a - b)" for RISC-V's pairs: a is "variable"+0x52, b is "variable"+0x10.
  test.each<[string, number, number, number, number[], number[]]>([
    ["ADD8 SUB8", EM_RISCV, 33, 37, [1], [0x43]],
    ["ADD16 SUB16", EM_RISCV, 34, 38, [0xff, 0], [0x41, 1]],
    ["ADD32 SUB32", EM_RISCV, 35, 39, [0xff, 0xff, 0xff, 0xff], [0x41, 0, 0, 0]],
    ["ADD64 SUB64", EM_RISCV, 36, 40, [0, 0, 0, 0, 1, 0, 0, 0], [0x42, 0, 0, 0, 1, 0, 0, 0]],
    ["SET6 SUB6", EM_RISCV, 53, 52, [0xc0], [0xc2]],
    ["SET8 SUB8", EM_RISCV, 54, 37, [9], [0x42]],
    ["SET16 SUB16", EM_RISCV, 55, 38, [9, 9], [0x42, 0]],
    ["SET32 SUB32", EM_RISCV, 56, 39, [9, 9, 9, 9], [0x42, 0, 0, 0]],
    ["SET_ULEB128 SUB_ULEB128, one byte", EM_RISCV, 60, 61, [0x7f, 0xee], [0x42, 0xee]],
    ["SET_ULEB128 SUB_ULEB128, padded", EM_RISCV, 60, 61, [0x80, 0x80, 0x00], [0xc2, 0x80, 0x00]],
    ["ADD_ULEB128 SUB_ULEB128", EM_LOONGARCH, 107, 108, [0xff, 0x01], [0xc1, 0x02]],
    ["ADD24 SUB24", EM_LOONGARCH, 49, 54, [0xff, 0xff, 0], [0x41, 0, 1]],
    ["ADD6 SUB6", EM_LOONGARCH, 105, 106, [0x41], [0x43]],
  ])("a difference by %s", async (_, machine, first, second, before, after) => {
    const relocations = [
      { offset: 0, type: first, symbol: 1, addend: 0x52 },
      { offset: 0, type: second, symbol: 1, addend: 0x10 },
    ];
    expect(await load(relocatable(before, relocations, { machine }))).toEqual(after);
  });

  test("a compressed section, at its decompressed offsets", async () => {
    const compressed = new ByteWriter()
      .u32(1)
      .u32(0)
      .u64(100)
      .u64(1)
      .bytes(deflateSync(new Uint8Array(100)));
    const spec = relocatable([], [{ offset: 96, type: 10, symbol: 1, addend: 0 }]);
    spec.sections[2] = { name: ".debug_info", flags: SHF_COMPRESSED, bytes: compressed.finish() };
    expect((await load(spec)).slice(92)).toEqual([0, 0, 0, 0, 8, 0, 1, 0]);
  });

  test("nothing in a linked file", async () => {
    const spec = relocatable(zeros, [{ offset: 0, type: 1, symbol: 1, addend: 0 }], { type: ET_EXEC });
    expect(await load(spec)).toEqual([...zeros]);
  });
});

describe("refuses", () => {
  test.each<[string, RelocationSpec, Partial<ElfSpec>, string]>([
    ["an unknown type", { offset: 2, type: 9, symbol: 1, addend: 0 }, {}, "ELF_RELOCATION_TYPE"],
    [
      "a type beyond all tables",
      { offset: 2, type: 0x7fff_ffff, symbol: 1, addend: 0 },
      {},
      "ELF_RELOCATION_TYPE",
    ],
    ["a symbol that is none", { offset: 2, type: 1, symbol: 5, addend: 0 }, {}, "ELF_RELOCATION_SYMBOL"],
    ["an offset near the end", { offset: 5, type: 1, symbol: 1, addend: 0 }, {}, "ELF_RELOCATION_OFFSET"],
    [
      "an offset beyond 32 bits",
      { offset: 2n ** 32n, type: 1, symbol: 1, addend: 0 },
      {},
      "ELF_RELOCATION_OFFSET",
    ],
    ["an unknown machine", { offset: 0, type: 1, symbol: 1, addend: 0 }, { machine: 0x9999 }, "ELF_MACHINE"],
    [
      "an endless ULEB128",
      { offset: 11, type: 60, symbol: 1, addend: 0 },
      { machine: EM_RISCV },
      "ELF_RELOCATION_OFFSET",
    ],
  ])("%s", async (_, relocation, rest, code) => {
    const bytes = new Uint8Array(12).fill(0x80);
    const error: unknown = await load(
      relocatable(bytes, [{ offset: 0, type: 0, addend: 0 }, relocation], rest),
    ).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FormatError);
    expect(error).toMatchObject({ code });
    if (code === "ELF_RELOCATION_TYPE") {
      expect(error).toBeInstanceOf(UnsupportedError);
      expect((error as Error).message).toMatch(
        /^input: \.rela\.debug_info\+0x18: unknown relocation type \d+ at \.debug_info\+0x2$/,
      );
    }
  });
});

describe("finds", () => {
  test.each([".debug_line", ".zdebug_line", ".debug_line.dwo", ".zdebug_line.dwo"])(
    "%s by its plain name",
    async (name) => {
      const old = name.startsWith(".z");
      const bytes = old
        ? [...Buffer.from("ZLIB"), 0, 0, 0, 0, 0, 0, 0, 3, ...deflateSync(Uint8Array.of(4, 5, 6))]
        : [4, 5, 6];
      const sections = [{ name, bytes }];
      expect(await load({ sections }, ".debug_line")).toEqual([4, 5, 6]);
      expect(
        (await loadDebugSection(ElfFile.open(new MemorySource(buildElf({ sections }))), ".debug_line"))!.name,
      ).toBe(name);
    },
  );

  test("no section without contents", async () => {
    const sections = [{ name: ".debug_info", type: SHT_NOBITS, byteSize: 100 }];
    const elf = ElfFile.open(new MemorySource(buildElf({ sections })));
    expect(await loadDebugSection(elf, ".debug_info")).toBeUndefined();
    expect(await loadDebugSection(elf, ".debug_str")).toBeUndefined();
  });

  test("plain bytes in a file as a range of it, and in memory when asked", async () => {
    const folder = mkdtempSync(join(tmpdir(), "dwarfless-elf-"));
    try {
      const path = join(folder, "input");
      writeFileSync(path, buildElf({ type: ET_EXEC, sections: [{ name: ".debug_info", bytes: [1, 2, 3] }] }));
      const source = new FileSource(path);
      const elf = ElfFile.open(source);
      const { offset } = elf.section(".debug_info")!;
      expect(await loadDebugSection(elf, ".debug_info")).toEqual({
        name: ".debug_info",
        byteSize: 3,
        file: { path, offset },
      });
      const inMemory = (await loadDebugSection(elf, ".debug_info", { inMemory: true }))!;
      expect(inMemory.file).toBeUndefined();
      expect([...inMemory.bytes!]).toEqual([1, 2, 3]);
      expect(inMemory.bytes!.buffer).toBeInstanceOf(SharedArrayBuffer);
      source.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
