import {
  type Btf,
  BTF_KIND_ENUM,
  BTF_KIND_ENUM64,
  BTF_KIND_STRUCT,
  BTF_KIND_UNION,
  type TypeId,
} from "../btf/index.ts";
import { LimitError } from "../io/index.ts";

/** How the types of a file compare with those of a dump. */
export interface TypeAgreement {
  /** Named structs, unions and enumerations of the dump that the file has too, equal in every member. */
  equal: number;
  /** Those that the file does not have. */
  missing: number;
  /** The first that it has under that name, but never like this. */
  firstDifference: string | undefined;
}

/** Members and values that may be compared; a kernel has 300 000, and each type few others of its name. */
const maximumSteps = 50_000_000;

/**
 * Compare two descriptions of one kernel that were made separately, so that ids and order mean nothing:
 * every named struct, union and enumeration of `dump` against those of that name in `file`, by size,
 * members and bit offsets, or values. Several types of one name are normal; one equal suffices.
 * @throws {LimitError} `SIDECAR_STEPS` where so many types have one name that comparing would not end
 */
export function compareTypes(dump: Btf, file: Btf): TypeAgreement {
  const inFile = namedShapes(file);
  const agreement: TypeAgreement = { equal: 0, missing: 0, firstDifference: undefined };
  let steps = 0;
  for (const [key, ids] of namedShapes(dump)) {
    const candidates = inFile.get(key);
    for (const id of ids) {
      steps += (candidates?.length ?? 0) * (1 + dump.vlen(id));
      if (steps > maximumSteps) {
        const problem = `too many types named ${key}`;
        throw new LimitError(
          "SIDECAR_STEPS",
          problem,
          file.inputName === undefined ? {} : { file: file.inputName },
        );
      }
      if (candidates === undefined) agreement.missing++;
      else if (candidates.some((other) => sameShape(dump, id, file, other))) agreement.equal++;
      else agreement.firstDifference ??= `${key}: ${describeDifference(dump, id, file, candidates[0]!)}`;
    }
  }
  return agreement;
}

function namedShapes(btf: Btf): Map<string, TypeId[]> {
  const shapes = new Map<string, TypeId[]>();
  for (let id = 1; id < btf.typeCount; id++) {
    const word = keyword(btf.kind(id));
    if (word === undefined) continue;
    const nameOffset = btf.nameOffset(id);
    if (nameOffset === 0) continue;
    const key = `${word} ${btf.string(nameOffset)}`;
    const ids = shapes.get(key);
    if (ids === undefined) shapes.set(key, [id]);
    else ids.push(id);
  }
  return shapes;
}

function keyword(kind: number): string | undefined {
  switch (kind) {
    case BTF_KIND_STRUCT:
      return "struct";
    case BTF_KIND_UNION:
      return "union";
    case BTF_KIND_ENUM:
    case BTF_KIND_ENUM64:
      return "enum";
    default:
      return undefined;
  }
}

function isEnumeration(btf: Btf, id: TypeId): boolean {
  return keyword(btf.kind(id)) === "enum";
}

function sameShape(a: Btf, x: TypeId, b: Btf, y: TypeId): boolean {
  const count = a.vlen(x);
  if (count !== b.vlen(y)) return false;
  if (isEnumeration(a, x)) {
    // The size of an enumeration is the one thing that encoders disagree on.
    for (let i = 0; i < count; i++) {
      if (BigInt.asUintN(32, a.enumeratorValue(x, i)) !== BigInt.asUintN(32, b.enumeratorValue(y, i)))
        return false;
      if (a.enumeratorName(x, i) !== b.enumeratorName(y, i)) return false;
    }
    return true;
  }
  if (a.sizeOrType(x) !== b.sizeOrType(y)) return false;
  for (let i = 0; i < count; i++) {
    if (a.memberBitOffset(x, i) !== b.memberBitOffset(y, i)) return false;
    if (a.memberName(x, i) !== b.memberName(y, i)) return false;
  }
  return true;
}

function describeDifference(a: Btf, x: TypeId, b: Btf, y: TypeId): string {
  if (isEnumeration(a, x)) return "other values than in the dump";
  const bytes = (size: number): string => `${size} bytes`;
  if (a.sizeOrType(x) !== b.sizeOrType(y)) {
    return `${bytes(b.sizeOrType(y))}, in the dump ${bytes(a.sizeOrType(x))}`;
  }
  for (let i = 0; i < Math.min(a.vlen(x), b.vlen(y)); i++) {
    const mine = `member ${a.memberName(x, i) || "(anonymous)"} at bit ${a.memberBitOffset(x, i)}`;
    const other = `member ${b.memberName(y, i) || "(anonymous)"} at bit ${b.memberBitOffset(y, i)}`;
    if (mine !== other) return `${other}, in the dump ${mine}`;
  }
  return `${b.vlen(y)} members, in the dump ${a.vlen(x)}`;
}
