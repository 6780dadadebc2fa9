import { FormatError, LimitError } from "../io/index.ts";
import { BTF_KIND_ARRAY, BTF_KIND_ENUM, BTF_KIND_ENUM64, BTF_KIND_MAX, BTF_KIND_UNKN } from "./constants.ts";
import { type BtfHeader, locate } from "./header.ts";
import {
  elementNameWord,
  elementTypeWord,
  elementWords,
  fixedWords,
  headHoldsType,
  infoKind,
  infoVlen,
  recordHeadWords,
} from "./records.ts";
import { base64 } from "./wasm/assembly/scan-entry.ts?wasm";
import { type ProgramMemory, WasmProgram } from "./wasm/engine.ts";
import { MemoryPlan, voidRecord } from "./wasm/memory.ts";
import { type Room, roomToScan } from "./wasm/room.ts";

/** Records of a type section. */
export interface ScannedRecords {
  /** Word index of each record, in storage order. */
  offsets: Uint32Array;
  /** Largest type id and string offset that a record refers to. */
  largestTypeId: number;
  largestStringOffset: number;
  /** Of all ENUM and ENUM64 together. */
  enumeratorCount: number;
}

/** Words that describe the records of one kind to `wasm/assembly/scan-entry.ts`. */
interface RecordShape {
  /** Bytes of a record without its elements; 0 for a kind that is not known. */
  byteSize: number;
  elementByteSize: number;
  /** All ones where the head's third word is a type id, else 0. */
  headTypeMask: number;
  /** All ones where the two words behind the head are type ids (ARRAY), else 0. */
  arrayMask: number;
  /** All ones where an element's first word is a name, else 0. */
  nameMask: number;
  /** All ones where its second word is a type id, else 0. */
  typeMask: number;
  unused: readonly [0, 0];
  /** All ones where elements are values of an enum, else 0. */
  enumeratorMask: number;
  /** All ones where the first word of an element is a type id (DATASEC), else 0. */
  firstTypeMask: number;
}

/** Addresses in bytes. */
interface ScannerPlaces {
  records: number;
  offsets: number;
  shapes: number;
}

interface ScanFunctions {
  scan: (recordsEnd: number) => number;
  stoppedAt: () => number;
  largestTypeId: () => number;
  largestStringOffset: () => number;
  enumeratorCount: () => number;
}

/**
 * Find where every record of a type section starts, and how far its references reach: one pass, as
 * opening a BTF is done from cold, and must take milliseconds.
 * A kind this version does not know is skipped with the help of `layout` (see `parseLayout`).
 * @throws {FormatError} for a record that leaves the section or cannot be skipped.
 */
export function scanRecords(
  words: Uint32Array,
  header: BtfHeader,
  layout: LayoutEntry[],
  file?: string,
): ScannedRecords {
  const room = roomToScan(words);
  if (room !== undefined) return scanInRoom(room, words, header, layout, file);
  let scanner: Scanner;
  try {
    scanner = scannerFor(words.byteLength);
  } catch (error) {
    if (!(error instanceof LimitError)) throw error;
    return scanWithoutWasm(words, header, layout, file);
  }
  const { memory, places } = scanner;
  const memoryWords = new Uint32Array(memory.buffer);
  memoryWords.set(words, places.records / 4);
  const scanned = scan(scanner, words, header, layout, file);
  return { ...scanned, offsets: scanned.offsets.slice() };
}

interface Scanner {
  memory: ProgramMemory;
  places: ScannerPlaces;
  functions: ScanFunctions;
}

const program = new WasmProgram<ScanFunctions>(base64);

const enumKinds: ReadonlySet<number> = new Set([BTF_KIND_ENUM, BTF_KIND_ENUM64]);
const kindCount = 128;
const shapeWordCount = 16;

/** Scan records that are in the memory already. */
function scan(
  { memory, places, functions }: Scanner,
  words: Uint32Array,
  header: BtfHeader,
  layout: LayoutEntry[],
  file: string | undefined,
): ScannedRecords {
  new Uint32Array(memory.buffer).set(
    layout.length > 0 ? shapes(layout) : (usualShapes ??= shapes([])),
    places.shapes / 4,
  );
  const recordsEnd = places.records + words.byteLength;
  const count = functions.scan(recordsEnd);
  if (functions.stoppedAt() < recordsEnd)
    throw whyNotTaken(words, (functions.stoppedAt() - places.records) / 4, header, layout, file);
  return {
    offsets: new Uint32Array(memory.buffer, places.offsets, count),
    largestTypeId: functions.largestTypeId() >>> 0,
    largestStringOffset: functions.largestStringOffset() >>> 0,
    enumeratorCount: functions.enumeratorCount(),
  };
}

function scanInRoom(
  room: Room,
  words: Uint32Array,
  header: BtfHeader,
  layout: LayoutEntry[],
  file: string | undefined,
): ScannedRecords {
  const { memory, free } = room;
  // A word for void, whose record is at 0.
  const offsets = free + 16;
  const places = { shapes: shapesInRoom, records: words.byteOffset, offsets };
  const functions = program.start(memory, places, {});
  const scanned = scan({ memory, places, functions }, words, header, layout, file);
  new Int32Array(memory.buffer)[offsets / 4 - 1] = (voidRecord - words.byteOffset) / 4;
  room.isScanned = true;
  room.free = offsets + scanned.offsets.byteLength;
  return scanned;
}

/** The same without WebAssembly, where there is no memory for it. */
function scanWithoutWasm(
  words: Uint32Array,
  header: BtfHeader,
  layout: LayoutEntry[],
  file: string | undefined,
): ScannedRecords {
  const kinds = Array.from({ length: kindCount }, (_, kind) => shapeWords(kind, layout[kind]));
  const offsets = new Uint32Array(Math.floor(words.length / recordHeadWords));
  let [count, type, string, enumerators, at] = [0, 0, 0, 0, 0];
  while (words.length - at >= recordHeadWords) {
    const info = words[at + 1]!;
    const kind = infoKind(info);
    const [byteSize = 0, elementByteSize = 0] = kinds[kind]!;
    const first = at + byteSize / 4;
    const stride = elementByteSize / 4;
    const next = first + infoVlen(info) * stride;
    if (byteSize === 0 || next > words.length) break;
    offsets[count++] = at;
    string = Math.max(string, words[at]!);
    if (headHoldsType[kind] === 1) type = Math.max(type, words[at + 2]!);
    if (kind === BTF_KIND_ARRAY) type = Math.max(type, words[at + 3]!, words[at + 4]!);
    if (enumKinds.has(kind)) enumerators += infoVlen(info);
    for (let element = first; stride > 0 && element < next; element += stride) {
      if (elementNameWord[kind] === 0) string = Math.max(string, words[element]!);
      if ((elementTypeWord[kind] ?? -1) >= 0) type = Math.max(type, words[element + elementTypeWord[kind]!]!);
    }
    at = next;
  }
  if (at < words.length) throw whyNotTaken(words, at, header, layout, file);
  return {
    offsets: offsets.slice(0, count),
    largestTypeId: type,
    largestStringOffset: string,
    enumeratorCount: enumerators,
  };
}

/** Type sections up to this many bytes, as modules have, are scanned by one scanner after the other. */
const smallByteSize = 1 << 18;
let smallScanner: Scanner | undefined;

function scannerFor(byteSize: number): Scanner {
  return byteSize > smallByteSize ? makeScanner(byteSize) : (smallScanner ??= makeScanner(smallByteSize));
}

function makeScanner(byteSize: number): Scanner {
  const plan = new MemoryPlan();
  const places = {
    shapes: plan.reserve(kindCount * shapeWordCount * 4),
    records: plan.reserve(byteSize),
    offsets: plan.reserve(Math.ceil(byteSize / recordHeadWords)),
  };
  const memory = program.memory(plan.byteSize);
  return { memory, places, functions: program.start(memory, places, {}) };
}

/** Where the shapes are in a room: behind void's record. */
const shapesInRoom = 64;

let usualShapes: Uint32Array | undefined;

/** The shapes of all kinds, one after the other. */
function shapes(layout: LayoutEntry[]): Uint32Array {
  const words = new Uint32Array(kindCount * shapeWordCount);
  for (let kind = 0; kind < kindCount; kind++)
    words.set(shapeWords(kind, layout[kind]), kind * shapeWordCount);
  return words;
}

function shapeWords(kind: number, layout: LayoutEntry | undefined): number[] {
  const isKnown = kind !== BTF_KIND_UNKN && kind <= BTF_KIND_MAX;
  if (!isKnown) {
    if (kind === BTF_KIND_UNKN || layout === undefined) return [];
    return [(recordHeadWords + layout.fixedWords) * 4, layout.elementWords * 4];
  }
  const shape: RecordShape = {
    byteSize: (recordHeadWords + fixedWords[kind]!) * 4,
    elementByteSize: elementWords[kind]! * 4,
    headTypeMask: maskIf(headHoldsType[kind] === 1),
    arrayMask: maskIf(kind === BTF_KIND_ARRAY),
    nameMask: maskIf(elementNameWord[kind] === 0),
    typeMask: maskIf(elementTypeWord[kind] === 1),
    unused: [0, 0],
    enumeratorMask: maskIf(enumKinds.has(kind)),
    firstTypeMask: maskIf(elementTypeWord[kind] === 0),
  };
  return Object.values(shape).flat();
}

function maskIf(condition: boolean): number {
  return condition ? 0xffff_ffff : 0;
}

/** What is wrong with the record at which a scan stopped. */
function whyNotTaken(
  words: Uint32Array,
  at: number,
  header: BtfHeader,
  layout: LayoutEntry[],
  file: string | undefined,
): FormatError {
  const remaining = words.length - at;
  if (remaining < recordHeadWords) return badRecord(header, file, at, "BTF_TRUNCATED", "cut short");
  const info = words[at + 1]!;
  const kind = infoKind(info);
  const [headByteSize = 0, elementByteSize = 0] = shapeWords(kind, layout[kind]);
  if (headByteSize === 0) return badRecord(header, file, at, "BTF_UNKNOWN_KIND", `has unknown kind ${kind}`);
  const byteSize = headByteSize + infoVlen(info) * elementByteSize;
  return badRecord(header, file, at, "BTF_TRUNCATED", `needs ${byteSize} bytes, ${remaining * 4} remain`);
}

/** Record sizes a BTF states for one kind, in words beside the head. */
export interface LayoutEntry {
  fixedWords: number;
  elementWords: number;
}

/**
 * Read the layout section: per kind `u8 fixed bytes, u8 bytes of an element, u16 flags`.
 * Entries whose sizes are no whole words are left out.
 */
export function parseLayout(bytes: Uint8Array, header: BtfHeader): LayoutEntry[] {
  const entries: LayoutEntry[] = [];
  for (let kind = 0; kind < Math.min(header.layoutByteSize >>> 2, 128); kind++) {
    const fixed = bytes[header.layoutOffset + kind * 4]!;
    const element = bytes[header.layoutOffset + kind * 4 + 1]!;
    if (fixed % 4 === 0 && element % 4 === 0)
      entries[kind] = { fixedWords: fixed / 4, elementWords: element / 4 };
  }
  return entries;
}

/**
 * Check that every type id is below `typeLimit` and every string offset below `stringLimit`
 * (both over base and split together), so that readers need not; names the first that is not.
 * @throws {FormatError}
 */
export function checkReferences(
  words: Uint32Array,
  offsets: Uint32Array,
  typeLimit: number,
  stringLimit: number,
  header: BtfHeader,
  file?: string,
): void {
  for (let index = 0; index < offsets.length; index++) {
    const at = offsets[index]!;
    const info = words[at + 1]!;
    const kind = infoKind(info);
    if (words[at]! >= stringLimit && words[at] !== 0)
      throw badName(header, file, at, words[at]!, stringLimit);
    if (kind > BTF_KIND_MAX) continue;
    if (headHoldsType[kind] === 1 && words[at + 2]! >= typeLimit) {
      throw badType(header, file, at + 2, words[at + 2]!, typeLimit);
    }
    const stride = elementWords[kind]!;
    const first = at + recordHeadWords + fixedWords[kind]!;
    if (kind === BTF_KIND_ARRAY) {
      if (words[at + 3]! >= typeLimit) throw badType(header, file, at + 3, words[at + 3]!, typeLimit);
      if (words[at + 4]! >= typeLimit) throw badType(header, file, at + 4, words[at + 4]!, typeLimit);
    }
    if (stride === 0) continue;
    const end = first + infoVlen(info) * stride;
    const nameWord = elementNameWord[kind]!;
    const typeWord = elementTypeWord[kind]!;
    for (let element = first; element < end; element += stride) {
      if (nameWord >= 0) {
        const name = words[element + nameWord]!;
        if (name >= stringLimit && name !== 0)
          throw badName(header, file, element + nameWord, name, stringLimit);
      }
      if (typeWord >= 0 && words[element + typeWord]! >= typeLimit) {
        throw badType(header, file, element + typeWord, words[element + typeWord]!, typeLimit);
      }
    }
  }
}

function badRecord(
  header: BtfHeader,
  file: string | undefined,
  at: number,
  code: string,
  what: string,
): FormatError {
  return new FormatError(code, `type record ${what}`, locate(file, header.typesOffset + at * 4));
}

function badName(
  header: BtfHeader,
  file: string | undefined,
  at: number,
  value: number,
  limit: number,
): FormatError {
  const problem = `string offset 0x${value.toString(16)} is outside the strings (0x${limit.toString(16)} bytes)`;
  return new FormatError("BTF_STRING_OFFSET", problem, locate(file, header.typesOffset + at * 4));
}

function badType(
  header: BtfHeader,
  file: string | undefined,
  at: number,
  value: number,
  limit: number,
): FormatError {
  const problem = `type id ${value} does not exist (ids end at ${limit - 1})`;
  return new FormatError("BTF_TYPE_ID", problem, locate(file, header.typesOffset + at * 4));
}
