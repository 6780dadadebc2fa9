import { FormatError, LimitError } from "../io/index.ts";
import { wordsOf } from "./byte-order.ts";
import { BTF_KIND_ENUM, BTF_KIND_UNKN } from "./constants.ts";
import { type BtfHeader, locate, parseHeader } from "./header.ts";
import { forEachNameWord, infoKind, infoVlen } from "./records.ts";
import { type TextReader, textReader } from "../util/text-reader.ts";
import { checkReferences, parseLayout, scanRecords } from "./scan.ts";

/** Index of a type; 0 is `void`, which is never stored. */
export type TypeId = number;
/** Offset of a string, counted over the base's strings and then the own ones; 0 means no name. */
export type StringOffset = number;

export interface BtfParseOptions {
  /** BTF this one is split from. */
  base?: Btf;
  /** Name of the input for messages. */
  name?: string;
  /**
   * Take ids and string offsets that lead nowhere, for `validateBtf`: a kernel that loads a module does
   * not look at all of them. Accessors throw for them; nothing else here expects such BTF.
   */
  danglingReferences?: boolean;
}

/** A member of a STRUCT or UNION. */
export interface BtfMember {
  name: string;
  type: TypeId;
  /** From the start of the struct. */
  bitOffset: number;
  /** Width of a bitfield, 0 for a plain member. */
  bitfieldSize: number;
}

/** A parameter of a FUNC_PROTO; the last one with type 0 stands for `...`. */
export interface BtfParameter {
  name: string;
  type: TypeId;
}

export interface BtfEnumerator {
  name: string;
  value: bigint;
}

/** An entry of a DATASEC. */
export interface BtfSectionEntry {
  /** A VAR (or, written by compilers for BPF, a FUNC). */
  type: TypeId;
  /** Bytes from the start of the section. */
  offset: number;
  byteSize: number;
}

/**
 * The types of one BTF blob, over a base's when split. Records stay in the words they came in and
 * are decoded when asked for.
 *
 * After parsing, every type id and every string offset in a record is known to be in range. A name
 * may still be odd and a chain of modifiers may still be a cycle: see `validateBtf`.
 *
 * Accessors take an id below {@link Btf.typeCount} of the right kind, and throw {@link FormatError}
 * `BTF_TYPE_ID` for an id that does not exist. An element's index is not checked.
 */
export class Btf {
  /** Path or description of the input, for messages. */
  readonly inputName: string | undefined;
  readonly base: Btf | undefined;
  /** First own id: 1, or the base's `typeCount`. */
  readonly startId: TypeId;
  /** One more than the last id, base included; counts void. */
  readonly typeCount: number;
  /** Byte order of the blob (not of `words`). */
  readonly littleEndian: boolean;
  /** The own type section in this machine's byte order. May be a view of the parsed bytes. */
  readonly words: Uint32Array;
  /** Word index in `words` of each own type: that of `startId` first. */
  readonly offsets: Uint32Array;
  /** The own string section. */
  readonly stringsBytes: Uint8Array;
  /** Offset of the first own string: 0, or the byte size of all strings below. */
  readonly startStringOffset: StringOffset;
  /** Bytes of the longest string, bases included, where it has more than 1024; else at most that. */
  readonly longestName: number;
  /** Values of all own enums together. */
  readonly enumeratorCount: number;
  readonly header: BtfHeader;
  readonly #text: TextReader;

  private constructor(
    header: BtfHeader,
    words: Uint32Array,
    strings: Uint8Array,
    bytes: Uint8Array,
    options: BtfParseOptions,
  ) {
    const { base, name } = options;
    this.header = header;
    this.inputName = name;
    this.base = base;
    this.littleEndian = header.littleEndian;
    this.words = words;
    const scanned = scanRecords(words, header, parseLayout(bytes, header), name);
    this.offsets = scanned.offsets;
    this.enumeratorCount = scanned.enumeratorCount;
    this.startId = base?.typeCount ?? 1;
    this.typeCount = this.startId + this.offsets.length;
    this.stringsBytes = strings;
    this.startStringOffset = base?.stringsEnd ?? 0;
    this.#text = textReader(strings);
    const { largestTypeId, largestStringOffset } = scanned;
    // The string offset 0 needs no string section.
    const leadsNowhere =
      largestTypeId >= this.typeCount || largestStringOffset >= Math.max(this.stringsEnd, 1);
    if (leadsNowhere && options.danglingReferences !== true)
      checkReferences(words, this.offsets, this.typeCount, this.stringsEnd, header, name);
    this.longestName = Math.max(longestString(strings), base?.longestName ?? 0);
    if (this.longestName > usualName) this.#checkNameVolume();
  }

  /**
   * Read raw BTF (the contents of `.BTF` or of `/sys/kernel/btf/*`). The bytes must not change
   * afterwards.
   * @throws {FormatError}
   */
  static parse(bytes: Uint8Array, options: BtfParseOptions = {}): Btf {
    const header = parseHeader(bytes, options.name);
    if (options.base !== undefined && options.base.littleEndian !== header.littleEndian) {
      throw new FormatError(
        "BTF_BASE_BYTE_ORDER",
        "the base has the other byte order",
        locate(options.name, 0),
      );
    }
    const strings = bytes.subarray(header.stringsOffset, header.stringsOffset + header.stringsByteSize);
    checkStrings(strings, header, options);
    const words = wordsOf(bytes, header.typesOffset, header.typesByteSize, header.littleEndian);
    return new Btf(header, words, strings, bytes, options);
  }

  /** One more than the last string offset, base included. */
  get stringsEnd(): StringOffset {
    return this.startStringOffset + this.stringsBytes.length;
  }

  /** The BTF in the chain of bases that stores a type. */
  owner(id: TypeId): Btf {
    if (!(id >= 0 && id < this.typeCount)) this.#noType(id);
    return id < this.startId && this.base !== undefined ? this.base.owner(id) : this;
  }

  /** Index in the owner's `words` of a type's record; -1 for void. */
  wordIndex(id: TypeId): number {
    if (id === 0) return -1;
    const owner = this.owner(id);
    return owner.offsets[id - owner.startId]!;
  }

  /** Word `index` of a type's record; 0 for void. */
  word(id: TypeId, index: number): number {
    if (id === 0) return 0;
    if (id >= this.startId && id < this.typeCount)
      return this.words[this.offsets[id - this.startId]! + index]!;
    const owner = this.owner(id);
    return owner.words[owner.offsets[id - owner.startId]! + index]!;
  }

  /** BTF_KIND_ of a type; BTF_KIND_UNKN for void. */
  kind(id: TypeId): number {
    return id === 0 ? BTF_KIND_UNKN : infoKind(this.word(id, 1));
  }

  /** Count of members, values, parameters or entries; the linkage of a FUNC. */
  vlen(id: TypeId): number {
    return infoVlen(this.word(id, 1));
  }

  /** Bit 31 of `info`: bitfield offsets (STRUCT, UNION), signed (ENUM, ENUM64), union (FWD), attribute (tags). */
  kindFlag(id: TypeId): boolean {
    return this.word(id, 1) >>> 31 === 1;
  }

  /** Byte size or type id, whichever the kind has. */
  sizeOrType(id: TypeId): number {
    return this.word(id, 2);
  }

  nameOffset(id: TypeId): StringOffset {
    return this.word(id, 0);
  }

  /** Name of a type; empty when it has none. */
  name(id: TypeId): string {
    return this.string(this.word(id, 0));
  }

  /**
   * The string at an offset; empty at 0.
   * @throws {FormatError} `BTF_STRING_OFFSET`
   */
  string(offset: StringOffset): string {
    if (offset === 0) return "";
    if (offset < this.startStringOffset && this.base !== undefined) return this.base.string(offset);
    const start = this.#stringIndex(offset);
    return this.#text.utf8(start, this.stringsBytes.indexOf(0, start));
  }

  /** The string at an offset, one character per byte: exact for bytes that are no UTF-8. */
  binaryString(offset: StringOffset): string {
    if (offset === 0) return "";
    if (offset < this.startStringOffset && this.base !== undefined) return this.base.binaryString(offset);
    const start = this.#stringIndex(offset);
    return this.#text.latin1(start, this.stringsBytes.indexOf(0, start));
  }

  /**
   * The BTF in the chain of bases that stores a string, from `offset - startStringOffset` in its
   * `stringsBytes` up to a NUL, which is always there.
   * @throws {FormatError} `BTF_STRING_OFFSET`
   */
  stringOwner(offset: StringOffset): Btf {
    if (offset < this.startStringOffset && this.base !== undefined) return this.base.stringOwner(offset);
    this.#stringIndex(offset);
    return this;
  }

  /** Encoding bits BTF_INT_ of an INT. */
  intEncoding(id: TypeId): number {
    return this.word(id, 3) >>> 24;
  }

  /** Bit offset of the value within the INT; 0 in all BTF of today. */
  intBitOffset(id: TypeId): number {
    return (this.word(id, 3) >>> 16) & 0xff;
  }

  /** Bits of the value of an INT. */
  intBitSize(id: TypeId): number {
    return this.word(id, 3) & 0xff;
  }

  arrayElementType(id: TypeId): TypeId {
    return this.word(id, 3);
  }

  arrayIndexType(id: TypeId): TypeId {
    return this.word(id, 4);
  }

  /** Count of elements of an ARRAY. */
  arrayLength(id: TypeId): number {
    return this.word(id, 5);
  }

  memberNameOffset(id: TypeId, index: number): StringOffset {
    return this.word(id, 3 + index * 3);
  }

  memberName(id: TypeId, index: number): string {
    return this.string(this.word(id, 3 + index * 3));
  }

  memberType(id: TypeId, index: number): TypeId {
    return this.word(id, 4 + index * 3);
  }

  /** From the start of the struct. */
  memberBitOffset(id: TypeId, index: number): number {
    const offset = this.word(id, 5 + index * 3);
    return this.kindFlag(id) ? offset & 0xffffff : offset;
  }

  /** Width of a bitfield member in bits, 0 for a plain member. */
  memberBitfieldSize(id: TypeId, index: number): number {
    return this.kindFlag(id) ? this.word(id, 5 + index * 3) >>> 24 : 0;
  }

  /** Members of a STRUCT or UNION. */
  *members(id: TypeId): Generator<BtfMember> {
    for (let index = 0, count = this.vlen(id); index < count; index++) {
      yield {
        name: this.memberName(id, index),
        type: this.memberType(id, index),
        bitOffset: this.memberBitOffset(id, index),
        bitfieldSize: this.memberBitfieldSize(id, index),
      };
    }
  }

  enumeratorNameOffset(id: TypeId, index: number): StringOffset {
    return this.word(id, 3 + index * (this.kind(id) === BTF_KIND_ENUM ? 2 : 3));
  }

  /** Name of a value of an ENUM or ENUM64. */
  enumeratorName(id: TypeId, index: number): string {
    return this.string(this.enumeratorNameOffset(id, index));
  }

  /** Value of an ENUM or ENUM64, signed where the kind flag says so. */
  enumeratorValue(id: TypeId, index: number): bigint {
    const signed = this.kindFlag(id);
    if (this.kind(id) === BTF_KIND_ENUM) {
      const value = this.word(id, 4 + index * 2);
      return BigInt(signed ? value | 0 : value);
    }
    const value = (BigInt(this.word(id, 5 + index * 3)) << 32n) | BigInt(this.word(id, 4 + index * 3));
    return signed ? BigInt.asIntN(64, value) : value;
  }

  /** Values of an ENUM or ENUM64. */
  *enumerators(id: TypeId): Generator<BtfEnumerator> {
    for (let index = 0, count = this.vlen(id); index < count; index++) {
      yield { name: this.enumeratorName(id, index), value: this.enumeratorValue(id, index) };
    }
  }

  parameterNameOffset(id: TypeId, index: number): StringOffset {
    return this.word(id, 3 + index * 2);
  }

  parameterName(id: TypeId, index: number): string {
    return this.string(this.parameterNameOffset(id, index));
  }

  /** Type of a parameter; 0 in the last one means `...`. */
  parameterType(id: TypeId, index: number): TypeId {
    return this.word(id, 4 + index * 2);
  }

  /** Parameters of a FUNC_PROTO. */
  *parameters(id: TypeId): Generator<BtfParameter> {
    for (let index = 0, count = this.vlen(id); index < count; index++) {
      yield { name: this.parameterName(id, index), type: this.parameterType(id, index) };
    }
  }

  sectionEntryType(id: TypeId, index: number): TypeId {
    return this.word(id, 3 + index * 3);
  }

  /** Bytes from the start of the section. */
  sectionEntryOffset(id: TypeId, index: number): number {
    return this.word(id, 4 + index * 3);
  }

  sectionEntryByteSize(id: TypeId, index: number): number {
    return this.word(id, 5 + index * 3);
  }

  /** Entries of a DATASEC. */
  *sectionEntries(id: TypeId): Generator<BtfSectionEntry> {
    for (let index = 0, count = this.vlen(id); index < count; index++) {
      yield {
        type: this.sectionEntryType(id, index),
        offset: this.sectionEntryOffset(id, index),
        byteSize: this.sectionEntryByteSize(id, index),
      };
    }
  }

  /** BTF_VAR_ linkage of a VAR. */
  variableLinkage(id: TypeId): number {
    return this.word(id, 3);
  }

  /** BTF_FUNC_ linkage of a FUNC. */
  functionLinkage(id: TypeId): number {
    return this.vlen(id);
  }

  /** Type a DECL_TAG is attached to. */
  declTagTarget(id: TypeId): TypeId {
    return this.word(id, 2);
  }

  /** Member or parameter a DECL_TAG is attached to, -1 for the whole type. */
  declTagComponent(id: TypeId): number {
    return this.word(id, 3) | 0;
  }

  /** Strings may overlap: a small file with one long string could name gigabytes. */
  #checkNameVolume(): void {
    const limit = this.stringsEnd * 64 + 0x400_0000;
    let total = 0;
    const add = (wordIndex: number): void => {
      if (total <= limit) total += this.#stringByteSize(this.words[wordIndex]!);
    };
    for (const at of this.offsets) {
      forEachNameWord(this.words, at, add);
      if (total <= limit) continue;
      const problem = `names of more than ${limit} bytes in ${this.stringsEnd} bytes of strings`;
      throw new LimitError("BTF_NAMES", problem, locate(this.inputName, this.header.typesOffset + at * 4));
    }
  }

  #stringByteSize(offset: StringOffset): number {
    if (offset === 0) return 0;
    if (offset < this.startStringOffset && this.base !== undefined) return this.base.#stringByteSize(offset);
    const start = this.#stringIndex(offset);
    return this.stringsBytes.indexOf(0, start) - start;
  }

  #stringIndex(offset: StringOffset): number {
    const start = offset - this.startStringOffset;
    if (start >= 0 && start < this.stringsBytes.length) return start;
    throw new FormatError(
      "BTF_STRING_OFFSET",
      `string offset 0x${offset.toString(16)} is outside the strings`,
      locate(this.inputName, this.header.stringsOffset),
    );
  }

  #noType(id: TypeId): never {
    throw new FormatError(
      "BTF_TYPE_ID",
      `type id ${id} does not exist (ids end at ${this.typeCount - 1})`,
      locate(this.inputName, this.header.typesOffset),
    );
  }
}

/** Names up to this many bytes cannot add up to anything harmful. */
const usualName = 1024;

/**
 * Bytes of the longest string, exact where it is longer than {@link usualName}. Such a string covers one
 * of the places looked at; looking at every byte is what a cold process spends most time on.
 */
function longestString(strings: Uint8Array): number {
  let longest = 0;
  for (let at = usualName; at < strings.length;) {
    const end = strings.indexOf(0, at);
    const start = strings.lastIndexOf(0, at - 1) + 1;
    if (end - start > longest) longest = end - start;
    // What it found out about a long string it does not ask again.
    at = end + usualName;
  }
  return longest;
}

/** Strings end with NUL, and a base's begin with one, so that a search for an end always finds it. */
function checkStrings(strings: Uint8Array, header: BtfHeader, options: BtfParseOptions): void {
  const bad = (problem: string): FormatError =>
    new FormatError("BTF_STRINGS", problem, locate(options.name, header.stringsOffset));
  if (strings.length === 0) {
    if (options.base === undefined && header.typesByteSize > 0) throw bad("the string section is empty");
    return;
  }
  if (strings[strings.length - 1] !== 0) throw bad("the string section does not end with NUL");
  if (options.base === undefined && strings[0] !== 0) throw bad("the string section does not begin with NUL");
}
