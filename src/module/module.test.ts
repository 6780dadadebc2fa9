import { expect, test } from "vitest";
import { Btf, BtfBuilder } from "../btf/index.ts";
import { ElfFile } from "../elf/index.ts";
import { isDwarflessError, MemorySource } from "../io/index.ts";
import { buildElf } from "../../test/build/elf.ts";
import { exportedCrc } from "./exported-crc.ts";
import { elfImage, type KernelImage } from "./kernel-image.ts";
import { factsOfKernel, factsOfModule, modinfo, moduleLayout, releaseOf } from "./module-facts.ts";
import { writeModule } from "./write-module.ts";

const release = "6.1.0-test";
const vermagic = `${release} SMP preempt mod_unload modversions `;
const crc = 0x8216_4fbb;
const start = 0xffff_ffff_8100_0000n;

interface Export {
  name: string;
  address: bigint;
  crc: number;
}

const exported: Export[] = [
  { name: "other", address: 0x100n, crc: 0x9100_0001 },
  { name: "module_layout", address: 0x200n, crc },
  { name: "third", address: 0x300n, crc: 3 },
];

/** A kernel with a table of exported symbols, records of so many bytes. */
function image(recordByteSize = 12, text = vermagic, areCrcsFar = false): KernelImage {
  const isRelative = recordByteSize < 16;
  const table = 0x1000;
  const checksums = 0x2000;
  const bytes = Buffer.alloc(0x3000);
  exported.forEach((each, index) => {
    const at = table + index * recordByteSize;
    if (isRelative) bytes.writeInt32LE(Number(each.address) - at, at);
    else bytes.writeBigUInt64LE(start + each.address, at);
    const own = checksums + index * 4;
    if (areCrcsFar) {
      const far = 0x800 + index * 4;
      bytes.writeUInt32LE(each.crc, far);
      bytes.writeInt32LE(far - own, own);
    } else bytes.writeUInt32LE(each.crc, own);
  });
  bytes.write(`${text}\0`, 0x10, "latin1");
  const symbols = new Map<string, number>([
    ["vermagic", 0x10],
    ["__start___ksymtab", table],
    ["__stop___ksymtab", table + exported.length * recordByteSize],
    ["__start___kcrctab", checksums],
    ["__stop___kcrctab", checksums + exported.length * 4],
    ...exported.map(({ name, address }) => [name, Number(address)] as [string, number]),
  ]);
  return {
    name: "made",
    machine: 62,
    flags: 0,
    is64: true,
    littleEndian: true,
    addressOf: (name) => (symbols.has(name) ? start + BigInt(symbols.get(name)!) : undefined),
    read: (address, byteSize) => bytes.subarray(Number(address - start), Number(address - start) + byteSize),
  };
}

test.each([8, 12, 16, 24])("finds the checksum among records of %i bytes", (recordByteSize) => {
  expect(exportedCrc(image(recordByteSize), "module_layout")).toBe(crc);
  expect(exportedCrc(image(recordByteSize), "unheard_of")).toBeUndefined();
});

test("follows a table of distances to the checksums", () => {
  expect(exportedCrc(image(8, vermagic, true), "module_layout")).toBe(crc);
});

test("refuses tables that do not fit each other", () => {
  expect(() => exportedCrc(image(20), "module_layout")).toThrow(
    /^made: __ksymtab has 0x3c bytes, __kcrctab 0xc/,
  );
});

test("takes the facts from a kernel", () => {
  const facts = factsOfKernel(image());
  expect(facts).toEqual({
    machine: 62,
    flags: 0,
    is64: true,
    littleEndian: true,
    vermagic,
    moduleLayoutCrc: crc,
  });
  expect(releaseOf(facts)).toBe(release);
  const without = "7.2.0 SMP preempt mod_unload ";
  expect(factsOfKernel(image(12, without))).toMatchObject({ vermagic: without, moduleLayoutCrc: undefined });
});

test.each(["", "nothing\u0001", " leading", "x".repeat(600)])("takes %j for no vermagic", (text) => {
  expect(() => factsOfKernel(image(12, text))).toThrow(/no vermagic in it: name a module/);
});

function kernelBtf(nameByteSize = 56): Btf {
  const builder = new BtfBuilder();
  builder.addInt("char", 1, 1);
  builder.addArray(1, 1, nameByteSize);
  builder.addStruct("module", 896, [
    { name: "state", type: 1, bitOffset: 0 },
    { name: "name", type: 2, bitOffset: 24 * 8 },
  ]);
  return Btf.parse(builder.finish());
}

test("knows struct module by its BTF", () => {
  expect(moduleLayout(kernelBtf())).toEqual({ byteSize: 896, nameOffset: 24, nameByteSize: 56 });
  expect(() => moduleLayout(kernelBtf(2000))).toThrow(/no name, or no place for one/);
  const builder = new BtfBuilder();
  builder.addInt("int", 4, 1);
  expect(() => moduleLayout(Btf.parse(builder.finish()))).toThrow(/no struct module/);
});

const input = {
  name: "vmlinux_vars",
  facts: { machine: 62, flags: 0, is64: true, littleEndian: true, vermagic, moduleLayoutCrc: crc },
  layout: { byteSize: 896, nameOffset: 24, nameByteSize: 56 },
  btf: Uint8Array.of(1, 2, 3, 4, 5),
  information: [["build_id", "abcd"]] as const,
};

async function opened(bytes: Uint8Array): Promise<ElfFile> {
  return ElfFile.open(new MemorySource(bytes, "written.ko"));
}

test("writes what a kernel of x86-64 asks for", async () => {
  const elf = await opened(writeModule(input));
  const bytesOf = async (name: string): Promise<Buffer> =>
    Buffer.from(await elf.sectionBytes(elf.section(name)!));
  expect([elf.type, elf.machine]).toEqual([1, 62]);
  expect(elf.sections.map(({ name }) => name)).toEqual([
    "",
    ".modinfo",
    "__versions",
    ".gnu.linkonce.this_module",
    ".BTF",
    ".symtab",
    ".strtab",
    ".shstrtab",
  ]);
  expect(Object.fromEntries(modinfo(await bytesOf(".modinfo")))).toEqual({
    license: "GPL",
    build_id: "abcd",
    depends: "",
    retpoline: "Y",
    name: "vmlinux_vars",
    vermagic,
  });
  const versions = await bytesOf("__versions");
  expect([versions.length, versions.readBigUInt64LE(0), versions.toString("latin1", 8, 22)]).toEqual([
    64,
    BigInt(crc),
    "module_layout\0",
  ]);
  const own = await bytesOf(".gnu.linkonce.this_module");
  expect(own.length).toBe(896);
  expect(own.toString("latin1", 24, 37)).toBe("vmlinux_vars\0");
  expect([...(await bytesOf(".BTF"))]).toEqual([1, 2, 3, 4, 5]);
  const symbols = elf.symbolTable()!;
  expect([symbols.length, symbols.name(1), symbols.sectionIndex[1]]).toEqual([2, "__this_module", 3]);
  // What it writes it also reads, as any module of that kernel.
  expect(await factsOfModule(elf)).toEqual(input.facts);
});

test.each([true, false])("writes what is read again for 32 bits, little endian %s", async (littleEndian) => {
  const facts = {
    machine: 40,
    flags: 0x0500_0000,
    is64: false,
    littleEndian,
    vermagic,
    moduleLayoutCrc: crc,
  };
  const elf = await opened(writeModule({ ...input, facts }));
  expect([elf.is64, elf.littleEndian, elf.flags, elf.machine]).toEqual([
    false,
    littleEndian,
    0x0500_0000,
    40,
  ]);
  const versions = Buffer.from(await elf.sectionBytes(elf.section("__versions")!));
  expect(littleEndian ? versions.readUInt32LE(0) : versions.readUInt32BE(0)).toBe(crc);
  expect(versions.toString("latin1", 4, 18)).toBe("module_layout\0");
  const symbols = elf.symbolTable()!;
  expect([symbols.name(1), symbols.byteSize(1)]).toEqual(["__this_module", 896n]);
  expect(await factsOfModule(elf)).toEqual(facts);
});

test("gives arm64 its places for jump stubs, and no checksum where none is asked for", async () => {
  const facts = { ...input.facts, machine: 183, moduleLayoutCrc: undefined, vermagic: "7.2 SMP aarch64" };
  const elf = await opened(writeModule({ ...input, facts }));
  const names = elf.sections.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining([".plt", ".init.plt", ".text.ftrace_trampoline"]));
  expect(names).not.toContain("__versions");
  expect(modinfo(await elf.sectionBytes(elf.section(".modinfo")!)).has("retpoline")).toBe(false);
});

test("takes more of .modinfo, also in place of what it would write", async () => {
  const information = [
    ["intree", "Y"],
    ["license", "Dual MIT/GPL"],
  ] as const;
  const elf = await opened(writeModule({ ...input, information }));
  const found = modinfo(await elf.sectionBytes(elf.section(".modinfo")!));
  expect([found.get("intree"), found.get("license")]).toEqual(["Y", "Dual MIT/GPL"]);
});

test.each(["", "a-b", "x".repeat(56), "../x", "a b"])("refuses the name %j", (name) => {
  expect(() => writeModule({ ...input, name })).toThrow(/is no name for a module/);
});

test("reads a vmlinux by addresses", () => {
  const bytes = buildElf({
    type: 2,
    sections: [{ name: ".rodata", flags: 2, address: 0x1000, bytes: Buffer.from("0123456789") }],
    symbols: [
      { name: "here", value: 0x1002, section: ".rodata" },
      { name: "twice", value: 0x1003, section: ".rodata" },
      { name: "twice", value: 0x1004, section: ".rodata" },
    ],
  });
  const found = elfImage(ElfFile.open(new MemorySource(bytes, "vmlinux")));
  expect(found.addressOf("here")).toBe(0x1002n);
  expect(found.addressOf("twice")).toBeUndefined();
  expect(found.addressOf("absent")).toBeUndefined();
  expect(Buffer.from(found.read(0x1002n, 3)).toString()).toBe("234");
  expect(() => found.read(0x1009n, 2)).toThrow(/2 bytes at 0x1009 are in no section/);
});

test("a damaged module is an error of ours, whatever is wrong", async () => {
  const bytes = writeModule(input);
  for (let at = 0; at < bytes.length; at += 3) {
    const changed = bytes.slice();
    changed[at]! ^= 0xff;
    try {
      await factsOfModule(await opened(changed));
    } catch (error) {
      if (!isDwarflessError(error)) throw error;
    }
  }
});
