/**
 * Types under construction: the words of a BTF type section (Documentation/bpf/btf.rst, "Type
 * encoding"), in host order, except that the first word of a type and the name word of a member,
 * value or parameter hold a *name id* (any number that stands for exactly one string, 0 for none)
 * instead of a string offset.
 */

export const Kind = {
  int: 1,
  ptr: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  fwd: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  func: 12,
  funcProto: 13,
  var: 14,
  datasec: 15,
  float: 16,
  declTag: 17,
  typeTag: 18,
  enum64: 19,
} as const;

/** Kind of an `info` word. */
export function kindOfInfo(info: number): number {
  return (info >>> 24) & 0x1f;
}

/** vlen of an `info` word. Types under construction use all 24 bits; the writer checks the limit. */
export function vlenOfInfo(info: number): number {
  return info & 0xffffff;
}

export function makeInfo(kind: number, vlen: number, kindFlag: boolean): number {
  return ((kindFlag ? 0x8000_0000 : 0) | (kind << 24) | vlen) >>> 0;
}

/** Words a type takes, from its `info` word. */
export function wordCountOfInfo(info: number): number {
  const vlen = info & 0xffffff;
  switch ((info >>> 24) & 0x1f) {
    case Kind.int:
    case Kind.var:
    case Kind.declTag:
      return 4;
    case Kind.array:
      return 6;
    case Kind.struct:
    case Kind.union:
    case Kind.datasec:
    case Kind.enum64:
      return 3 + vlen * 3;
    case Kind.enum:
    case Kind.funcProto:
      return 3 + vlen * 2;
    default:
      return 3;
  }
}

/** True where the third word is a type id. */
export function refersByThirdWord(kind: number): boolean {
  switch (kind) {
    case Kind.ptr:
    case Kind.typedef:
    case Kind.volatile:
    case Kind.const:
    case Kind.restrict:
    case Kind.func:
    case Kind.funcProto:
    case Kind.var:
    case Kind.declTag:
    case Kind.typeTag:
      return true;
    default:
      return false;
  }
}
