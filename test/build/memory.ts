/** A machine's memory for tests of dumps, and reads of a dump against it. */
import { expect } from "vitest";
import type { PhysicalMemory } from "../../src/dump/index.ts";
import { FaultError, type FaultReason } from "../../src/io/index.ts";
import { randomNumbers } from "./mutate.ts";

export interface MemoryPiece {
  address: number;
  bytes: Uint8Array;
}

/** Bytes that compress as a kernel's memory does: runs, repetitions, noise, and pages of zeros. */
export function memoryBytes(byteSize: number, seed: number): Uint8Array {
  const random = randomNumbers(seed);
  const bytes = new Uint8Array(byteSize);
  for (let at = 0; at < byteSize;) {
    const length = Math.min(byteSize - at, 1 + random(3000));
    const kind = random(4);
    if (kind === 0) bytes.fill(random(256), at, at + length);
    else if (kind === 1) for (let i = at; i < at + length; i++) bytes[i] = random(256);
    else if (kind === 2 && at > 600) for (let i = at; i < at + length; i++) bytes[i] = bytes[i - 600]!;
    at += length;
  }
  for (let page = 0; page + 4096 <= byteSize; page += 4096)
    if (random(4) === 0) bytes.fill(0, page, page + 4096);
  return bytes;
}

/** Read at random places and compare with the pieces; places between them must be faults with the reason. */
export function checkReads(
  memory: PhysicalMemory,
  pieces: readonly MemoryPiece[],
  seed: number,
  reasonAt: (address: number) => FaultReason = () => "absent",
  reads = 300,
): void {
  const random = randomNumbers(seed);
  for (let i = 0; i < reads; i++) {
    const piece = pieces[random(pieces.length)]!;
    const sizes = [1, 8, 33, 4096, 10_000, 70_000];
    const target = new Uint8Array(sizes[random(sizes.length)]!);
    const address = Math.max(0, piece.address - 4096 + random(piece.bytes.length + 8192));
    const want = expected(pieces, address, target.length);
    if (want instanceof Uint8Array) {
      memory.readInto(target, address);
      if (!Buffer.from(target).equals(want)) {
        throw new Error(`0x${address.toString(16)}, ${target.length} bytes: other bytes than the memory's`);
      }
    } else {
      let fault: unknown;
      try {
        memory.readInto(target, address);
      } catch (error) {
        fault = error;
      }
      expect(fault).toBeInstanceOf(FaultError);
      const { address: at, reason, space } = fault as FaultError;
      expect({ at, reason, space }).toEqual({ at: BigInt(want), reason: reasonAt(want), space: "physical" });
    }
  }
}

/** The bytes there, or the first address without any. */
function expected(pieces: readonly MemoryPiece[], address: number, byteSize: number): Uint8Array | number {
  const result = new Uint8Array(byteSize);
  for (let done = 0; done < byteSize;) {
    const here = address + done;
    const piece = pieces.find((each) => each.address <= here && here < each.address + each.bytes.length);
    if (piece === undefined) return here;
    const part = piece.bytes.subarray(here - piece.address, here - piece.address + byteSize - done);
    result.set(part, done);
    done += part.length;
  }
  return result;
}
