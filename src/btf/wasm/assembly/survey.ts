/** One look at all types, for what must be known of them before anything is printed. */
import { markKfunc } from "./kfuncs";
import { isPointerSizeKnown, usePointersOfLong } from "./sizes";
import {
  ARRAY,
  arrayElementType,
  CONST,
  countOf,
  DATASEC,
  DECL_TAG,
  FUNC,
  FUNC_PROTO,
  headByteSize,
  INT,
  kindOf,
  narrowElement,
  PTR,
  recordOf,
  RESTRICT,
  sizeOrType,
  STRUCT,
  TYPE_TAG,
  typeCount,
  TYPEDEF,
  UNION,
  VAR,
  VOLATILE,
  wideElement,
} from "./types";

/** A byte for each type: 1 where a record refers to it. */
declare const referenced: i32;

export function isReferenced(id: i32): bool {
  return load<u8>(referenced + id) != 0;
}

function mark(id: i32): void {
  store<u8>(referenced + id, 1);
}

function markElements(record: i32, stride: i32, typeOffset: i32): void {
  let place = record + headByteSize + typeOffset;
  for (let left = countOf(record); left > 0; left--) {
    mark(load<i32>(place));
    place += stride;
  }
}

/** Find what types are referred to, the size of pointers, and kfuncs. */
export function survey(): void {
  for (let id = 1; id < typeCount; id++) {
    const record = recordOf(id);
    switch (kindOf(record)) {
      case INT:
        if (!isPointerSizeKnown()) usePointersOfLong(record);
        break;
      case DECL_TAG:
        markKfunc(record);
        mark(sizeOrType(record));
        break;
      case PTR:
      case TYPEDEF:
      case VOLATILE:
      case CONST:
      case RESTRICT:
      case FUNC:
      case VAR:
      case TYPE_TAG:
        mark(sizeOrType(record));
        break;
      case ARRAY:
        mark(arrayElementType(record));
        // Of the index.
        mark(load<i32>(record, 16));
        break;
      case STRUCT:
      case UNION:
        markElements(record, wideElement, 4);
        break;
      case FUNC_PROTO:
        mark(sizeOrType(record));
        markElements(record, narrowElement, 4);
        break;
      case DATASEC:
        markElements(record, wideElement, 0);
        break;
      default:
        break;
    }
  }
}
