import { FormatError, LimitError, UnsupportedError, type ByteSource } from "../io/index.ts";
import { textOf } from "./notes.ts";
import { readLongAt, readUnsignedLongAt, viewOf } from "./words.ts";

/** Status bits of the header, and flags of a page's descriptor. */
export const DUMP_DH_COMPRESSED_ZLIB = 0x1;
export const DUMP_DH_COMPRESSED_LZO = 0x2;
export const DUMP_DH_COMPRESSED_SNAPPY = 0x4;
export const DUMP_DH_COMPRESSED_INCOMPLETE = 0x8;
export const DUMP_DH_EXCLUDED_VMEMMAP = 0x10;
export const DUMP_DH_COMPRESSED_ZSTD = 0x20;

/** A place in a file. Bytes. */
export interface FilePart {
  offset: number;
  byteSize: number;
}

/** Header and sub header of a kdump-compressed file (makedumpfile, IMPLEMENTATION; diskdump_mod.h). */
export interface KdumpHeader {
  littleEndian: boolean;
  is64: boolean;
  /** 1 to 6. */
  version: number;
  /** Bytes of a page in the file: the kernel's page size, but 65536 where QEMU dumped an arm64 guest. */
  blockByteSize: number;
  status: number;
  /** Empty where QEMU wrote the file, but for `machine`. */
  utsname: { sysname: string; nodename: string; release: string; version: string; machine: string };
  /** Unix seconds, 0 where QEMU wrote the file. */
  time: number;
  /** Pages left out, by kind: 1 zero, 2 cache, 4 private cache, 8 user, 16 free. */
  dumpLevel: number;
  /** Frames whose descriptors the file holds, for one part of a split dump. */
  split: { firstFrame: number; endFrame: number } | undefined;
  /** Frames that the bitmaps count. */
  frameCount: number;
  /** Frames in RAM; undefined where one bitmap plays both roles. */
  memoryBitmap: FilePart | undefined;
  /** Frames in the dump. */
  dumpedBitmap: FilePart;
  descriptorOffset: number;
  vmcoreinfo: FilePart | undefined;
  notes: FilePart | undefined;
}

/** Bitmaps of 64 TiB in pages of 4 KiB. */
const maximumFrames = 2 ** 34;
const utsnameField = 65;

interface Reading {
  littleEndian: boolean;
  is64: boolean;
}

/**
 * The header does not say its byte order or width: the block size that makes sense does.
 * @throws {FormatError} when no reading makes sense, or the bitmaps are not in the file
 * @throws {UnsupportedError} for a version that is not known
 */
export function readKdumpHeader(source: ByteSource): KdumpHeader {
  const file = source.name;
  const head = source.read(0, Math.min(464, source.byteSize));
  if (head.length < 464) throw new FormatError("DUMP_TRUNCATED", "the file ends inside its header", { file });
  const view = viewOf(head);
  const reading = readings.find((candidate) => makesSense(view, candidate));
  if (reading === undefined) {
    throw new FormatError("DUMP_KDUMP_HEADER", "broken header: no byte order gives a sensible block size", {
      file,
    });
  }
  const { littleEndian, is64 } = reading;
  const shift = is64 ? 0 : -12;
  const version = view.getInt32(8, littleEndian);
  if (version < 1 || version > 6) {
    throw new UnsupportedError(
      "DUMP_KDUMP_VERSION",
      `kdump header version ${version}: 1 to 6 are supported`,
      {
        file,
        offset: 8,
      },
    );
  }
  const blockByteSize = view.getInt32(428 + shift, littleEndian);
  const subHeaderBlocks = view.getInt32(432 + shift, littleEndian);
  const bitmapBlocks = view.getUint32(436 + shift, littleEndian);
  const utsname = readUtsname(head);
  const sub = readSubHeader(source, reading, version, blockByteSize, utsname.machine);
  const frameCount = sub.frameCount > 0 ? sub.frameCount : view.getUint32(440 + shift, littleEndian);
  if (!(frameCount <= maximumFrames)) {
    throw new LimitError(
      "DUMP_KDUMP_FRAMES",
      `${frameCount} page frames: at most ${maximumFrames} are supported`,
      {
        file,
      },
    );
  }

  const bitmapOffset = (1 + subHeaderBlocks) * blockByteSize;
  const bitmapByteSize = Math.ceil(frameCount / 8);
  const blocksEach = Math.ceil(bitmapByteSize / blockByteSize);
  const two = bitmapBlocks >= 2 * blocksEach;
  if (bitmapBlocks < blocksEach) {
    throw new FormatError(
      "DUMP_KDUMP_HEADER",
      `${bitmapBlocks} blocks of bitmap do not hold ${frameCount} page frames`,
      { file, offset: 436 + shift },
    );
  }
  const dumpedOffset = bitmapOffset + (two ? Math.floor(bitmapBlocks / 2) * blockByteSize : 0);
  if (dumpedOffset + bitmapByteSize > source.byteSize) {
    throw new FormatError("DUMP_TRUNCATED", "the file ends inside its bitmaps", {
      file,
      offset: source.byteSize,
    });
  }
  return {
    littleEndian,
    is64,
    version,
    blockByteSize,
    status: view.getUint32(424 + shift, littleEndian),
    utsname,
    time: is64 ? readUnsignedLongAt(view, 408, littleEndian) : view.getUint32(404, littleEndian),
    dumpLevel: sub.dumpLevel,
    split: sub.split,
    frameCount,
    memoryBitmap: two ? { offset: bitmapOffset, byteSize: bitmapByteSize } : undefined,
    dumpedBitmap: { offset: dumpedOffset, byteSize: bitmapByteSize },
    descriptorOffset: bitmapOffset + bitmapBlocks * blockByteSize,
    vmcoreinfo: sub.vmcoreinfo,
    notes: sub.notes,
  };
}

const readings: readonly Reading[] = [
  { littleEndian: true, is64: true },
  { littleEndian: false, is64: true },
  { littleEndian: true, is64: false },
  { littleEndian: false, is64: false },
];

function makesSense(view: DataView, { littleEndian, is64 }: Reading): boolean {
  const blockByteSize = view.getUint32(is64 ? 428 : 416, littleEndian);
  const subHeaderBlocks = view.getUint32(is64 ? 432 : 420, littleEndian);
  return (
    blockByteSize >= 4096 &&
    blockByteSize <= 65536 &&
    (blockByteSize & (blockByteSize - 1)) === 0 &&
    subHeaderBlocks >= 1 &&
    subHeaderBlocks <= 16
  );
}

function readUtsname(head: Uint8Array): KdumpHeader["utsname"] {
  const field = (index: number): string =>
    textOf(head.subarray(12 + index * utsnameField, 12 + (index + 1) * utsnameField));
  return { sysname: field(0), nodename: field(1), release: field(2), version: field(3), machine: field(4) };
}

interface SubHeader {
  dumpLevel: number;
  split: KdumpHeader["split"];
  /** max_mapnr_64, 0 where there is none. */
  frameCount: number;
  vmcoreinfo: FilePart | undefined;
  notes: FilePart | undefined;
}

/**
 * `kdump_sub_header`, which grew from version to version. 32-bit x86 aligns 64-bit fields to 4 bytes, other
 * 32-bit machines to 8.
 */
function readSubHeader(
  source: ByteSource,
  { littleEndian, is64 }: Reading,
  version: number,
  blockByteSize: number,
  machine: string,
): SubHeader {
  const file = source.name;
  if (blockByteSize + 104 > source.byteSize) {
    throw new FormatError("DUMP_TRUNCATED", "the file ends inside its sub header", { file });
  }
  const view = viewOf(source.read(blockByteSize, 104));
  const aligned = is64 || !/^i.86$/.test(machine);
  let at = 0;
  const align = (to: number): void => {
    at = Math.ceil(at / to) * to;
  };
  const int = (): number => {
    at += 4;
    return view.getInt32(at - 4, littleEndian);
  };
  const quad = (): number => {
    align(aligned ? 8 : 4);
    at += 8;
    return readLongAt(view, at - 8, littleEndian);
  };
  const long = (): number => {
    if (is64) return quad();
    at += 4;
    return view.getUint32(at - 4, littleEndian);
  };
  const part = (): FilePart | undefined => {
    const offset = quad();
    const byteSize = long();
    return offset > 0 && byteSize > 0 ? { offset, byteSize } : undefined;
  };

  long(); // phys_base, which QEMU gets wrong; VMCOREINFO has it
  const dumpLevel = int();
  const isSplit = int() === 1;
  let firstFrame = long();
  let endFrame = long();
  const vmcoreinfo = part();
  const notes = part();
  part(); // erased data, by name
  if (version >= 6) {
    firstFrame = quad();
    endFrame = quad();
  }
  const frameCount = version >= 6 ? quad() : 0;
  return {
    dumpLevel: version >= 1 ? dumpLevel : 0,
    split: version >= 2 && isSplit ? { firstFrame, endFrame } : undefined,
    frameCount: Number.isSafeInteger(frameCount) ? Math.max(0, frameCount) : Infinity,
    vmcoreinfo: version >= 3 ? vmcoreinfo : undefined,
    notes: version >= 4 ? notes : undefined,
  };
}
