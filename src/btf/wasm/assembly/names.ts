/** Numbers for names: equal names have equal numbers, wherever they are stored; 0 is the empty one. */
import {
  addressOfName,
  countOf,
  isEmptyName,
  isEnum,
  isPrinted,
  kindOf,
  nameOf,
  recordOf,
  typeCount,
} from "./types";

/** Open-addressed table of name ids, 0 where free: words, a power of two of them and more than twice as many as names. */
declare const slots: i32;
/** Another each time, so that no file can be made whose names all have one hash. */
declare const seed: i32;
/** A word for each name id: its string offset, and its hash. */
declare const nameOffsets: i32;
declare const nameHashes: i32;
/** A word for each type: 1 + its name's id, 0 while not known. */
declare const typeNames: i32;

let names: i32 = 1;
let slotMask: i32 = 0;

/** Make the table twice as large, from 4,096 words on. */
function growTable(): void {
  slotMask = max((slotMask << 1) | 1, 0xfff);
  memory.fill(slots, 0, (slotMask + 1) << 2);
  for (let name = 1; name < names; name++) {
    let slot = load<i32>(nameHashes + (name << 2)) & slotMask;
    while (load<i32>(slots + (slot << 2)) != 0) slot = (slot + 1) & slotMask;
    store<i32>(slots + (slot << 2), name);
  }
}

/** Id of a type's name. */
export function nameOfType(id: i32): i32 {
  const at = typeNames + (id << 2);
  let name = load<i32>(at);
  if (name == 0) {
    name = nameId(nameOf(recordOf(id))) + 1;
    store<i32>(at, name);
  }
  return name - 1;
}

/** One more than the last id. */
export function nameCount(): i32 {
  return names;
}

export function addressOfNameId(name: i32): i32 {
  return addressOfName(load<i32>(nameOffsets + (name << 2)));
}

/** Whether two texts are equal up to their NUL. */
function isEqualText(first: i32, second: i32): bool {
  let byte: u8 = 0;
  do {
    byte = load<u8>(first++);
    if (byte != load<u8>(second++)) return false;
  } while (byte != 0);
  return true;
}

/** Whether a name is a NUL-terminated one. */
export function isName(offset: i32, name: i32): bool {
  if (offset == 0) return false;
  return isEqualText(addressOfName(offset), name);
}

/** Of a name that is not empty. */
function hashOfText(at: i32): i32 {
  if (ASC_FEATURE_SIMD) {
    // Eight bytes at a time, up to the one that is 0.
    let hash: u64 = seed;
    for (;;) {
      const block = load<u64>(at);
      const zeros = (block - 0x0101_0101_0101_0101) & ~block & 0x8080_8080_8080_8080;
      if (zeros != 0) {
        hash = mixed(hash, block & ((zeros & (0 - zeros)) - 1));
        break;
      }
      hash = mixed(hash, block);
      at += 8;
    }
    return <i32>(hash ^ (hash >>> 32));
  }
  // FNV-1a, but for the seed.
  let hash = seed;
  for (let byte: i32 = load<u8>(at); byte != 0; byte = load<u8>(++at)) hash = (hash ^ byte) * 16777619;
  return hash ^ (hash >>> 15);
}

function mixed(hash: u64, block: u64): u64 {
  hash = (hash ^ block) * 0x9e37_79b9_7f4a_7c15;
  return hash ^ (hash >>> 29);
}

/** Id of the name at a string offset. */
export function nameId(offset: i32): i32 {
  if (isEmptyName(offset)) return 0;
  const hash = hashOfText(addressOfName(offset));
  if (names << 1 > slotMask) growTable();
  let slot = hash & slotMask;
  for (let name = load<i32>(slots + (slot << 2)); name != 0; name = load<i32>(slots + (slot << 2))) {
    if (load<i32>(nameHashes + (name << 2)) == hash) {
      const other = load<i32>(nameOffsets + (name << 2));
      if (other == offset || isEqualText(addressOfName(other), addressOfName(offset))) return name;
    }
    slot = (slot + 1) & slotMask;
  }
  const name = names++;
  store<i32>(slots + (slot << 2), name);
  store<i32>(nameOffsets + (name << 2), offset);
  store<i32>(nameHashes + (name << 2), hash);
  return name;
}
