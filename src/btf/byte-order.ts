/** True where a `Uint32Array` of this machine is little endian. */
export const nativeLittleEndian: boolean = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** Reverse the bytes of every word in place. */
export function swapWords(words: Uint32Array): void {
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!;
    words[index] = (word >>> 24) | ((word >>> 8) & 0xff00) | ((word & 0xff00) << 8) | (word << 24);
  }
}

/**
 * The words of a byte range in this machine's order: a view when the range is aligned and already
 * in that order, else a copy. `byteSize` must be a multiple of 4 and inside `bytes`.
 */
export function wordsOf(
  bytes: Uint8Array,
  offset: number,
  byteSize: number,
  littleEndian: boolean,
): Uint32Array {
  const start = bytes.byteOffset + offset;
  if (littleEndian === nativeLittleEndian && start % 4 === 0) {
    return new Uint32Array(bytes.buffer, start, byteSize / 4);
  }
  const words = new Uint32Array(byteSize / 4);
  new Uint8Array(words.buffer).set(bytes.subarray(offset, offset + byteSize));
  if (littleEndian !== nativeLittleEndian) swapWords(words);
  return words;
}
