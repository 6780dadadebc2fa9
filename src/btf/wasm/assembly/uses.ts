/**
 * Names as C has them. Tags of structs, unions and enums share one space, typedefs and enumerators another. The
 * second use of a name becomes `name___2`.
 */
import { makeRoom } from "./lines";
import { nameId, nameOfType } from "./names";
import { putByte, putName, putNumber, putText } from "./text";
import {
  countOf,
  FWD,
  isEmptyName,
  isEnum,
  kindFlagOf,
  kindOf,
  nameOf,
  recordOf,
  STRUCT,
  UNION,
} from "./types";

/** A word for each type: which use of its name it is, 0 where it was not printed yet. */
declare const given: i32;
/** A word for each name: how often it was used as a tag, and as another name. */
declare const tagUses: i32;
declare const ordinaryUses: i32;
declare const useText: i32;
declare const structText: i32;
declare const unionText: i32;
declare const enumText: i32;

function countUse(uses: i32, name: i32): i32 {
  const at = uses + (name << 2);
  const use = load<i32>(at) + 1;
  store<i32>(at, use);
  return use;
}

/** Which use of its name a type is, the same each time. */
function useOf(id: i32, uses: i32): i32 {
  const place = given + (id << 2);
  const known = load<i32>(place);
  if (known != 0) return known;
  const record = recordOf(id);
  const kind = kindOf(record);
  // Forward declarations, and enums without values, name what is defined elsewhere.
  const isForward = kind == FWD || (isEnum(kind) && countOf(record) == 0);
  const name = isForward ? 0 : nameOfType(id);
  const use = name == 0 ? 1 : countUse(uses, name);
  store<i32>(place, use);
  return use;
}

export function typedefUse(id: i32): i32 {
  return useOf(id, ordinaryUses);
}

function putNameUse(offset: i32, use: i32): void {
  makeRoom();
  putName(offset);
  if (use == 1) return;
  putText(useText);
  putNumber(use);
}

export function putTypedefName(id: i32): void {
  putNameUse(nameOf(recordOf(id)), typedefUse(id));
}

/** Each printing is a use. */
export function putEnumeratorName(offset: i32): void {
  putNameUse(offset, countUse(ordinaryUses, nameId(offset)));
}

/** A keyword, and the tag if there is one. */
export function putTag(id: i32): void {
  const record = recordOf(id);
  const kind = kindOf(record);
  const isUnion = kind == UNION || (kind == FWD && kindFlagOf(record));
  putText(isUnion ? unionText : kind == STRUCT || kind == FWD ? structText : enumText);
  const name = nameOf(record);
  if (isEmptyName(name)) return;
  putByte(32);
  putNameUse(name, useOf(id, tagUses));
}
