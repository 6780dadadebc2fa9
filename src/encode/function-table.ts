import type { SymbolTable } from "../elf/index.ts";
import { NameBudget } from "./name-budget.ts";
import type { NameTable } from "./name-table.ts";

const STT_FUNC = 2;

/** A function symbol as the BTF sees it: what stands before the first dot of its name. */
export interface FunctionSymbols {
  /** Name id of the part before the first dot. */
  name: number;
  text: string;
  /** Full names and addresses of all symbols with this base name. */
  symbols: { text: string; address: bigint }[];
  /** Two of them differ in address: which one a tracer would get is open. */
  ambiguous: boolean;
  /** Flags of its entry in a kfunc set; undefined when it is no kfunc. */
  kfuncFlags: number | undefined;
}

/** Function symbols by the name id of their base name. */
export type FunctionTable = Map<number, FunctionSymbols>;

/**
 * Collect STT_FUNC symbols. `.cold` and `.part` pieces are not functions of their own.
 * In a relocatable file addresses stand for nothing that DWARF could be compared with.
 */
export function collectFunctions(symbols: SymbolTable | undefined, names: NameTable): FunctionTable {
  const table: FunctionTable = new Map();
  if (symbols === undefined) return table;
  const { strings } = symbols;
  const budget = new NameBudget(strings.length);
  for (let i = 1; i < symbols.length; i++) {
    if ((symbols.info[i]! & 0xf) !== STT_FUNC) continue;
    const start = symbols.nameOffset[i]!;
    const end = strings.indexOf(0, start);
    if (end <= start) continue;
    budget.spend(end - start);
    let dot = start;
    while (dot < end && strings[dot] !== 0x2e) dot++;
    if (dot === start) continue;
    const text = latin1(strings, start, end);
    if (dot < end) {
      const suffix = text.slice(dot - start);
      if (suffix.includes(".cold") || suffix.includes(".part")) continue;
    }
    const name = names.ofBytes(strings, start, dot);
    let entry = table.get(name);
    if (entry === undefined) {
      entry = {
        name,
        text: dot === end ? text : text.slice(0, dot - start),
        symbols: [],
        ambiguous: false,
        kfuncFlags: undefined,
      };
      table.set(name, entry);
    }
    entry.symbols.push({
      text,
      address: (BigInt(symbols.valueHigh[i]!) << 32n) | BigInt(symbols.valueLow[i]!),
    });
  }
  for (const entry of table.values()) {
    let first = 0n;
    for (const { address } of entry.symbols) {
      if (first !== 0n && address !== first) entry.ambiguous = true;
      first = address;
    }
  }
  return table;
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString("latin1");
}
