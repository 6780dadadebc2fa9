/**
 * ELF cores of whole machines, as kernels and hypervisors write them. Deliberately naive, and apart from
 * `src/dump`, so that one checks the other.
 */
import { ByteWriter } from "./bytes.ts";

export interface NoteSpec {
  name: string;
  type: number;
  description: ArrayLike<number>;
}

export interface LoadSpec {
  virtualAddress?: number | bigint;
  physicalAddress: number | bigint;
  /** What the file has of it. */
  bytes?: Uint8Array;
  /** Instead of bytes: the place in the file of the load with this index, so that two segments share it. */
  sameAs?: number;
  /** p_memsz, where it is not the length of the bytes. */
  memoryByteSize?: number | bigint;
  /** p_offset, where it is not where the bytes are. */
  fileOffset?: number | bigint;
  /** p_filesz, where it is not the length of the bytes. */
  fileByteSize?: number | bigint;
}

export interface CoreSpec {
  littleEndian?: boolean;
  /** EM_ constant, default EM_X86_64. */
  machine?: number;
  /** ET_ constant, default ET_CORE. */
  type?: number;
  /** e_ehsize, default 64. */
  headerByteSize?: number;
  /** Count the segments in section header 0. */
  extendedNumbering?: boolean;
  notes?: readonly NoteSpec[];
  loads: readonly LoadSpec[];
}

const PT_LOAD = 1;
const PT_NOTE = 4;
const headerByteSize = 64;
const sectionByteSize = 64;
const segmentByteSize = 56;

export function notesBytes(notes: readonly NoteSpec[], littleEndian = true): Uint8Array {
  const out = new ByteWriter(littleEndian);
  for (const { name, type, description } of notes) {
    out
      .u32(name.length + 1)
      .u32(description.length)
      .u32(type);
    out.cString(name).align(4).bytes(description).align(4);
  }
  return out.finish();
}

export function core(spec: CoreSpec): Uint8Array {
  const littleEndian = spec.littleEndian ?? true;
  const notes = notesBytes(spec.notes ?? [], littleEndian);
  const count = spec.loads.length + 1;
  const extended = spec.extendedNumbering ?? false;
  const segmentOffset = headerByteSize + (extended ? sectionByteSize : 0);
  const notesOffset = segmentOffset + count * segmentByteSize;

  // An odd gap: nothing promises that memory is aligned in the file.
  let end = notesOffset + notes.length + 0x10;
  const offsets = spec.loads.map(({ bytes }) => {
    const at = end;
    end += bytes?.length ?? 0;
    return at;
  });

  const out = new ByteWriter(littleEndian);
  out.bytes([0x7f, 0x45, 0x4c, 0x46, 2, littleEndian ? 1 : 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  out
    .u16(spec.type ?? 4)
    .u16(spec.machine ?? 62)
    .u32(1)
    .u64(0);
  out
    .u64(segmentOffset)
    .u64(extended ? headerByteSize : 0)
    .u32(0);
  out
    .u16(spec.headerByteSize ?? 64)
    .u16(segmentByteSize)
    .u16(extended ? 0xffff : count);
  out
    .u16(sectionByteSize)
    .u16(extended ? 1 : 0)
    .u16(0);
  if (extended) {
    out.u32(0).u32(0).u64(0).u64(0).u64(0).u64(0);
    out.u32(0).u32(count).u64(0).u64(0);
  }
  out.u32(PT_NOTE).u32(0).u64(notesOffset).u64(0).u64(0).u64(notes.length).u64(notes.length).u64(4);
  spec.loads.forEach((load, i) => {
    const place = load.sameAs ?? i;
    const byteSize = spec.loads[place]!.bytes?.length ?? 0;
    out.u32(PT_LOAD).u32(7);
    out.u64(load.fileOffset ?? offsets[place]!);
    out.u64(load.virtualAddress ?? load.physicalAddress).u64(load.physicalAddress);
    out.u64(load.fileByteSize ?? byteSize);
    out.u64(load.memoryByteSize ?? byteSize);
    out.u64(0);
  });
  out.bytes(notes).bytes(new Uint8Array(0x10));
  for (const { bytes } of spec.loads) if (bytes !== undefined) out.bytes(bytes);
  return out.finish();
}
