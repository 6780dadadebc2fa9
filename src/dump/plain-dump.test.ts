import { describe, expect, test } from "vitest";
import { avml, lime } from "../../test/build/lime.ts";
import { checkReads, memoryBytes, type MemoryPiece } from "../../test/build/memory.ts";
import { FaultError, MemorySource } from "../io/index.ts";
import { openDumpSources, type Dump } from "./index.ts";

const memory: readonly MemoryPiece[] = [
  { address: 0x1000, bytes: memoryBytes(0x9_f000, 1) },
  { address: 0x10_0000, bytes: memoryBytes(0x3_0000, 2) },
  { address: 0x1_0000_0000, bytes: memoryBytes(0x2_0000, 3) },
];
const open = (bytes: Uint8Array): Promise<Dump> => openDumpSources([new MemorySource(bytes, "file")]);

describe.each([
  ["lime", lime(memory)],
  ["avml", avml(memory)],
  ["avml", avml(memory, 5000)],
])("%s", (format, file) => {
  test("is the ranges that it lists", async () => {
    const dump = await open(file);
    checkReads(dump, memory, 4);
    expect(dump).toMatchObject({
      format,
      machine: undefined,
      notes: [],
      vmcoreinfo: undefined,
      virtualSegments: [],
      fromHypervisor: false,
      frozen: true,
      diagnostics: [],
    });
    expect(dump.ranges).toEqual(
      memory.map(({ address, bytes }) => ({ start: address, byteSize: bytes.length })),
    );
  });

  test("cut off anywhere: bytes, truncated or absent, and a warning", async () => {
    for (let cut = 40; cut < file.length; cut += 19_997) {
      const dump = await open(file.subarray(0, cut));
      const page = Buffer.alloc(4096);
      let served = 0;
      for (const { address, bytes } of memory) {
        for (let at = 0; at < bytes.length; at += 4096) {
          try {
            dump.readInto(page, address + at);
            served += 4096;
          } catch (error) {
            expect(["truncated", "absent"]).toContain((error as FaultError).reason);
            continue;
          }
          expect(page.equals(bytes.subarray(at, at + 4096))).toBe(true);
        }
      }
      if (format === "lime") expect(served).toBeGreaterThan(cut - 4 * 4096 - 96);
      expect(dump.diagnostics.map(({ code }) => code)).toEqual(["DUMP_TRUNCATED"]);
    }
  });

  test("a changed byte is noticed, or stands in one range's memory", async () => {
    const changed = new Uint8Array(file);
    // Of a compressed chunk's checksum: a byte of its data may be changed and stand for the same bytes.
    changed[format === "avml" ? 32 + 10 + 4 : 33_000]! ^= 0x55;
    const dump = await open(changed);
    const target = new Uint8Array(memory[0]!.bytes.length);
    if (format === "avml") expect(() => dump.readInto(target, 0x1000)).toThrowError(FaultError);
    const other = new Uint8Array(memory[2]!.bytes.length);
    dump.readInto(other, memory[2]!.address);
    expect(Buffer.from(other).equals(memory[2]!.bytes)).toBe(true);
  });
});

test.each([
  ["another version of LiME", lime(memory, 3), "DUMP_RANGE_VERSION"],
  ["another version of AVML", avml(memory, 5000, 3), "DUMP_RANGE_VERSION"],
  [
    "a range that ends before it starts",
    Uint8Array.from([0x45, 0x4d, 0x69, 0x4c, 1, 0, 0, 0, 9, ...new Uint8Array(23)]),
    "DUMP_RANGE",
  ],
])("refuses %s", async (_what, bytes, code) => {
  await expect(open(bytes)).rejects.toMatchObject({ code });
});

test("what follows the last range is left out, with a warning", async () => {
  const file = Buffer.concat([lime(memory), new Uint8Array(100)]);
  const dump = await open(new Uint8Array(file));
  checkReads(dump, memory, 5, undefined, 20);
  expect(dump.diagnostics).toEqual([
    expect.objectContaining({ text: "what follows is no range of memory and is left out" }),
  ]);
});

test("raw memory is what nothing else is known of", async () => {
  const bytes = memoryBytes(0x1_2345, 6);
  bytes.set([0x53, 0xff, 0x00, 0xf0]);
  const dump = await open(bytes);
  expect(dump).toMatchObject({ format: "raw", ranges: [{ start: 0, byteSize: 0x1_2345 }] });
  checkReads(dump, [{ address: 0, bytes }], 7);
});
