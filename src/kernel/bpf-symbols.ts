import { type Diagnostic, FaultError } from "../io/index.ts";
import type { BpfSymbol, SymbolList } from "../kallsyms/index.ts";
import type { VirtualMemory } from "../memory/index.ts";
import type { Type } from "../program/index.ts";
import { walkList } from "./list.ts";
import { StructReader } from "./struct-reader.ts";

/** Code that BPF made, by `bpf_kallsyms` (kernel/bpf/core.c), a list of struct bpf_ksym since v5.7. */
export function readBpfSymbols(
  memory: VirtualMemory,
  symbols: SymbolList,
  findStruct: (name: string) => Type | undefined,
  diagnostics: Diagnostic[],
): BpfSymbol[] {
  const head = symbols.addressOf("bpf_kallsyms");
  const type = findStruct("bpf_ksym");
  if (head === undefined || type === undefined) return [];
  const reader = new StructReader(memory, type);
  if (!["lnode", "start", "end", "name"].every((member) => reader.has(member))) return [];
  const found: BpfSymbol[] = [];
  for (const node of walkList(memory, head, "bpf_kallsyms", diagnostics)) {
    const at = BigInt.asUintN(64, node - reader.byteOffset("lnode"));
    try {
      const start = reader.unsigned(at, "start");
      const end = reader.unsigned(at, "end");
      found.push({ name: reader.text(at, "name"), start, end });
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      diagnostics.push({ severity: "warning", code: "BPF_SYMBOL", text: `bpf_ksym: ${error.message}` });
    }
  }
  return found;
}
