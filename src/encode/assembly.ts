import { encodeBtf, type Btf } from "../btf/index.ts";
import { Deduplicator } from "../btf/dedup/deduplicator.ts";
import { Kind, vlenOfInfo } from "../btf/dedup/type-words.ts";
import { grownInt32 } from "../util/columns.ts";
import type { BaseNames } from "./base-names.ts";
import type { FunctionCollector } from "./functions.ts";
import type { NameTable } from "./name-table.ts";
import { keepReachable } from "./reachable.ts";
import { shareTails } from "./share-tails.ts";
import { StringSection } from "./string-section.ts";
import { datasecs, writeVariables, type Variable, type VariableCollector } from "./variables.ts";

/** A unit's output as it reaches the assembling thread. */
export interface UnitColumns {
  words: Uint32Array;
  wordFrom: number;
  wordTo: number;
  typeCount: number;
  functions: Int32Array;
  functionWords: number;
  variables: Int32Array;
  variableWords: number;
}

export interface FinishOptions {
  littleEndian: boolean;
  /** Write the layout section (base BTF only). */
  layout: boolean;
  /** Also write split BTF with the variables that are not in the main output. */
  splitVariables: boolean;
  isMain: (variable: Variable) => boolean;
  /** Of the others, those for the split. */
  isSplit: (variable: Variable) => boolean;
}

export interface FinishVariablesOptions {
  littleEndian: boolean;
  isWanted: (variable: Variable) => boolean;
}

export interface Finished {
  btf: Uint8Array;
  split: Uint8Array | undefined;
  typeCount: number;
  mainVariables: Variable[];
}

/** Puts the units' types, functions and variables together into BTF, in the order the units come. */
export class Assembly {
  readonly dedup: Deduplicator;
  private readonly names: NameTable;
  private readonly functions: FunctionCollector;
  private readonly variables: VariableCollector;
  private readonly base: Btf | undefined;
  private readonly baseNames: BaseNames | undefined;
  private map: Int32Array<ArrayBuffer> = new Int32Array(1 << 12);
  typesBeforeDedup = 0;

  constructor(
    names: NameTable,
    functions: FunctionCollector,
    variables: VariableCollector,
    base: Btf | undefined,
    baseNames: BaseNames | undefined,
  ) {
    this.names = names;
    this.functions = functions;
    this.variables = variables;
    this.base = base;
    this.baseNames = baseNames;
    if (base === undefined || baseNames === undefined) this.dedup = new Deduplicator();
    else {
      const words = base.words.slice();
      for (let i = 0; i < base.offsets.length; i++) nameIds(words, base.offsets[i]!, baseNames);
      this.dedup = new Deduplicator({ words, starts: base.offsets });
    }
  }

  add(unit: UnitColumns): void {
    this.typesBeforeDedup += unit.typeCount;
    this.map = grownInt32(this.map, unit.typeCount + 1);
    this.dedup.addUnit(unit.words, unit.wordFrom, unit.wordTo, unit.typeCount, this.map);
    this.functions.add(unit.functions, unit.functionWords, this.map);
    this.variables.add(unit.variables, unit.variableWords, this.map);
  }

  /** All units are in: settle and write. */
  finish({ littleEndian, layout, splitVariables: wantSplit, isMain, isSplit }: FinishOptions): Finished {
    const { dedup, names } = this;
    dedup.resolveForwards();
    const variables = this.variables.settle(dedup);
    const mainVariables = variables.filter(isMain);
    const splitVariables = variables.filter((variable) => !isMain(variable) && isSplit(variable));
    const append = (words: ArrayLike<number>): number => dedup.append(words);
    const sections = writeVariables(mainVariables, { graph: dedup, finalId: (id) => id, append });
    this.functions.finish(dedup);
    for (const words of datasecs(sections, names)) dedup.append(words);
    const firstOwn = dedup.startId;
    // finish() reorders words in place: what the split part still needs of the graph is read before.
    const pending = wantSplit ? this.prepareSplit(splitVariables) : undefined;
    const { words, typeCount, map } = dedup.finish();
    const strings = new StringSection(names, this.baseNames);
    const main = words.slice();
    strings.rename(main);
    const headerByteSize = layout && this.base === undefined ? 32 : 24;
    const btf = encodeBtf({
      words: main,
      strings: strings.result(),
      littleEndian,
      headerByteSize,
      layout: layout && this.base === undefined,
    });
    let split: Uint8Array | undefined;
    if (pending !== undefined) {
      split = pending((id) => map[id]!, firstOwn + typeCount, strings, littleEndian);
    }
    return { btf, split, typeCount, mainVariables };
  }

  /**
   * All units are in, over a base: write the variables that the base has not, and of all types only
   * those that they need and the base lacks.
   */
  finishVariables({ littleEndian, isWanted }: FinishVariablesOptions): Finished {
    const { dedup, names } = this;
    dedup.resolveForwards();
    const variables = this.variables.settle(dedup).filter(isWanted);
    const append = (words: ArrayLike<number>): number => dedup.append(words);
    const sections = writeVariables(variables, { graph: dedup, finalId: (id) => id, append });
    for (const words of datasecs(sections, names)) dedup.append(words);
    const firstOwn = dedup.startId;
    const { words, typeCount } = keepReachable(dedup.finish().words, firstOwn);
    const own = new StringSection(names, this.baseNames);
    own.rename(words);
    const base = this.base!.stringsBytes;
    const strings = shareTails(words, own.result(), base.length, base);
    const btf = encodeBtf({ words, strings, littleEndian });
    return { btf, split: btf, typeCount, mainVariables: variables };
  }

  private prepareSplit(
    variables: readonly Variable[],
  ): (
    finalId: (id: number) => number,
    firstId: number,
    base: StringSection,
    littleEndian: boolean,
  ) => Uint8Array {
    // The arrays to close refer to types by ids from before finish(); keep their words.
    const graph = {
      words: this.dedup.words.slice(0, this.dedup.wordCount),
      start: this.dedup.start.slice(0, this.dedup.count),
    };
    return (finalId, firstId, base, littleEndian) => {
      const chunks: number[] = [];
      let next = firstId;
      const append = (words: ArrayLike<number>): number => {
        for (let i = 0; i < words.length; i++) chunks.push(words[i]!);
        return next++;
      };
      const sections = writeVariables(variables, { graph, finalId, append });
      for (const words of datasecs(sections, this.names)) append(words);
      const own = new StringSection(this.names, base);
      const words = Uint32Array.from(chunks);
      own.rename(words);
      const mainStrings = base.result();
      const strings = shareTails(words, own.result(), mainStrings.length, mainStrings);
      return encodeBtf({ words, strings, littleEndian });
    };
  }
}

/** Replace string offsets by name ids in the type at `at`. */
function nameIds(words: Uint32Array, at: number, names: BaseNames): void {
  const info = words[at + 1]!;
  words[at] = words[at] === 0 ? 0 : names.idAt(words[at]!);
  const kind = (info >>> 24) & 0x1f;
  const vlen = vlenOfInfo(info);
  const step =
    kind === Kind.struct || kind === Kind.union || kind === Kind.enum64
      ? 3
      : kind === Kind.enum || kind === Kind.funcProto
        ? 2
        : 0;
  for (let i = 0; step !== 0 && i < vlen; i++) {
    const name = at + 3 + i * step;
    words[name] = words[name] === 0 ? 0 : names.idAt(words[name]!);
  }
}
