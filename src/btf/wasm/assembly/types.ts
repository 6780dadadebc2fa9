/** Types of BTF as their records in memory, by id. */

/** A word for each type id: where its record is, counted in words from `records`; void's is of zeros. */
declare const starts: i32;
declare const records: i32;
export declare const typeCount: i32;
declare const strings: i32;

export const INT = 1;
export const PTR = 2;
export const ARRAY = 3;
export const STRUCT = 4;
export const UNION = 5;
export const ENUM = 6;
export const FWD = 7;
export const TYPEDEF = 8;
export const VOLATILE = 9;
export const CONST = 10;
export const RESTRICT = 11;
export const FUNC = 12;
export const FUNC_PROTO = 13;
export const VAR = 14;
export const DATASEC = 15;
export const FLOAT = 16;
export const DECL_TAG = 17;
export const TYPE_TAG = 18;
export const ENUM64 = 19;

/** Byte offset of what stands behind a record's head: the first element. */
export const headByteSize = 12;
/** Bytes of an element of STRUCT, UNION, DATASEC and ENUM64; of FUNC_PROTO and ENUM. */
export const wideElement = 12;
export const narrowElement = 8;

export function recordOf(id: i32): i32 {
  return records + (load<i32>(starts + (id << 2)) << 2);
}

export function nameOf(record: i32): i32 {
  return load<i32>(record);
}

export function kindOf(record: i32): i32 {
  return load<u8>(record, 7) & 127;
}

/** Members, values, parameters or entries. */
export function countOf(record: i32): i32 {
  return load<i32>(record, 4) & 0xff_ffff;
}

export function kindFlagOf(record: i32): bool {
  return load<i32>(record, 4) < 0;
}

/** Byte size or type id, whichever the kind has. */
export function sizeOrType(record: i32): i32 {
  return load<i32>(record, 8);
}

export function arrayElementType(record: i32): i32 {
  return load<i32>(record, 12);
}

export function arrayLength(record: i32): i32 {
  return load<i32>(record, 20);
}

export function addressOfName(offset: i32): i32 {
  return strings + offset;
}

export function isEmptyName(offset: i32): bool {
  return offset == 0 || load<u8>(strings + offset) == 0;
}

/** VOLATILE, CONST, RESTRICT */
export function isQualifier(kind: i32): bool {
  return <u32>(kind - VOLATILE) < 3;
}

export function isEnum(kind: i32): bool {
  return kind == ENUM || kind == ENUM64;
}

export function isComposite(kind: i32): bool {
  return kind == STRUCT || kind == UNION;
}

/** Not FUNC, VAR, DATASEC: of those C has no definitions. */
export function isPrinted(kind: i32): bool {
  return kind != FUNC && kind != VAR && kind != DATASEC;
}

/** What PTR, ARRAY, TYPEDEF, qualifiers and tags refer to; -1 for other kinds. */
export function referredBy(record: i32, kind: i32): i32 {
  switch (kind) {
    case PTR:
    case TYPEDEF:
    case VOLATILE:
    case CONST:
    case RESTRICT:
    case DECL_TAG:
    case TYPE_TAG:
      return sizeOrType(record);
    case ARRAY:
      return arrayElementType(record);
    default:
      return -1;
  }
}
