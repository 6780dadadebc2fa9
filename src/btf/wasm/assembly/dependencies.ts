/**
 * Finds what must be defined before types can be: everything that they hold by value, and the typedefs and
 * unnamed types on the way, which cannot be declared ahead. A type is queued once.
 */
import { isReferenced } from "./survey";
import { CYCLE, DEEP_DEPENDENCY, fail, MANY_DEPENDENCIES } from "./host";
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
  isComposite,
  isQualifier,
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

/** A word for each type, in the order in which they are to be defined. */
declare const queue: i32;
/** A byte for each type: 1 while its dependencies are looked for, 2 after. */
declare const visitStates: i32;
/** Deepest path of references followed, and steps: prototypes within each other are walked each time they are met. */
declare const depthLimit: i32;
declare const visitLimit: i32;

const VISITING = 1;
const VISITED = 2;

let queueEnd: i32 = 0;
/** Of the roots that are done. */
let queued: i32 = 0;
let stepsLeft: i32 = visitLimit;

function isVisited(id: i32): bool {
  return load<u8>(visitStates + id) == VISITED;
}

/** Pointers, arrays and the like are followed so far. */
const mostHops = 128;

/** Whether a type has been visited, or refers to one that has. */
function leadsToVisited(id: i32): bool {
  for (let hops = 0; hops < mostHops; hops++) {
    if (isVisited(id)) return true;
    const record = recordOf(id);
    const kind = kindOf(record);
    if (kind == ARRAY) id = arrayElementType(record);
    else if (kind == PTR || kind == TYPE_TAG || isQualifier(kind)) id = sizeOrType(record);
    else return false;
  }
  return false;
}

/** Whether visiting a type is sure to queue nothing; not always where it would not. */
export function addsNothing(id: i32): bool {
  if (leadsToVisited(id)) return true;
  const record = recordOf(id);
  if (!isComposite(kindOf(record)) || nameOf(record) != 0) return false;
  let element = record + headByteSize;
  for (let left = countOf(record); left > 0; left--) {
    if (!leadsToVisited(load<i32>(element, 4))) return false;
    element += wideElement;
  }
  return true;
}

function enqueue(id: i32): void {
  store<i32>(queue + (queueEnd << 2), id);
  queueEnd++;
}

/** Gives whether the type must be whole where it is used. Behind a pointer a tag would do. */
function visit(id: i32, isBehindPointer: bool, depth: i32): bool {
  return isVisited(id) || visitNew(id, isBehindPointer, depth);
}

function visitNew(id: i32, isBehindPointer: bool, depth: i32): bool {
  const state = visitStates + id;
  const record = recordOf(id);
  const isNamed = nameOf(record) != 0;
  if (load<u8>(state) == VISITING) {
    // Only structs and unions have this state.
    if (isBehindPointer && isNamed) return false;
    fail(CYCLE, id, 0);
  }
  if (depth > depthLimit) fail(DEEP_DEPENDENCY, id, 0);
  if (--stepsLeft < 0) fail(MANY_DEPENDENCIES, id, 0);
  depth++;
  switch (kindOf(record)) {
    case PTR: {
      const isStrong = visit(sizeOrType(record), true, depth);
      store<u8>(state, VISITED);
      return isStrong;
    }
    case ARRAY:
      return visit(arrayElementType(record), false, depth);
    case STRUCT:
    case UNION: {
      if (isBehindPointer && isNamed) return false;
      store<u8>(state, VISITING);
      let element = record + headByteSize;
      for (let left = countOf(record); left > 0; left--) {
        visit(load<i32>(element, 4), false, depth);
        element += wideElement;
      }
      if (isNamed) enqueue(id);
      store<u8>(state, VISITED);
      return true;
    }
    case ENUM:
    case ENUM64:
    case FWD:
      // An unnamed enum that something refers to is written out there.
      if (isNamed || !isReferenced(id)) enqueue(id);
      store<u8>(state, VISITED);
      return true;
    case TYPEDEF: {
      const isStrong = visit(sizeOrType(record), isBehindPointer, depth);
      if (isBehindPointer && !isStrong) return false;
      enqueue(id);
      store<u8>(state, VISITED);
      return true;
    }
    case VOLATILE:
    case CONST:
    case RESTRICT:
    case TYPE_TAG:
      return visit(sizeOrType(record), isBehindPointer, depth);
    case FUNC_PROTO: {
      let isStrong = visit(sizeOrType(record), isBehindPointer, depth);
      let element = record + headByteSize;
      for (let left = countOf(record); left > 0; left--) {
        if (visit(load<i32>(element, 4), isBehindPointer, depth)) isStrong = true;
        element += narrowElement;
      }
      return isStrong;
    }
    default:
      store<u8>(state, VISITED);
      return false;
  }
}

/** Queue what so many types need, and they themselves; their ids are at an address. */
export function queueAll(roots: i32, count: i32): void {
  for (; count > 0; count--) {
    visit(load<i32>(roots), false, 0);
    queued = queueEnd;
    roots += 4;
  }
}

/** How many are queued for the roots that are done. */
export function queuedCount(): i32 {
  return queued;
}
