import type { Btf } from "./reader.ts";
import { encodeBtf } from "./writer.ts";

/**
 * `upper`, split over `lower` and what is below that, and `lower` as one BTF that starts where `lower`
 * starts. Ids and string offsets of split BTF go on where its base's end, so all stay what they are, and
 * what is split from the result is split from both.
 */
export function joinBtf(lower: Btf, upper: Btf): Uint8Array {
  const words = new Uint32Array(lower.words.length + upper.words.length);
  words.set(lower.words);
  words.set(upper.words, lower.words.length);
  const strings = new Uint8Array(lower.stringsBytes.length + upper.stringsBytes.length);
  strings.set(lower.stringsBytes);
  strings.set(upper.stringsBytes, lower.stringsBytes.length);
  const { layoutByteSize } = lower.header;
  return encodeBtf({
    words,
    strings,
    littleEndian: lower.littleEndian,
    ...(layoutByteSize > 0 && { layout: true }),
  });
}
