// oxlint-disable no-var, eqeqeq -- asm.js has no other variables, and no other comparisons

import type { cTexts } from "./c-texts.ts";
import type { AsmLibrary } from "./heap.ts";

/** Where {@link cPrinter} finds everything in its heap: addresses in bytes, among them those of its texts. */
export interface CPrinterPlaces extends Record<keyof typeof cTexts, number> {
  /** An address of a record for each type id: void's at 0. */
  starts: number;
  typeCount: number;
  /** All string sections, one after the other. */
  strings: number;
  /** Bytes of a pointer. */
  pointerByteSize: number;
  /** Two words for each name that has a meaning of its own, a 0 behind them. */
  aliases: number;
  /** A byte for each type: 1 while it is defined, 2 after; and 1 where it was declared ahead. */
  states: number;
  declared: number;
  /** A byte for each type: 1 + its alignment, 0 while not known. */
  alignments: number;
  /** A word for each type: which use of its name it is, 0 where it was not printed yet. */
  given: number;
  /** A word for each name: how often it was used as a tag, and as another name. */
  tagUses: number;
  ordinaryUses: number;
  /** A byte for each type: 1 for a kfunc, and 2 for what is marked as fast, together 3. */
  kfuncMarks: number;
  /** Words for the declarators that are being printed. */
  chains: number;
  /** Steps for definitions: unnamed types within each other are walked each time they are met. */
  stepLimit: number;
  /** Where text goes, and where so much is there that it is flushed; behind that is room for a name and a number. */
  text: number;
  textLimit: number;
  /** Takes the text up to an address. */
  flush: (end: number) => void;
  /** Id of the name at a string offset, 0 for the empty one. */
  nameId: (offset: number) => number;
  /** Throws: see `c-problems.ts`. */
  fail: (problem: number, first: number, second: number) => void;
}

export interface CPrinterFunctions {
  /** Print a text of the heap. */
  put: (address: number) => void;
  /** Define so many types whose ids are at an address, each after what must be declared before. */
  defineAll: (ids: number, count: number) => void;
  /** Write the ids of kfuncs to an address; gives how many there are. */
  findKfuncs: (ids: number) => number;
  /** Print the declaration of one of them. */
  putKfunc: (id: number) => void;
  /** Hand over all text. */
  flush: () => void;
}

/**
 * Spells types in C as bpftool does: declarators with every space in its place, definitions with the
 * padding that makes a compiler lay them out as they were. In asm.js, as `record-printer.ts`.
 *
 * What a declaration declares is a number: a name at a string offset; below zero a typedef, as its id;
 * or 0, nothing. Positions in a struct are two: words of 64 bits, and bits beyond them.
 */
export function cPrinter(library: AsmLibrary, places: CPrinterPlaces, heap: ArrayBuffer): CPrinterFunctions {
  "use asm";
  var bytes = new library.Uint8Array(heap);
  var words = new library.Int32Array(heap);
  var imul = library.Math.imul;
  var starts = places.starts | 0;
  var typeCount = places.typeCount | 0;
  var strings = places.strings | 0;
  var pointerByteSize = places.pointerByteSize | 0;
  var aliases = places.aliases | 0;
  var states = places.states | 0;
  var declared = places.declared | 0;
  var alignments = places.alignments | 0;
  var given = places.given | 0;
  var tagUses = places.tagUses | 0;
  var ordinaryUses = places.ordinaryUses | 0;
  var kfuncMarks = places.kfuncMarks | 0;
  var chains = places.chains | 0;
  var text = places.text | 0;
  var textLimit = places.textLimit | 0;
  var steps = places.stepLimit | 0;
  var flush = places.flush;
  var nameId = places.nameId;
  var fail = places.fail;
  var structText = places.structText | 0;
  var unionText = places.unionText | 0;
  var enumText = places.enumText | 0;
  var voidText = places.voidText | 0;
  var constText = places.constText | 0;
  var volatileText = places.volatileText | 0;
  var restrictText = places.restrictText | 0;
  var typedefText = places.typedefText | 0;
  var openText = places.openText | 0;
  var equalsText = places.equalsText | 0;
  var endText = places.endText | 0;
  var packedText = places.packedText | 0;
  var byteModeText = places.byteModeText | 0;
  var wordModeText = places.wordModeText | 0;
  var signedSuffix = places.signedSuffix | 0;
  var unsignedSuffix = places.unsignedSuffix | 0;
  var attributeText = places.attributeText | 0;
  var attributeEnd = places.attributeEnd | 0;
  var typeTagText = places.typeTagText | 0;
  var typeTagEnd = places.typeTagEnd | 0;
  var noParametersText = places.noParametersText | 0;
  var moreParametersText = places.moreParametersText | 0;
  var separatorText = places.separatorText | 0;
  var useText = places.useText | 0;
  var longText = places.longText | 0;
  var intText = places.intText | 0;
  var shortText = places.shortText | 0;
  var charText = places.charText | 0;
  var kfuncTag = places.kfuncTag | 0;
  var fastCallTag = places.fastCallTag | 0;
  var externText = places.externText | 0;
  var fastExternText = places.fastExternText | 0;
  var kfuncEnd = places.kfuncEnd | 0;
  var builtinVaList = places.builtinVaList | 0;
  var gnucVaList = places.gnucVaList | 0;
  var builtinVaListAsGnuc = places.builtinVaListAsGnuc | 0;
  /** End of the text so far, and how much was flushed since a definition began. */
  var out = 0;
  var flushed = 0;
  /** End of the declarators that are being printed, and how deep they and definitions lie. */
  var chainEnd = 0;
  var nesting = 0;

  function putByte(byte: number): void {
    byte = byte | 0;
    bytes[out] = byte;
    out = (out + 1) | 0;
  }

  function flushText(): void {
    flushed = (flushed + ((out - text) | 0)) | 0;
    // Types can be made that would need terabytes.
    if ((flushed | 0) > 0x4000000) fail(7, 0, 0);
    if ((out | 0) > (text | 0)) flush(out | 0);
    out = text;
  }

  function putText(address: number): void {
    address = address | 0;
    var to = 0;
    var byte = 0;
    if ((out | 0) > (textLimit | 0)) flushText();
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
    if ((offset | 0) != 0) putText((strings + offset) | 0);
  }

  /** A number of 64 bits without a sign: from the last digit on, divided by ten in parts of 16 bits. */
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

  function putSigned(low: number, high: number): void {
    low = low | 0;
    high = high | 0;
    if ((high | 0) < 0) {
      putByte(45);
      low = (0 - low) | 0;
      // The borrow goes on only from a lower half of 0.
      high = ~high;
      if ((low | 0) == 0) high = (high + 1) | 0;
    }
    putWide(low, high);
  }

  /** Begin a line. Deeper nesting is not indented any further. */
  function putLine(level: number): void {
    level = level | 0;
    if ((level | 0) > 13) level = 13;
    if ((out | 0) > (textLimit | 0)) flushText();
    putByte(10);
    while ((level | 0) > 0) {
      putByte(9);
      level = (level - 1) | 0;
    }
  }

  function recordOf(id: number): number {
    id = id | 0;
    return words[(starts + (id << 2)) >> 2]! | 0;
  }

  function kindOf(record: number): number {
    record = record | 0;
    return ((words[(record + 4) >> 2]! | 0) >>> 24) & 127;
  }

  function countOf(record: number): number {
    record = record | 0;
    return (words[(record + 4) >> 2]! | 0) & 0xffffff;
  }

  function kindFlagOf(record: number): number {
    record = record | 0;
    return ((words[(record + 4) >> 2]! | 0) >>> 31) | 0;
  }

  function isEmptyName(offset: number): number {
    offset = offset | 0;
    if ((offset | 0) == 0) return 1;
    return ((bytes[(strings + offset) | 0]! | 0) == 0 ? 1 : 0) | 0;
  }

  function isText(offset: number, address: number): number {
    offset = offset | 0;
    address = address | 0;
    var byte = 0;
    if ((offset | 0) == 0) return 0;
    offset = (strings + offset) | 0;
    byte = bytes[offset]! | 0;
    while ((byte | 0) == (bytes[address]! | 0)) {
      if ((byte | 0) == 0) return 1;
      offset = (offset + 1) | 0;
      address = (address + 1) | 0;
      byte = bytes[offset]! | 0;
    }
    return 0;
  }

  function isQualifier(kind: number): number {
    kind = kind | 0;
    return ((kind - 9) >>> 0 < 3 ? 1 : 0) | 0;
  }

  function isQualifierOrTag(kind: number): number {
    kind = kind | 0;
    if ((kind | 0) == 18) return 1;
    return isQualifier(kind) | 0;
  }

  function isEnum(kind: number): number {
    kind = kind | 0;
    if ((kind | 0) == 19) return 1;
    return ((kind | 0) == 6 ? 1 : 0) | 0;
  }

  // Names. Tags of structs, unions and enums share one space, typedefs and enumerators another. The second
  // use of a name becomes `name___2`.

  function countUse(uses: number, name: number): number {
    uses = uses | 0;
    name = name | 0;
    uses = (uses + (name << 2)) | 0;
    name = ((words[uses >> 2]! | 0) + 1) | 0;
    words[uses >> 2] = name;
    return name | 0;
  }

  /** Which use of its name a type is, the same each time. */
  function useOf(id: number, uses: number): number {
    id = id | 0;
    uses = uses | 0;
    var record = 0;
    var kind = 0;
    var name = 0;
    var use = 0;
    use = words[(given + (id << 2)) >> 2]! | 0;
    if ((use | 0) != 0) return use | 0;
    record = recordOf(id) | 0;
    kind = kindOf(record) | 0;
    name = nameId(words[record >> 2]! | 0) | 0;
    // Forward declarations, and enums without values, name what is defined elsewhere.
    if ((kind | 0) == 7) name = 0;
    if ((isEnum(kind) | 0) != 0) if ((countOf(record) | 0) == 0) name = 0;
    use = 1;
    if ((name | 0) != 0) use = countUse(uses, name) | 0;
    words[(given + (id << 2)) >> 2] = use;
    return use | 0;
  }

  function putNameUse(offset: number, use: number): void {
    offset = offset | 0;
    use = use | 0;
    putName(offset);
    if ((use | 0) == 1) return;
    putText(useText);
    putWide(use, 0);
  }

  function putTypedefName(id: number): void {
    id = id | 0;
    putNameUse(words[(recordOf(id) | 0) >> 2]! | 0, useOf(id, ordinaryUses) | 0);
  }

  /** A keyword, and the tag if there is one. */
  function putTag(id: number): void {
    id = id | 0;
    var record = 0;
    record = recordOf(id) | 0;
    switch (kindOf(record) | 0) {
      case 4:
        putText(structText);
        break;
      case 5:
        putText(unionText);
        break;
      case 7:
        if ((kindFlagOf(record) | 0) != 0) putText(unionText);
        else putText(structText);
        break;
      default:
        putText(enumText);
        break;
    }
    record = words[record >> 2]! | 0;
    if ((isEmptyName(record) | 0) != 0) return;
    putByte(32);
    putNameUse(record, useOf(id, tagUses) | 0);
  }

  // Sizes and alignments: those of `type-sizes.ts`.

  /** Bytes, at most 2^32 - 1, without a sign; 0 for what has no size. */
  function byteSizeOf(id: number): number {
    id = id | 0;
    var count = 0;
    var hops = 0;
    var record = 0;
    count = 1;
    while ((hops | 0) < 128) {
      record = recordOf(id) | 0;
      switch (kindOf(record) | 0) {
        // INT, STRUCT, UNION, ENUM, DATASEC, FLOAT, ENUM64
        case 1:
        case 4:
        case 5:
        case 6:
        case 15:
        case 16:
        case 19:
          return productOf(count, words[(record + 8) >> 2]! | 0) | 0;
        // PTR
        case 2:
          return productOf(count, pointerByteSize) | 0;
        // ARRAY
        case 3:
          count = productOf(count, words[(record + 20) >> 2]! | 0) | 0;
          id = words[(record + 12) >> 2]! | 0;
          break;
        // TYPEDEF, VOLATILE, CONST, RESTRICT, VAR, TYPE_TAG
        case 8:
        case 9:
        case 10:
        case 11:
        case 14:
        case 18:
          id = words[(record + 8) >> 2]! | 0;
          break;
        default:
          return 0;
      }
      hops = (hops + 1) | 0;
    }
    fail(4, id | 0, 0);
    return 0;
  }

  function productOf(first: number, second: number): number {
    first = first | 0;
    second = second | 0;
    if ((second | 0) == 0) return 0;
    if (first >>> 0 > (0xffffffff / (second >>> 0)) >>> 0) return -1;
    return imul(first, second) | 0;
  }

  /** Whether a member that is no bitfield stands where its alignment lets it; its kind flag is the struct's. */
  function isMisplaced(element: number, kindFlag: number, alignment: number): number {
    element = element | 0;
    kindFlag = kindFlag | 0;
    alignment = alignment | 0;
    var place = 0;
    place = words[(element + 8) >> 2]! | 0;
    if ((kindFlag | 0) != 0) if (((place >>> 24) | 0) != 0) return 0;
    if ((alignment | 0) == 0) return 0;
    return ((((place >>> 0) % ((alignment << 3) >>> 0)) | 0) != 0 ? 1 : 0) | 0;
  }

  /** Bytes; 0 for a type that has none. */
  function alignmentOf(id: number, depth: number): number {
    id = id | 0;
    depth = depth | 0;
    var alignment = 0;
    var record = 0;
    alignment = bytes[(alignments + id) | 0]! | 0;
    if ((alignment | 0) != 0) return (alignment - 1) | 0;
    if ((depth | 0) > 128) fail(4, id | 0, 0);
    depth = (depth + 1) | 0;
    record = recordOf(id) | 0;
    switch (kindOf(record) | 0) {
      // INT, ENUM, FLOAT, ENUM64
      case 1:
      case 6:
      case 16:
      case 19:
        alignment = words[(record + 8) >> 2]! | 0;
        if (alignment >>> 0 > pointerByteSize >>> 0) alignment = pointerByteSize;
        break;
      // PTR
      case 2:
        alignment = pointerByteSize;
        break;
      // ARRAY
      case 3:
        alignment = alignmentOf(words[(record + 12) >> 2]! | 0, depth) | 0;
        break;
      // STRUCT, UNION
      case 4:
      case 5:
        alignment = compositeAlignment(record, depth) | 0;
        break;
      // TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG
      case 8:
      case 9:
      case 10:
      case 11:
      case 18:
        alignment = alignmentOf(words[(record + 8) >> 2]! | 0, depth) | 0;
        break;
      default:
        break;
    }
    bytes[(alignments + id) | 0] = alignment + 1;
    return alignment | 0;
  }

  function compositeAlignment(record: number, depth: number): number {
    record = record | 0;
    depth = depth | 0;
    var greatest = 0;
    var element = 0;
    var left = 0;
    var alignment = 0;
    greatest = 1;
    element = (record + 12) | 0;
    left = countOf(record) | 0;
    while ((left | 0) > 0) {
      alignment = alignmentOf(words[(element + 4) >> 2]! | 0, depth) | 0;
      if ((alignment | 0) == 0) return 0;
      if ((isMisplaced(element, kindFlagOf(record) | 0, alignment) | 0) != 0) return 1;
      if ((alignment | 0) > (greatest | 0)) greatest = alignment;
      element = (element + 12) | 0;
      left = (left - 1) | 0;
    }
    if (((((words[(record + 8) >> 2]! | 0) >>> 0) % (greatest >>> 0)) | 0) != 0) return 1;
    return greatest | 0;
  }

  /** Whether a struct's members are placed as only `__attribute__((packed))` places them. */
  function isPacked(record: number): number {
    record = record | 0;
    var greatest = 0;
    var element = 0;
    var left = 0;
    var alignment = 0;
    greatest = 1;
    element = (record + 12) | 0;
    left = countOf(record) | 0;
    while ((left | 0) > 0) {
      alignment = alignmentOf(words[(element + 4) >> 2]! | 0, 0) | 0;
      if ((isMisplaced(element, kindFlagOf(record) | 0, alignment) | 0) != 0) return 1;
      if ((alignment | 0) > (greatest | 0)) greatest = alignment;
      element = (element + 12) | 0;
      left = (left - 1) | 0;
    }
    return (((((words[(record + 8) >> 2]! | 0) >>> 0) % (greatest >>> 0)) | 0) != 0 ? 1 : 0) | 0;
  }

  // Padding: unnamed bitfields that make a compiler leave a gap, as `long: 0` or `char: 3`. A gap that
  // alignment alone makes needs none.

  /** Bits of a unit: 0 for long, then int, short, char. */
  function unitBits(unit: number): number {
    unit = unit | 0;
    if ((unit | 0) == 0) return (pointerByteSize << 3) | 0;
    return (64 >> unit) | 0;
  }

  function putPadding(unit: number, width: number, level: number): void {
    unit = unit | 0;
    width = width | 0;
    level = level | 0;
    putLine(level);
    switch (unit | 0) {
      case 0:
        putText(longText);
        break;
      case 1:
        putText(intText);
        break;
      case 2:
        putText(shortText);
        break;
      default:
        putText(charText);
        break;
    }
    putByte(58);
    putByte(32);
    putWide(width, 0);
    putByte(59);
  }

  /** Whether a position in bytes, without a sign, is where bytes of an alignment after another would be. */
  function isAligned(position: number, alignment: number): number {
    position = position | 0;
    alignment = alignment | 0;
    if ((alignment | 0) == 0) return 0;
    return ((((position >>> 0) % (alignment >>> 0)) | 0) == 0 ? 1 : 0) | 0;
  }

  /**
   * @param alignment bytes that the next member, or at the end the struct, is aligned to; 1 in a packed struct
   * @param isBetween between two bitfields, where a compiler aligns nothing by itself
   */
  function pad(
    fromWord: number,
    from: number,
    toWord: number,
    to: number,
    alignment: number,
    isBetween: number,
    level: number,
  ): void {
    fromWord = fromWord | 0;
    from = from | 0;
    toWord = toWord | 0;
    to = to | 0;
    alignment = alignment | 0;
    isBetween = isBetween | 0;
    level = level | 0;
    var at = 0;
    var unit = 0;
    var bits = 0;
    var boundary = 0;
    var fields = 0;
    var mustSay = 0;
    toWord = (toWord - fromWord) | 0;
    if ((toWord | 0) < 0) return;
    // A gap of 8 MiB; a struct of BTF may claim 4 GiB.
    if ((toWord | 0) > 0x200000) fail(10, toWord | 0, (to - from) | 0);
    at = from;
    // From here on in bits from the word where the gap begins.
    to = ((toWord << 6) + to) | 0;
    if ((at | 0) >= (to | 0)) return;
    // First to a boundary of the largest unit that has one in the gap.
    while ((unit | 0) < 4) {
      bits = unitBits(unit) | 0;
      boundary = (at + bits - 1) & -bits;
      if ((boundary | 0) <= (to | 0)) break;
      unit = (unit + 1) | 0;
    }
    if ((unit | 0) < 4) {
      if ((boundary | 0) > (at | 0)) {
        mustSay = isBetween;
        if ((boundary | 0) == (to | 0)) {
          // Not where the next alignment leads by itself.
          if ((isAligned(((fromWord << 3) + (boundary >> 3)) | 0, alignment) | 0) == 0) mustSay = 1;
          if (((boundary - at) | 0) >= ((alignment << 3) | 0)) mustSay = 1;
        } else if (((to - boundary) | 0) <= ((boundary - at) | 0)) mustSay = 1;
        if ((mustSay | 0) != 0) {
          fields = 1;
          putPadding(unit, (isBetween | 0) != 0 ? (boundary - at) | 0 : 0, level);
        }
        at = boundary;
      }
      while (((at + bits) | 0) <= (to | 0)) {
        fields = (fields + 1) | 0;
        if ((fields | 0) > 0x100000) fail(10, toWord | 0, (to - (toWord << 6) - from) | 0);
        putPadding(unit, bits, level);
        at = (at + bits) | 0;
      }
    }
    // What remains is less than that unit.
    while ((at | 0) < (to | 0)) {
      bits = (to - at) | 0;
      unit = 3;
      while ((unit | 0) > 0) {
        if ((unitBits(unit) | 0) >= (bits | 0)) break;
        unit = (unit - 1) | 0;
      }
      if ((unitBits(unit) | 0) < (bits | 0)) bits = unitBits(unit) | 0;
      putPadding(unit, bits, level);
      at = (at + bits) | 0;
    }
  }

  // Declarators.

  function putQualifier(kind: number): void {
    kind = kind | 0;
    if ((kind | 0) == 10) putText(constText);
    else if ((kind | 0) == 9) putText(volatileText);
    else putText(restrictText);
  }

  /** Kind at the end of the chain that begins at an address; -1 where nothing is left of it. */
  function kindInChain(chain: number): number {
    chain = chain | 0;
    if ((chainEnd | 0) == (chain | 0)) return -1;
    return kindOf(recordOf(words[(chainEnd - 4) >> 2]! | 0) | 0) | 0;
  }

  function putLeadingQualifiers(chain: number): void {
    chain = chain | 0;
    var kind = 0;
    kind = kindInChain(chain) | 0;
    while ((isQualifier(kind) | 0) != 0) {
      chainEnd = (chainEnd - 4) | 0;
      putQualifier(kind);
      putByte(32);
      kind = kindInChain(chain) | 0;
    }
  }

  function dropQualifiers(chain: number): void {
    chain = chain | 0;
    var kind = 0;
    kind = kindInChain(chain) | 0;
    while ((isQualifierOrTag(kind) | 0) != 0) {
      chainEnd = (chainEnd - 4) | 0;
      kind = kindInChain(chain) | 0;
    }
  }

  function putDeclared(name: number, isAfterStar: number): void {
    name = name | 0;
    isAfterStar = isAfterStar | 0;
    if ((name | 0) == 0) return;
    if ((isAfterStar | 0) == 0) putByte(32);
    if ((name | 0) > 0) putName(name);
    else putTypedefName((0 - name) | 0);
  }

  /** A type at the end of a chain; unnamed ones are defined in place. */
  function putBaseType(id: number, level: number): void {
    id = id | 0;
    level = level | 0;
    var record = 0;
    record = recordOf(id) | 0;
    switch (kindOf(record) | 0) {
      case 0:
        putText(voidText);
        break;
      // INT, FLOAT
      case 1:
      case 16:
        putName(words[record >> 2]! | 0);
        break;
      // STRUCT, UNION
      case 4:
      case 5:
        if ((words[record >> 2]! | 0) == 0) putComposite(id, level);
        else putTag(id);
        break;
      // ENUM, ENUM64
      case 6:
      case 19:
        if ((words[record >> 2]! | 0) == 0) putEnumeration(id, level);
        else putTag(id);
        break;
      // FWD
      case 7:
        putTag(id);
        break;
      // TYPEDEF
      case 8:
        putTypedefName(id);
        break;
      default:
        fail(8, id | 0, 0);
        break;
    }
  }

  /** Print a chain from its innermost type outwards; it is used up. */
  function unwind(chain: number, name: number, level: number): void {
    chain = chain | 0;
    name = name | 0;
    level = level | 0;
    var isAfterStar = 0;
    var id = 0;
    var record = 0;
    var kind = 0;
    // At the start no blank is wanted either: `(*name)`.
    isAfterStar = 1;
    while ((chainEnd | 0) > (chain | 0)) {
      chainEnd = (chainEnd - 4) | 0;
      id = words[chainEnd >> 2]! | 0;
      record = recordOf(id) | 0;
      kind = kindOf(record) | 0;
      switch (kind | 0) {
        // PTR
        case 2:
          if ((isAfterStar | 0) == 0) putByte(32);
          putByte(42);
          break;
        // VOLATILE, CONST, RESTRICT
        case 9:
        case 10:
        case 11:
          putByte(32);
          putQualifier(kind);
          break;
        // TYPE_TAG
        case 18:
          putLeadingQualifiers(chain);
          if ((kindFlagOf(record) | 0) != 0) putText(attributeText);
          else putText(typeTagText);
          putName(words[record >> 2]! | 0);
          if ((kindFlagOf(record) | 0) != 0) putText(attributeEnd);
          else putText(typeTagEnd);
          break;
        // ARRAY
        case 3:
          putArray(record, chain, name, isAfterStar, level);
          return;
        // FUNC_PROTO
        case 13:
          putFunction(record, chain, name, isAfterStar, level);
          return;
        default:
          putLeadingQualifiers(chain);
          putBaseType(id, level);
          break;
      }
      isAfterStar = (kind | 0) == 2 ? 1 : 0;
    }
    putDeclared(name, isAfterStar);
  }

  function putArray(record: number, chain: number, name: number, isAfterStar: number, level: number): void {
    record = record | 0;
    chain = chain | 0;
    name = name | 0;
    isAfterStar = isAfterStar | 0;
    level = level | 0;
    var isDimension = 0;
    // Qualifiers of an array are its element's, written there.
    dropQualifiers(chain);
    if ((chainEnd | 0) == (chain | 0)) {
      putDeclared(name, isAfterStar);
    } else {
      if ((name | 0) != 0) if ((isAfterStar | 0) == 0) putByte(32);
      isDimension = (kindInChain(chain) | 0) == 3 ? 1 : 0;
      if ((isDimension | 0) == 0) putByte(40);
      unwind(chain, name, level);
      if ((isDimension | 0) == 0) putByte(41);
    }
    putByte(91);
    putWide(words[(record + 20) >> 2]! | 0, 0);
    putByte(93);
  }

  function putFunction(
    record: number,
    chain: number,
    name: number,
    isAfterStar: number,
    level: number,
  ): void {
    record = record | 0;
    chain = chain | 0;
    name = name | 0;
    isAfterStar = isAfterStar | 0;
    level = level | 0;
    var element = 0;
    var left = 0;
    var type = 0;
    // C has no qualified functions.
    dropQualifiers(chain);
    if ((chainEnd | 0) == (chain | 0)) {
      putDeclared(name, isAfterStar);
    } else {
      putByte(32);
      putByte(40);
      unwind(chain, name, level);
      putByte(41);
    }
    element = (record + 12) | 0;
    left = countOf(record) | 0;
    if ((left | 0) == 1) if ((words[(element + 4) >> 2]! | 0) == 0) left = 0;
    if ((left | 0) == 0) {
      putText(noParametersText);
      return;
    }
    putByte(40);
    while ((left | 0) > 0) {
      left = (left - 1) | 0;
      type = words[(element + 4) >> 2]! | 0;
      if ((type | left | 0) == 0) putText(moreParametersText);
      else declareNamed(type, words[element >> 2]! | 0, level);
      if ((left | 0) > 0) putText(separatorText);
      element = (element + 8) | 0;
    }
    putByte(41);
  }

  function enter(id: number): void {
    id = id | 0;
    nesting = (nesting + 1) | 0;
    if ((nesting | 0) > 64) fail(6, id | 0, 0);
  }

  function declare(id: number, name: number, level: number): void {
    id = id | 0;
    name = name | 0;
    level = level | 0;
    var chain = 0;
    var record = 0;
    var kind = 0;
    var isWrapped = 0;
    chain = chainEnd;
    isWrapped = 1;
    while ((isWrapped | 0) != 0) {
      words[chainEnd >> 2] = id;
      chainEnd = (chainEnd + 4) | 0;
      if (((chainEnd - chain) | 0) > 1024) fail(5, id | 0, 0);
      record = recordOf(id) | 0;
      kind = kindOf(record) | 0;
      switch (kind | 0) {
        // PTR, VOLATILE, CONST, RESTRICT, FUNC_PROTO, TYPE_TAG
        case 2:
        case 9:
        case 10:
        case 11:
        case 13:
        case 18:
          id = words[(record + 8) >> 2]! | 0;
          break;
        // ARRAY
        case 3:
          id = words[(record + 12) >> 2]! | 0;
          break;
        default:
          isWrapped = 0;
          break;
      }
    }
    enter(id);
    unwind(chain, name, level);
    nesting = (nesting - 1) | 0;
  }

  /** A declaration of a name as a type, without semicolon. */
  function declareNamed(id: number, offset: number, level: number): void {
    id = id | 0;
    offset = offset | 0;
    level = level | 0;
    if ((isEmptyName(offset) | 0) != 0) offset = 0;
    declare(id, offset, level);
  }

  // Definitions.

  /** `struct NAME { … }` with its members, padding and attribute. */
  function putComposite(id: number, level: number): void {
    id = id | 0;
    level = level | 0;
    var record = 0;
    var isStruct = 0;
    var packed = 0;
    var element = 0;
    var left = 0;
    var type = 0;
    var place = 0;
    var width = 0;
    var atWord = 0;
    var at = 0;
    var alignment = 0;
    var isAfterBitfield = 0;
    record = recordOf(id) | 0;
    isStruct = (kindOf(record) | 0) == 4 ? 1 : 0;
    if ((isStruct | 0) != 0) packed = isPacked(record) | 0;
    left = countOf(record) | 0;
    enter(id);
    putTag(id);
    putText(openText);
    element = (record + 12) | 0;
    while ((left | 0) > 0) {
      type = words[(element + 4) >> 2]! | 0;
      place = words[(element + 8) >> 2]! | 0;
      width = 0;
      if ((kindFlagOf(record) | 0) != 0) {
        width = place >>> 24;
        place = place & 0xffffff;
      }
      alignment = 1;
      if ((packed | 0) == 0) alignment = alignmentOf(type, 0) | 0;
      if ((width | 0) == 0) isAfterBitfield = 0;
      pad(atWord, at, place >>> 6, place & 63, alignment, isAfterBitfield, (level + 1) | 0);
      putLine((level + 1) | 0);
      declareNamed(type, words[element >> 2]! | 0, (level + 1) | 0);
      atWord = place >>> 6;
      at = place & 63;
      if ((width | 0) != 0) {
        putByte(58);
        putByte(32);
        putWide(width, 0);
        isAfterBitfield = 1;
        at = (at + width) | 0;
      } else {
        type = byteSizeOf(type) | 0;
        atWord = (atWord + (type >>> 3)) | 0;
        at = (at + ((type & 7) << 3)) | 0;
      }
      atWord = (atWord + (at >> 6)) | 0;
      at = at & 63;
      putByte(59);
      element = (element + 12) | 0;
      left = (left - 1) | 0;
    }
    type = words[(record + 8) >> 2]! | 0;
    if ((isStruct | 0) != 0) {
      alignment = 1;
      if ((packed | 0) == 0) alignment = alignmentOf(id, 0) | 0;
      pad(atWord, at, type >>> 3, (type & 7) << 3, alignment, 0, (level + 1) | 0);
    }
    left = countOf(record) | 0;
    if ((left | type | 0) != 0) putLine(level);
    putByte(125);
    if ((packed | 0) != 0) putText(packedText);
    nesting = (nesting - 1) | 0;
  }

  /** `enum NAME { … }` with what makes it as wide as it is. */
  function putEnumeration(id: number, level: number): void {
    id = id | 0;
    level = level | 0;
    var record = 0;
    var left = 0;
    var element = 0;
    var isWide = 0;
    var isSigned = 0;
    var low = 0;
    var high = 0;
    var highBits = 0;
    record = recordOf(id) | 0;
    left = countOf(record) | 0;
    putTag(id);
    if ((left | 0) == 0) return;
    putText(openText);
    isWide = (kindOf(record) | 0) == 19 ? 1 : 0;
    isSigned = kindFlagOf(record) | 0;
    element = (record + 12) | 0;
    while ((left | 0) > 0) {
      putLine((level + 1) | 0);
      low = words[element >> 2]! | 0;
      // Each printing is a use.
      high = nameId(low | 0) | 0;
      putNameUse(low, countUse(ordinaryUses, high) | 0);
      putText(equalsText);
      low = words[(element + 4) >> 2]! | 0;
      high = 0;
      if ((isWide | 0) != 0) {
        high = words[(element + 8) >> 2]! | 0;
        highBits = highBits | high;
        element = (element + 4) | 0;
      } else if ((isSigned | 0) != 0) high = low >> 31;
      if ((isSigned | 0) != 0) putSigned(low, high);
      else putWide(low, high);
      if ((isWide | 0) != 0) {
        if ((isSigned | 0) != 0) putText(signedSuffix);
        else putText(unsignedSuffix);
      }
      putByte(44);
      element = (element + 8) | 0;
      left = (left - 1) | 0;
    }
    putLine(level);
    putByte(125);
    low = words[(record + 8) >> 2]! | 0;
    if ((low | 0) == 1) putText(byteModeText);
    if ((low | 0) == 8) if ((pointerByteSize | 0) == 8) if ((highBits | 0) == 0) putText(wordModeText);
  }

  /** `typedef … NAME;` */
  function putTypedef(id: number): void {
    id = id | 0;
    var record = 0;
    var target = 0;
    var name = 0;
    record = recordOf(id) | 0;
    name = words[record >> 2]! | 0;
    // Compilers define it, and refuse another definition.
    if ((isText(name, builtinVaList) | 0) != 0) return;
    target = words[(record + 8) >> 2]! | 0;
    putText(typedefText);
    if ((target | 0) == 0)
      if ((isText(name, gnucVaList) | 0) != 0)
        if ((useOf(id, ordinaryUses) | 0) == 1) {
          putText(builtinVaListAsGnuc);
          putText(endText);
          return;
        }
    declare(target, (isEmptyName(name) | 0) != 0 ? 0 : (0 - id) | 0, 0);
    putText(endText);
  }

  function putForward(id: number): void {
    id = id | 0;
    putTag(id);
    putText(endText);
  }

  function putAlias(name: number): void {
    name = name | 0;
    var alias = 0;
    alias = aliases;
    while ((words[alias >> 2]! | 0) != 0) {
      if ((isText(name, words[alias >> 2]! | 0) | 0) != 0) {
        putText(typedefText);
        putText(words[(alias + 4) >> 2]! | 0);
        putName(name);
        putText(endText);
      }
      alias = (alias + 8) | 0;
    }
  }

  /** A type is needed within its own definition. */
  function declareAhead(id: number, container: number): void {
    id = id | 0;
    container = container | 0;
    var record = 0;
    if ((bytes[(declared + id) | 0]! | 0) != 0) return;
    record = recordOf(id) | 0;
    if ((kindOf(record) | 0) == 8) putTypedef(id);
    else {
      if ((id | 0) == (container | 0)) return;
      if ((words[record >> 2]! | 0) == 0) return;
      putForward(id);
    }
    bytes[(declared + id) | 0] = 1;
  }

  function defineComposite(id: number, container: number, depth: number): void {
    id = id | 0;
    container = container | 0;
    depth = depth | 0;
    var record = 0;
    var element = 0;
    var left = 0;
    var within = 0;
    var isNamed = 0;
    record = recordOf(id) | 0;
    isNamed = (words[record >> 2]! | 0) != 0 ? 1 : 0;
    bytes[(states + id) | 0] = 1;
    if ((container | 0) == 0 ? 1 : (isNamed | 0) == 0) {
      // All members will be written, so what they point to must be declared.
      within = container;
      if ((isNamed | 0) != 0) within = id;
      element = (record + 16) | 0;
      left = countOf(record) | 0;
      while ((left | 0) > 0) {
        define(words[element >> 2]! | 0, within, (depth + 1) | 0);
        element = (element + 12) | 0;
        left = (left - 1) | 0;
      }
    } else if ((bytes[(declared + id) | 0]! | 0) == 0) {
      if ((id | 0) != (container | 0)) {
        putForward(id);
        bytes[(declared + id) | 0] = 1;
      }
    }
    if ((container | 0) == 0) {
      putComposite(id, 0);
      putText(endText);
      bytes[(states + id) | 0] = 2;
    } else {
      bytes[(states + id) | 0] = 0;
    }
  }

  /**
   * Print a definition, and before it the forward declarations that it needs.
   * @param container the definition that is being written; 0 at the top. Within one, structs are only declared.
   */
  function define(id: number, container: number, depth: number): void {
    id = id | 0;
    container = container | 0;
    depth = depth | 0;
    var state = 0;
    var record = 0;
    var element = 0;
    var left = 0;
    state = (states + id) | 0;
    if ((bytes[state]! | 0) == 2) return;
    steps = (steps - 1) | 0;
    if ((steps | 0) < 0) fail(9, id | 0, 0);
    if ((depth | 0) > 1500) fail(9, id | 0, 0);
    if ((bytes[state]! | 0) == 1) {
      declareAhead(id, container);
      return;
    }
    record = recordOf(id) | 0;
    depth = (depth + 1) | 0;
    switch (kindOf(record) | 0) {
      // INT
      case 1:
        putAlias(words[record >> 2]! | 0);
        bytes[state] = 2;
        break;
      // ENUM, ENUM64
      case 6:
      case 19:
        if ((container | 0) == 0) {
          putEnumeration(id, 0);
          putText(endText);
        }
        bytes[state] = 2;
        break;
      // FWD
      case 7:
        putForward(id);
        bytes[state] = 2;
        break;
      // ARRAY
      case 3:
        define(words[(record + 12) >> 2]! | 0, container, depth);
        break;
      // FUNC_PROTO
      case 13:
        define(words[(record + 8) >> 2]! | 0, container, depth);
        element = (record + 16) | 0;
        left = countOf(record) | 0;
        while ((left | 0) > 0) {
          define(words[element >> 2]! | 0, container, depth);
          element = (element + 8) | 0;
          left = (left - 1) | 0;
        }
        break;
      // TYPEDEF
      case 8:
        bytes[state] = 1;
        define(words[(record + 8) >> 2]! | 0, id, depth);
        // A pointer back to it may have needed it early.
        if ((bytes[(declared + id) | 0]! | 0) == 0) putTypedef(id);
        bytes[state] = 2;
        break;
      // STRUCT, UNION
      case 4:
      case 5:
        defineComposite(id, container, (depth - 1) | 0);
        break;
      // PTR, VOLATILE, CONST, RESTRICT, TYPE_TAG
      case 2:
      case 9:
      case 10:
      case 11:
      case 18:
        define(words[(record + 8) >> 2]! | 0, container, depth);
        break;
      default:
        break;
    }
  }

  function beginText(): void {
    if ((out | 0) == 0) out = text;
    flushed = (text - out) | 0;
    chainEnd = chains;
    nesting = 0;
  }

  function putOne(address: number): void {
    address = address | 0;
    beginText();
    putText(address);
  }

  function defineEach(ids: number, count: number): void {
    ids = ids | 0;
    count = count | 0;
    while ((count | 0) > 0) {
      beginText();
      define(words[ids >> 2]! | 0, 0, 0);
      ids = (ids + 4) | 0;
      count = (count - 1) | 0;
    }
  }

  /** Functions of the kernel that programs for BPF may call. */
  function listKfuncs(ids: number): number {
    ids = ids | 0;
    var id = 0;
    var count = 0;
    var record = 0;
    var target = 0;
    var mark = 0;
    id = 1;
    while ((id | 0) < (typeCount | 0)) {
      record = recordOf(id) | 0;
      id = (id + 1) | 0;
      // DECL_TAG of a FUNC, not of a parameter
      if ((kindOf(record) | 0) != 17) continue;
      if ((words[(record + 12) >> 2]! | 0) != -1) continue;
      target = words[(record + 8) >> 2]! | 0;
      if ((kindOf(recordOf(target) | 0) | 0) != 12) continue;
      mark = bytes[(kfuncMarks + target) | 0]! | 0;
      if ((isText(words[record >> 2]! | 0, kfuncTag) | 0) != 0) {
        if ((mark & 1) == 0) {
          words[(ids + (count << 2)) >> 2] = target;
          count = (count + 1) | 0;
        }
        mark = mark | 1;
      } else if ((isText(words[record >> 2]! | 0, fastCallTag) | 0) != 0) {
        mark = mark | 2;
      }
      bytes[(kfuncMarks + target) | 0] = mark;
    }
    return count | 0;
  }

  function declareKfunc(id: number): void {
    id = id | 0;
    var record = 0;
    beginText();
    if (((bytes[(kfuncMarks + id) | 0]! | 0) & 2) != 0) putText(fastExternText);
    else putText(externText);
    record = recordOf(id) | 0;
    declareNamed(words[(record + 8) >> 2]! | 0, words[record >> 2]! | 0, 0);
    putText(kfuncEnd);
  }

  // Of one name on both sides, bundlers make what asm.js does not know.
  return {
    put: putOne,
    defineAll: defineEach,
    findKfuncs: listKfuncs,
    putKfunc: declareKfunc,
    flush: flushText,
  };
}
