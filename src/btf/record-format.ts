import { HeapPlan } from "./asm/heap.ts";
import { type PrinterPlaces, recordPrinter } from "./asm/record-printer.ts";
import { planTypes } from "./asm/types.ts";
import type { WritePiece } from "./byte-text.ts";
import { BTF_KIND_MAX, BTF_KIND_UNKN, kindName } from "./constants.ts";
import type { Btf } from "./reader.ts";
import { elementWords, fixedWords, recordHeadWords } from "./records.ts";

/** How a field is printed: numbers that `asm/record-printer.ts` knows too. */
const fieldStyles = {
  number: 1,
  signed: 2,
  name: 3,
  /** One of `texts`, the last for every value beyond. */
  text: 4,
  /** 64 bits, the lower half first. */
  wide: 5,
  wideSigned: 6,
  /** A number that is left out with its label where it is 0. */
  numberUnlessZero: 7,
  /** Kind and name of the type with the id in this field, `texts[0]` between them. */
  kindAndName: 8,
  /** The type's own id. */
  id: 9,
  /** Only the label. */
  nothing: 10,
} as const;

/** A piece of a line: its label, then what stands in a word of a record or an element. */
export interface Field {
  label?: string;
  style: keyof typeof fieldStyles;
  /** Index of the word; 0 by default. */
  word?: number;
  /** First bit and count of bits; the whole word by default. */
  bit?: number;
  bits?: number;
  texts?: readonly string[];
}

/** What is printed for a record of some kind, and for each of its elements. */
export interface RecordFormat {
  head: readonly Field[];
  element?: readonly Field[];
}

/** The format of each kind, without and with kind flag; of kinds unknown, that of BTF_KIND_UNKN. */
export type FormatOfKind = (kind: number, kindFlag: boolean) => RecordFormat;

/** Text gathered before it is written: few writes, and small enough for a processor's cache. */
const textByteSize = 1 << 18;
/** Bytes of a line beside a name, and more than any format has. */
const lineByteSize = 1 << 10;

/**
 * Print the own records of a BTF.
 * @param noName what is printed in place of an empty name
 */
export function writeRecords(btf: Btf, format: FormatOfKind, noName: string, write: WritePiece): void {
  const plan = new HeapPlan();
  const { kinds, kindNames } = planFormats(plan, format);
  const types = planTypes(plan, btf);
  const lineEnd = Math.max(btf.longestName, lineByteSize) + lineByteSize;
  const text = plan.reserve(textByteSize + lineEnd);
  const places: PrinterPlaces = {
    kinds,
    kindNames,
    lastKind: BTF_KIND_MAX,
    noName: plan.text(noName),
    starts: types.starts,
    strings: types.strings,
    text,
    textLimit: text + textByteSize,
    firstId: btf.startId,
    endId: btf.typeCount,
  };
  const heap = plan.create();
  types.fill(heap);
  const { print } = recordPrinter(globalThis, places, heap);
  for (let end = print(); end > text; end = print()) write(new Uint8Array(heap, text, end - text));
}

function planFormats(plan: HeapPlan, format: FormatOfKind): { kinds: number; kindNames: number } {
  const kinds: number[] = [];
  const kindNames: number[] = [];
  for (let kind = BTF_KIND_UNKN; kind <= BTF_KIND_MAX; kind++) {
    for (const kindFlag of [false, true]) {
      const { head, element } = format(kind, kindFlag);
      kinds.push(
        planFields(plan, head),
        element === undefined ? 0 : elementWords[kind]! * 4,
        (recordHeadWords + fixedWords[kind]!) * 4,
        planFields(plan, element ?? []),
      );
      kindNames.push(plan.text(kindName(kind)));
    }
  }
  return { kinds: plan.words(kinds), kindNames: plan.words(kindNames) };
}

/** Six words for each field, and a 0 behind them. */
function planFields(plan: HeapPlan, fields: readonly Field[]): number {
  const words: number[] = [];
  for (const { label = "", style, word = 0, bit = 0, bits = 32, texts = [] } of fields) {
    const addresses = texts.map((text) => plan.text(text));
    words.push(
      fieldStyles[style],
      plan.text(label),
      word * 4,
      bit,
      bits === 32 ? 0xffff_ffff : (1 << bits) - 1,
      style === "text" ? plan.words([texts.length - 1, ...addresses]) : (addresses[0] ?? 0),
    );
  }
  return plan.words([...words, 0]);
}
