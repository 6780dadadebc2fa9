/** Sizes and alignments of types: those of `type-sizes.ts` of the folder `btf`. */
import { DEEP_TYPE, fail } from "./host";
import { isName } from "./names";
import {
  ARRAY,
  arrayElementType,
  arrayLength,
  CONST,
  countOf,
  DATASEC,
  ENUM,
  ENUM64,
  FLOAT,
  headByteSize,
  INT,
  kindFlagOf,
  kindOf,
  nameOf,
  PTR,
  recordOf,
  RESTRICT,
  sizeOrType,
  STRUCT,
  TYPEDEF,
  TYPE_TAG,
  UNION,
  VAR,
  VOLATILE,
  wideElement,
} from "./types";

/** Addresses of the names that `long` has, NUL-terminated, a 0 behind them. */
declare const longNames: i32;
/** A byte for each type: 1 + its alignment, 0 while not known. */
declare const alignments: i32;

const deepest = 128;

/** Bytes of a pointer. */
export let pointerByteSize: i32 = 8;
let hasPointerSize: bool = false;

function isLong(name: i32): bool {
  for (let at = longNames; load<i32>(at) != 0; at += 4) if (isName(name, load<i32>(at))) return true;
  return false;
}

/** Whether it needs no finding out. */
export function isPointerSizeKnown(): bool {
  return hasPointerSize;
}

/** Pointers have the size of `long`, if an INT is that; unless it is, 8 bytes. */
export function usePointersOfLong(record: i32): void {
  const byteSize = sizeOrType(record);
  if ((byteSize == 4 || byteSize == 8) && isLong(nameOf(record))) usePointersOf(byteSize);
}

/** Size of the target's pointers. */
export function usePointersOf(byteSize: i32): void {
  pointerByteSize = byteSize;
  hasPointerSize = true;
}

function product(first: u32, second: u32): u32 {
  return <u32>min<u64>(<u64>first * <u64>second, 0xffff_ffff);
}

/** Bytes, at most 2^32 - 1; 0 for what has no size. */
export function byteSizeOf(id: i32): u32 {
  let count: u32 = 1;
  for (let hops = 0; hops < deepest; hops++) {
    const record = recordOf(id);
    switch (kindOf(record)) {
      case INT:
      case STRUCT:
      case UNION:
      case ENUM:
      case DATASEC:
      case FLOAT:
      case ENUM64:
        return product(count, sizeOrType(record));
      case PTR:
        return product(count, pointerByteSize);
      case ARRAY:
        count = product(count, arrayLength(record));
        id = arrayElementType(record);
        break;
      case TYPEDEF:
      case VOLATILE:
      case CONST:
      case RESTRICT:
      case VAR:
      case TYPE_TAG:
        id = sizeOrType(record);
        break;
      default:
        return 0;
    }
  }
  fail(DEEP_TYPE, id, 0);
  return 0;
}

/** Whether a number can be divided by a power of two, or by another that hostile BTF may have, without rest. */
function isMultiple(value: u32, divisor: u32): bool {
  return (divisor & (divisor - 1)) == 0 ? (value & (divisor - 1)) == 0 : value % divisor == 0;
}

/** Whether a member that is no bitfield stands where its alignment does not let it; the kind flag is the struct's. */
function isMisplaced(element: i32, kindFlag: bool, alignment: i32): bool {
  const place = load<u32>(element, 8);
  if ((kindFlag && place >>> 24 != 0) || alignment == 0) return false;
  return !isMultiple(place, alignment << 3);
}

/** Bytes; 0 for a type that has none. */
export function alignmentOf(id: i32): i32 {
  // As below, so that it is put in place where it is called.
  const known = load<u8>(alignments + id);
  return known != 0 ? known - 1 : findAlignment(id, 0);
}

function alignmentWithin(id: i32, depth: i32): i32 {
  const known = load<u8>(alignments + id);
  return known != 0 ? known - 1 : findAlignment(id, depth);
}

function findAlignment(id: i32, depth: i32): i32 {
  if (depth > deepest) fail(DEEP_TYPE, id, 0);
  depth++;
  const record = recordOf(id);
  let alignment = 0;
  switch (kindOf(record)) {
    case INT:
    case ENUM:
    case FLOAT:
    case ENUM64:
      alignment = min<u32>(sizeOrType(record), pointerByteSize);
      break;
    case PTR:
      alignment = pointerByteSize;
      break;
    case ARRAY:
      alignment = alignmentWithin(arrayElementType(record), depth);
      break;
    case STRUCT:
    case UNION:
      alignment = compositeAlignment(record, depth);
      break;
    case TYPEDEF:
    case VOLATILE:
    case CONST:
    case RESTRICT:
    case TYPE_TAG:
      alignment = alignmentWithin(sizeOrType(record), depth);
      break;
    default:
      break;
  }
  store<u8>(alignments + id, <u8>(alignment + 1));
  return alignment;
}

function compositeAlignment(record: i32, depth: i32): i32 {
  const kindFlag = kindFlagOf(record);
  let greatest = 1;
  let element = record + headByteSize;
  for (let left = countOf(record); left > 0; left--) {
    const alignment = alignmentWithin(load<i32>(element, 4), depth);
    if (alignment == 0) return 0;
    if (isMisplaced(element, kindFlag, alignment)) return 1;
    greatest = max(greatest, alignment);
    element += wideElement;
  }
  return isMultiple(sizeOrType(record), greatest) ? greatest : 1;
}

/** Whether a struct's members are placed as only `__attribute__((packed))` places them. */
export function isPacked(record: i32): bool {
  const kindFlag = kindFlagOf(record);
  let greatest = 1;
  let element = record + headByteSize;
  for (let left = countOf(record); left > 0; left--) {
    const alignment = alignmentOf(load<i32>(element, 4));
    if (isMisplaced(element, kindFlag, alignment)) return true;
    greatest = max(greatest, alignment);
    element += wideElement;
  }
  return !isMultiple(sizeOrType(record), greatest);
}
