/**
 * Finds where each record starts, and how far references reach: opening a BTF is mostly the first thing that a
 * process does.
 */

/** The type section. */
declare const records: i32;
/** Where the offset of each record goes: in words, from the section's start. */
declare const offsets: i32;
/** Eight words for each of the 128 kinds: a `RecordShape` of `scan.ts` of the folder `btf`. */
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
  let place = offsets;
  let record = records;
  while (recordsEnd - record >= 12) {
    const info = load<i32>(record, 4);
    const shape = shapes + ((info >>> 19) & 0xfe0);
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
    values += info & 0xff_ffff & load<i32>(shape, 28);
    type = max<u32>(type, load<u32>(record, 8) & load<u32>(shape, 8));
    if (load<i32>(shape, 12) != 0) {
      type = max<u32>(type, load<u32>(record, 12));
      type = max<u32>(type, load<u32>(record, 16));
    }
    if (element < next) {
      const nameMask = load<u32>(shape, 16);
      const typeMask = load<u32>(shape, 20);
      const typeOffset = load<i32>(shape, 24);
      if ((nameMask & typeMask) != 0 && typeOffset == 4) {
        // Members and parameters, which are most of all.
        do {
          string = max<u32>(string, load<u32>(element));
          type = max<u32>(type, load<u32>(element, 4));
          element += stride;
        } while (element < next);
      } else {
        do {
          string = max<u32>(string, load<u32>(element) & nameMask);
          type = max<u32>(type, load<u32>(element + typeOffset) & typeMask);
          element += stride;
        } while (element < next);
      }
    }
    record = next;
  }
  at = record;
  largestType = type;
  largestString = string;
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
