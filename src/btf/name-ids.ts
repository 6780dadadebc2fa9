import { LimitError } from "../io/index.ts";
import { powerOfTwoAtLeast } from "../util/columns.ts";
import { HeapPlan } from "./asm/heap.ts";
import { rootSorter, type SorterFunctions } from "./asm/root-sorter.ts";
import { planTypes } from "./asm/types.ts";
import { btfSectionName } from "./header.ts";
import { isEnum } from "./modifiers.ts";
import type { Btf, StringOffset, TypeId } from "./reader.ts";
import { infoKind, infoVlen } from "./records.ts";

/** A number for each name that is asked for: equal names have equal numbers, wherever they are stored. */
export type NameId = number;

/** Id of the empty name. */
export const noName: NameId = 0;

/** Numbers names in the order in which they are first asked for, and sorts types by them. */
export class NameIds {
  readonly #btf: Btf;
  readonly #heap: ArrayBuffer;
  readonly #functions: SorterFunctions;

  constructor(btf: Btf) {
    this.#btf = btf;
    const plan = new HeapPlan();
    const types = planTypes(plan, btf);
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
    this.#heap = plan.create();
    types.fill(this.#heap);
    this.#functions = rootSorter(globalThis, places, this.#heap);
  }

  /** One more than the largest id. */
  get count(): number {
    return this.#functions.nameCount();
  }

  ofType(id: TypeId): NameId {
    return this.#functions.nameId(this.#btf.nameOffset(id));
  }

  ofOffset(offset: StringOffset): NameId {
    return this.#functions.nameId(offset);
  }

  /**
   * All ids, void included but without functions, variables and sections (half of a kernel's types, and
   * nothing is printed for them), in the order in which bpftool (7.5 on) prints types: enums, then
   * scalars, then structs and unions, then functions, what refers to a type standing with it; each by
   * name, and equal names by hashes of what they are made of.
   * @throws {LimitError} `BTF_DEPTH`
   */
  sortRoots(): Uint32Array {
    const count = this.#functions.sortRoots();
    if (count < 0) {
      throw new LimitError("BTF_DEPTH", `type ${-1 - count} refers on and on`, { section: btfSectionName });
    }
    return new Uint32Array(this.#heap, this.#functions.sortedIds(), count);
  }
}

function enumeratorCount(btf: Btf): number {
  let count = 0;
  for (let layer: Btf | undefined = btf; layer !== undefined; layer = layer.base) {
    const { words, offsets } = layer;
    for (const at of offsets) {
      const info = words[at + 1]!;
      if (isEnum(infoKind(info))) count += infoVlen(info);
    }
  }
  return count;
}
