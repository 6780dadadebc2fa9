import { cPrinter, type CPrinterFunctions, type CPrinterPlaces } from "./asm/c-printer.ts";
import { cAliases, cTexts } from "./asm/c-texts.ts";
import { dependencyFinder } from "./asm/dependency-finder.ts";
import { HeapPlan } from "./asm/heap.ts";
import { planTypes } from "./asm/types.ts";
import type { WritePiece } from "./byte-text.ts";
import { type IdsInHeap, NameIds, planNames } from "./name-ids.ts";
import type { Btf, TypeId } from "./reader.ts";
import { deepestDependency, throwProblem } from "./c-problems.ts";

/** Text gathered before it is written: few writes, and small enough for a processor's cache. */
const textByteSize = 1 << 18;
/** Bytes beside a name: more than any number and what stands between two texts. */
const spareByteSize = 1 << 10;
/** Words of declarators that lie within each other: 64 of 257 each, and one more. */
const chainWords = 65 * 257;
const mostSteps = 0x7fff_ffff;

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

/** Print types, and what they need, in C. All of it happens in asm.js, over one heap. */
export function printTypes(
  btf: Btf,
  roots: Roots,
  pointerByteSize: number,
  around: Surroundings,
  write: WritePiece,
): void {
  const { typeCount } = btf;
  const plan = new HeapPlan();
  const types = planTypes(plan, btf);
  const names = planNames(plan, types, btf);
  const textRoom = Math.max(btf.longestName, spareByteSize) + spareByteSize;
  const text = plan.reserve(textByteSize + textRoom);
  const surroundings = planTexts(plan, around);
  const queue = plan.reserve(typeCount * 4);
  const listed = roots === "sorted" ? undefined : listRoots(plan, roots, btf);
  const fail = (problem: number, id: number, more = 0): never => throwProblem(btf, problem, id, more);
  const finderPlaces = {
    starts: types.starts,
    typeCount,
    queue,
    visitStates: plan.reserve(typeCount),
    referenced: plan.reserve(typeCount),
    depthLimit: deepestDependency,
    stepLimit: Math.min(1_000_000 + typeCount * 200, mostSteps),
    fail,
  };
  const places: Omit<CPrinterPlaces, "flush" | "nameId"> = {
    ...planTexts(plan, cTexts),
    starts: types.starts,
    typeCount,
    strings: types.strings,
    pointerByteSize,
    aliases: plan.words([...cAliases.flat().map((part) => plan.text(part)), 0]),
    states: plan.reserve(typeCount),
    declared: plan.reserve(typeCount),
    alignments: plan.reserve(typeCount),
    given: plan.reserve(typeCount * 4),
    tagUses: plan.reserve(names.nameLimit * 4),
    ordinaryUses: plan.reserve(names.nameLimit * 4),
    kfuncMarks: plan.reserve(typeCount),
    chains: plan.reserve(chainWords * 4),
    stepLimit: Math.min(10_000_000 + typeCount * 200, mostSteps),
    text,
    textLimit: text + textByteSize,
    fail,
  };
  const heap = plan.create();
  types.fill(heap);
  const nameIds = new NameIds(heap, names);
  const printer = cPrinter(
    globalThis,
    {
      ...places,
      nameId: nameIds.ofOffset,
      flush: (end) => write(new Uint8Array(heap, text, end - text)),
    },
    heap,
  );
  const finder = dependencyFinder(globalThis, finderPlaces, heap);
  const { address, count } = listed ?? allButFirst(nameIds.sortRoots());
  printer.put(surroundings.opening);
  finder.findReferenced();
  try {
    finder.queueAll(address, count);
  } finally {
    // Where one cannot be defined, those before it still are.
    printer.defineAll(queue, finder.queuedCount());
  }
  if (typeof roots === "string") {
    printer.put(surroundings.kfuncsOpening);
    putKfuncs(btf, printer, new Uint32Array(heap, queue, typeCount), queue);
    printer.put(surroundings.kfuncsClosing);
  }
  printer.put(surroundings.closing);
  printer.flush();
}

function planTexts<Name extends string>(
  plan: HeapPlan,
  texts: Readonly<Record<Name, string>>,
): Record<Name, number> {
  const addresses: Partial<Record<Name, number>> = {};
  for (const name in texts) addresses[name] = plan.text(texts[name]);
  return addresses as Record<Name, number>;
}

function listRoots(plan: HeapPlan, roots: "unsorted" | readonly TypeId[], btf: Btf): IdsInHeap {
  if (roots !== "unsorted") for (const id of roots) btf.owner(id);
  const ids =
    roots === "unsorted" ? Uint32Array.from({ length: btf.typeCount - 1 }, (_, id) => id + 1) : roots;
  return { address: plan.words(ids), count: ids.length };
}

/**
 * bpftool prints what stands at 1 and after, as if void were always first; sorted, it is not, so that the
 * type sorted first is left out unless another needs it.
 */
function allButFirst({ address, count }: IdsInHeap): IdsInHeap {
  return { address: address + 4, count: count - 1 };
}

/** Functions of the kernel that programs for BPF may call, by name. */
function putKfuncs(btf: Btf, printer: CPrinterFunctions, ids: Uint32Array, address: number): void {
  const kfuncs = [...ids.subarray(0, printer.findKfuncs(address))]
    .map((id) => ({ id, name: btf.binaryString(btf.nameOffset(id)) }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  for (const { id } of kfuncs) printer.putKfunc(id);
}
