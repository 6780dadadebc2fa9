import { describe, expect, test } from "vitest";
import { pageCompressions } from "../../test/build/compressed-page.ts";
import { notesBytes } from "../../test/build/core.ts";
import { flattened, recordsOf } from "../../test/build/flattened.ts";
import { kdump, type KdumpSpec } from "../../test/build/kdump.ts";
import { checkReads, memoryBytes, type MemoryPiece } from "../../test/build/memory.ts";
import { FaultError, MemorySource, type FaultReason } from "../io/index.ts";
import { FrameBitmap } from "./frame-bitmap.ts";
import { openDumpSources, type Dump } from "./index.ts";
import { KdumpMemory } from "./kdump-memory.ts";
import type { PageReader } from "./kdump-pages.ts";

const pageByteSize = 4096;
const frameCount = 100;
const memory: readonly MemoryPiece[] = [
  { address: 3 * pageByteSize, bytes: memoryBytes(30 * pageByteSize, 1) },
  { address: 40 * pageByteSize, bytes: memoryBytes(50 * pageByteSize, 2) },
];

// So that the last page is behind all others in the file.
memory[1]!.bytes.set(memoryBytes(3000, 20), 49 * pageByteSize);
memory[1]!.bytes[50 * pageByteSize - 1] = 1;

function pagesOf(pieces: readonly MemoryPiece[], byteSize: number): Map<number, Uint8Array | "excluded"> {
  const pages = new Map<number, Uint8Array | "excluded">();
  for (const { address, bytes } of pieces) {
    for (let at = 0; at < bytes.length; at += byteSize)
      pages.set((address + at) / byteSize, bytes.subarray(at, at + byteSize));
  }
  return pages;
}

const spec: KdumpSpec = {
  frameCount,
  pages: pagesOf(memory, pageByteSize),
  utsname: { machine: "x86_64", release: "6.1" },
};
const open = (...specs: KdumpSpec[]): Promise<Dump> =>
  openDumpSources(specs.map((each, i) => new MemorySource(kdump(each), `part${i}`)));

function faultAt(dump: Dump, frame: number): { reason: FaultReason; message: string } {
  try {
    dump.readInto(new Uint8Array(8), frame * pageByteSize);
  } catch (error) {
    if (error instanceof FaultError) return error;
    throw error;
  }
  throw new Error("no fault");
}

describe.each([true, false])("little-endian: %s", (littleEndian) => {
  test.each(pageCompressions)("pages compressed with %s", async (how) => {
    const dump = await open({ ...spec, littleEndian, compression: () => how });
    checkReads(dump, memory, 3);
    expect(dump).toMatchObject({
      format: "kdump",
      littleEndian,
      machine: 62,
      fromHypervisor: false,
      diagnostics: [],
    });
    expect(dump.facts).toContainEqual(["compression", how]);
    expect(dump.ranges).toEqual(
      memory.map(({ address, bytes }) => ({ start: address, byteSize: bytes.length })),
    );
  });

  test.each([1, 2, 3, 4, 5, 6])("header version %i", async (version) => {
    const notes = notesBytes([{ name: "CORE", type: 1, description: new Uint8Array(336) }], littleEndian);
    const dump = await open({ ...spec, littleEndian, version, vmcoreinfo: "OSRELEASE=6.1\n", notes });
    checkReads(dump, memory, 4, undefined, 40);
    expect(dump.vmcoreinfo).toBe(version >= 3 ? "OSRELEASE=6.1\n" : undefined);
    expect(dump.notes).toHaveLength(version >= 4 ? 1 : 0);
  });

  test.each(["i686", "armv7l"])("header of a 32-bit writer on %s", async (machine) => {
    const dump = await open({
      ...spec,
      littleEndian,
      is64: false,
      utsname: { machine, release: "5" },
      vmcoreinfo: "A=1\n",
    });
    checkReads(dump, memory, 5, undefined, 40);
    expect(dump.vmcoreinfo).toBe("A=1\n");
  });
});

test("every page compressed another way, blocks of 64 KiB", async () => {
  const blockByteSize = 0x1_0000;
  const large = [{ address: 2 * blockByteSize, bytes: memoryBytes(5 * blockByteSize, 6) }];
  const dump = await open({
    frameCount: 9,
    blockByteSize,
    pages: pagesOf(large, blockByteSize),
    compression: (frame) => pageCompressions[frame % 5]!,
    utsname: { machine: "Unknown" },
  });
  checkReads(dump, large, 7);
  expect(dump).toMatchObject({ machine: undefined, fromHypervisor: true });
});

test("a header that does not name the compression: the descriptors do", async () => {
  checkReads(await open({ ...spec, status: 0, compression: () => "zstd" }), memory, 8, undefined, 20);
});

test("excluded and absent are two answers", async () => {
  const pages = new Map(spec.pages);
  pages.set(50, "excluded");
  const dump = await open({ ...spec, pages, dumpLevel: 31 });
  expect(faultAt(dump, 50)).toMatchObject({
    reason: "excluded",
    message: expect.stringContaining("dump level 31") as string,
  });
  expect(faultAt(dump, 35)).toMatchObject({ reason: "absent" });
  expect(faultAt(dump, frameCount + 1)).toMatchObject({ reason: "absent" });
  expect(dump.ranges).toEqual([
    { start: 3 * pageByteSize, byteSize: 30 * pageByteSize },
    { start: 40 * pageByteSize, byteSize: 10 * pageByteSize },
    { start: 51 * pageByteSize, byteSize: 39 * pageByteSize },
  ]);
  const after = new Uint8Array(pageByteSize);
  dump.readInto(after, 51 * pageByteSize);
  expect(Buffer.from(after).equals(pages.get(51) as Uint8Array)).toBe(true);

  const one = await open({ ...spec, pages, oneBitmap: true });
  expect(faultAt(one, 50)).toMatchObject({ reason: "absent" });
  checkReads(one, [memory[0]!], 9, undefined, 0);
});

test("a fault names the first address of the read that has none", async () => {
  const pages = new Map(spec.pages);
  pages.set(50, "excluded");
  const dump = await open({ ...spec, pages });
  for (const byteSize of [3 * pageByteSize, 30 * pageByteSize]) {
    expect(() => dump.readInto(new Uint8Array(byteSize), 48 * pageByteSize + 8)).toThrowError(
      expect.objectContaining({ reason: "excluded", address: 50n * 4096n }),
    );
  }
});

describe("descriptors that lie break their own page only", () => {
  test.each<[string, { offset?: number | bigint; byteSize?: number; flags?: number }, FaultReason]>([
    ["no place", { offset: 0 }, "truncated"],
    ["no bytes", { byteSize: 0 }, "truncated"],
    ["a place beyond the file", { offset: 2n ** 40n }, "truncated"],
    ["a place beyond all files", { offset: 2n ** 62n }, "truncated"],
    ["a negative place", { offset: -4096n }, "corrupt"],
    ["more bytes than a page", { byteSize: 4097 }, "corrupt"],
    ["some other bytes", { offset: 4096 }, "corrupt"],
    ["a size cut short", { byteSize: 11 }, "corrupt"],
    ["a codec that the file does not use", { flags: 0x20 }, "corrupt"],
    ["two codecs", { flags: 3 }, "corrupt"],
    ["no codec", { flags: 0 }, "corrupt"],
  ])("%s", async (_what, descriptor, reason) => {
    const page = memoryBytes(pageByteSize, 11);
    page.fill(7, 0, 3000);
    const pages = new Map(spec.pages);
    pages.set(45, page);
    const dump = await open({
      ...spec,
      status: 1,
      pages,
      descriptor: (frame) => (frame === 45 ? descriptor : undefined),
    });
    const fault = faultAt(dump, 45);
    expect([reason, "corrupt"]).toContain(fault.reason);
    expect(fault.reason).toBe(reason);
    for (const frame of [44, 46]) {
      const target = new Uint8Array(pageByteSize);
      dump.readInto(target, frame * pageByteSize);
      expect(Buffer.from(target).equals(spec.pages.get(frame) as Uint8Array)).toBe(true);
    }
  });
});

describe("a split dump", () => {
  const part = (firstFrame: number, endFrame: number): KdumpSpec => ({
    ...spec,
    split: { firstFrame, endFrame },
  });

  test("is one memory, whatever the order of its files", async () => {
    const dump = await open(part(47, 70), part(0, 47), part(70, frameCount));
    checkReads(dump, memory, 12);
    expect(dump.diagnostics).toEqual([]);
    expect(dump.facts).toContainEqual(["split files", "3"]);
    expect(dump.ranges).toEqual((await open(spec)).ranges);
  });

  test("without one of its files says what is missing", async () => {
    const dump = await open(part(0, 47), part(70, frameCount));
    expect(faultAt(dump, 50)).toMatchObject({
      reason: "truncated",
      message: expect.stringContaining("a file of the split dump that was not given") as string,
    });
    expect(dump.diagnostics.map(({ text }) => text)).toEqual([
      "page frames 0x2f to 0x46 are in a file of the split dump that was not given",
    ]);
    expect(dump.ranges).toEqual([
      { start: 3 * pageByteSize, byteSize: 30 * pageByteSize },
      { start: 40 * pageByteSize, byteSize: 7 * pageByteSize },
      { start: 70 * pageByteSize, byteSize: 20 * pageByteSize },
    ]);
  });

  test("takes no file of another dump, and no whole dump", async () => {
    await expect(open(part(0, 47), { ...part(47, frameCount), time: 5 })).rejects.toMatchObject({
      code: "DUMP_SPLIT",
    });
    await expect(open(spec, spec)).rejects.toMatchObject({ code: "DUMP_SPLIT" });
  });
});

test("a flattened stream, whole and cut off", async () => {
  const file = kdump(spec);
  const stream = flattened({ records: recordsOf(file, [464, 3632, 104, 9000]) });
  const dump = await openDumpSources([new MemorySource(stream)]);
  expect(dump).toMatchObject({ flattened: true, diagnostics: [] });
  checkReads(dump, memory, 13);

  const cut = await openDumpSources([new MemorySource(stream.subarray(0, stream.length - 20_000))]);
  expect(cut.diagnostics).toEqual([expect.objectContaining({ code: "DUMP_FLATTENED_INCOMPLETE" })]);
  expect(faultAt(cut, 89)).toMatchObject({ reason: "truncated" });
});

test("a file that is cut off serves the pages it has", async () => {
  const file = kdump({ ...spec, status: 1 | 8 });
  const dump = await openDumpSources([new MemorySource(file.subarray(0, file.length - 10_000))]);
  expect(dump.diagnostics).toEqual([expect.objectContaining({ code: "DUMP_INCOMPLETE" })]);
  expect(faultAt(dump, 89)).toMatchObject({ reason: "truncated" });
  const target = new Uint8Array(pageByteSize);
  dump.readInto(target, 3 * pageByteSize);
  expect(Buffer.from(target).equals(spec.pages.get(3) as Uint8Array)).toBe(true);
});

test.each<[string, number, readonly number[], string]>([
  ["version 7", 8, [7, 0, 0, 0], "DUMP_KDUMP_VERSION"],
  ["version 0", 8, [0, 0, 0, 0], "DUMP_KDUMP_VERSION"],
  ["a block size that is no power of two", 428, [1, 0x10, 0, 0], "DUMP_KDUMP_HEADER"],
  ["no blocks of sub header", 432, [0, 0, 0, 0], "DUMP_KDUMP_HEADER"],
  ["no blocks of bitmap", 436, [0, 0, 0, 0], "DUMP_KDUMP_HEADER"],
  ["too many blocks of bitmap", 436, [0, 0, 1, 0], "DUMP_TRUNCATED"],
  ["more frames than the bitmap has", 4096 + 96, [0, 0, 0, 1], "DUMP_KDUMP_HEADER"],
  ["more frames than any machine has", 4096 + 96, [0, 0, 0, 0, 0, 0, 1, 0], "DUMP_KDUMP_FRAMES"],
])("refuses %s", async (_what, offset, bytes, code) => {
  const file = kdump(spec);
  file.set(bytes, offset);
  await expect(openDumpSources([new MemorySource(file)])).rejects.toMatchObject({ code });
});

test("a bitmap with a bit too many is reported: it moves all pages behind it", async () => {
  const file = kdump(spec);
  file[3 * 4096 + 4]! |= 0x10; // Frame 36 of the second bitmap.
  const dump = await openDumpSources([new MemorySource(file)]);
  expect(dump.diagnostics).toEqual([
    expect.objectContaining({
      code: "DUMP_KDUMP_BITMAP",
      text: "the bitmap counts 81 pages, the table of pages is for another number: addresses may be wrong",
    }),
  ]);
});

test("a small cache reads the same", async () => {
  const dump = await openDumpSources([new MemorySource(kdump(spec))], { cacheByteSize: 0 });
  checkReads(dump, memory, 14);
});

test("memory in half a million pieces has a list of ranges that is not", () => {
  const many = 1 << 20;
  const bitmap = new FrameBitmap(new MemorySource(new Uint8Array(many / 8).fill(0x55)), 0, many);
  const memoryInPieces = new KdumpMemory({
    blockByteSize: pageByteSize,
    dumped: bitmap,
    memory: undefined,
    parts: [{ pages: undefined as unknown as PageReader, firstFrame: 0, endFrame: many }],
    dumpLevel: 31,
    cacheByteSize: 0,
  });
  expect(memoryInPieces.ranges).toEqual([{ start: 0, byteSize: (many - 1) * pageByteSize }]);
});
