import { FormatError } from "../io/index.ts";
import type { Codec } from "./codec.ts";

/**
 * LZO1X blocks, as `lzo1x_1_compress` and its relatives write them: no header, an end mark.
 *
 * The format has no specification; the byte sequences follow the kernel's description of it,
 * Documentation/staging/lzo.rst, bitstream version 0. (Version 1 is the kernel's own LZO-RLE, which
 * no dump uses.)
 */
export const lzoCodec: Codec = { name: "lzo", decompressInto };

// A stream is a chain of instructions: copy a match from the output before, then 0 to 3 literals. What
// an instruction below 16 means depends on the literals that the one before has copied: none, 1 to 3,
// or a long run of 4 and more.
const longRun = 4;

function decompressInto(source: Uint8Array, target: Uint8Array): void {
  const sourceEnd = source.length;
  const targetEnd = target.length;
  let at = 0;
  let out = 0;
  let literals = 0;

  if (sourceEnd > 0 && source[0]! > 17) {
    const count = source[0]! - 17;
    at = 1;
    if (at + count > sourceEnd) throw cutOff();
    if (count > targetEnd) throw tooLong(targetEnd);
    for (let i = 0; i < count; i++) target[out++] = source[at++]!;
    literals = Math.min(count, longRun);
  }

  for (;;) {
    if (at >= sourceEnd) throw cutOff();
    const code = source[at++]!;
    let length: number;
    let distance: number;
    let trailing: number;
    if (code >= 64) {
      // 01LDDDSS H or 1LLDDDSS H: three to eight bytes from the last 2 KiB
      if (at >= sourceEnd) throw cutOff();
      length = (code >> 5) + 1;
      distance = (source[at++]! << 3) + ((code >> 2) & 7) + 1;
      trailing = code & 3;
    } else if (code >= 16) {
      // 001LLLLL DDDDDDSS DDDDDDDD from the last 16 KiB; 0001HLLL … from 16 to 48 KiB, or the end
      const mask = code >= 32 ? 31 : 7;
      length = code & mask;
      if (length === 0) {
        length = mask;
        while (at < sourceEnd && source[at] === 0) {
          length += 255;
          at++;
        }
        if (at >= sourceEnd) throw cutOff();
        length += source[at++]!;
      }
      length += 2;
      if (at + 2 > sourceEnd) throw cutOff();
      const word = source[at]! | (source[at + 1]! << 8);
      at += 2;
      trailing = word & 3;
      if (code >= 32) distance = (word >> 2) + 1;
      else {
        distance = 16384 + ((code & 8) << 11) + (word >> 2);
        if (distance === 16384) break;
      }
    } else if (literals === 0) {
      // 0000LLLL: four literals or more
      let count = code;
      if (count === 0) {
        count = 15;
        while (at < sourceEnd && source[at] === 0) {
          count += 255;
          at++;
        }
        if (at >= sourceEnd) throw cutOff();
        count += source[at++]!;
      }
      count += 3;
      if (at + count > sourceEnd) throw cutOff();
      if (out + count > targetEnd) throw tooLong(targetEnd);
      for (let i = 0; i < count; i++) target[out++] = source[at++]!;
      literals = longRun;
      continue;
    } else {
      // 0000DDSS H: two bytes from the last 1 KiB; after a long run three bytes from 2 to 3 KiB
      if (at >= sourceEnd) throw cutOff();
      const far = literals === longRun;
      length = far ? 3 : 2;
      distance = (source[at++]! << 2) + (code >> 2) + (far ? 2049 : 1);
      trailing = code & 3;
    }

    if (distance > out) {
      throw new FormatError("COMPRESS_BROKEN", "broken lzo data: a match starts before the data");
    }
    if (out + length + trailing > targetEnd) throw tooLong(targetEnd);
    if (at + trailing > sourceEnd) throw cutOff();
    // Byte by byte: a match may overlap what it makes.
    for (let from = out - distance, end = out + length; out < end;) target[out++] = target[from++]!;
    for (let i = 0; i < trailing; i++) target[out++] = source[at++]!;
    literals = trailing;
  }

  if (at !== sourceEnd) {
    throw new FormatError("COMPRESS_BROKEN", `broken lzo data: ${sourceEnd - at} bytes behind its end`);
  }
  if (out !== targetEnd) {
    throw new FormatError("COMPRESS_SIZE", `lzo data holds ${out} bytes, ${targetEnd} expected`);
  }
}

function cutOff(): FormatError {
  return new FormatError("COMPRESS_BROKEN", "broken lzo data: it ends too early");
}

function tooLong(expected: number): FormatError {
  return new FormatError("COMPRESS_SIZE", `lzo data holds more than the ${expected} bytes expected`);
}
