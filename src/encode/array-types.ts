import { BTF_INT_SIGNED } from "../btf/constants.ts";
import { Kind, makeInfo } from "../btf/dedup/type-words.ts";
import { isConstant, Slot } from "../dwarf/abbreviations.ts";
import type { UnitReader } from "./unit-reader.ts";
import type { UnitTypes } from "./unit-types.ts";

/** ARRAY types of a unit. BTF wants an index type, which C has not: it is `int`. */
export class ArrayTypes {
  /** Name id of `int`. */
  readonly intName: number;
  private readonly reader: UnitReader;
  private readonly types: UnitTypes;
  /** First words of all arrays. */
  private starts: number[] = [];
  private intId = 0;

  constructor(reader: UnitReader, types: UnitTypes) {
    this.reader = reader;
    this.types = types;
    this.intName = reader.sections.names.ofString("int");
  }

  begin(): void {
    this.starts = [];
    this.intId = 0;
  }

  /** The newest type is an INT of this name. */
  noteInt(name: number): void {
    if (this.intId === 0 && name === this.intName) this.intId = this.types.typeCount;
  }

  /** After the last DIE: give all arrays their index type. */
  finish(): void {
    const { types } = this;
    if (this.starts.length === 0) return;
    if (this.intId === 0) {
      types.addInt(this.intName, 4, BTF_INT_SIGNED);
      this.intId = types.typeCount;
    }
    for (const at of this.starts) types.words[at + 4] = this.intId;
  }

  /** One array of elements whose id is known; returns its first word. */
  add(element: number, count: number): number {
    const at = this.types.add(6);
    const { words } = this.types;
    words[at] = 0;
    words[at + 1] = makeInfo(Kind.array, 0, false);
    words[at + 2] = 0;
    words[at + 3] = element;
    words[at + 4] = 0;
    words[at + 5] = count;
    this.starts.push(at);
    return at;
  }

  /** An array of one or more dimensions, outermost first; flattened unless the settings say otherwise. */
  addDimensions(elementKey: number, counts: readonly number[]): void {
    const { types } = this;
    if (this.reader.settings.nestedArrays && counts.length > 1) {
      for (let i = counts.length - 1; i >= 0; i--) {
        const at = this.add(types.typeCount, counts[i]!);
        if (i === counts.length - 1) types.refer(at + 3, elementKey);
      }
      return;
    }
    let product = 1;
    for (const count of counts) product = Math.imul(product, count) >>> 0;
    types.refer(this.add(0, product) + 3, elementKey);
  }

  /** Elements of the subrange under the cursor; 0 where the bound is open or computed. */
  elementCount(): number {
    const { cursor } = this.reader;
    const slot =
      cursor.present & (1 << Slot.upperBound)
        ? Slot.upperBound
        : cursor.present & (1 << Slot.count)
          ? Slot.count
          : 0;
    if (slot === 0 || !isConstant(cursor.step[slot]!)) return 0;
    // Also true of an upper bound of -1, however wide it was written.
    return slot === Slot.upperBound ? (cursor.low[slot]! + 1) >>> 0 : cursor.low[slot]! >>> 0;
  }
}
