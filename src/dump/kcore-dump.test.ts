import { describe, expect, test } from "vitest";
import { core, type CoreSpec } from "../../test/build/core.ts";
import { checkReads, memoryBytes } from "../../test/build/memory.ts";
import { FaultError, MemorySource } from "../io/index.ts";
import { readCoreNotes } from "./elf-dump.ts";
import { readCoreHeader } from "./elf-segments.ts";
import { openDumpSources } from "./index.ts";
import { KcoreDump } from "./kcore-dump.ts";
import type { PositionReader } from "./position-reader.ts";

const noAddress = 0xffff_ffff_ffff_ffffn;
// As a kernel with five levels of page tables lays it out: places are addresses without their upper bits.
const directMap = 0xff11_0000_0000_0000n;
const vmalloc = 0xffa0_0000_0000_0000n;
const text = 0xffff_ffff_8100_0000n;
const place = (address: bigint): bigint => (address & 0x00ff_ffff_ffff_ffffn) + 0x5000n;

const ram = { address: 0x10_0000, bytes: memoryBytes(0x2_0000, 1) };
const module = memoryBytes(0x3000, 2);
const image = ram.bytes.subarray(0x4000, 0x9000);

const spec: CoreSpec = {
  notes: [
    { name: "CORE", type: 1, description: new Uint8Array(336) },
    { name: "CORE", type: 3, description: new Uint8Array(136) },
    { name: "CORE", type: 4, description: new Uint8Array(6080) },
    { name: "VMCOREINFO", type: 0, description: Buffer.from("OSRELEASE=7.2\n") },
  ],
  loads: [
    load(text, 0x10_4000, image.length),
    load(vmalloc, noAddress, 2 ** 45),
    load(vmalloc + 0x10_0000n, noAddress, module.length),
    load(directMap + 0x10_0000n, 0x10_0000, ram.bytes.length),
  ],
};

function load(
  virtualAddress: bigint,
  physicalAddress: number | bigint,
  byteSize: number,
): CoreSpec["loads"][number] {
  return {
    virtualAddress,
    physicalAddress,
    fileOffset: place(virtualAddress),
    fileByteSize: byteSize,
    memoryByteSize: byteSize,
  };
}

/** Bytes at the places that the segments name; zeros elsewhere in vmalloc, as the kernel answers. */
function livePositions(reads: bigint[] = []): PositionReader {
  const pieces = [
    { at: place(text), bytes: image },
    { at: place(vmalloc + 0x10_0000n), bytes: module },
    { at: place(directMap + 0x10_0000n), bytes: ram.bytes },
  ];
  return {
    readSome(target, position) {
      reads.push(position);
      const piece = pieces.find(({ at, bytes }) => at <= position && position < at + BigInt(bytes.length));
      if (piece === undefined) {
        if (position < place(vmalloc) || position >= place(vmalloc) + (1n << 45n)) return 0;
        target.fill(0);
        return target.length;
      }
      // Never more than a page at once, as a read may be cut short.
      const from = Number(position - piece.at);
      const part = piece.bytes.subarray(from, from + Math.min(target.length, 4096));
      target.set(part);
      return part.length;
    },
    close: () => {},
  };
}

function openLive(other: Partial<CoreSpec> = {}): KcoreDump {
  const source = new MemorySource(core({ ...spec, ...other }), "/proc/kcore");
  const header = readCoreHeader(source);
  const notes = readCoreNotes(source, header, []);
  return new KcoreDump(source.name, livePositions(), header, notes, {
    live: true,
    diagnostics: [],
    close: () => {},
  });
}

test("physical memory, at places beyond 2^53", () => {
  const dump = openLive();
  checkReads(dump, [ram], 3);
  expect(dump).toMatchObject({
    format: "kcore",
    frozen: false,
    fromHypervisor: false,
    vmcoreinfo: "OSRELEASE=7.2\n",
    ranges: [{ start: 0x10_0000, byteSize: 0x2_0000 }],
  });
});

test("virtual segments, with a physical address where they have one", () => {
  expect(openLive().virtualSegments).toEqual([
    { address: text, byteSize: BigInt(image.length), physicalAddress: 0x10_4000 },
    { address: vmalloc, byteSize: 1n << 45n, physicalAddress: undefined },
    { address: vmalloc + 0x10_0000n, byteSize: 0x3000n, physicalAddress: undefined },
    { address: directMap + 0x10_0000n, byteSize: 0x2_0000n, physicalAddress: 0x10_0000 },
  ]);
});

describe("virtual reads", () => {
  const read = (dump: KcoreDump, address: bigint, byteSize: number): Buffer => {
    const target = Buffer.alloc(byteSize, 0xee);
    dump.readVirtualInto(target, address);
    return target;
  };

  test("go to the segment that holds the address", () => {
    const dump = openLive();
    expect(read(dump, text + 0x123n, 0x4000).equals(image.subarray(0x123, 0x4123))).toBe(true);
    expect(read(dump, directMap + 0x10_1000n, 0x9000).equals(ram.bytes.subarray(0x1000, 0xa000))).toBe(true);
  });

  test("take the later of two segments, from where it starts to where it ends", () => {
    const dump = openLive();
    const across = read(dump, vmalloc + 0x10_0000n - 0x800n, 0x4000);
    expect(across.subarray(0, 0x800).every((byte) => byte === 0)).toBe(true);
    expect(across.subarray(0x800, 0x3800).equals(module)).toBe(true);
    expect(across.subarray(0x3800).every((byte) => byte === 0)).toBe(true);
  });

  test.each([
    ["user space", 0x1000n, 0x1000n],
    ["the end of a segment", text + BigInt(image.length) - 4n, text + BigInt(image.length)],
    ["the end of the address space", 0xffff_ffff_ffff_fffcn, 0xffff_ffff_ffff_fffcn],
  ])("fault at %s", (_where, address, at) => {
    expect(() => openLive().readVirtualInto(new Uint8Array(8), address)).toThrowError(
      expect.objectContaining({ reason: "unmapped", space: "virtual", address: at }),
    );
    expect(() => openLive().readVirtualInto(new Uint8Array(8), address)).toThrowError(FaultError);
  });
});

test("without physical addresses (before 4.11) there is no physical memory, and no wrong one", () => {
  const loads = spec.loads.map((each) => ({ ...each, physicalAddress: 0 }));
  const dump = openLive({ loads });
  expect(dump.ranges).toEqual([]);
  expect(dump.virtualSegments.every(({ physicalAddress }) => physicalAddress === undefined)).toBe(true);
  expect(() => dump.readInto(new Uint8Array(8), 0)).toThrowError(
    expect.objectContaining({ reason: "absent" }),
  );
  dump.readVirtualInto(new Uint8Array(8), text);
});

test("nothing is read twice from memory of its own", () => {
  const reads: bigint[] = [];
  const source = new MemorySource(core(spec), "/proc/kcore");
  const header = readCoreHeader(source);
  const dump = new KcoreDump("kcore", livePositions(reads), header, [], {
    live: true,
    diagnostics: [],
    close: () => {},
  });
  for (let i = 0; i < 3; i++) dump.readInto(new Uint8Array(8), 0x10_0000);
  const at = place(directMap + 0x10_0000n);
  expect(reads).toEqual([at, at, at]);
});

test("a core with the notes of /proc/kcore is known as one", async () => {
  const dump = await openDumpSources([new MemorySource(core(spec))]);
  expect(dump).toMatchObject({ format: "kcore", frozen: true });
  expect(() => dump.readInto(new Uint8Array(8), 0x10_0000)).toThrowError(FaultError);
});
