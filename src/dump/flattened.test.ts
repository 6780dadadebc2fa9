import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { core } from "../../test/build/core.ts";
import { flattened, recordsOf, type FlattenedSpec } from "../../test/build/flattened.ts";
import { checkReads, memoryBytes } from "../../test/build/memory.ts";
import { MemorySource, type ByteSource, type Diagnostic } from "../io/index.ts";
import { FlattenedSource } from "./flattened.ts";
import { openDumpSources } from "./index.ts";

function open(spec: FlattenedSpec, cut = Infinity): { source: FlattenedSource; diagnostics: Diagnostic[] } {
  const stream = new MemorySource(flattened(spec).subarray(0, cut), "stream");
  const diagnostics: Diagnostic[] = [];
  return { source: FlattenedSource.open(stream, stream, diagnostics), diagnostics };
}

test("records in any order, overlapping or with gaps, make the file they would have made", () => {
  const record = fc.record({ offset: fc.nat(300), bytes: fc.uint8Array({ maxLength: 90 }) });
  fc.assert(
    fc.property(fc.array(record, { maxLength: 15 }), (records) => {
      const byteSize = Math.max(
        0,
        ...records.filter(({ bytes }) => bytes.length > 0).map((r) => r.offset + r.bytes.length),
      );
      const file = new Uint8Array(byteSize);
      for (const { offset, bytes } of records) file.set(bytes, bytes.length === 0 ? 0 : offset);
      const { source, diagnostics } = open({ records });
      expect(diagnostics).toEqual([]);
      expect(source.byteSize).toBe(byteSize);
      expect([...source.read(0, byteSize)]).toEqual([...file]);
      for (let at = 0; at < byteSize; at += 37) {
        const target = new Uint8Array(Math.min(51, byteSize - at));
        source.readInto(target, at);
        expect([...target]).toEqual([...file.subarray(at, at + target.length)]);
      }
    }),
    { numRuns: 200 },
  );
});

test("opening reads the records' heads, not what they hold", () => {
  const records = Array.from({ length: 50 }, (_, i) => ({
    offset: i * 0x1_0000,
    bytes: new Uint8Array(0x1_0000).fill(1),
  }));
  const stream = new MemorySource(flattened({ records }));
  let bytesRead = 0;
  const counting: ByteSource = {
    name: "counting",
    byteSize: stream.byteSize,
    read: (offset, byteSize) => ((bytesRead += byteSize), stream.read(offset, byteSize)),
    readInto: (target, offset) => ((bytesRead += target.length), stream.readInto(target, offset)),
  };
  expect(FlattenedSource.open(counting, counting, []).recordCount).toBe(50);
  expect(bytesRead).toBeLessThanOrEqual(51 * 4096 + 32);
});

describe("a stream that is cut off", () => {
  const records = [
    { offset: 0, bytes: Uint8Array.of(1, 2) },
    { offset: 8, bytes: Uint8Array.of(3, 4) },
  ];
  const byteSize = 4096 + 2 * 18 + 16;

  test.each([
    ["before its end record", byteSize - 16, "the flattened stream has no end record: it is cut off"],
    ["inside its end record", byteSize - 3, "the flattened stream has no end record: it is cut off"],
    ["inside a record", byteSize - 17, "the flattened stream is cut off inside a record"],
  ])("%s: what lies between the records is lost, not zero", (_where, cut, text) => {
    const { source, diagnostics } = open({ records }, cut);
    expect(diagnostics).toEqual([expect.objectContaining({ severity: "warning", text })]);
    expect(source.complete).toBe(false);
    expect([...source.read(0, 2)]).toEqual([1, 2]);
    expect(() => source.read(1, 3)).toThrowError(
      expect.objectContaining({ code: "TRUNCATED", location: { file: "stream", offset: 2 } }),
    );
    expect(() => source.read(0, 11)).toThrowError(expect.objectContaining({ code: "TRUNCATED" }));
  });

  test("around a core: memory that came through is served, the rest is truncated", async () => {
    const memory = { address: 0x10_0000, bytes: memoryBytes(0x8000, 5).map((byte) => byte | 1) };
    const file = core({
      loads: [
        { physicalAddress: memory.address, virtualAddress: 0xffff_8880_0010_0000n, bytes: memory.bytes },
      ],
    });
    const stream = flattened({ records: recordsOf(file, [1000]), endRecord: false });
    const dump = await openDumpSources([new MemorySource(stream.subarray(0, stream.length - 5000))]);
    expect(dump.flattened).toBe(true);
    const lost = dump.ranges[0]!.byteSize;
    expect(lost).toBeGreaterThan(0x6000);
    const here = { address: memory.address, bytes: memory.bytes.subarray(0, lost) };
    checkReads(dump, [here], 6, (address) => {
      return address >= memory.address + lost && address < memory.address + 0x8000 ? "truncated" : "absent";
    });
  });
});

test("a core and its reads, from a shuffled stream", async () => {
  const memory = { address: 0x10_0000, bytes: memoryBytes(0x3_0000, 9) };
  const file = core({
    loads: [{ physicalAddress: memory.address, bytes: memory.bytes }],
    littleEndian: false,
  });
  const records = recordsOf(file, [4096, 100, 7, 20_000]).toReversed();
  const dump = await openDumpSources([new MemorySource(flattened({ records }))]);
  expect(dump).toMatchObject({ flattened: true, format: "elf", littleEndian: false, diagnostics: [] });
  checkReads(dump, [memory], 10);
});

test.each<[string, FlattenedSpec, string]>([
  ["another type", { type: 2, records: [] }, "DUMP_FLATTENED_VERSION"],
  ["another version", { version: 2, records: [] }, "DUMP_FLATTENED_VERSION"],
  ["no dump inside", { records: [{ offset: 0, bytes: new Uint8Array(5000) }] }, "DUMP_FLATTENED"],
  ["nothing inside", { records: [] }, "DUMP_FLATTENED"],
  ["a stream inside", { records: [{ offset: 0, bytes: flattened({ records: [] }) }] }, "DUMP_FLATTENED"],
])("refuses a stream with %s", async (_what, spec, code) => {
  await expect(openDumpSources([new MemorySource(flattened(spec))])).rejects.toMatchObject({ code });
});

test.each([
  ["a negative offset", { offset: -2n, bytes: Uint8Array.of(1) }],
  ["a negative size", { offset: 0, bytes: Uint8Array.of(1), byteSize: -5n }],
  ["a size beyond all files", { offset: 2n ** 60n, bytes: Uint8Array.of(1) }],
])("a record with %s ends the stream, with a warning", (_what, record) => {
  const { source, diagnostics } = open({ records: [{ offset: 0, bytes: Uint8Array.of(7) }, record] });
  expect(source.complete).toBe(false);
  expect(source.byteSize).toBe(1);
  expect(diagnostics).toEqual([expect.objectContaining({ code: "DUMP_FLATTENED_INCOMPLETE" })]);
});
