// oxlint-disable no-var, eqeqeq -- asm.js has no other variables, and no other comparisons

import type { AsmLibrary } from "./heap.ts";

/** Where {@link dependencyFinder} finds everything in its heap: addresses in bytes. */
export interface FinderPlaces {
  /** An address of a record for each type id: void's at 0. */
  starts: number;
  typeCount: number;
  /** A word for each type, in the order in which they are to be defined. */
  queue: number;
  /** A byte for each type: 1 while its dependencies are looked for, 2 after. */
  visitStates: number;
  /** A byte for each type: 1 where a record refers to it. */
  referenced: number;
  /** Deepest path of references followed, and steps: prototypes within each other are walked each time they are met. */
  depthLimit: number;
  stepLimit: number;
  /** Throws. 1: the type contains itself. 2: it lies behind too many others. 3: it lies within too many others. */
  fail: (problem: number, id: number) => void;
}

export interface FinderFunctions {
  /** Find what types are referred to: once, before all else. */
  findReferenced: () => void;
  /** Queue what so many types need, and they themselves; their ids are at an address. */
  queueAll: (roots: number, count: number) => void;
  /** How many are queued for the roots that are done. */
  queuedCount: () => number;
}

/**
 * Finds what must be defined before types can be: everything that they hold by value, and the typedefs and
 * unnamed types on the way, which cannot be declared ahead. A type is queued once. In asm.js, as
 * `record-printer.ts`.
 */
export function dependencyFinder(
  library: AsmLibrary,
  places: FinderPlaces,
  heap: ArrayBuffer,
): FinderFunctions {
  "use asm";
  var bytes = new library.Uint8Array(heap);
  var words = new library.Int32Array(heap);
  var imul = library.Math.imul;
  var starts = places.starts | 0;
  var typeCount = places.typeCount | 0;
  var queue = places.queue | 0;
  var visitStates = places.visitStates | 0;
  var referenced = places.referenced | 0;
  var depthLimit = places.depthLimit | 0;
  var steps = places.stepLimit | 0;
  var fail = places.fail;
  var queueEnd = 0;
  var count = 0;

  function mark(id: number): void {
    id = id | 0;
    bytes[(referenced + id) | 0] = 1;
  }

  function markElements(record: number, stride: number, offset: number): void {
    record = record | 0;
    stride = stride | 0;
    offset = offset | 0;
    var left = 0;
    left = (words[(record + 4) >> 2]! | 0) & 0xffffff;
    record = (record + offset) | 0;
    while ((left | 0) > 0) {
      mark(words[record >> 2]! | 0);
      record = (record + stride) | 0;
      left = (left - 1) | 0;
    }
  }

  function findAllReferenced(): void {
    var id = 0;
    var record = 0;
    id = 1;
    while ((id | 0) < (typeCount | 0)) {
      record = words[(starts + (id << 2)) >> 2]! | 0;
      switch (((words[(record + 4) >> 2]! | 0) >>> 24) & 127) {
        // PTR, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, VAR, DECL_TAG, TYPE_TAG
        case 2:
        case 8:
        case 9:
        case 10:
        case 11:
        case 12:
        case 14:
        case 17:
        case 18:
          mark(words[(record + 8) >> 2]! | 0);
          break;
        // ARRAY
        case 3:
          mark(words[(record + 12) >> 2]! | 0);
          mark(words[(record + 16) >> 2]! | 0);
          break;
        // STRUCT, UNION
        case 4:
        case 5:
          markElements(record, 12, 16);
          break;
        // FUNC_PROTO
        case 13:
          mark(words[(record + 8) >> 2]! | 0);
          markElements(record, 8, 16);
          break;
        // DATASEC
        case 15:
          markElements(record, 12, 12);
          break;
        default:
          break;
      }
      id = (id + 1) | 0;
    }
  }

  function enqueue(id: number): void {
    id = id | 0;
    words[(queue + (queueEnd << 2)) >> 2] = id;
    queueEnd = (queueEnd + 1) | 0;
  }

  /** Gives whether the type must be whole where it is used. Behind a pointer a tag would do. */
  function visit(id: number, isBehindPointer: number, depth: number): number {
    id = id | 0;
    isBehindPointer = isBehindPointer | 0;
    depth = depth | 0;
    var state = 0;
    var record = 0;
    var kind = 0;
    var isNamed = 0;
    var isStrong = 0;
    var element = 0;
    var end = 0;
    state = (visitStates + id) | 0;
    if ((bytes[state]! | 0) == 2) return 1;
    record = words[(starts + (id << 2)) >> 2]! | 0;
    kind = ((words[(record + 4) >> 2]! | 0) >>> 24) & 127;
    isNamed = (words[record >> 2]! | 0) != 0 ? 1 : 0;
    if ((bytes[state]! | 0) == 1) {
      // Only structs and unions have this state.
      if ((isBehindPointer & isNamed) != 0) return 0;
      fail(1, id | 0);
    }
    if ((depth | 0) > (depthLimit | 0)) fail(2, id | 0);
    steps = (steps - 1) | 0;
    if ((steps | 0) < 0) fail(3, id | 0);
    depth = (depth + 1) | 0;
    switch (kind | 0) {
      // PTR
      case 2:
        isStrong = visit(words[(record + 8) >> 2]! | 0, 1, depth) | 0;
        bytes[state] = 2;
        return isStrong | 0;
      // ARRAY
      case 3:
        return visit(words[(record + 12) >> 2]! | 0, 0, depth) | 0;
      // STRUCT, UNION
      case 4:
      case 5:
        if ((isBehindPointer & isNamed) != 0) return 0;
        bytes[state] = 1;
        element = (record + 16) | 0;
        end = (element + imul((words[(record + 4) >> 2]! | 0) & 0xffffff, 12)) | 0;
        while ((element | 0) < (end | 0)) {
          isStrong = visit(words[element >> 2]! | 0, 0, depth) | 0;
          element = (element + 12) | 0;
        }
        if ((isNamed | 0) != 0) enqueue(id);
        bytes[state] = 2;
        return 1;
      // ENUM, ENUM64, FWD: an unnamed enum that something refers to is written out there.
      case 6:
      case 7:
      case 19:
        if ((isNamed | 0) == 0) isNamed = (bytes[(referenced + id) | 0]! | 0) == 0 ? 1 : 0;
        if ((isNamed | 0) != 0) enqueue(id);
        bytes[state] = 2;
        return 1;
      // TYPEDEF
      case 8:
        isStrong = visit(words[(record + 8) >> 2]! | 0, isBehindPointer, depth) | 0;
        if ((isBehindPointer | 0) != 0) if ((isStrong | 0) == 0) return 0;
        enqueue(id);
        bytes[state] = 2;
        return 1;
      // VOLATILE, CONST, RESTRICT, TYPE_TAG
      case 9:
      case 10:
      case 11:
      case 18:
        return visit(words[(record + 8) >> 2]! | 0, isBehindPointer, depth) | 0;
      // FUNC_PROTO
      case 13:
        isStrong = visit(words[(record + 8) >> 2]! | 0, isBehindPointer, depth) | 0;
        element = (record + 16) | 0;
        end = (element + (((words[(record + 4) >> 2]! | 0) & 0xffffff) << 3)) | 0;
        while ((element | 0) < (end | 0)) {
          isStrong = isStrong | (visit(words[element >> 2]! | 0, isBehindPointer, depth) | 0);
          element = (element + 8) | 0;
        }
        return isStrong | 0;
      default:
        break;
    }
    bytes[state] = 2;
    return 0;
  }

  function queueRoots(roots: number, rootCount: number): void {
    roots = roots | 0;
    rootCount = rootCount | 0;
    while ((rootCount | 0) > 0) {
      count = visit(words[roots >> 2]! | 0, 0, 0) | 0;
      count = queueEnd;
      roots = (roots + 4) | 0;
      rootCount = (rootCount - 1) | 0;
    }
  }

  function countOfQueued(): number {
    return count | 0;
  }

  // Of one name on both sides, bundlers make what asm.js does not know.
  return { findReferenced: findAllReferenced, queueAll: queueRoots, queuedCount: countOfQueued };
}
