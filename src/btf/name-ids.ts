import { LimitError } from "../io/index.ts";
import { powerOfTwoAtLeast } from "../util/columns.ts";
import type { HeapPlan } from "./asm/heap.ts";
import { rootSorter, type SorterFunctions, type SorterPlaces } from "./asm/root-sorter.ts";
import type { PlannedTypes } from "./asm/types.ts";
import { BTF_KIND_ENUM, BTF_KIND_ENUM64 } from "./constants.ts";
import { btfSectionName } from "./header.ts";
import type { Btf, StringOffset } from "./reader.ts";

/** A number for each name that is asked for: equal names have equal numbers, wherever they are stored; 0 is the empty one. */
type NameId = number;

/** Reserves a heap's places for {@link NameIds}, of the names of types and values. */
export function planNames(plan: HeapPlan, types: PlannedTypes, btf: Btf): PlannedNames {
  const { typeCount } = btf;
  const nameLimit = typeCount + enumeratorCount(btf) + 1;
  const slotCount = powerOfTwoAtLeast(nameLimit * 2);
  const column = (length: number): number => plan.reserve(length * 4);
  const places = {
    starts: types.starts,
    typeCount,
    strings: types.strings,
    slots: column(slotCount),
    slotMask: slotCount - 1,
    // Another each time, so that no file can be made whose names all have one hash.
    seed: Math.floor(Math.random() * 0x1_0000_0000),
    nameOffsets: column(nameLimit),
    nameHashes: column(nameLimit),
    namePlaces: column(nameLimit),
    typeNames: column(typeCount),
    ids: column(nameLimit),
    otherIds: column(nameLimit),
    ranks: column(typeCount),
    ownNames: column(typeCount),
    sortNames: column(typeCount),
    counts: column(nameLimit + 16),
    hashes: column(typeCount * 3),
    shallowHashes: column(typeCount * 3),
    nameHash: column(2),
  };
  return { places, nameLimit };
}

export interface PlannedNames {
  places: SorterPlaces;
  /** More than any id of a name. */
  nameLimit: number;
}

/** Ids in a heap, where asm.js finds them: a word each from an address on. */
export interface IdsInHeap {
  address: number;
  count: number;
}

/** Numbers names in the order in which they are first asked for, and sorts types by them. */
export class NameIds {
  readonly #functions: SorterFunctions;

  /** @param heap with what was planned */
  constructor(heap: ArrayBuffer, { places }: PlannedNames) {
    this.#functions = rootSorter(globalThis, places, heap);
  }

  /** Id of the name at an offset. */
  get ofOffset(): (offset: StringOffset) => NameId {
    return this.#functions.nameId;
  }

  /**
   * All ids, void included but without functions, variables and sections (half of a kernel's types, and
   * nothing is printed for them), in the order in which bpftool (7.5 on) prints types: enums, then
   * scalars, then structs and unions, then functions, what refers to a type standing with it; each by
   * name, and equal names by hashes of what they are made of.
   * @throws {LimitError} `BTF_DEPTH`
   */
  sortRoots(): IdsInHeap {
    const count = this.#functions.sortRoots();
    if (count < 0) {
      throw new LimitError("BTF_DEPTH", `type ${-1 - count} refers on and on`, { section: btfSectionName });
    }
    return { address: this.#functions.sortedIds(), count };
  }
}

/** In a loop that an interpreter runs through quickly. */
function enumeratorCount(btf: Btf): number {
  let count = 0;
  for (let layer: Btf | undefined = btf; layer !== undefined; layer = layer.base) {
    const { words, offsets } = layer;
    for (let index = 0; index < offsets.length; index++) {
      const info = words[offsets[index]! + 1]!;
      const kind = (info >>> 24) & 0x7f;
      if (kind === BTF_KIND_ENUM || kind === BTF_KIND_ENUM64) count += info & 0xffffff;
    }
  }
  return count;
}
