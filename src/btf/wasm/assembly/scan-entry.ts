/**
 * Finds where each record starts, and how far references reach: opening a BTF is mostly the first thing that a
 * process does.
 */

/** The type section. */
declare const records: i32;
/** Where the offset of each record goes: in words, from the section's start. */
declare const offsets: i32;
/** 16 words for each of the 128 kinds: a `RecordShape` of `scan.ts` of the folder `btf`. */
declare const shapes: i32;

let largestType: u32 = 0;
let largestString: u32 = 0;
let enumerators: i32 = 0;
let at: i32 = 0;

/** Scan the records up to an address. Gives how many there are before the end, or before one that cannot be taken. */
export function scan(recordsEnd: i32): i32 {
  let type: u32 = 0;
  let string: u32 = 0;
  let values = 0;
  /** Of elements: name, type, and two unused. */
  let greatest = i32x4.splat(0);
  let place = offsets;
  let record = records;
  while (recordsEnd - record >= 12) {
    const info = load<i32>(record, 4);
    const shape = shapes + ((info >>> 18) & 0x1fc0);
    const byteSize = load<i32>(shape);
    if (byteSize == 0) break;
    const stride = load<i32>(shape, 4);
    let element = record + byteSize;
    const end = <i64>element + <i64>(info & 0xff_ffff) * <i64>stride;
    if (end > <i64>recordsEnd) break;
    const next = <i32>end;
    store<i32>(place, (record - records) >> 2);
    place += 4;
    string = max<u32>(string, load<u32>(record));
    values += info & 0xff_ffff & load<i32>(shape, 32);
    type = max<u32>(type, load<u32>(record, 8) & load<u32>(shape, 8));
    if (load<i32>(shape, 12) != 0) {
      type = max<u32>(type, load<u32>(record, 12));
      type = max<u32>(type, load<u32>(record, 16));
    }
    if (element < next) {
      if (load<i32>(shape, 36) == 0) {
        // Name and type are the first two words: both at once, without the two behind them.
        const mask = v128.load(shape, 16);
        do {
          greatest = i32x4.max_u(greatest, v128.and(v128.load(element), mask));
          element += stride;
        } while (element < next);
      } else {
        do {
          type = max<u32>(type, load<u32>(element));
          element += stride;
        } while (element < next);
      }
    }
    record = next;
  }
  at = record;
  largestType = max<u32>(type, i32x4.extract_lane(greatest, 1));
  largestString = max<u32>(string, i32x4.extract_lane(greatest, 0));
  enumerators = values;
  return (place - offsets) >> 2;
}

/** Address of the record that was not taken; `recordsEnd` when all were. */
export function stoppedAt(): i32 {
  return at;
}

/** Of the records taken, as 32 bits with a sign. */
export function largestTypeId(): i32 {
  return largestType;
}

export function largestStringOffset(): i32 {
  return largestString;
}

/** Values of all enums together. */
export function enumeratorCount(): i32 {
  return enumerators;
}
