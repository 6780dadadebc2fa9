import type { ElfFile, SymbolTable } from "../elf/index.ts";
import type { FunctionTable } from "./function-table.ts";
import type { NameTable } from "./name-table.ts";

/** Symbols of resolve_btfids' sets (include/linux/btf_ids.h, v6.1): a set of id and flag pairs, and its entries. */
const setPrefix = "__BTF_ID__set8__";
const entryPrefix = "__BTF_ID__func__";
/** BTF_SET8_KFUNCS, in the second word of a set (v6.9). */
const setOfKfuncs = 1;

/** Mark the functions that `.BTF_ids` lists in a kfunc set, with their flags. */
export async function markKfuncs(
  elf: ElfFile,
  symbols: SymbolTable | undefined,
  table: FunctionTable,
  names: NameTable,
): Promise<void> {
  const section = elf.section(".BTF_ids");
  if (section === undefined || symbols === undefined) return;
  const bytes = await elf.sectionBytes(section);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const offsetOf = (i: number): number => Number(symbols.value(i) - section.address);
  const ranges: { start: number; end: number }[] = [];
  const entries: number[] = [];
  for (let i = 1; i < symbols.length; i++) {
    if (symbols.sectionIndex[i] !== section.index) continue;
    const name = symbols.name(i);
    if (name.startsWith(setPrefix)) {
      const start = offsetOf(i);
      if (start < 0 || start + 8 > bytes.length) continue;
      if ((view.getUint32(start + 4, elf.littleEndian) & setOfKfuncs) === 0) continue;
      ranges.push({ start, end: start + symbols.sizeLow[i]! });
    } else if (name.startsWith(entryPrefix)) entries.push(i);
  }
  for (const i of entries) {
    const at = offsetOf(i);
    if (at + 8 > bytes.length || !ranges.some(({ start, end }) => start <= at && at < end)) continue;
    // __BTF_ID__func__NAME__NUMBER
    const name = symbols.name(i).slice(entryPrefix.length);
    const end = name.lastIndexOf("__");
    if (end <= 0 || name.lastIndexOf("_") !== end + 1) continue;
    const entry = table.get(names.ofString(name.slice(0, end)));
    if (entry !== undefined) entry.kfuncFlags = view.getUint32(at + 4, elf.littleEndian);
  }
}
