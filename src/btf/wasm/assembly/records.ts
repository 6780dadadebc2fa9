/** Prints records of BTF by a format that is data: see `record-format.ts` of the folder `btf`. */
import { writeNumber, writeSigned, writeString, writeText, writeWide, writeWideSigned } from "./bytes";
import { writeQuotedName } from "./quoted";
import { flush, flushIfFull, setTextEnd, textEnd } from "./text";
import { addressOfName, countOf, nameOf, recordOf } from "./types";

/**
 * Seven words for each kind without and with kind flag: its head's fields, the head's byte size, an element's
 * fields and byte size, a text between elements and one behind the last, and the fields behind all.
 */
declare const kinds: i32;
/** A text for each of these kinds. */
declare const kindNames: i32;
/** Largest kind that has an entry; those beyond look as kind 0 does. */
declare const lastKind: i32;
/** What is printed for an empty name. */
declare const noName: i32;
declare const firstId: i32;
declare const endId: i32;

/** A text between types. */
declare const separator: i32;

/** How a field is printed: see `fieldStyles` there. */
const NUMBER = 1;
const SIGNED = 2;
const NAME = 3;
const TEXT = 4;
const WIDE = 5;
const WIDE_SIGNED = 6;
const UNLESS_ZERO = 7;
const KIND_AND_NAME = 8;
const ID = 9;
const QUOTED_NAME = 11;
const WIDENED = 12;

const kindByteSize = 28;
const fieldByteSize = 24;

/** The type that is being printed. */
let id: i32 = 0;

function kindIndex(record: i32): i32 {
  const info = load<i32>(record, 4);
  const kind = (info >>> 24) & 127;
  return ((kind > lastKind ? 0 : kind) << 1) | (info >>> 31);
}

function writeNameOrNone(to: i32, offset: i32): i32 {
  const end = offset == 0 ? to : writeString(to, addressOfName(offset));
  return end == to ? writeText(to, noName) : end;
}

/** Write the fields of a format from the record or element at an address. */
function writeFields(to: i32, field: i32, at: i32): i32 {
  for (let style = load<i32>(field); style != 0; style = load<i32>(field)) {
    const place = at + load<i32>(field, 8);
    const value = (load<i32>(place) >>> load<i32>(field, 12)) & load<i32>(field, 16);
    // With its label only where it is not 0.
    if (style != UNLESS_ZERO || value != 0) to = writeText(to, load<i32>(field, 4));
    switch (style) {
      case NUMBER:
        to = writeNumber(to, value);
        break;
      case SIGNED:
        to = writeSigned(to, value);
        break;
      case NAME:
        to = writeNameOrNone(to, value);
        break;
      case TEXT: {
        // One of a list of texts: its last index, then the texts' addresses.
        const texts = load<i32>(field, 20);
        const last = load<i32>(texts);
        to = writeText(to, load<i32>(texts + (min<u32>(value, last) << 2), 4));
        break;
      }
      case WIDE:
        to = writeWide(to, load<u64>(place));
        break;
      case WIDE_SIGNED:
        to = writeWideSigned(to, load<i64>(place));
        break;
      case UNLESS_ZERO:
        if (value != 0) to = writeNumber(to, value);
        break;
      case KIND_AND_NAME: {
        // Of another type.
        const record = recordOf(value);
        to = writeText(to, load<i32>(kindNames + (kindIndex(record) << 2)));
        to = writeText(to, load<i32>(field, 20));
        to = writeNameOrNone(to, nameOf(record));
        break;
      }
      case ID:
        to = writeNumber(to, id);
        break;
      case QUOTED_NAME:
        to = writeQuotedName(to, value, noName);
        break;
      case WIDENED:
        to = writeWide(to, <u64>(<i64>value));
        break;
      default:
        break;
    }
    field += fieldByteSize;
  }
  return to;
}

/** Hand over what is there, if that is enough; gives where the text ends then. */
function handedOver(to: i32): i32 {
  setTextEnd(to);
  flushIfFull();
  return textEnd();
}

/** Print all of them. */
export function print(): void {
  let to = textEnd();
  for (id = firstId; id < endId; id++) {
    const record = recordOf(id);
    const kind = kinds + kindIndex(record) * kindByteSize;
    to = handedOver(to);
    if (id != firstId) to = writeText(to, separator);
    to = writeFields(to, load<i32>(kind), record);
    const fields = load<i32>(kind, 8);
    if (fields != 0) {
      const stride = load<i32>(kind, 12);
      const between = load<i32>(kind, 16);
      const last = load<i32>(kind, 20);
      let element = record + load<i32>(kind, 4);
      for (let left = countOf(record); left > 0; left--) {
        to = writeFields(handedOver(to), fields, element);
        element += stride;
        to = writeText(to, left > 1 ? between : last);
      }
      to = writeFields(to, load<i32>(kind, 24), record);
    }
  }
  setTextEnd(to);
  flush();
}
