import type { WritePiece } from "./byte-text.ts";
import { BTF_KIND_MAX, BTF_KIND_UNKN, kindName } from "./constants.ts";
import type { Btf } from "./reader.ts";
import { elementWords, fixedWords, recordHeadWords } from "./records.ts";
import { base64 } from "./wasm/assembly/records-entry.ts?wasm";
import { type HostFunctions, WasmProgram } from "./wasm/engine.ts";
import type { MemoryPlan } from "./wasm/memory.ts";
import { startOverTypes } from "./wasm/run.ts";

/** How a field is printed: numbers that `wasm/assembly/records.ts` knows too. */
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
  /** A name as a string of JSON. */
  quotedName: 11,
  /** 32 bits, widened with their sign to a number of 64 bits without one. */
  widened: 12,
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
  /** Between two elements. */
  separator?: string;
  /** Behind the last element, where there is one. */
  last?: string;
  /** Behind all elements, also where there is none. */
  tail?: readonly Field[];
}

/** The format of each kind, without and with kind flag; of kinds unknown, that of BTF_KIND_UNKN. */
export type FormatOfKind = (kind: number, kindFlag: boolean) => RecordFormat;

/** What is printed for a whole BTF. */
export interface BtfFormat {
  ofKind: FormatOfKind;
  /** In place of an empty name. */
  noName: string;
  /** Between two types. */
  separator?: string;
}

interface RecordPrinter {
  print: () => void;
  putQuoted: (byte: number) => void;
}

const printer = new WasmProgram<RecordPrinter>(
  base64,
  async () => import("./wasm/assembly/records-entry.ts?js"),
);

/** To be awaited once where there may be no memory for WebAssembly: see {@link WasmProgram.prepare}. */
export async function prepareRecordText(): Promise<void> {
  await printer.prepare();
}

/** Print the own records of a BTF. */
export function writeRecords(btf: Btf, format: BtfFormat, write: WritePiece): void {
  const { functions } = startOverTypes(printer, btf, (plan) => {
    const text = plan.textPlaces(btf.longestName);
    const places = {
      ...planFormats(plan, format.ofKind),
      ...text,
      lastKind: BTF_KIND_MAX,
      noName: plan.text(format.noName),
      separator: plan.text(format.separator ?? ""),
      firstId: btf.startId,
      endId: btf.typeCount,
    };
    const host = (buffer: ArrayBuffer): HostFunctions => ({
      handOver: (end) => write(new Uint8Array(buffer, text.textStart, end! - text.textStart)),
      quote: (offset) => {
        for (const byte of quotedBytes(btf.string(offset!))) functions.putQuoted(byte);
      },
    });
    return { places, host };
  });
  functions.print();
}

/** What stands between the quotes of a string of JSON. */
function quotedBytes(text: string): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(text).slice(1, -1));
}

function planFormats(plan: MemoryPlan, format: FormatOfKind): { kinds: number; kindNames: number } {
  const kinds: number[] = [];
  const kindNames: number[] = [];
  for (let kind = BTF_KIND_UNKN; kind <= BTF_KIND_MAX; kind++) {
    for (const kindFlag of [false, true]) {
      const { head, element, separator = "", last = "", tail = [] } = format(kind, kindFlag);
      kinds.push(
        planFields(plan, head),
        (recordHeadWords + fixedWords[kind]!) * 4,
        element === undefined ? 0 : planFields(plan, element),
        elementWords[kind]! * 4,
        plan.text(separator),
        plan.text(last),
        planFields(plan, tail),
      );
      kindNames.push(plan.text(kindName(kind)));
    }
  }
  return { kinds: plan.words(kinds), kindNames: plan.words(kindNames) };
}

/** Six words for each field, and a 0 behind them. */
function planFields(plan: MemoryPlan, fields: readonly Field[]): number {
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
