import { expect, test } from "vitest";
import { pageCompressions } from "../../test/build/compressed-page.ts";
import { core, notesBytes } from "../../test/build/core.ts";
import { flattened, recordsOf } from "../../test/build/flattened.ts";
import { kdump } from "../../test/build/kdump.ts";
import { avml, lime } from "../../test/build/lime.ts";
import { memoryBytes } from "../../test/build/memory.ts";
import { mutate, randomNumbers, type Region } from "../../test/build/mutate.ts";
import { FaultError, isDwarflessError, MemorySource } from "../io/index.ts";
import { openDumpSources } from "./index.ts";

const memory = { address: 0x10_0000, bytes: memoryBytes(0x2_0000, 1) };
const notes = [
  { name: "CORE", type: 1, description: new Uint8Array(336) },
  { name: "VMCOREINFO", type: 0, description: Buffer.from("OSRELEASE=6.1\n") },
];
const coreFile = core({
  notes,
  loads: [
    { physicalAddress: memory.address, virtualAddress: 0xffff_8880_0010_0000n, bytes: memory.bytes },
    { physicalAddress: memory.address + 0x1000, virtualAddress: 0xffff_ffff_8100_0000n, sameAs: 0 },
  ],
});
const kdumpFile = kdump({
  frameCount: 512,
  pages: new Map(
    Array.from({ length: 32 }, (_, i) => [256 + i, memory.bytes.subarray(i * 4096, (i + 1) * 4096)]),
  ),
  compression: (frame) => pageCompressions[frame % 5]!,
  vmcoreinfo: "OSRELEASE=6.1\n",
  notes: notesBytes(notes),
  utsname: { machine: "x86_64" },
});

const whole = (bytes: Uint8Array): Region => ({ name: "file", offset: 0, byteSize: bytes.length });
const kdumpRegions: Region[] = [
  { name: "header", offset: 400, byteSize: 64 },
  { name: "sub header", offset: 4096, byteSize: 420 },
  { name: "bitmaps", offset: 8192, byteSize: 8192 },
  { name: "descriptors", offset: 16384, byteSize: 32 * 24 },
  { name: "pages", offset: 16384 + 32 * 24, byteSize: kdumpFile.length - 16384 - 32 * 24 },
];
const stream = flattened({ records: recordsOf(kdumpFile, [464, 3632, 5000, 100]) });

test.each<[string, Uint8Array, readonly Region[]]>([
  ["core", coreFile, [{ name: "headers", offset: 0, byteSize: 800 }, whole(coreFile)]],
  ["kdump", kdumpFile, kdumpRegions],
  ["flattened", stream, [{ name: "first records", offset: 4096, byteSize: 6000 }, whole(stream)]],
  ["lime", lime([memory]), [{ name: "head", offset: 0, byteSize: 32 }]],
  ["avml", avml([memory], 3000), [{ name: "head", offset: 0, byteSize: 60 }, whole(avml([memory], 3000))]],
])("a broken %s gives typed errors, and ranges in order", async (_format, file, regions) => {
  const failures: string[] = [];
  for (let seed = 0; seed < 400; seed++) {
    const { bytes, text } = mutate(file, regions, seed);
    try {
      await openAndRead(bytes, seed);
    } catch (error) {
      if (!isDwarflessError(error))
        failures.push(`${text}: ${error instanceof Error ? error.stack : String(error)}`);
      else if (error.message.includes("\n")) failures.push(`${text}: a message of several lines`);
    }
  }
  expect(failures).toEqual([]);
});

/** All that a caller may do with a dump, at places that it lists and at others. */
async function openAndRead(bytes: Uint8Array, seed: number): Promise<void> {
  const dump = await openDumpSources([new MemorySource(bytes, "file")], { cacheByteSize: 1 << 18 });
  const random = randomNumbers(seed);
  let last = -1;
  for (const { start, byteSize } of dump.ranges) {
    expect(start).toBeGreaterThan(last);
    expect(byteSize).toBeGreaterThan(0);
    last = start + byteSize;
    expect(last).toBeLessThanOrEqual(2 ** 52);
  }
  const places = [0, memory.address, 2 ** 51, ...dump.ranges.slice(0, 8).map(({ start }) => start)];
  for (let i = 0; i < 6; i++) places.push(memory.address + random(memory.bytes.length));
  for (const place of places) {
    for (const byteSize of [8, 70_000]) {
      try {
        dump.readInto(new Uint8Array(byteSize), place);
      } catch (error) {
        if (error instanceof FaultError && error.space === "physical") continue;
        throw new Error("a read gave something other than a fault", { cause: error });
      }
    }
  }
}
