import { describe, expect, test } from "vitest";
import { MemorySource } from "../io/index.ts";
import {
  EM_ARM,
  EM_X86_64,
  ET_EXEC,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHT_NOBITS,
  STB_GLOBAL,
  STB_LOCAL,
  STT_FUNC,
} from "./constants.ts";
import { ElfFile } from "./elf-file.ts";
import { writeElf } from "./write-elf.ts";

describe.each([true, false])("64 bits: %s", (is64) => {
  test.each([true, false])("what it writes is read again, little endian: %s", async (littleEndian) => {
    const machine = is64 ? EM_X86_64 : EM_ARM;
    const text = Uint8Array.of(1, 2, 3);
    const elf = ElfFile.open(
      new MemorySource(
        writeElf({
          type: ET_EXEC,
          machine,
          is64,
          littleEndian,
          sections: [
            {
              name: ".text",
              flags: SHF_ALLOC | SHF_EXECINSTR,
              alignment: 16,
              address: 0xc000_1000n,
              bytes: text,
            },
            { name: ".data", flags: SHF_ALLOC, alignment: 1, address: 0xc000_2000n, bytes: 0x5000_0000 },
          ],
          symbols: [
            {
              name: "seen",
              value: 0xc000_1001n,
              byteSize: 2,
              binding: STB_GLOBAL,
              type: STT_FUNC,
              section: 0,
            },
            { name: "own", value: 7n, byteSize: 0, binding: STB_LOCAL, type: 0, section: undefined },
          ],
        }),
        "made",
      ),
    );
    expect([elf.is64, elf.littleEndian, elf.type, elf.machine]).toEqual([
      is64,
      littleEndian,
      ET_EXEC,
      machine,
    ]);
    expect([...(await elf.sectionBytes(elf.section(".text")!))]).toEqual([1, 2, 3]);
    expect(elf.section(".text")!.offset % 16).toBe(0);
    expect(elf.section(".data")).toMatchObject({
      type: SHT_NOBITS,
      address: 0xc000_2000n,
      byteSize: 0x5000_0000,
    });
    expect(
      elf.segments.map(({ virtualAddress, fileSize, memorySize }) => [virtualAddress, fileSize, memorySize]),
    ).toEqual([
      [0xc000_1000n, 3, 3],
      [0xc000_2000n, 0, 0x5000_0000],
    ]);
    const symbols = elf.symbolTable()!;
    expect(
      [1, 2].map((index) => [symbols.name(index), symbols.value(index), symbols.byteSize(index)]),
    ).toEqual([
      ["own", 7n, 0n],
      ["seen", 0xc000_1001n, 2n],
    ]);
    expect([...symbols.sectionIndex.subarray(1, 3)]).toEqual([0xffff_fff1, 1]);
  });
});

test("refuses more sections than the header counts", () => {
  const sections = Array.from({ length: 0xff00 }, () => ({ name: "s", flags: 0, alignment: 1, bytes: 0 }));
  const input = { machine: EM_X86_64, is64: true, littleEndian: true, sections, symbols: [] };
  expect(() => writeElf(input)).toThrow(/65283 sections are too many/);
});
