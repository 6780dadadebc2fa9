import { describe, expect, test } from "vitest";
import { core, type CoreSpec, type NoteSpec } from "../../test/build/core.ts";
import { checkReads, memoryBytes } from "../../test/build/memory.ts";
import { FaultError, MemorySource } from "../io/index.ts";
import { openDumpSources, type Dump } from "./index.ts";

const open = (spec: CoreSpec): Promise<Dump> => openDumpSources([new MemorySource(core(spec), "core")]);

const low = { address: 0x1000, bytes: memoryBytes(0x9000, 1) };
const high = { address: 0x1_0000_0000, bytes: memoryBytes(0x2_0000, 2) };
const prstatus: NoteSpec = { name: "CORE", type: 1, description: new Uint8Array(336) };
const vmcoreinfo: NoteSpec = { name: "VMCOREINFO", type: 0, description: Buffer.from("OSRELEASE=6.1\n") };
const qemu: NoteSpec = { name: "QEMU", type: 0, description: new Uint8Array(440) };
const directMap = 0xffff_8880_0000_0000n;
const kernelLoads = [low, high].map(({ address, bytes }) => ({
  physicalAddress: address,
  virtualAddress: directMap + BigInt(address),
  bytes,
}));

function fault(dump: Dump, address: number, byteSize = 8): FaultError {
  try {
    dump.readInto(new Uint8Array(byteSize), address);
  } catch (error) {
    if (error instanceof FaultError) return error;
    throw error;
  }
  throw new Error("no fault");
}

describe.each([true, false])("a core, little-endian: %s", (littleEndian) => {
  test("of a kernel: memory, notes, segments that deserve belief", async () => {
    const dump = await open({ littleEndian, loads: kernelLoads, notes: [prstatus, prstatus, vmcoreinfo] });
    checkReads(dump, [low, high], 3);
    expect(dump).toMatchObject({
      name: "core",
      format: "elf",
      flattened: false,
      machine: 62,
      littleEndian,
      vmcoreinfo: "OSRELEASE=6.1\n",
      fromHypervisor: false,
      frozen: true,
      diagnostics: [],
      ranges: [
        { start: 0x1000, byteSize: 0x9000 },
        { start: 0x1_0000_0000, byteSize: 0x2_0000 },
      ],
      virtualSegments: [
        { address: directMap + 0x1000n, byteSize: 0x9000n, physicalAddress: 0x1000 },
        { address: directMap + 0x1_0000_0000n, byteSize: 0x2_0000n, physicalAddress: 0x1_0000_0000 },
      ],
    });
    expect(dump.notes.map(({ name, type, description }) => [name, type, description.length])).toEqual([
      ["CORE", 1, 336],
      ["CORE", 1, 336],
      ["VMCOREINFO", 0, 14],
    ]);
  });

  test("of QEMU: an odd e_ehsize, addresses that mean nothing", async () => {
    const loads = [low, high].map(({ address, bytes }) => ({ physicalAddress: address, bytes }));
    const dump = await open({ littleEndian, loads, headerByteSize: 8, notes: [prstatus, qemu] });
    checkReads(dump, [low, high], 4);
    expect(dump).toMatchObject({ fromHypervisor: true, virtualSegments: [], vmcoreinfo: undefined });
  });

  test("with more segments than e_phnum holds", async () => {
    const dump = await open({ littleEndian, loads: kernelLoads, extendedNumbering: true });
    checkReads(dump, [low, high], 5);
  });
});

test("a hypervisor is known by its notes, its header, or addresses that are all physical", async () => {
  const physical = [{ physicalAddress: 0, virtualAddress: 0, bytes: low.bytes }];
  expect((await open({ loads: physical })).fromHypervisor).toBe(true);
  expect((await open({ loads: kernelLoads, notes: [qemu] })).fromHypervisor).toBe(true);
  expect((await open({ loads: kernelLoads, headerByteSize: 8 })).fromHypervisor).toBe(true);
  expect((await open({ loads: kernelLoads })).fromHypervisor).toBe(false);
});

test("user addresses, and no address at all, deserve no belief", async () => {
  const loads = [0n, 0x7f00_0000_0000n, 0xffff_ffff_ffff_ffffn].map((virtualAddress) => ({
    physicalAddress: 0x1000,
    virtualAddress,
    bytes: low.bytes,
  }));
  expect((await open({ loads })).virtualSegments).toEqual([]);
});

test("segments that share the file's bytes, overlap and stand in any order are one memory", async () => {
  const middle = low.bytes.subarray(0x2000, 0x5000);
  const dump = await open({
    loads: [
      { physicalAddress: 0x1_0000_0000, virtualAddress: directMap, bytes: high.bytes },
      { physicalAddress: 0x3000, virtualAddress: directMap, bytes: middle },
      { physicalAddress: 0x1000, virtualAddress: directMap, bytes: low.bytes },
      { physicalAddress: 0x1_0000_0000, virtualAddress: directMap + 1n, sameAs: 0 },
      { physicalAddress: 0xffff_ffff_ffff_ffffn, virtualAddress: directMap, memoryByteSize: 0x1000 },
    ],
  });
  checkReads(dump, [low, high], 6);
  expect(dump.ranges).toHaveLength(2);
});

describe("p_filesz below p_memsz", () => {
  const loads = [
    { physicalAddress: 0x1000, virtualAddress: directMap, bytes: low.bytes, memoryByteSize: 0xb000 },
    { physicalAddress: 0x9000, virtualAddress: directMap, bytes: high.bytes.subarray(0, 0x2000) },
  ];

  test("stands for zeros where makedumpfile left out pages, but not over bytes of another segment", async () => {
    const dump = await open({ loads });
    const tail = new Uint8Array(0x1000).fill(1);
    dump.readInto(tail, 0xb000);
    expect(tail.every((byte) => byte === 0)).toBe(true);
    const shared = new Uint8Array(0x1000);
    dump.readInto(shared, 0xa000);
    expect(Buffer.from(shared).equals(high.bytes.subarray(0x1000, 0x2000))).toBe(true);
    expect(dump.diagnostics).toEqual([
      expect.objectContaining({ code: "DUMP_ZERO_OR_EXCLUDED", severity: "info" }),
    ]);
    expect(dump.ranges).toEqual([{ start: 0x1000, byteSize: 0xb000 }]);
  });

  test("stands for nothing where a hypervisor has no bytes", async () => {
    const dump = await open({ loads, notes: [qemu] });
    expect(fault(dump, 0xb000)).toMatchObject({ reason: "absent", address: 0xb000n });
  });
});

test("a file that ends too early serves what it has", async () => {
  const bytes = core({ loads: kernelLoads });
  const cut = bytes.subarray(0, bytes.length - 0x1_0008);
  const dump = await openDumpSources([new MemorySource(cut, "cut")]);
  const here = { address: high.address, bytes: high.bytes.subarray(0, 0x1_0000 - 8) };
  checkReads(dump, [low, here], 8, (address) => {
    return address >= high.address && address < high.address + 0x2_0000 ? "truncated" : "absent";
  });
  expect(dump.diagnostics).toEqual([
    expect.objectContaining({
      code: "DUMP_TRUNCATED",
      text: "the file ends before 0x10008 bytes of memory that it promises",
    }),
  ]);
  expect(dump.ranges.at(-1)).toEqual({ start: high.address, byteSize: 0x1_0000 - 8 });
});

test.each<[string, CoreSpec, string, string]>([
  [
    "a vmlinux",
    { loads: [], type: 2 },
    "DUMP_NOT_A_DUMP",
    "an executable (a vmlinux, perhaps), not a memory dump",
  ],
  [
    "a kernel module",
    { loads: [], type: 1 },
    "DUMP_NOT_A_DUMP",
    "an object file or kernel module, not a memory dump",
  ],
  [
    "a process",
    { loads: [], notes: [prstatus, { name: "CORE", type: 6, description: [] }] },
    "DUMP_PROCESS",
    "the core of a process, not of a machine",
  ],
  [
    "Xen",
    { loads: [], notes: [{ name: "Xen", type: 5, description: [] }] },
    "DUMP_XEN",
    "a dump of a Xen domain",
  ],
])("refuses %s by name", async (_what, spec, code, text) => {
  await expect(open(spec)).rejects.toMatchObject({ code, message: expect.stringContaining(text) as string });
});

test("refuses a core of a 32-bit kernel, and a byte order that does not exist", async () => {
  for (const [at, value, code] of [
    [4, 1, "DUMP_ELF_CLASS"],
    [4, 7, "DUMP_ELF_CLASS"],
    [5, 3, "ELF_BYTE_ORDER"],
  ] as const) {
    const bytes = core({ loads: kernelLoads });
    bytes[at] = value;
    await expect(openDumpSources([new MemorySource(bytes)])).rejects.toMatchObject({ code });
  }
});

test("notes that are broken, cut off or too large are reported, the others kept", async () => {
  const large: NoteSpec = { name: "LINUX", type: 0x700, description: new Uint8Array((1 << 20) + 1) };
  const withLarge = await open({ loads: kernelLoads, notes: [large, vmcoreinfo] });
  expect(withLarge.vmcoreinfo).toBe("OSRELEASE=6.1\n");
  expect(withLarge.diagnostics).toEqual([
    expect.objectContaining({ code: "DUMP_NOTE_LARGE", severity: "info" }),
  ]);

  const bytes = core({ loads: [], notes: [vmcoreinfo, prstatus] });
  const cut = await openDumpSources([new MemorySource(bytes.subarray(0, bytes.length - 300))]);
  expect(cut.vmcoreinfo).toBe("OSRELEASE=6.1\n");
  expect(cut.diagnostics.map(({ code }) => code)).toEqual(["DUMP_NOTES_TRUNCATED", "DUMP_NOTES_BROKEN"]);
});

test("addresses that no machine has are absent", async () => {
  const dump = await open({ loads: kernelLoads });
  for (const address of [-1, 2 ** 52, Number.MAX_SAFE_INTEGER]) {
    expect(() => dump.readInto(new Uint8Array(8), address)).toThrowError(FaultError);
  }
  const wild = await open({
    loads: [{ physicalAddress: 2n ** 60n, virtualAddress: directMap, bytes: low.bytes }],
  });
  expect(wild.ranges).toEqual([]);
  expect(wild.diagnostics).toEqual([expect.objectContaining({ code: "DUMP_SEGMENT_ADDRESS" })]);
});
