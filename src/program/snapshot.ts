import type { KernelObject } from "./object.ts";

/** Largest object read at once, in bytes; parts of larger ones are read one by one. */
const maximumByteSize = 0x10_0000;

/**
 * The object as a value, so that its parts come from one read. The object itself where that cannot
 * be: it is large, or some of its memory has no answer and its parts have to be asked one by one.
 */
export function snapshot(object: KernelObject): KernelObject {
  const byteSize = object.type.byteSizeIf ?? 0;
  if (object.kind !== "reference" || byteSize === 0 || byteSize > maximumByteSize || object.isPerCpu)
    return object;
  if (object.isBitField) return object;
  const value = object.readOrAbsent();
  return value.kind === "value" ? value : object;
}
