import fc from "fast-check";
import { expect, test } from "vitest";
import { buildElf, formats, noteBytes } from "../../test/build/elf.ts";
import { MemorySource, isDwarflessError } from "../io/index.ts";
import { ElfFile, EM_386, EM_RISCV, SHF_ALLOC, SHT_NOTE, loadDebugSection } from "./index.ts";

/** Everything a caller may ask of a file. */
async function readAll(bytes: Uint8Array): Promise<void> {
  try {
    const elf = ElfFile.open(new MemorySource(bytes));
    elf.buildId();
    elf.debugLink();
    elf.debugAltLink();
    for (const { index } of elf.sections) elf.sectionAddress(index);
    const symbols = elf.symbolTable();
    for (let i = 0; symbols !== undefined && i < symbols.length; i++) symbols.name(i);
    for (const section of elf.sections) await elf.sectionBytes(section);
    await loadDebugSection(elf, ".debug_info");
  } catch (error) {
    if (!isDwarflessError(error)) throw error;
    expect(error.message).not.toContain("\n");
  }
}

const seeds = formats.map((format) =>
  buildElf({
    ...format,
    machine: format.is64 ? EM_RISCV : EM_386,
    sections: [
      { name: ".text", flags: SHF_ALLOC, bytes: new Uint8Array(40), alignment: 16 },
      {
        name: ".notes",
        type: SHT_NOTE,
        flags: SHF_ALLOC,
        bytes: noteBytes(format, "GNU", 3, [1, 2, 3, 4]),
        alignment: 4,
      },
      {
        name: ".zdebug_str",
        bytes: [...Buffer.from("ZLIB"), 0, 0, 0, 0, 0, 0, 0, 1, 0x78, 0x9c, 0x63, 0, 0, 0, 1, 0, 1],
      },
      { name: ".debug_info", bytes: new Uint8Array(64).fill(0x81) },
      { name: ".gnu_debuglink", bytes: [0x61, 0, 0, 0, 1, 2, 3, 4] },
    ],
    segments: [{ type: 4, from: ".notes", to: ".notes" }],
    symbols: [
      { name: "one", value: 4, section: ".text" },
      { name: "two", value: 8, section: ".text" },
    ],
    relocations: {
      ".debug_info": [1, 2, 35, 39, 54, 60, 61].map((type, i) => ({
        offset: i * 8,
        type: format.is64 ? type : 1,
        symbol: 1 + (i % 2),
        addend: i,
      })),
    },
  }),
);

test("changed bytes give a result or a typed error", async () => {
  const seed = fc.constantFrom(...seeds);
  const changes = fc.array(fc.tuple(fc.nat(0xf_ffff), fc.integer({ min: 0, max: 255 })), {
    minLength: 1,
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(seed, changes, async (bytes, list) => {
      const changed = bytes.slice();
      for (const [where, value] of list) changed[4 + (where % (changed.length - 4))] = value;
      await readAll(changed);
    }),
    { numRuns: 4000 },
  );
});

test("every 0xff byte in the headers gives a result or a typed error", async () => {
  for (const bytes of seeds) {
    for (let at = 4; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at] = 0xff;
      await readAll(changed);
    }
  }
});

test("every truncation gives a result or a typed error", async () => {
  for (const bytes of seeds) {
    for (let length = 0; length < bytes.length; length += 3) await readAll(bytes.subarray(0, length));
  }
});
