/** Hashes of what types are made of, by which bpftool tells types of one name apart. */
import { DEEP_TYPE, fail } from "./host";
import {
  addressOfName,
  arrayElementType,
  arrayLength,
  countOf,
  ENUM,
  ENUM64,
  kindOf,
  nameOf,
  narrowElement,
  recordOf,
  referredBy,
  STRUCT,
  UNION,
  ARRAY,
  wideElement,
  headByteSize,
} from "./types";

/** A word for each type: the number of its hash, 0 while that is not known. */
declare const deepHashes: i32;
/** The same of the hash without the members of structs. */
declare const shallowHashes: i32;
/** The hashes themselves, of 64 bits: few of all types have one. */
declare const hashValues: i32;

/** Types that refer on and on are given up at so many. */
const deepest = 128;

let hashCount: i32 = 0;

function combined(hash: u64, value: u64): u64 {
  return hash * 31 + value;
}

function withName(hash: u64, offset: i32): u64 {
  if (offset == 0) return hash;
  let name: u64 = 0;
  // A char, which has a sign.
  for (let at = addressOfName(offset), byte = load<i8>(at); byte != 0; byte = load<i8>(++at))
    name = combined(name, <u64>(<i64>byte));
  return combined(hash, name);
}

function withNames(hash: u64, record: i32, elementByteSize: i32): u64 {
  let element = record + headByteSize;
  for (let left = countOf(record); left > 0; left--) {
    hash = withName(hash, load<i32>(element));
    element += elementByteSize;
  }
  return hash;
}

/** A type's hash, worked out once. Without members of structs in the shallow column, as a member's type counts. */
function hashIn(column: i32, id: i32, depth: i32): u64 {
  const place = column + (id << 2);
  const known = load<i32>(place);
  if (known != 0) return load<u64>(hashValues + (known << 3));
  if (depth > deepest) fail(DEEP_TYPE, id, 0);
  depth++;
  const record = recordOf(id);
  const kind = kindOf(record);
  let hash = withName(0, nameOf(record));
  switch (kind) {
    case ENUM:
      hash = withNames(hash, record, narrowElement);
      break;
    case ENUM64:
      hash = withNames(hash, record, wideElement);
      break;
    case STRUCT:
    case UNION:
      if (column == deepHashes) {
        let element = record + headByteSize;
        for (let left = countOf(record); left > 0; left--) {
          hash = withName(hash, load<i32>(element));
          hash = combined(hash, hashIn(shallowHashes, load<i32>(element, 4), depth));
          element += wideElement;
        }
      }
      break;
    case ARRAY:
      hash = combined(hash, arrayLength(record));
      hash = combined(hash, hashIn(column, arrayElementType(record), depth));
      break;
    default: {
      const type = referredBy(record, kind);
      if (type >= 0) hash = combined(hash, hashIn(column, type, depth));
      break;
    }
  }
  hashCount++;
  store<u64>(hashValues + (hashCount << 3), hash);
  store<i32>(place, hashCount);
  return hash;
}

/** A type's hash: with what it is made of. */
export function hashOf(id: i32): u64 {
  return hashIn(deepHashes, id, 0);
}

/** The same where it is known. */
export function knownHash(id: i32): u64 {
  return load<u64>(hashValues + (load<i32>(deepHashes + (id << 2)) << 3));
}
