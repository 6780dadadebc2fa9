import { expect, test } from "vitest";
import { MemorySource } from "../io/index.ts";
import { crc32c } from "./crc32c.ts";
import { loadSnappy } from "./snappy.ts";
import { readSnappyChunk, readSnappyData } from "./snappy-frames.ts";

test("CRC-32C of the check string, and of 32 zeros (RFC 3720, B.4)", () => {
  expect(crc32c(new Uint8Array(Buffer.from("123456789")))).toBe(0xe306_9283);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a91_36aa);
});

const masked = [0, 0, 0, 0];

test.each([
  ["compressed", [0, 7, 0, 0, ...masked, 1, 0, 0x61]],
  ["uncompressed", [1, 5, 0, 0, ...masked, 0x61]],
])("reads a chunk that is %s", (_what, bytes) => {
  const sum = crc32c(Uint8Array.of(0x61));
  const rotated = (((sum >>> 15) | (sum << 17)) + 0xa282_ead8) >>> 0;
  const patched = Uint8Array.from(bytes);
  new DataView(patched.buffer).setUint32(4, rotated, true);
  const source = new MemorySource(patched);
  const chunk = readSnappyChunk(source, 0);
  expect(chunk).toEqual({ offset: 0, byteSize: bytes.length, dataByteSize: 1 });
  const target = new Uint8Array(1);
  readSnappyData(source, chunk, loadSnappy(), target);
  expect(target[0]).toBe(0x61);
  patched[4]! ^= 1;
  expect(() => readSnappyData(source, chunk, loadSnappy(), target)).toThrowError("the checksum is wrong");
});

test("a stream identifier, padding and what may be skipped hold no data", () => {
  for (const bytes of [
    [0xff, 6, 0, 0, ...Buffer.from("sNaPpY")],
    [0xfe, 1, 0, 0, 0],
    [0x80, 0, 0, 0],
  ]) {
    const chunk = readSnappyChunk(new MemorySource(Uint8Array.from(bytes)), 0);
    expect(chunk).toEqual({ offset: 0, byteSize: bytes.length, dataByteSize: 0 });
  }
});

test.each([
  ["a chunk that must not be skipped", [0x02, 0, 0, 0]],
  ["a chunk too short for its checksum", [0x01, 3, 0, 0, 0, 0, 0]],
  ["more data than a chunk may hold", [0x00, 9, 0, 0, 0, 0, 0, 0, 0x81, 0x80, 0x04, 0, 0]],
  ["a length without an end", [0x00, 9, 0, 0, 0, 0, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x80]],
  ["a chunk whose length is cut off", [0x00, 9, 0, 0, 0, 0, 0, 0]],
  ["another identifier", [0xff, 5, 0, 0, 0, 0, 0, 0, 0]],
])("refuses %s", (_what, bytes) => {
  expect(() => readSnappyChunk(new MemorySource(Uint8Array.from(bytes)), 0)).toThrowError(
    expect.objectContaining({ code: "COMPRESS_BROKEN" }),
  );
});
