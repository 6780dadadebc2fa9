import { datasecName } from "../btf/index.ts";
import type { Deduplicator } from "../btf/dedup/deduplicator.ts";
import { Kind, kindOfInfo, makeInfo } from "../btf/dedup/type-words.ts";
import type { DataSection, DataSymbol, DataSymbols } from "./data-symbols.ts";
import type { NameTable } from "./name-table.ts";
import type { Omission, VariableSelection } from "./options.ts";
import { VariableFlag } from "./unit-encoder.ts";

const percpuSection = ".data..percpu";
/** KSYM_NAME_LEN as pahole applies it to names of variables. */
const maximumNameLength = 128;
/** Types keep a count of 16 bits in every kernel before 7.2. */
const maximumEntries = 65_535;

/** A variable found in DWARF; ids are the deduplicator's. */
interface Candidate {
  name: number;
  text: string;
  section: DataSection;
  offset: number;
  type: number;
  /** Type that the defining DIE itself has, 0 for none. */
  ownType: number;
  /** Elements of an array that DWARF leaves open and the symbol's size tells; 0 otherwise. */
  elements: number;
  byteSize: number;
  external: boolean;
  local: boolean;
  annotations: Int32Array;
  /** pahole would take it too. */
  asPahole: boolean;
  /** A static of a function, or made by the compiler or a macro: its name is nobody's to look up. */
  minor: boolean;
  /** The symbol that has this name and address, if any. */
  symbol: DataSymbol | undefined;
}

/** A variable that gets a VAR. */
export interface Variable {
  name: number;
  section: DataSection;
  offset: number;
  byteSize: number;
  type: number;
  elements: number;
  external: boolean;
  annotations: Int32Array;
  asPahole: boolean;
  /** A static of a function, or made by the compiler or a macro. */
  minor: boolean;
}

/**
 * Gathers static variables from the units and settles which get a VAR: each once, at its own
 * place, none over another, as the kernel demands of a DATASEC.
 */
export class VariableCollector {
  private readonly data: DataSymbols;
  private readonly names: NameTable;
  private readonly includeAll: boolean;
  private readonly pointerByteSize: number;
  private readonly candidates = new Map<number, Candidate[]>();
  /** Places that DWARF describes a variable at, kept or not, for the report: section and offset. */
  readonly described: Set<string> = new Set();
  readonly omissions: Omission[] = [];
  private readonly rules = new Map<string, string>();

  /** Whether a variable that pahole would leave out is one of the main output. */
  private readonly selection: VariableSelection;

  constructor(
    data: DataSymbols,
    names: NameTable,
    includeAll: boolean,
    pointerByteSize: number,
    selection: VariableSelection,
  ) {
    this.selection = selection;
    this.data = data;
    this.names = names;
    this.includeAll = includeAll;
    this.pointerByteSize = pointerByteSize;
  }

  /** Take a unit's variable records; `map` turns unit ids into the deduplicator's. */
  add(words: Int32Array, wordCount: number, map: Int32Array): void {
    for (let at = 0; at < wordCount; at += 7 + words[at + 6]!) {
      const address = (BigInt(words[at + 3]! >>> 0) << 32n) | BigInt(words[at + 2]! >>> 0);
      const section = this.data.sectionAt(address);
      if (section === undefined) continue;
      if (!this.includeAll && section.name !== percpuSection) continue;
      const offset = Number(address - section.address);
      this.described.add(`${section.index}:${offset}`);
      const own = words[at + 4]! < 0 ? 0 : map[words[at + 4]!]!;
      const declared = words[at + 5]! < 0 ? 0 : map[words[at + 5]!]!;
      const flags = words[at + 1]!;
      this.consider(
        {
          name: words[at]! >>> 0,
          text: this.names.beginning(words[at]! >>> 0, maximumNameLength * 2),
          section,
          offset,
          type: declared || own,
          ownType: own,
          elements: 0,
          byteSize: 0,
          external: (flags & VariableFlag.external) !== 0,
          local: (flags & VariableFlag.local) !== 0,
          annotations: words.slice(at + 7, at + 7 + words[at + 6]!),
          asPahole: true,
          minor: false,
          symbol: undefined,
        },
        (flags & VariableFlag.artificial) !== 0,
      );
    }
  }

  private consider(candidate: Candidate, artificial: boolean): void {
    const { section, offset } = candidate;
    const symbols = this.data.at(section, offset);
    if (candidate.text === "") return this.leaveOut(candidate, "VARIABLE_WITHOUT_NAME");
    candidate.minor =
      artificial ||
      candidate.local ||
      uninterestingPrefixes.some((prefix) => candidate.text.startsWith(prefix));
    if (this.selection === "percpu" && section.name === percpuSection) {
      // Exactly pahole's selection.
      candidate.asPahole = !candidate.minor;
      if (!candidate.asPahole && !this.includeAll) return this.leaveOut(candidate, "NOT_A_PERCPU_VARIABLE");
    }
    candidate.symbol = findSymbol(symbols, candidate);
    // DWARF of a discarded section says address 0, which another section may hold.
    if (offset === 0 && candidate.symbol === undefined) return this.leaveOut(candidate, "NO_SYMBOL_AT_ZERO");
    if (
      (candidate.local || artificial) &&
      candidate.symbol !== undefined &&
      candidate.symbol.name !== candidate.text
    ) {
      candidate.text = candidate.symbol.name;
      candidate.name = this.names.ofString(candidate.text);
    }
    if (!isValidName(candidate.text)) return this.leaveOut(candidate, "NAME_NOT_AN_IDENTIFIER");
    if (candidate.type === 0) return this.leaveOut(candidate, "TYPE_VOID");
    const list = this.candidates.get(section.index);
    if (list === undefined) this.candidates.set(section.index, [candidate]);
    else list.push(candidate);
  }

  /** Find a candidate's size, once all types are in; false, and the reason noted, when it cannot have a VAR. */
  private measure(dedup: Deduplicator, candidate: Candidate): boolean {
    const { ownType, section, offset } = candidate;
    candidate.byteSize = byteSizeOf(dedup, candidate.type, this.pointerByteSize);
    if (candidate.byteSize === 0 && ownType !== 0 && ownType !== candidate.type) {
      // The declaration was incomplete, the definition need not be.
      candidate.type = ownType;
      candidate.byteSize = byteSizeOf(dedup, ownType, this.pointerByteSize);
    }
    if (candidate.byteSize === 0) this.closeArray(dedup, candidate);
    let rule: string | undefined;
    if (candidate.byteSize === 0) rule = "SIZE_ZERO";
    else if (offset + candidate.byteSize > 0xffff_ffff) rule = "BEYOND_4_GIB";
    else if (offset + candidate.byteSize > section.byteSize) rule = "PAST_SECTION_END";
    if (rule !== undefined) this.leaveOut(candidate, rule);
    return rule === undefined;
  }

  /** An array declared without length: the symbol knows how much there is. */
  private closeArray(dedup: Deduplicator, candidate: Candidate): void {
    const element = openArrayElement(dedup, candidate.type);
    if (element === 0) return;
    const elementByteSize = byteSizeOf(dedup, element, this.pointerByteSize);
    const size = candidate.symbol?.byteSize ?? 0;
    if (elementByteSize === 0 || size === 0 || size % elementByteSize !== 0) return;
    candidate.elements = size / elementByteSize;
    candidate.byteSize = size;
  }

  isPercpu(variable: Variable): boolean {
    return variable.section.name === percpuSection && variable.asPahole;
  }

  /** The rule that left out the variable at a place ("section index:offset"), if one did. */
  ruleAt(place: string): string | undefined {
    return this.rules.get(place);
  }

  private leaveOut(candidate: Candidate, rule: string): void {
    this.rules.set(`${candidate.section.index}:${candidate.offset}`, rule);
    this.omissions.push({
      kind: "variable",
      name: candidate.text,
      address: `0x${(candidate.section.address + BigInt(candidate.offset)).toString(16)}`,
      section: candidate.section.name,
      rule,
    });
  }

  /** The variables that stay, by section in index order and offset within it. */
  settle(dedup: Deduplicator): Variable[] {
    const result: Variable[] = [];
    for (const section of this.data.sections) {
      const list = this.candidates.get(section.index)?.filter((each) => this.measure(dedup, each));
      if (list === undefined) continue;
      // Best first where several want one place: then the first that fits is the one to keep.
      list.sort((a, b) => a.offset - b.offset || rank(a) - rank(b));
      let end = -1;
      let last: Candidate | undefined;
      for (const each of list) {
        if (each.offset < end) {
          // The same object described by two units (a weak and a strong definition, say) is no loss.
          if (last === undefined || each.offset !== last.offset || each.text !== last.text)
            this.leaveOut(each, "OVERLAP");
          continue;
        }
        last = each;
        end = each.offset + each.byteSize;
        result.push(each);
      }
    }
    return result;
  }
}

/** Lower is better: a symbol that agrees in name and size, then in name, then none. */
function rank(candidate: Candidate): number {
  if (candidate.symbol === undefined) return 3;
  if (candidate.symbol.byteSize === candidate.byteSize)
    return candidate.external === candidate.symbol.isLocal ? 1 : 0;
  return 2;
}

/** pahole's: linker bookkeeping that nobody looks up by name. */
const uninterestingPrefixes = [
  "__UNIQUE_ID",
  "__tpstrtab_",
  "__exitcall_",
  "__gendwarfksyms_ptr_",
  "__func_stack_frame_non_standard_",
];

/** The symbol a variable has: its name, or for statics a name made from it. */
function findSymbol(symbols: readonly DataSymbol[], { text, local }: Candidate): DataSymbol | undefined {
  let derived: DataSymbol | undefined;
  for (const symbol of symbols) {
    if (symbol.name === text) return symbol;
    const isDerived = local ? isStaticOf(symbol.name, text) : symbol.name.startsWith(`${text}.`);
    if (isDerived) derived ??= symbol;
  }
  return derived;
}

/**
 * Whether a symbol can be that of a static of this name in a function: GCC writes `NAME.NUMBER`,
 * LLVM `FUNCTION.NAME` and, from the second on, `FUNCTION.NAME.NUMBER`. objcopy may have put a
 * prefix before either (arm64's EFI stub: `__efistub_NAME.0`).
 */
function isStaticOf(symbol: string, name: string): boolean {
  return symbol.includes(`${name}.`) || symbol.endsWith(`.${name}`);
}

function isValidName(name: string): boolean {
  return name.length <= maximumNameLength && /^[A-Za-z_.][A-Za-z0-9_.]*$/.test(name);
}

/** Element type of an array of no elements, through typedefs and modifiers; 0 if it is none. */
function openArrayElement(dedup: Deduplicator, type: number): number {
  for (let id = type, hops = 0; hops < 32 && id !== 0; hops++) {
    const at = dedup.start[id]!;
    switch (kindOfInfo(dedup.words[at + 1]!)) {
      case Kind.array:
        return dedup.words[at + 5] === 0 ? dedup.words[at + 3]! : 0;
      case Kind.const:
      case Kind.volatile:
        id = dedup.words[at + 2]!;
        break;
      default:
        return 0;
    }
  }
  return 0;
}

/** Bytes of a type; 0 where it has no size. */
function byteSizeOf(dedup: Deduplicator, type: number, pointerByteSize: number): number {
  let factor = 1;
  for (let id = type, hops = 0; hops < 64 && id !== 0; hops++) {
    const at = dedup.start[dedup.resolve(id)]!;
    switch (kindOfInfo(dedup.words[at + 1]!)) {
      case Kind.int:
      case Kind.float:
      case Kind.enum:
      case Kind.enum64:
      case Kind.struct:
      case Kind.union:
        return dedup.words[at + 2]! * factor;
      case Kind.ptr:
        return pointerByteSize * factor;
      case Kind.array:
        factor *= dedup.words[at + 5]!;
        id = dedup.words[at + 3]!;
        break;
      case Kind.typedef:
      case Kind.const:
      case Kind.volatile:
      case Kind.restrict:
      case Kind.typeTag:
        id = dedup.words[at + 2]!;
        break;
      default:
        return 0;
    }
  }
  return 0;
}

/** Where VARs go: types are read in `graph` by the collector's ids, which `finalId` turns into the target's. */
export interface VariableTarget {
  graph: { words: Uint32Array; start: Int32Array };
  finalId: (id: number) => number;
  /** Takes the words of a type, returns its id. */
  append: (words: ArrayLike<number>) => number;
}

/** Variables of one section as they stand in its DATASEC: VAR id, offset and size in bytes, in turn. */
export interface SectionEntries {
  section: DataSection;
  entries: number[];
}

/** Write VARs, their tags, and the array types that only a symbol's size completes. */
export function writeVariables(variables: readonly Variable[], target: VariableTarget): SectionEntries[] {
  const sections: SectionEntries[] = [];
  for (const variable of variables) {
    const type = variable.elements > 0 ? closedArray(variable, target) : target.finalId(variable.type);
    const id = target.append([variable.name, makeInfo(Kind.var, 0, false), type, variable.external ? 1 : 0]);
    for (let i = 0; i < variable.annotations.length; i += 2) {
      const tag = [
        variable.annotations[i]! >>> 0,
        makeInfo(Kind.declTag, 0, false),
        id,
        variable.annotations[i + 1]! >>> 0,
      ];
      target.append(tag);
    }
    let entry = sections.at(-1);
    if (entry?.section !== variable.section)
      sections.push((entry = { section: variable.section, entries: [] }));
    entry.entries.push(id, variable.offset, variable.byteSize);
  }
  return sections;
}

/** The variable's open array type once more with its elements counted, and the modifiers around it. */
function closedArray(variable: Variable, { graph, finalId, append }: VariableTarget): number {
  const modifiers: number[] = [];
  let at = graph.start[variable.type]!;
  while (kindOfInfo(graph.words[at + 1]!) !== Kind.array) {
    modifiers.push(graph.words[at + 1]!);
    at = graph.start[graph.words[at + 2]!]!;
  }
  const { words } = graph;
  let id = append([
    0,
    words[at + 1]!,
    0,
    finalId(words[at + 3]!),
    finalId(words[at + 4]!),
    variable.elements,
  ]);
  for (const info of modifiers.reverse()) id = append([0, info, id]);
  return id;
}

/** DATASEC words, one per section, or several of one name where the count of entries would not fit. */
export function datasecs(sections: readonly SectionEntries[], names: NameTable): Uint32Array[] {
  const result: Uint32Array[] = [];
  for (const { section, entries } of sections) {
    for (let from = 0; from < entries.length; from += maximumEntries * 3) {
      const part = entries.slice(from, from + maximumEntries * 3);
      const end = part[part.length - 2]! + part[part.length - 1]!;
      result.push(
        Uint32Array.from([
          names.ofString(datasecName(section.name)),
          makeInfo(Kind.datasec, part.length / 3, false),
          end,
          ...part,
        ]),
      );
    }
  }
  return result;
}
