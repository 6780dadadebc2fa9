import type { WritePiece } from "./byte-text.ts";
import { deepestDependency, throwProblem } from "./c-problems.ts";
import { cAliases, cNames, cTexts } from "./c-texts.ts";
import { LimitError } from "../io/index.ts";
import { btfSectionName } from "./header.ts";
import type { Btf, StringOffset, TypeId } from "./reader.ts";
import { longNames } from "./type-sizes.ts";
import { powerOfTwoAtLeast } from "../util/columns.ts";
import { base64 } from "./wasm/assembly/c-header-entry.ts?wasm";
import { type HostFunctions, WasmProgram } from "./wasm/engine.ts";
import type { MemoryPlan } from "./wasm/memory.ts";
import { startOverTypes } from "./wasm/run.ts";

/** Words of declarators that lie within each other: 64 of 257 each, and one more. */
const chainWords = 65 * 257;
/** The table of names begins with so many. */
const leastSlots = 1 << 12;
const mostSteps = 0x7fff_ffff;

/** The functions of `wasm/assembly/c-header-entry.ts`. Ids are words at an address. */
interface CHeaderFunctions {
  usePointersOf: (byteSize: number) => void;
  nameId: (offset: number) => number;
  sortFirstRoots: () => number;
  sortLastRoots: () => number;
  survey: () => void;
  queueAll: (roots: number, count: number) => void;
  queuedCount: () => number;
  defineAll: (ids: number, count: number) => void;
  kfuncCount: () => number;
  putKfunc: (id: number) => void;
  putText: (text: number) => void;
  flush: () => void;
}

const printer = new WasmProgram<CHeaderFunctions>(
  base64,
  async () => import("./wasm/assembly/c-header-entry.ts?js"),
);

/** To be awaited once where there may be no memory for WebAssembly: see {@link WasmProgram.prepare}. */
export async function prepareCHeader(): Promise<void> {
  await printer.prepare();
}

/** What is printed around the types. */
export interface Surroundings {
  opening: string;
  kfuncsOpening: string;
  kfuncsClosing: string;
  closing: string;
}

/**
 * Which types to print.
 * "sorted" and "unsorted" are all types, and kfuncs behind them; a list is these types in this order.
 */
export type Roots = "sorted" | "unsorted" | readonly TypeId[];

/** Ids in a memory: a word each from an address on. */
interface IdsInMemory {
  address: number;
  count: number;
}

interface CPrinterOptions {
  roots: Roots;
  /** That of `long` by default. */
  pointerByteSize: number | undefined;
  around: Surroundings;
  write: WritePiece;
  /** Sort also types that would add nothing. */
  keepsAll?: boolean;
}

/** What is handed to the program, beside places that only it knows. */
interface PlannedPrinter {
  around: Record<keyof Surroundings, number>;
  queue: number;
  kfuncIds: number;
  sortedIds: number;
  listed: IdsInMemory | undefined;
}

/** Prints types in C, and what they need before them. */
export class CPrinter {
  readonly #btf: Btf;
  readonly #listsAll: boolean;
  readonly #functions: CHeaderFunctions;
  readonly #buffer: ArrayBuffer;
  readonly #planned: PlannedPrinter;

  constructor(btf: Btf, options: CPrinterOptions) {
    let planned: PlannedPrinter | undefined;
    const { functions, buffer } = startOverTypes(printer, btf, (plan) => {
      const rest = planPrinter(plan, btf, options);
      planned = rest.planned;
      return rest;
    });
    this.#btf = btf;
    this.#listsAll = typeof options.roots === "string";
    this.#planned = planned!;
    this.#functions = functions;
    this.#buffer = buffer;
    if (options.pointerByteSize !== undefined) functions.usePointersOf(options.pointerByteSize);
    functions.survey();
  }

  /** A number for a name: equal names have equal numbers, wherever they are stored; 0 is the empty one. */
  nameId(offset: StringOffset): number {
    return this.#functions.nameId(offset);
  }

  /**
   * All types that are printed, in the order in which bpftool (7.5 on) prints them, less those that add
   * nothing: see `wasm/assembly/roots.ts`.
   * @throws {LimitError} `BTF_DEPTH`
   */
  sortedRoots(): Uint32Array {
    const count = this.#sortFirstRoots() + this.#sortLastRoots();
    return new Uint32Array(this.#buffer, this.#planned.sortedIds, count);
  }

  print(): void {
    const { around, queue } = this.#planned;
    const functions = this.#functions;
    const sortedCount = this.#planned.listed === undefined ? this.#sortFirstRoots() : 0;
    functions.putText(around.opening);
    try {
      this.#queueRoots(sortedCount);
    } finally {
      // Where one cannot be defined, those before it still are.
      functions.defineAll(queue, functions.queuedCount());
    }
    if (this.#listsAll) {
      functions.putText(around.kfuncsOpening);
      this.#putKfuncs();
      functions.putText(around.kfuncsClosing);
    }
    functions.putText(around.closing);
    functions.flush();
  }

  /**
   * bpftool prints what stands at 1 and after, as if void were always first; sorted, it is not, so that the
   * type sorted first is left out unless another needs it.
   */
  #queueRoots(sortedCount: number): void {
    const { listed, sortedIds } = this.#planned;
    const functions = this.#functions;
    if (listed !== undefined) {
      functions.queueAll(listed.address, listed.count);
      return;
    }
    const queue = (from: number, to: number): void => functions.queueAll(sortedIds + from * 4, to - from);
    queue(Math.min(1, sortedCount), sortedCount);
    const lastCount = this.#sortLastRoots();
    queue(Math.max(1, sortedCount), sortedCount + lastCount);
  }

  #sortFirstRoots(): number {
    return rootCount(this.#functions.sortFirstRoots());
  }

  #sortLastRoots(): number {
    return rootCount(this.#functions.sortLastRoots());
  }

  /** Functions of the kernel that programs for BPF may call, by name. */
  #putKfuncs(): void {
    const btf = this.#btf;
    const { kfuncIds } = this.#planned;
    const ids = new Uint32Array(this.#buffer, kfuncIds, this.#functions.kfuncCount());
    const kfuncs = [...ids]
      .map((id) => ({ id, name: btf.binaryString(btf.nameOffset(id)) }))
      .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    for (const { id } of kfuncs) this.#functions.putKfunc(id);
  }
}

/** @throws {LimitError} `BTF_DEPTH` for a type that refers on and on, which is given as -1 - its id */
function rootCount(count: number): number {
  if (count >= 0) return count;
  throw new LimitError("BTF_DEPTH", `type ${-1 - count} refers on and on`, { section: btfSectionName });
}

function planPrinter(
  plan: MemoryPlan,
  btf: Btf,
  { roots, around, write, keepsAll = false }: CPrinterOptions,
): { planned: PlannedPrinter; places: object; host: (buffer: ArrayBuffer) => HostFunctions } {
  const { typeCount } = btf;
  const text = plan.textPlaces(btf.longestName);
  const queue = plan.reserve(typeCount * 4);
  const kfuncIds = plan.reserve(typeCount * 4);
  const sortedIds = plan.reserve(typeCount * 4);
  const table = (words: readonly number[]): number => plan.words([...words, 0]);
  const places = {
    ...text,
    ...planOrder(plan, btf),
    ...plan.texts(cTexts),
    ...plan.names(cNames),
    keepsAll: Number(keepsAll),
    aliases: table(cAliases.flatMap(([name, meaning]) => [plan.name(name), plan.text(meaning)])),
    longNames: table(longNames.map((name) => plan.name(name))),
    queue,
    kfuncIds,
    sortedIds,
    visitStates: plan.reserve(typeCount),
    referenced: plan.reserve(typeCount),
    depthLimit: deepestDependency,
    visitLimit: Math.min(1_000_000 + typeCount * 200, mostSteps),
    states: plan.reserve(typeCount),
    declared: plan.reserve(typeCount),
    alignments: plan.reserve(typeCount),
    given: plan.reserve(typeCount * 4),
    kfuncMarks: plan.reserve(typeCount),
    chains: plan.reserve(chainWords * 4),
    stepLimit: Math.min(10_000_000 + typeCount * 200, mostSteps),
  };
  const host = (buffer: ArrayBuffer): HostFunctions => ({
    handOver: (end) => write(new Uint8Array(buffer, text.textStart, end! - text.textStart)),
    fail: (problem, id, bits) => throwProblem(btf, problem!, id!, bits!),
  });
  const listed = roots === "sorted" ? undefined : listRoots(plan, roots, btf);
  return { planned: { around: plan.texts(around), queue, kfuncIds, sortedIds, listed }, places, host };
}

/** Reserve places for names, and for what sorts types by them. */
function planOrder(plan: MemoryPlan, btf: Btf): Record<string, number> {
  const { typeCount } = btf;
  let nameLimit = typeCount + 1;
  for (let layer: Btf | undefined = btf; layer !== undefined; layer = layer.base)
    nameLimit += layer.enumeratorCount;
  const column = (length: number): number => plan.reserve(length * 4);
  return {
    slots: column(Math.max(powerOfTwoAtLeast(nameLimit * 2), leastSlots)),
    seed: Math.floor(Math.random() * 0x1_0000_0000) | 0,
    nameOffsets: column(nameLimit),
    nameHashes: column(nameLimit),
    namePlaces: column(nameLimit),
    tagUses: column(nameLimit),
    ordinaryUses: column(nameLimit),
    typeNames: column(typeCount),
    orderPlace: column(nameLimit),
    otherOrderPlace: column(nameLimit),
    rootIds: column(typeCount),
    namelessIds: column(typeCount),
    ranks: column(typeCount),
    ownNames: column(typeCount),
    sortingNames: column(typeCount),
    counts: column(nameLimit + 16),
    deepHashes: column(typeCount),
    shallowHashes: column(typeCount),
    hashValues: column(typeCount * 4 + 2),
  };
}

function listRoots(plan: MemoryPlan, roots: "unsorted" | readonly TypeId[], btf: Btf): IdsInMemory {
  if (roots !== "unsorted") for (const id of roots) btf.owner(id);
  const ids =
    roots === "unsorted" ? Uint32Array.from({ length: btf.typeCount - 1 }, (_, id) => id + 1) : roots;
  return { address: plan.words(ids), count: ids.length };
}
