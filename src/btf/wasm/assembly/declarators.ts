/**
 * Declarations, with every space where bpftool has it. What a declaration declares is a number: a name at a
 * string offset; below zero a typedef, as its id; or 0, nothing.
 */
import { putComposite, putEnumeration } from "./definitions";
import { DEEP_DEFINITION, fail, LONG_DECLARATOR, NO_TYPE } from "./host";
import { makeRoom } from "./lines";
import { putTag, putTypedefName } from "./uses";
import { putByte, putName, putNumber, putText } from "./text";
import {
  ARRAY,
  arrayElementType,
  arrayLength,
  CONST,
  countOf,
  ENUM,
  ENUM64,
  FLOAT,
  FUNC_PROTO,
  FWD,
  headByteSize,
  INT,
  isComposite,
  isEmptyName,
  isEnum,
  isQualifier,
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
} from "./types";

/** Words for the declarators that are being printed. */
declare const chains: i32;
declare const voidText: i32;
declare const constText: i32;
declare const volatileText: i32;
declare const restrictText: i32;
declare const attributeText: i32;
declare const attributeEnd: i32;
declare const typeTagText: i32;
declare const typeTagEnd: i32;
declare const noParametersText: i32;
declare const moreParametersText: i32;
declare const separatorText: i32;

const longestChain = 256;
const deepestNesting = 64;

/** End of the declarators that are being printed, and how deep they and definitions lie. */
let chainEnd: i32 = chains;
let nesting: i32 = 0;

export function resetDeclarators(): void {
  chainEnd = chains;
  nesting = 0;
}

export function enter(id: i32): void {
  if (++nesting > deepestNesting) fail(DEEP_DEFINITION, id, 0);
}

export function leave(): void {
  nesting--;
}

function putQualifier(kind: i32): void {
  putText(kind == CONST ? constText : kind == VOLATILE ? volatileText : restrictText);
}

/** Kind at the end of the chain that begins at an address; -1 where nothing is left of it. */
function kindInChain(chain: i32): i32 {
  return chainEnd == chain ? -1 : kindOf(recordOf(load<i32>(chainEnd - 4)));
}

function putLeadingQualifiers(chain: i32): void {
  for (let kind = kindInChain(chain); isQualifier(kind); kind = kindInChain(chain)) {
    chainEnd -= 4;
    putQualifier(kind);
    putByte(32);
  }
}

function dropQualifiers(chain: i32): void {
  for (let kind = kindInChain(chain); isQualifier(kind) || kind == TYPE_TAG; kind = kindInChain(chain))
    chainEnd -= 4;
}

function putDeclared(name: i32, isAfterStar: bool): void {
  if (name == 0) return;
  if (!isAfterStar) putByte(32);
  if (name > 0) {
    makeRoom();
    putName(name);
  } else putTypedefName(-name);
}

/** A type at the end of a chain; unnamed ones are defined in place. */
function putBaseType(id: i32, level: i32): void {
  const record = recordOf(id);
  switch (kindOf(record)) {
    case 0:
      putText(voidText);
      break;
    case INT:
    case FLOAT:
      makeRoom();
      putName(nameOf(record));
      break;
    case STRUCT:
    case UNION:
      if (nameOf(record) == 0) putComposite(id, level);
      else putTag(id);
      break;
    case ENUM:
    case ENUM64:
      if (nameOf(record) == 0) putEnumeration(id, level);
      else putTag(id);
      break;
    case FWD:
      putTag(id);
      break;
    case TYPEDEF:
      putTypedefName(id);
      break;
    default:
      fail(NO_TYPE, id, 0);
      break;
  }
}

/** Print a chain from its innermost type outwards; it is used up. */
function unwind(chain: i32, name: i32, level: i32): void {
  // At the start no blank is wanted either: `(*name)`.
  let isAfterStar = true;
  while (chainEnd > chain) {
    chainEnd -= 4;
    const id = load<i32>(chainEnd);
    const record = recordOf(id);
    const kind = kindOf(record);
    switch (kind) {
      case PTR:
        if (!isAfterStar) putByte(32);
        putByte(42);
        break;
      case VOLATILE:
      case CONST:
      case RESTRICT:
        putByte(32);
        putQualifier(kind);
        break;
      case TYPE_TAG:
        putLeadingQualifiers(chain);
        makeRoom();
        putText(kindFlagOf(record) ? attributeText : typeTagText);
        putName(nameOf(record));
        putText(kindFlagOf(record) ? attributeEnd : typeTagEnd);
        break;
      case ARRAY:
        putArray(record, chain, name, isAfterStar, level);
        return;
      case FUNC_PROTO:
        putFunction(record, chain, name, isAfterStar, level);
        return;
      default:
        putLeadingQualifiers(chain);
        putBaseType(id, level);
        break;
    }
    isAfterStar = kind == PTR;
  }
  putDeclared(name, isAfterStar);
}

function putArray(record: i32, chain: i32, name: i32, isAfterStar: bool, level: i32): void {
  // Qualifiers of an array are its element's, written there.
  dropQualifiers(chain);
  if (chainEnd == chain) {
    putDeclared(name, isAfterStar);
  } else {
    if (name != 0 && !isAfterStar) putByte(32);
    const isDimension = kindInChain(chain) == ARRAY;
    if (!isDimension) putByte(40);
    unwind(chain, name, level);
    if (!isDimension) putByte(41);
  }
  putByte(91);
  putNumber(arrayLength(record));
  putByte(93);
}

function putFunction(record: i32, chain: i32, name: i32, isAfterStar: bool, level: i32): void {
  // C has no qualified functions.
  dropQualifiers(chain);
  if (chainEnd == chain) {
    putDeclared(name, isAfterStar);
  } else {
    putByte(32);
    putByte(40);
    unwind(chain, name, level);
    putByte(41);
  }
  let element = record + headByteSize;
  let left = countOf(record);
  if (left == 0 || (left == 1 && load<i32>(element, 4) == 0)) {
    putText(noParametersText);
    return;
  }
  putByte(40);
  while (left-- > 0) {
    const type = load<i32>(element, 4);
    if ((type | left) == 0) putText(moreParametersText);
    else declareNamed(type, load<i32>(element), level);
    if (left > 0) putText(separatorText);
    element += narrowElement;
  }
  putByte(41);
}

/** A declaration of what a number stands for, as a type; without semicolon. */
export function declareAs(id: i32, name: i32, level: i32): void {
  const chain = chainEnd;
  makeRoom();
  for (;;) {
    store<i32>(chainEnd, id);
    chainEnd += 4;
    if (chainEnd - chain > longestChain << 2) fail(LONG_DECLARATOR, id, 0);
    const record = recordOf(id);
    const kind = kindOf(record);
    if (kind == ARRAY) id = arrayElementType(record);
    else if (kind == PTR || isQualifier(kind) || kind == FUNC_PROTO || kind == TYPE_TAG)
      id = sizeOrType(record);
    else break;
  }
  enter(id);
  unwind(chain, name, level);
  leave();
}

/** Whether a type is nothing but a name, and a keyword before it. */
function isPlain(record: i32): bool {
  const kind = kindOf(record);
  if (isComposite(kind) || isEnum(kind)) return nameOf(record) != 0;
  return kind == INT || kind == TYPEDEF || kind == FWD || kind == FLOAT || kind == 0;
}

/**
 * The same for a name that may be empty. Most declare a plain type, or a pointer to one: these need nothing
 * unwound.
 */
export function declareNamed(id: i32, offset: i32, level: i32): void {
  const name = isEmptyName(offset) ? 0 : offset;
  const record = recordOf(id);
  const isPointer = kindOf(record) == PTR;
  const plain = isPointer ? sizeOrType(record) : id;
  if (nesting == deepestNesting || !isPlain(isPointer ? recordOf(plain) : record)) {
    declareAs(id, name, level);
    return;
  }
  makeRoom();
  putBaseType(plain, level);
  if (isPointer) {
    putByte(32);
    putByte(42);
  }
  putDeclared(name, isPointer);
}
