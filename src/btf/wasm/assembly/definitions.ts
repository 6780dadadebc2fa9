/** Definitions, with the padding that makes a compiler lay types out as they were. */
import { declareAs, declareNamed, enter, leave, resetDeclarators } from "./declarators";
import { fail, MANY_DEFINITIONS } from "./host";
import { beginDefinition, putLine } from "./lines";
import { isName } from "./names";
import { putEnumeratorName, putTag, typedefUse } from "./uses";
import { pad } from "./padding";
import { putByte, putName, putNumber, putSigned, putText, putWide, putWideSigned } from "./text";
import { alignmentOf, byteSizeOf, isPacked, pointerByteSize } from "./sizes";
import {
  ARRAY,
  arrayElementType,
  CONST,
  countOf,
  ENUM,
  ENUM64,
  FUNC_PROTO,
  FWD,
  headByteSize,
  INT,
  isEmptyName,
  kindFlagOf,
  kindOf,
  nameOf,
  narrowElement,
  PTR,
  recordOf,
  RESTRICT,
  sizeOrType,
  STRUCT,
  TYPEDEF,
  TYPE_TAG,
  UNION,
  VOLATILE,
  wideElement,
} from "./types";

/** Two words for each name that has a meaning of its own, a 0 behind them: a NUL-terminated name, and a text. */
declare const aliases: i32;
/** A byte for each type: 1 while it is defined, 2 after; and 1 where it was declared ahead. */
declare const states: i32;
declare const declared: i32;
/** Steps for definitions: unnamed types within each other are walked each time they are met. */
declare const stepLimit: i32;
declare const typedefText: i32;
declare const openText: i32;
declare const equalsText: i32;
declare const endText: i32;
declare const packedText: i32;
declare const byteModeText: i32;
declare const wordModeText: i32;
declare const signedSuffix: i32;
declare const unsignedSuffix: i32;
declare const builtinVaListName: i32;
declare const gnucVaListName: i32;
declare const builtinVaListAsGnuc: i32;

const DEFINING = 1;
const DEFINED = 2;
const deepest = 1500;

let stepsLeft: i32 = stepLimit;

/** `struct NAME { … }` with its members, padding and attribute. */
export function putComposite(id: i32, level: i32): void {
  const record = recordOf(id);
  const isStruct = kindOf(record) == STRUCT;
  const hasBitfields = kindFlagOf(record);
  const packed = isStruct && isPacked(record);
  enter(id);
  putTag(id);
  putText(openText);
  let atWord = 0;
  let at = 0;
  let isAfterBitfield = false;
  let element = record + headByteSize;
  for (let left = countOf(record); left > 0; left--) {
    const type = load<i32>(element, 4);
    let place = load<i32>(element, 8);
    let width = 0;
    if (hasBitfields) {
      width = place >>> 24;
      place &= 0xff_ffff;
    }
    if (width == 0) isAfterBitfield = false;
    const alignment = packed ? 1 : alignmentOf(type);
    if (atWord != place >>> 6 || at != (place & 63))
      pad(atWord, at, place >>> 6, place & 63, alignment, isAfterBitfield, level + 1);
    putLine(level + 1);
    declareNamed(type, load<i32>(element), level + 1);
    atWord = place >>> 6;
    at = place & 63;
    if (width != 0) {
      putByte(58);
      putByte(32);
      putNumber(width);
      isAfterBitfield = true;
      at += width;
    } else {
      const byteSize = byteSizeOf(type);
      atWord += byteSize >>> 3;
      at += (byteSize & 7) << 3;
    }
    atWord += at >> 6;
    at &= 63;
    putByte(59);
    element += wideElement;
  }
  const byteSize = sizeOrType(record);
  if (isStruct) {
    pad(atWord, at, byteSize >>> 3, (byteSize & 7) << 3, packed ? 1 : alignmentOf(id), false, level + 1);
  }
  if ((countOf(record) | byteSize) != 0) putLine(level);
  putByte(125);
  if (packed) putText(packedText);
  leave();
}

/** `enum NAME { … }` with what makes it as wide as it is. */
export function putEnumeration(id: i32, level: i32): void {
  const record = recordOf(id);
  let left = countOf(record);
  putTag(id);
  if (left == 0) return;
  putText(openText);
  const isWide = kindOf(record) == ENUM64;
  const isSigned = kindFlagOf(record);
  let highBits = 0;
  let element = record + headByteSize;
  for (; left > 0; left--) {
    putLine(level + 1);
    putEnumeratorName(load<i32>(element));
    putText(equalsText);
    if (isWide) {
      highBits |= load<i32>(element, 8);
      const value = load<u64>(element, 4);
      if (isSigned) putWideSigned(value);
      else putWide(value);
      putText(isSigned ? signedSuffix : unsignedSuffix);
      element += wideElement;
    } else {
      const value = load<i32>(element, 4);
      if (isSigned) putSigned(value);
      else putNumber(value);
      element += narrowElement;
    }
    putByte(44);
  }
  putLine(level);
  putByte(125);
  const byteSize = sizeOrType(record);
  if (byteSize == 1) putText(byteModeText);
  if (byteSize == 8 && pointerByteSize == 8 && highBits == 0) putText(wordModeText);
}

/** `typedef … NAME;` */
function putTypedef(id: i32): void {
  const record = recordOf(id);
  const name = nameOf(record);
  // Compilers define it, and refuse another definition.
  if (isName(name, builtinVaListName)) return;
  const target = sizeOrType(record);
  putText(typedefText);
  if (target == 0 && isName(name, gnucVaListName) && typedefUse(id) == 1) putText(builtinVaListAsGnuc);
  else declareAs(target, isEmptyName(name) ? 0 : -id, 0);
  putText(endText);
}

function putForward(id: i32): void {
  putTag(id);
  putText(endText);
}

function putAlias(name: i32): void {
  for (let alias = aliases; load<i32>(alias) != 0; alias += 8) {
    if (!isName(name, load<i32>(alias))) continue;
    putText(typedefText);
    putText(load<i32>(alias, 4));
    putName(name);
    putText(endText);
  }
}

/** A type is needed within its own definition. */
function declareAhead(id: i32, container: i32): void {
  if (load<u8>(declared + id) != 0) return;
  const record = recordOf(id);
  if (kindOf(record) == TYPEDEF) putTypedef(id);
  else {
    if (id == container || nameOf(record) == 0) return;
    putForward(id);
  }
  store<u8>(declared + id, 1);
}

function defineComposite(id: i32, container: i32, depth: i32): void {
  const record = recordOf(id);
  const isNamed = nameOf(record) != 0;
  store<u8>(states + id, DEFINING);
  if (container == 0 || !isNamed) {
    // All members will be written, so what they point to must be declared.
    const within = isNamed ? id : container;
    let element = record + headByteSize;
    for (let left = countOf(record); left > 0; left--) {
      define(load<i32>(element, 4), within, depth + 1);
      element += wideElement;
    }
  } else if (load<u8>(declared + id) == 0 && id != container) {
    putForward(id);
    store<u8>(declared + id, 1);
  }
  if (container == 0) {
    putComposite(id, 0);
    putText(endText);
    store<u8>(states + id, DEFINED);
  } else store<u8>(states + id, 0);
}

/**
 * Print a definition, and before it the forward declarations that it needs.
 * @param container the definition that is being written; 0 at the top. Within one, structs are only declared.
 */
function define(id: i32, container: i32, depth: i32): void {
  if (load<u8>(states + id) != DEFINED) defineNew(id, container, depth);
}

function defineNew(id: i32, container: i32, depth: i32): void {
  const state = states + id;
  if (--stepsLeft < 0 || depth > deepest) fail(MANY_DEFINITIONS, id, 0);
  if (load<u8>(state) == DEFINING) {
    declareAhead(id, container);
    return;
  }
  const record = recordOf(id);
  depth++;
  switch (kindOf(record)) {
    case INT:
      putAlias(nameOf(record));
      store<u8>(state, DEFINED);
      break;
    case ENUM:
    case ENUM64:
      if (container == 0) {
        putEnumeration(id, 0);
        putText(endText);
      }
      store<u8>(state, DEFINED);
      break;
    case FWD:
      putForward(id);
      store<u8>(state, DEFINED);
      break;
    case ARRAY:
      define(arrayElementType(record), container, depth);
      break;
    case FUNC_PROTO: {
      define(sizeOrType(record), container, depth);
      let element = record + headByteSize;
      for (let left = countOf(record); left > 0; left--) {
        define(load<i32>(element, 4), container, depth);
        element += narrowElement;
      }
      break;
    }
    case TYPEDEF:
      store<u8>(state, DEFINING);
      define(sizeOrType(record), id, depth);
      // A pointer back to it may have needed it early.
      if (load<u8>(declared + id) == 0) putTypedef(id);
      store<u8>(state, DEFINED);
      break;
    case STRUCT:
    case UNION:
      defineComposite(id, container, depth - 1);
      break;
    case PTR:
    case VOLATILE:
    case CONST:
    case RESTRICT:
    case TYPE_TAG:
      define(sizeOrType(record), container, depth);
      break;
    default:
      break;
  }
}

/** Define so many types whose ids are at an address, each after what must be declared before. */
export function defineAll(ids: i32, count: i32): void {
  for (; count > 0; count--) {
    resetDeclarators();
    beginDefinition();
    define(load<i32>(ids), 0, 0);
    ids += 4;
  }
}
