// oxlint-disable no-var, eqeqeq -- asm.js has no other variables, and no other comparisons

import type { AsmLibrary } from "./heap.ts";

/** Words that describe the records of one kind to {@link recordScanner}. */
export interface RecordShape {
  /** Bytes of a record without its elements; 0 for a kind that is not known. */
  byteSize: number;
  elementByteSize: number;
  /** All ones where the head's third word is a type id, else 0. */
  headTypeMask: number;
  /** All ones where the two words behind the head are type ids (ARRAY), else 0. */
  arrayMask: number;
  /** All ones where an element's first word is a name, else 0. */
  nameMask: number;
  /** All ones where an element has a type id, else 0; and where in the element it stands, in bytes. */
  typeMask: number;
  typeOffset: number;
}

/** Where {@link recordScanner} finds everything in its heap: addresses in bytes. */
export interface ScannerPlaces {
  /** The type section. */
  records: number;
  /** Where the offset of each record goes: in words, from the section's start. */
  offsets: number;
  /** Eight words for each of the 128 kinds: a {@link RecordShape}, and one unused. */
  shapes: number;
}

export interface ScannerFunctions {
  /** Scan the records up to an address. Gives how many there are before the end, or before one that cannot be taken. */
  scan: (recordsEnd: number) => number;
  /** Address of that record; `recordsEnd` when all were taken. */
  stoppedAt: () => number;
  /** Of the records taken, as 32 bits with a sign. */
  largestTypeId: () => number;
  largestStringOffset: () => number;
}

/**
 * Finds where each record starts, and how far references reach. In asm.js, as `record-printer.ts`: opening
 * a BTF is mostly the first thing that a process does.
 */
export function recordScanner(
  library: AsmLibrary,
  places: ScannerPlaces,
  heap: ArrayBuffer,
): ScannerFunctions {
  "use asm";
  var words = new library.Int32Array(heap);
  var imul = library.Math.imul;
  var records = places.records | 0;
  var offsets = places.offsets | 0;
  var shapes = places.shapes | 0;
  var largestType = 0;
  var largestString = 0;
  var at = 0;

  function scanRecords(recordsEnd: number): number {
    recordsEnd = recordsEnd | 0;
    var info = 0;
    var shape = 0;
    var count = 0;
    var next = 0;
    var stride = 0;
    var nameMask = 0;
    var typeMask = 0;
    var typeOffset = 0;
    var element = 0;
    var value = 0;
    var type = 0;
    var string = 0;
    at = records;
    while (((recordsEnd - at) | 0) >= 12) {
      info = words[(at + 4) >> 2]! | 0;
      shape = (shapes + ((info >>> 19) & 0xfe0)) | 0;
      next = words[shape >> 2]! | 0;
      if ((next | 0) == 0) break;
      stride = words[(shape + 4) >> 2]! | 0;
      element = (at + next) | 0;
      // In floating point: 2^24 elements of 63 words do not fit 32 bits.
      if (+(element | 0) + +(info & 0xffffff) * +(stride | 0) > +(recordsEnd | 0)) break;
      next = (element + imul(info & 0xffffff, stride)) | 0;
      words[(offsets + (count << 2)) >> 2] = (at - records) >> 2;
      count = (count + 1) | 0;
      value = words[at >> 2]! | 0;
      if (value >>> 0 > string >>> 0) string = value;
      value = words[(at + 8) >> 2]! & words[(shape + 8) >> 2]!;
      if (value >>> 0 > type >>> 0) type = value;
      if ((words[(shape + 12) >> 2]! | 0) != 0) {
        value = words[(at + 12) >> 2]! | 0;
        if (value >>> 0 > type >>> 0) type = value;
        value = words[(at + 16) >> 2]! | 0;
        if (value >>> 0 > type >>> 0) type = value;
      }
      if ((element | 0) < (next | 0)) {
        nameMask = words[(shape + 16) >> 2]! | 0;
        typeMask = words[(shape + 20) >> 2]! | 0;
        typeOffset = words[(shape + 24) >> 2]! | 0;
        while ((element | 0) < (next | 0)) {
          value = words[element >> 2]! & nameMask;
          if (value >>> 0 > string >>> 0) string = value;
          value = words[(element + typeOffset) >> 2]! & typeMask;
          if (value >>> 0 > type >>> 0) type = value;
          element = (element + stride) | 0;
        }
      }
      at = next;
    }
    largestType = type;
    largestString = string;
    return count | 0;
  }

  function stopped(): number {
    return at | 0;
  }

  function largestTypeOf(): number {
    return largestType | 0;
  }

  function largestStringOf(): number {
    return largestString | 0;
  }

  // Of one name on both sides, bundlers make what asm.js does not know.
  return {
    scan: scanRecords,
    stoppedAt: stopped,
    largestTypeId: largestTypeOf,
    largestStringOffset: largestStringOf,
  };
}
