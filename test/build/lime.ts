/** LiME and AVML files: ranges of memory, one after another. */
import { snappyCompress } from "hysnappy";
import { crc32c } from "../../src/compress/crc32c.ts";
import { ByteWriter } from "./bytes.ts";

export interface RangeSpec {
  address: number;
  bytes: Uint8Array;
}

export function lime(ranges: readonly RangeSpec[], version = 1): Uint8Array {
  const out = new ByteWriter();
  for (const { address, bytes } of ranges) {
    head(out, "EMiL", version, address, bytes.length).bytes(bytes);
  }
  return out.finish();
}

/** Chunks of `chunkByteSize`, every third of them uncompressed, with a chunk of padding between. */
export function avml(ranges: readonly RangeSpec[], chunkByteSize = 0x1_0000, version = 2): Uint8Array {
  const out = new ByteWriter();
  for (const { address, bytes } of ranges) {
    head(out, "AVML", version, address, bytes.length);
    const start = out.length;
    out.bytes([0xff, 6, 0, 0]).bytes(Buffer.from("sNaPpY"));
    for (let at = 0, i = 0; at < bytes.length; at += chunkByteSize, i++) {
      const data = bytes.subarray(at, at + chunkByteSize);
      const sum = crc32c(data);
      const masked = (((sum >>> 15) | (sum << 17)) + 0xa282_ead8) >>> 0;
      const body = i % 3 === 2 ? data : snappyCompress(new Uint8Array(data));
      chunkHead(out, i % 3 === 2 ? 1 : 0, body.length + 4)
        .u32(masked)
        .bytes(body);
      if (i % 3 === 1) chunkHead(out, 0xfe, 5).bytes([1, 2, 3, 4, 5]);
    }
    out.u64(out.length - start);
  }
  return out.finish();
}

function head(
  out: ByteWriter,
  magic: string,
  version: number,
  address: number,
  byteSize: number,
): ByteWriter {
  return out
    .bytes(Buffer.from(magic))
    .u32(version)
    .u64(address)
    .u64(address + byteSize - 1)
    .u64(0);
}

function chunkHead(out: ByteWriter, type: number, byteSize: number): ByteWriter {
  return out
    .u8(type)
    .u8(byteSize & 0xff)
    .u8((byteSize >> 8) & 0xff)
    .u8(byteSize >> 16);
}
