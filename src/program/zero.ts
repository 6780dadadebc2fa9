import { FaultError } from "../io/index.ts";
import type { KernelObject } from "./object.ts";
import { isZero } from "./scalar.ts";
import { snapshot } from "./snapshot.ts";

/** Most parts looked at to tell one object's answer; types can be made that have endlessly many. */
const maximumParts = 0x10_0000;
/** Bytes read at once when looking for the end of a large array's contents. */
const chunkByteSize = 0x1_0000;

/**
 * Whether all of an object's value is zero, padding aside. What cannot be read is not; what has no
 * size is.
 */
export function isZeroObject(object: KernelObject): boolean {
  try {
    return isZeroPart(object, { left: maximumParts });
  } catch (error) {
    if (error instanceof FaultError) return false;
    throw error;
  }
}

/** Count of an array's elements without the zeros at its end. */
export function lengthWithoutZeros(array: KernelObject): number {
  const { underlying } = array.type;
  let end = underlying.length ?? 0;
  const byteSize = underlying.target!.byteSizeIf ?? 0;
  if (byteSize === 0) return 0;
  if (array.kind === "reference" && !array.isPerCpu && byteSize <= chunkByteSize) {
    const perChunk = Math.floor(chunkByteSize / byteSize);
    while (end > perChunk && isZeroMemory(array, (end - perChunk) * byteSize, perChunk * byteSize))
      end -= perChunk;
  }
  while (end > 0 && isZeroObject(array.index(end - 1))) end--;
  return end;
}

function isZeroMemory(object: KernelObject, offset: number, byteSize: number): boolean {
  try {
    return isZeroBytes(object.program.memory.read(object.address! + BigInt(offset), byteSize));
  } catch (error) {
    if (error instanceof FaultError) return false;
    throw error;
  }
}

function isZeroBytes(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function isZeroPart(object: KernelObject, budget: { left: number }): boolean {
  if (object.kind === "absent" || object.isPerCpu || --budget.left < 0) return false;
  const { underlying } = object.type;
  if (underlying.byteSizeIf === undefined) return true;
  if (!underlying.isComposite && underlying.kind !== "array") {
    const { value } = object.operand();
    return value === undefined ? isZeroBytes(object.bytes()) : isZero(value);
  }
  const source = snapshot(object);
  if (source.kind === "value" && isZeroBytes(source.bytes())) return true;
  if (underlying.isComposite)
    return underlying.members.every((member) => isZeroPart(source.part(member), budget));
  for (let index = 0; index < (underlying.length ?? 0); index++) {
    if (!isZeroPart(source.index(index), budget)) return false;
  }
  return true;
}
