/** Functions of the kernel that programs for BPF may call. */
import { declareNamed, resetDeclarators } from "./declarators";
import { beginDefinition } from "./lines";
import { isName } from "./names";
import { putText } from "./text";
import { FUNC, kindOf, nameOf, recordOf, sizeOrType } from "./types";

/** A byte for each type: 1 for a kfunc, and 2 for what is marked as fast, together 3. */
declare const kfuncMarks: i32;
/** A word for each type: ids of those that are kfuncs, as they were found. */
declare const kfuncIds: i32;
declare const kfuncTag: i32;
declare const fastCallTag: i32;
declare const externText: i32;
declare const fastExternText: i32;
declare const kfuncEnd: i32;

const KFUNC = 1;
const FAST = 2;

let count: i32 = 0;

/** To be shown each DECL_TAG: of a FUNC, not of a parameter, it may say what that is. */
export function markKfunc(record: i32): void {
  const target = sizeOrType(record);
  if (load<i32>(record, 12) != -1 || kindOf(recordOf(target)) != FUNC) return;
  const place = kfuncMarks + target;
  const mark = load<u8>(place);
  if (isName(nameOf(record), kfuncTag)) {
    if ((mark & KFUNC) == 0) store<i32>(kfuncIds + (count++ << 2), target);
    store<u8>(place, mark | KFUNC);
  } else if (isName(nameOf(record), fastCallTag)) store<u8>(place, mark | FAST);
}

/** How many were found. */
export function kfuncCount(): i32 {
  return count;
}

/** Print the declaration of one of them. */
export function putKfunc(id: i32): void {
  const record = recordOf(id);
  resetDeclarators();
  beginDefinition();
  putText((load<u8>(kfuncMarks + id) & FAST) != 0 ? fastExternText : externText);
  declareNamed(sizeOrType(record), nameOf(record), 0);
  putText(kfuncEnd);
}
