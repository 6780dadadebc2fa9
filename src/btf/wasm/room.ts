import { makeMemory, type ProgramMemory } from "./engine.ts";

/** Before the bytes: a record for void, and what is known about kinds, for the scanner (8 KiB from 64 on). */
const frontByteSize = 1 << 14;
/** Room behind the bytes, for where records start and for printing, in bytes of a BTF; and what is needed at least. */
const roomRatio = 4;
const leastRoom = 4 << 20;
/** More is copied: ten times what the largest kernels have, and addresses are compared as numbers with a sign. */
const mostBytes = 1 << 26;

/** Memory of WebAssembly in which a BTF lies, with room behind it. */
export interface Room {
  memory: ProgramMemory;
  buffer: ArrayBuffer;
  /** First address behind what is in use. */
  free: number;
  /** Whether the offsets of a BTF's records are there. */
  isScanned: boolean;
  isTaken: boolean;
}

const rooms = new WeakMap<ArrayBufferLike, Room>();

/**
 * So many bytes for a BTF that is going to be printed once: what is read into them is scanned and printed where
 * it lies, and never copied. Ordinary bytes where there is no such memory, and beyond 64 MiB.
 */
export function bytesWithRoom(byteSize: number): Uint8Array<ArrayBuffer> {
  const memory =
    byteSize > mostBytes ? undefined : makeMemory(frontByteSize + byteSize * (1 + roomRatio) + leastRoom);
  if (memory === undefined) return new Uint8Array(byteSize);
  const buffer = memory.buffer;
  const free = (frontByteSize + byteSize + 15) & ~15;
  rooms.set(buffer, { memory, buffer, free, isScanned: false, isTaken: false });
  return new Uint8Array(buffer, frontByteSize, byteSize);
}

/** The room around bytes, before they are scanned. */
export function roomToScan(words: Uint32Array): Room | undefined {
  const room = rooms.get(words.buffer);
  return room?.isScanned === false ? room : undefined;
}

/** What of a BTF says whether it lies in a room. */
interface Lying {
  base: unknown;
  words: Uint32Array;
  offsets: Uint32Array;
  stringsBytes: Uint8Array;
}

/** The room around a BTF, which is the caller's from then on. */
export function takeRoom(btf: Lying): Room | undefined {
  const room = rooms.get(btf.words.buffer);
  if (room === undefined || room.isTaken || btf.base !== undefined) return undefined;
  if (btf.offsets.buffer !== room.buffer || btf.stringsBytes.buffer !== room.buffer) return undefined;
  room.isTaken = true;
  return room;
}
