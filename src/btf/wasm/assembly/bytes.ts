/**
 * Text as bytes in memory. Each function writes to an address, and gives that of the text's end: kept by
 * whoever calls, it stays in a register.
 *
 * What is copied goes in blocks of 16 bytes where there is SIMD, and so up to 15 bytes too far: behind text
 * there is room for that.
 */

/** Two digits for each number below 100. */
declare const digitPairs: i32;

/** What stands at an address up to a NUL. */
export function writeString(to: i32, address: i32): i32 {
  if (ASC_FEATURE_SIMD) {
    let zeros = 0;
    for (;;) {
      const block = v128.load(address);
      v128.store(to, block);
      zeros = i8x16.bitmask(i8x16.eq(block, i8x16.splat(0)));
      if (zeros != 0) break;
      address += 16;
      to += 16;
    }
    return to + ctz(zeros);
  }
  for (let byte = load<u8>(address); byte != 0; byte = load<u8>(++address)) store<u8>(to++, byte);
  return to;
}

/** A text of which the length is known: a word with its bytes' count, then the bytes. */
export function writeText(to: i32, text: i32): i32 {
  const byteSize = load<i32>(text);
  if (ASC_FEATURE_SIMD) {
    v128.store(to, v128.load(text, 4));
    if (byteSize > 16) writeRest(to, text + 4, byteSize);
  } else {
    for (let at = 0; at < byteSize; at++) store<u8>(to + at, load<u8>(text + at, 4));
  }
  return to + byteSize;
}

/** What is behind the first block of a text. */
function writeRest(to: i32, from: i32, byteSize: i32): void {
  for (let at = 16; at < byteSize; at += 16) v128.store(to + at, v128.load(from + at));
}

/** A tenth and a hundredth: Liftoff, V8's first compiler, divides as slowly as the processor does. */
function tenth(value: u32): u32 {
  return <u32>((<u64>value * 0xcccc_cccd) >> 35);
}

function hundredth(value: u32): u32 {
  return <u32>((<u64>value * 0x51eb_851f) >> 37);
}

function copyPair(to: i32, from: i32): void {
  // JavaScript made of this reads and writes two bytes at even addresses only.
  if (ASC_FEATURE_SIMD) store<u16>(to, load<u16>(from));
  else {
    store<u8>(to, load<u8>(from));
    store<u8>(to, load<u8>(from, 1), 1);
  }
}

/** A number of 32 bits without a sign, in decimal. */
export function writeNumber(to: i32, value: u32): i32 {
  if (value < 10) {
    store<u8>(to, <u8>(48 + value));
    return to + 1;
  }
  if (value < 100) {
    copyPair(to, digitPairs + (value << 1));
    return to + 2;
  }
  return writeLongNumber(to, value);
}

function writeLongNumber(to: i32, value: u32): i32 {
  let digits = 3;
  if (value >= 10_000) {
    if (value >= 1_000_000)
      digits = value >= 100_000_000 ? (value >= 1_000_000_000 ? 10 : 9) : value >= 10_000_000 ? 8 : 7;
    else digits = value >= 100_000 ? 6 : 5;
  } else if (value >= 1000) digits = 4;
  const end = to + digits;
  let at = end;
  while (value >= 100) {
    const rest = hundredth(value);
    at -= 2;
    copyPair(at, digitPairs + ((value - rest * 100) << 1));
    value = rest;
  }
  if (value >= 10) copyPair(at - 2, digitPairs + (value << 1));
  else store<u8>(at - 1, <u8>(48 + value));
  return end;
}

export function writeSigned(to: i32, value: i32): i32 {
  if (value >= 0) return writeNumber(to, value);
  store<u8>(to, 45);
  return writeNumber(to + 1, -value);
}

/** A number of 64 bits without a sign, in decimal. */
export function writeWide(to: i32, value: u64): i32 {
  if (value >>> 32 == 0) return writeNumber(to, <u32>value);
  const high = value / 1_000_000_000;
  to = writeWide(to, high);
  let low = <u32>(value - high * 1_000_000_000);
  // Nine digits, zeros in front.
  for (let at = to + 8; at >= to; at--) {
    const rest = tenth(low);
    store<u8>(at, <u8>(48 + (low - rest * 10)));
    low = rest;
  }
  return to + 9;
}

export function writeWideSigned(to: i32, value: i64): i32 {
  if (value >= 0) return writeWide(to, value);
  store<u8>(to, 45);
  return writeWide(to + 1, -value);
}
