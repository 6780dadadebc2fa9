import type { Deduplicator } from "../btf/dedup/deduplicator.ts";
import { Kind, makeInfo } from "../btf/dedup/type-words.ts";
import type { FunctionSymbols, FunctionTable } from "./function-table.ts";
import type { NameTable } from "./name-table.ts";
import type { Omission } from "./options.ts";
import { typesMatch } from "./type-match.ts";
import { FunctionFlag } from "./unit-encoder.ts";

/** One DW_TAG_subprogram of a function; ids are the deduplicator's. */
interface FunctionState {
  flags: number;
  address: bigint;
  result: number;
  /** Name id and type id in turn; the last pair of a variadic function is 0, 0. */
  parameters: Int32Array;
  annotations: Int32Array;
  /** The dotted symbol at the state's address, for true signatures. */
  exactSymbol: string | undefined;
  optimizedSymbol: boolean;
}

export interface FunctionSettings {
  consistentOnly: boolean;
  trueSignature: boolean;
  kfuncTags: boolean;
  attributes: boolean;
  /** A relocatable file: symbol values cannot be compared with addresses in DWARF. */
  relocatable: boolean;
}

const KF_FASTCALL = 1 << 12;
const KF_ARENA_RET = 1 << 13;
const KF_ARENA_ARG1 = 1 << 14;
const KF_ARENA_ARG2 = 1 << 15;

/**
 * Gathers what the units say of each function and decides which get a FUNC, with which prototype.
 * The rules are pahole 1.32's: states of one name are compared with the first; a function whose
 * code does not take its parameters as the source says is left out.
 */
export class FunctionCollector {
  private readonly states = new Map<FunctionSymbols, FunctionState[]>();
  private readonly table: FunctionTable;
  private readonly names: NameTable;
  private readonly settings: FunctionSettings;
  readonly omissions: Omission[] = [];
  count = 0;

  constructor(table: FunctionTable, names: NameTable, settings: FunctionSettings) {
    this.table = table;
    this.names = names;
    this.settings = settings;
  }

  /** Take a unit's function records; `map` turns unit ids into the deduplicator's. */
  add(words: Int32Array, wordCount: number, map: Int32Array): void {
    for (let at = 0; at < wordCount;) {
      const parameterWords = words[at + 5]!;
      const annotationWords = words[at + 6]!;
      const next = at + 7 + parameterWords + annotationWords;
      const symbols = this.table.get(words[at]! >>> 0);
      if (symbols !== undefined) this.addState(symbols, words, at, map);
      at = next;
    }
  }

  private addState(symbols: FunctionSymbols, words: Int32Array, at: number, map: Int32Array): void {
    const flags = words[at + 1]!;
    const parameterWords = words[at + 5]!;
    const from = at + 7;
    const result = map[words[at + 4]!]!;
    const low = words[at + 2]!;
    const high = words[at + 3]!;
    let list = this.states.get(symbols);
    if (list === undefined) this.states.set(symbols, (list = []));
    const address = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
    // A header's inline function comes once per unit, each time the same: once is enough.
    search: for (const known of list) {
      if (known.flags !== flags || known.result !== result || known.address !== address) continue;
      if (known.parameters.length !== parameterWords || known.annotations.length !== words[at + 6]) continue;
      for (let i = 0; i < parameterWords; i += 2) {
        if (known.parameters[i] !== words[from + i] || known.parameters[i + 1] !== map[words[from + i + 1]!])
          continue search;
      }
      return;
    }
    const parameters = words.slice(from, from + parameterWords);
    for (let i = 1; i < parameterWords; i += 2) parameters[i] = map[parameters[i]!]!;
    const state: FunctionState = {
      flags,
      address,
      result,
      parameters,
      annotations: words.slice(from + parameterWords, from + parameterWords + words[at + 6]!),
      exactSymbol: undefined,
      optimizedSymbol: false,
    };
    if (address !== 0n && !this.settings.relocatable) {
      for (const symbol of symbols.symbols) {
        if (symbol.address !== address) continue;
        const dot = symbol.text.indexOf(".");
        if (dot < 0) continue;
        if (this.settings.trueSignature) state.exactSymbol ??= symbol.text;
        const suffix = symbol.text.slice(dot);
        if (suffix.includes(".constprop") || suffix.includes(".isra")) state.optimizedSymbol = true;
      }
    }
    list.push(state);
  }

  /** Emit FUNC_PROTO, FUNC and tags of every function that stays, sorted by name. */
  finish(dedup: Deduplicator): void {
    const sorted = [...this.states.keys()].sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0));
    for (const symbols of sorted) this.decide(dedup, symbols, this.states.get(symbols)!);
  }

  /** Whether DWARF described the function at all. */
  has(symbols: FunctionSymbols): boolean {
    return this.states.has(symbols);
  }

  private decide(dedup: Deduplicator, symbols: FunctionSymbols, states: FunctionState[]): void {
    const first = states[0]!;
    let { flags } = first;
    let inconsistent = false;
    const shared = FunctionFlag.unexpectedRegister | FunctionFlag.uncertainLocation | FunctionFlag.reordered;
    for (let i = 1; i < states.length; i++) {
      flags |= states[i]!.flags & shared;
      const settled = inconsistent || flags & (FunctionFlag.unexpectedRegister | FunctionFlag.reordered);
      if (!settled && !this.statesMatch(dedup, first, states[i]!)) inconsistent = true;
    }
    if (this.settings.trueSignature) {
      const exact = states.find(
        (state) =>
          state.exactSymbol !== undefined &&
          (state.flags & (FunctionFlag.unexpectedRegister | FunctionFlag.uncertainLocation)) === 0,
      );
      if (
        exact !== undefined &&
        (flags & (FunctionFlag.unexpectedRegister | FunctionFlag.uncertainLocation)) === 0
      ) {
        this.emit(dedup, symbols, exact, exact.exactSymbol!);
        return;
      }
    }
    const chosen = states.length > 1 ? this.choose(symbols, states) : first;
    const rule = this.ruleAgainst(symbols, flags, inconsistent, chosen);
    if (rule !== undefined) {
      this.omissions.push({
        kind: "function",
        name: symbols.text,
        address: `0x${symbols.symbols[0]!.address.toString(16)}`,
        rule,
      });
      return;
    }
    this.emit(dedup, symbols, chosen, symbols.text);
  }

  private ruleAgainst(
    symbols: FunctionSymbols,
    flags: number,
    inconsistent: boolean,
    chosen: FunctionState,
  ): string | undefined {
    if (symbols.ambiguous) return "AMBIGUOUS_ADDRESS";
    if (this.hasChangedSignature(chosen)) return "OPTIMIZED_PARAMETERS";
    if (flags & FunctionFlag.reordered) return "REORDERED_PARAMETERS";
    if (flags & FunctionFlag.uncertainLocation) return "UNCERTAIN_PARAMETER_LOCATION";
    if (this.settings.consistentOnly && inconsistent) return "INCONSISTENT_PROTOTYPES";
    if (flags & FunctionFlag.unexpectedRegister) return "UNEXPECTED_REGISTER";
    return undefined;
  }

  private hasChangedSignature(state: FunctionState): boolean {
    return (
      !this.settings.trueSignature &&
      (state.flags & FunctionFlag.optimizedParameters) !== 0 &&
      ((state.flags & FunctionFlag.signatureChanged) !== 0 || state.optimizedSymbol)
    );
  }

  /** The state that the symbol table has the code of, best one whose parameters are all there. */
  private choose(symbols: FunctionSymbols, states: FunctionState[]): FunctionState {
    let first: FunctionState | undefined;
    if (!this.settings.relocatable) {
      for (const state of states) {
        if (!symbols.symbols.some((symbol) => symbol.address === state.address)) continue;
        first ??= state;
        if (!this.hasChangedSignature(state)) return state;
      }
    }
    return first ?? states[0]!;
  }

  private statesMatch(dedup: Deduplicator, a: FunctionState, b: FunctionState): boolean {
    if (a.parameters.length !== b.parameters.length) return false;
    if (!typesMatch(dedup, a.result, b.result)) return false;
    for (let i = 1; i < a.parameters.length; i += 2) {
      if (!typesMatch(dedup, a.parameters[i]!, b.parameters[i]!)) return false;
    }
    return true;
  }

  private emit(dedup: Deduplicator, symbols: FunctionSymbols, state: FunctionState, name: string): void {
    let { result } = state;
    const parameters = state.parameters.slice();
    const flags = symbols.kfuncFlags;
    const isKfunc = flags !== undefined && this.settings.kfuncTags;
    if (isKfunc && this.settings.attributes) {
      if (flags & KF_ARENA_RET) result = this.arenaPointer(dedup, result);
      if (flags & KF_ARENA_ARG1 && parameters.length > 1)
        parameters[1] = this.arenaPointer(dedup, parameters[1]!);
      if (flags & KF_ARENA_ARG2 && parameters.length > 3)
        parameters[3] = this.arenaPointer(dedup, parameters[3]!);
    }
    const prototype = dedup.append([
      0,
      makeInfo(Kind.funcProto, parameters.length / 2, false),
      result,
      ...parameters,
    ]);
    const nameId = name === symbols.text ? symbols.name : this.names.ofString(name);
    const id = dedup.append([nameId, makeInfo(Kind.func, 0, false), prototype]);
    this.count++;
    for (let i = 0; i < state.annotations.length; i += 2) {
      this.tag(dedup, state.annotations[i]!, id, state.annotations[i + 1]!);
    }
    if (isKfunc) {
      this.tag(dedup, this.names.ofString("bpf_kfunc"), id, -1);
      if (flags & KF_FASTCALL) this.tag(dedup, this.names.ofString("bpf_fastcall"), id, -1);
    }
  }

  private tag(dedup: Deduplicator, text: number, target: number, component: number): void {
    dedup.append([text, makeInfo(Kind.declTag, 0, false), target, component >>> 0]);
  }

  /** PTR -> attribute address_space(1) -> what it points to. */
  private arenaPointer(dedup: Deduplicator, pointer: number): number {
    const at = dedup.start[pointer]!;
    if (pointer === 0 || ((dedup.words[at + 1]! >>> 24) & 0x1f) !== Kind.ptr) return pointer;
    const attribute = dedup.append([
      this.names.ofString("address_space(1)"),
      makeInfo(Kind.typeTag, 0, true),
      dedup.words[at + 2]!,
    ]);
    return dedup.append([0, makeInfo(Kind.ptr, 0, false), attribute]);
  }
}
