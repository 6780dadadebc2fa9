// oxlint-disable no-var, eqeqeq -- asm.js has no other variables, and no other comparisons

import type { AsmLibrary } from "./heap.ts";

/** Where {@link recordPrinter} finds everything in its heap: addresses in bytes. */
export interface PrinterPlaces {
  /** An address of a record for each type id: void's at 0. */
  starts: number;
  /** All string sections, one after the other. */
  strings: number;
  /** Four words for each kind without and with kind flag: see `record-format.ts`. */
  kinds: number;
  /** An address of a name for each of these kinds. */
  kindNames: number;
  /** What is printed for an empty name. */
  noName: number;
  /** Where text goes, and where so much is there that no line is begun any more. */
  text: number;
  textLimit: number;
  /** Largest kind that has an entry in `kinds`; those beyond look as kind 0 does. */
  lastKind: number;
  /** First type to print, and one more than the last. */
  firstId: number;
  endId: number;
}

export interface PrinterFunctions {
  /** Print lines until there is a piece of text, or no more lines. Gives the address of the text's end. */
  print: () => number;
}

/**
 * Prints records of BTF by a format that is data: see `record-format.ts`.
 *
 * This is asm.js, so that V8 compiles it ahead of time: a dump is printed in the time that a just-in-time
 * compiler takes to find out what is hot. It is also ordinary TypeScript, and an engine without asm.js
 * runs it as such. What the odd `| 0` are for: http://asmjs.org/spec/latest/
 */
export function recordPrinter(
  library: AsmLibrary,
  places: PrinterPlaces,
  heap: ArrayBuffer,
): PrinterFunctions {
  "use asm";
  var bytes = new library.Uint8Array(heap);
  var words = new library.Int32Array(heap);
  var imul = library.Math.imul;
  var starts = places.starts | 0;
  var strings = places.strings | 0;
  var kinds = places.kinds | 0;
  var lastKind = places.lastKind | 0;
  var kindNames = places.kindNames | 0;
  var noName = places.noName | 0;
  var text = places.text | 0;
  var textLimit = places.textLimit | 0;
  var id = places.firstId | 0;
  var endId = places.endId | 0;
  /** End of the text so far. */
  var out = 0;
  /** Elements of the type at work that are still to be printed, and the address of the next; -1 before its head. */
  var elementsLeft = -1;
  var element = 0;

  function putText(address: number): void {
    address = address | 0;
    var to = 0;
    var byte = 0;
    to = out;
    byte = bytes[address]! | 0;
    while ((byte | 0) != 0) {
      bytes[to] = byte;
      to = (to + 1) | 0;
      address = (address + 1) | 0;
      byte = bytes[address]! | 0;
    }
    out = to;
  }

  function putName(offset: number): void {
    offset = offset | 0;
    var before = 0;
    before = out;
    if ((offset | 0) != 0) putText((strings + offset) | 0);
    if ((out | 0) == (before | 0)) putText(noName);
  }

  function putNumber(value: number): void {
    value = value | 0;
    var quotient = 0;
    var at = 0;
    at = (out + 1) | 0;
    quotient = ((value >>> 0) / 10) >>> 0;
    while ((quotient | 0) != 0) {
      at = (at + 1) | 0;
      quotient = ((quotient >>> 0) / 10) >>> 0;
    }
    out = at;
    do {
      quotient = ((value >>> 0) / 10) >>> 0;
      at = (at - 1) | 0;
      bytes[at] = 48 + ((value - imul(quotient, 10)) | 0);
      value = quotient;
    } while ((value | 0) != 0);
  }

  function putSigned(value: number): void {
    value = value | 0;
    if ((value | 0) < 0) {
      bytes[out] = 45;
      out = (out + 1) | 0;
      value = (0 - value) | 0;
    }
    putNumber(value);
  }

  /** A number of 64 bits: from the last digit on, divided by ten in parts of 16 bits. */
  function putWide(low: number, high: number): void {
    low = low | 0;
    high = high | 0;
    var digits = 0;
    var from = 0;
    var part = 0;
    var middle = 0;
    var rest = 0;
    do {
      part = high;
      high = ((part >>> 0) / 10) >>> 0;
      rest = (part - imul(high, 10)) | 0;
      part = (rest << 16) | (low >>> 16);
      middle = ((part >>> 0) / 10) >>> 0;
      rest = (part - imul(middle, 10)) | 0;
      part = (rest << 16) | (low & 0xffff);
      low = ((part >>> 0) / 10) >>> 0;
      rest = (part - imul(low, 10)) | 0;
      low = (middle << 16) | low;
      bytes[(out + digits) | 0] = 48 + rest;
      digits = (digits + 1) | 0;
    } while ((low | high | 0) != 0);
    from = out;
    out = (out + digits) | 0;
    digits = (out - 1) | 0;
    while ((from | 0) < (digits | 0)) {
      part = bytes[from]! | 0;
      bytes[from] = bytes[digits]! | 0;
      bytes[digits] = part;
      from = (from + 1) | 0;
      digits = (digits - 1) | 0;
    }
  }

  /** Index into tables of kinds: the kind flag's meaning is another for each of them. */
  function kindIndex(info: number): number {
    info = info | 0;
    var kind = 0;
    kind = (info >>> 24) & 127;
    if ((kind | 0) > (lastKind | 0)) kind = 0;
    return (kind << 1) | (info >>> 31) | 0;
  }

  /** Print the fields of a format at an address from the record or element at another. */
  function putFields(field: number, at: number): void {
    field = field | 0;
    at = at | 0;
    var style = 0;
    var value = 0;
    var high = 0;
    style = words[field >> 2]! | 0;
    while ((style | 0) != 0) {
      value = (at + (words[(field + 8) >> 2]! | 0)) | 0;
      high = words[(value + 4) >> 2]! | 0;
      value = words[value >> 2]! | 0;
      value = ((value >>> (words[(field + 12) >> 2]! | 0)) & (words[(field + 16) >> 2]! | 0)) | 0;
      // Fields that are only there where they are not 0.
      if ((style | 0) == 7) style = (value | 0) == 0 ? 11 : 1;
      if ((style | 0) != 11) putText(words[(field + 4) >> 2]! | 0);
      switch (style | 0) {
        case 1:
          putNumber(value);
          break;
        case 2:
          putSigned(value);
          break;
        case 3:
          putName(value);
          break;
        // One of a list of texts: its address, then behind the list the last index.
        case 4:
          high = words[(field + 20) >> 2]! | 0;
          if (value >>> 0 > (words[high >> 2]! | 0) >>> 0) value = words[high >> 2]! | 0;
          putText(words[(high + 4 + (value << 2)) >> 2]! | 0);
          break;
        case 5:
          putWide(value, high);
          break;
        case 6:
          if ((high | 0) < 0) {
            bytes[out] = 45;
            out = (out + 1) | 0;
            value = (0 - value) | 0;
            // The borrow goes on only from a lower half of 0.
            high = ~high;
            if ((value | 0) == 0) high = (high + 1) | 0;
          }
          putWide(value, high);
          break;
        // Kind and name of another type.
        case 8:
          value = words[(starts + (value << 2)) >> 2]! | 0;
          putText(words[(kindNames + ((kindIndex(words[(value + 4) >> 2]! | 0) | 0) << 2)) >> 2]! | 0);
          putText(words[(field + 20) >> 2]! | 0);
          putName(words[value >> 2]! | 0);
          break;
        case 9:
          putNumber(id);
          break;
        default:
          break;
      }
      field = (field + 24) | 0;
      style = words[field >> 2]! | 0;
    }
  }

  function printPiece(): number {
    var record = 0;
    var info = 0;
    var kind = 0;
    out = text;
    while ((id | 0) < (endId | 0)) {
      record = words[(starts + (id << 2)) >> 2]! | 0;
      info = words[(record + 4) >> 2]! | 0;
      kind = (kinds + ((kindIndex(info) | 0) << 4)) | 0;
      if ((elementsLeft | 0) < 0) {
        if ((out | 0) > (textLimit | 0)) return out | 0;
        putFields(words[kind >> 2]! | 0, record);
        element = (record + (words[(kind + 8) >> 2]! | 0)) | 0;
        elementsLeft = 0;
        if ((words[(kind + 4) >> 2]! | 0) != 0) elementsLeft = info & 0xffffff;
      }
      while ((elementsLeft | 0) > 0) {
        if ((out | 0) > (textLimit | 0)) return out | 0;
        putFields(words[(kind + 12) >> 2]! | 0, element);
        element = (element + (words[(kind + 4) >> 2]! | 0)) | 0;
        elementsLeft = (elementsLeft - 1) | 0;
      }
      elementsLeft = -1;
      id = (id + 1) | 0;
    }
    return out | 0;
  }

  // Of one name on both sides, bundlers make what asm.js does not know.
  return { print: printPiece };
}
