/**
 * kdump-compressed files as makedumpfile and QEMU write them. Deliberately naive, and apart from `src/dump`,
 * so that one checks the other.
 */
import { ByteWriter } from "./bytes.ts";
import { compressPage, type PageCompression } from "./compressed-page.ts";

export interface KdumpSpec {
  littleEndian?: boolean;
  is64?: boolean;
  /** header_version, default 6. */
  version?: number;
  /** Default 4096. */
  blockByteSize?: number;
  /** max_mapnr */
  frameCount: number;
  /** Pages by frame; `excluded` is memory that is not in the dump. */
  pages: ReadonlyMap<number, Uint8Array | "excluded">;
  /** How the page of a frame is compressed; default zlib. */
  compression?: (frame: number) => PageCompression;
  /** Fields of a descriptor that are to be different. */
  descriptor?: (frame: number) => { offset?: number | bigint; byteSize?: number; flags?: number } | undefined;
  /** Header status, default the bits of all compressions in use. */
  status?: number;
  oneBitmap?: boolean;
  dumpLevel?: number;
  split?: { firstFrame: number; endFrame: number };
  vmcoreinfo?: string;
  notes?: Uint8Array;
  utsname?: Partial<Record<(typeof utsnameFields)[number], string>>;
  time?: number;
}

const utsnameFields = ["sysname", "nodename", "release", "version", "machine", "domainname"] as const;

export function kdump(spec: KdumpSpec): Uint8Array {
  const { littleEndian = true, is64 = true, version = 6, blockByteSize = 4096, frameCount } = spec;
  const inFile = [...spec.pages.keys()]
    .filter((frame) => spec.pages.get(frame) !== "excluded")
    .toSorted((a, b) => a - b);
  const here = inFile.filter(
    (frame) => spec.split === undefined || (frame >= spec.split.firstFrame && frame < spec.split.endFrame),
  );

  const subHeader = new ByteWriter(littleEndian);
  const text = Buffer.from(spec.vmcoreinfo ?? "");
  const notes = spec.notes ?? new Uint8Array(0);
  const textOffset = blockByteSize + 256;
  const notesOffset = textOffset + text.length;
  const subBlocks = Math.ceil((256 + text.length + notes.length) / blockByteSize);
  const long = (value: number | bigint): void =>
    void (is64 ? align8(subHeader).u64(value) : subHeader.u32(value));
  const quad = (value: number | bigint): void =>
    void (is64 || !/^i.86$/.test(spec.utsname?.machine ?? "") ? align8(subHeader) : subHeader).u64(value);
  long(0xffff_fff8_b797_cd9cn);
  subHeader.u32(spec.dumpLevel ?? 0).u32(spec.split === undefined ? 0 : 1);
  long(spec.split?.firstFrame ?? 0);
  long(spec.split?.endFrame ?? 0);
  quad(text.length === 0 ? 0 : textOffset);
  long(text.length);
  quad(notes.length === 0 ? 0 : notesOffset);
  long(notes.length);
  quad(0);
  long(0);
  quad(spec.split?.firstFrame ?? 0);
  quad(spec.split?.endFrame ?? 0);
  quad(frameCount);

  const bitmapBlocks = Math.ceil(Math.ceil(frameCount / 8) / blockByteSize);
  const bitmaps = spec.oneBitmap === true ? 1 : 2;
  const descriptorOffset = (1 + subBlocks + bitmaps * bitmapBlocks) * blockByteSize;
  const descriptors = new ByteWriter(littleEndian);
  const data = new ByteWriter(littleEndian);
  // In each file of a split dump there is room for the descriptors of all.
  const dataOffset = descriptorOffset + inFile.length * 24;
  let status = 0;
  let zeroPage: { offset: number; flags: number; byteSize: number } | undefined;
  for (const frame of here) {
    const page = spec.pages.get(frame) as Uint8Array;
    const compressed = compressPage(page, spec.compression?.(frame) ?? "zlib");
    const smaller = compressed.bytes.length < page.length;
    const { flags, bytes } = smaller ? compressed : { flags: 0, bytes: page };
    status |= flags;
    const isZero = page.every((byte) => byte === 0);
    let place = isZero ? zeroPage : undefined;
    if (place === undefined) {
      place = { offset: dataOffset + data.length, flags, byteSize: bytes.length };
      data.bytes(bytes);
    }
    if (isZero) zeroPage = place;
    const other = spec.descriptor?.(frame);
    descriptors.u64(other?.offset ?? place.offset).u32(other?.byteSize ?? place.byteSize);
    descriptors.u32(other?.flags ?? place.flags).u64(0);
  }

  const out = new ByteWriter(littleEndian).bytes(Buffer.from("KDUMP   ")).u32(version);
  for (const field of utsnameFields) {
    const value = Buffer.from(spec.utsname?.[field] ?? "");
    out.bytes(value).bytes(new Uint8Array(65 - value.length));
  }
  if (is64)
    out
      .align(8)
      .u64(spec.time ?? 0)
      .u64(0);
  else
    out
      .align(4)
      .u32(spec.time ?? 0)
      .u32(0);
  out
    .u32(spec.status ?? status)
    .u32(blockByteSize)
    .u32(subBlocks)
    .u32(bitmaps * bitmapBlocks);
  out.u32(Math.min(frameCount, 0xffff_ffff)).u32(here.length).u32(0).u32(here.length).u32(0).u32(1);
  out.align(blockByteSize).bytes(subHeader.finish());
  out
    .bytes(new Uint8Array(textOffset - out.length))
    .bytes(text)
    .bytes(notes)
    .align(blockByteSize);
  if (bitmaps === 2) out.bytes(bitmap([...spec.pages.keys()], bitmapBlocks * blockByteSize));
  out.bytes(bitmap(inFile, bitmapBlocks * blockByteSize));
  out.bytes(descriptors.finish()).bytes(new Uint8Array(dataOffset - out.length));
  return out.bytes(data.finish()).finish();
}

function align8(writer: ByteWriter): ByteWriter {
  return writer.align(8);
}

function bitmap(frames: readonly number[], byteSize: number): Uint8Array {
  const bytes = new Uint8Array(byteSize);
  for (const frame of frames) bytes[frame >> 3]! |= 1 << (frame & 7);
  return bytes;
}
