import type { Codec, CodecName } from "../compress/index.ts";
import { FaultError, FormatError, type ByteSource } from "../io/index.ts";
import { isTruncation } from "./run-memory.ts";
import {
  DUMP_DH_COMPRESSED_LZO,
  DUMP_DH_COMPRESSED_SNAPPY,
  DUMP_DH_COMPRESSED_ZLIB,
  DUMP_DH_COMPRESSED_ZSTD,
} from "./kdump-header.ts";
import { readLongAt, viewOf } from "./words.ts";

/** `i64 offset; u32 size; u32 flags; u64 page_flags` */
export const descriptorByteSize = 24;

const codecFlags: readonly (readonly [number, CodecName])[] = [
  [DUMP_DH_COMPRESSED_ZLIB, "zlib"],
  [DUMP_DH_COMPRESSED_LZO, "lzo"],
  [DUMP_DH_COMPRESSED_SNAPPY, "snappy"],
  [DUMP_DH_COMPRESSED_ZSTD, "zstd"],
];
const allCodecFlags = codecFlags.reduce((flags, [flag]) => flags | flag, 0);

/** The codecs that a header's status, or a descriptor's flags, name. */
export function codecNamesOf(flags: number): CodecName[] {
  return codecFlags.filter(([flag]) => (flags & flag) !== 0).map(([, name]) => name);
}

/** What the first descriptors of a file say together. */
export interface DescriptorSample {
  /** Compressions that they name: older writers leave them out of the header. */
  flags: number;
  /** Lowest place of a page's data, which ends the table; undefined where none has data. */
  dataOffset: number | undefined;
}

export function sampleDescriptors(
  source: ByteSource,
  descriptorOffset: number,
  littleEndian: boolean,
): DescriptorSample {
  const sample: DescriptorSample = { flags: 0, dataOffset: undefined };
  const count = Math.min(512, Math.floor((source.byteSize - descriptorOffset) / descriptorByteSize));
  if (count <= 0) return sample;
  let bytes: Uint8Array;
  try {
    bytes = source.read(descriptorOffset, count * descriptorByteSize);
  } catch (error) {
    if (error instanceof FormatError) return sample;
    throw error;
  }
  const view = viewOf(bytes);
  let end = bytes.length;
  for (let at = 0; at + descriptorByteSize <= end; at += descriptorByteSize) {
    sample.flags |= view.getUint32(at + 12, littleEndian) & allCodecFlags;
    const data = readLongAt(view, at, littleEndian);
    if (data <= descriptorOffset) continue;
    sample.dataOffset = Math.min(data, sample.dataOffset ?? data);
    end = Math.min(end, sample.dataOffset - descriptorOffset);
  }
  return sample;
}

/** The pages of one kdump file: from a descriptor's index to the bytes of a page. */
export class PageReader {
  readonly #source: ByteSource;
  readonly #descriptorOffset: number;
  readonly #blockByteSize: number;
  readonly #littleEndian: boolean;
  readonly #codecs: ReadonlyMap<number, Codec>;
  readonly #descriptor = new Uint8Array(descriptorByteSize);
  readonly #descriptorView: DataView = viewOf(this.#descriptor);
  readonly #compressed: Uint8Array;
  /** Place of the page of zeros, which writers store once: thousands of descriptors name it. */
  #zeroPageOffset = -1;

  constructor(
    source: ByteSource,
    layout: { descriptorOffset: number; blockByteSize: number; littleEndian: boolean },
    codecs: readonly Codec[],
  ) {
    this.#source = source;
    this.#descriptorOffset = layout.descriptorOffset;
    this.#blockByteSize = layout.blockByteSize;
    this.#littleEndian = layout.littleEndian;
    this.#compressed = new Uint8Array(layout.blockByteSize);
    this.#codecs = new Map(
      codecFlags.flatMap(([flag, name]) => {
        const codec = codecs.find((each) => each.name === name);
        return codec === undefined ? [] : [[flag, codec]];
      }),
    );
  }

  /**
   * Fill `page`, which is as long as a page.
   * @throws {FaultError} at `address` when the file does not hold the page, or not whole
   */
  readInto(page: Uint8Array, descriptorIndex: number, address: number): void {
    const descriptorAt = this.#descriptorOffset + descriptorIndex * descriptorByteSize;
    if (descriptorAt + descriptorByteSize > this.#source.byteSize) {
      throw new FaultError("truncated", address, "physical", "no descriptor");
    }
    this.#fill(this.#descriptor, descriptorAt, address);
    const offset = readLongAt(this.#descriptorView, 0, this.#littleEndian);
    const byteSize = this.#descriptorView.getUint32(8, this.#littleEndian);
    const flags = this.#descriptorView.getUint32(12, this.#littleEndian);

    if (offset === this.#zeroPageOffset) {
      page.fill(0);
      return;
    }
    // An incomplete dump has descriptors that nobody came to fill in.
    if (offset === 0 || byteSize === 0)
      throw new FaultError("truncated", address, "physical", "empty descriptor");
    if (byteSize > this.#blockByteSize || offset < 0) {
      throw new FaultError("corrupt", address, "physical", `descriptor of ${byteSize} bytes at ${offset}`);
    }
    if (offset + byteSize > this.#source.byteSize) throw new FaultError("truncated", address, "physical");
    this.#readData(page, offset, byteSize, flags & allCodecFlags, address);
  }

  #readData(page: Uint8Array, offset: number, byteSize: number, flag: number, address: number): void {
    if (flag === 0) {
      if (byteSize !== page.length) {
        throw new FaultError("corrupt", address, "physical", `uncompressed page of ${byteSize} bytes`);
      }
      this.#fill(page, offset, address);
      return;
    }
    const codec = this.#codecs.get(flag);
    if (codec === undefined) {
      const names = codecNamesOf(flag).join(" and ");
      throw new FaultError(
        "corrupt",
        address,
        "physical",
        `compressed with ${names}, unlike the rest of the file`,
      );
    }
    const compressed = this.#compressed.subarray(0, byteSize);
    this.#fill(compressed, offset, address);
    try {
      codec.decompressInto(compressed, page);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      throw new FaultError("corrupt", address, "physical", error.problem);
    }
    // Nothing else gets this small, so the look at every byte is rare.
    if (byteSize <= page.length / 64 && page.every((byte) => byte === 0)) this.#zeroPageOffset = offset;
  }

  #fill(target: Uint8Array, offset: number, address: number): void {
    try {
      this.#source.readInto(target, offset);
    } catch (error) {
      throw isTruncation(error) ? new FaultError("truncated", address, "physical") : error;
    }
  }
}
