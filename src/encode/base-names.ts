import type { NameTable } from "./name-table.ts";
import type { EarlierStrings } from "./string-section.ts";

/**
 * The names of a base in a table. They are taken in before any other name, all at once and in the order in
 * which they stand, so that a name's id says at which offset the base has it: a kernel has a hundred
 * thousand of them, and a module needs a few hundred.
 */
export class BaseNames implements EarlierStrings {
  readonly end: number;
  private readonly names: NameTable;
  private readonly strings: Uint8Array;
  /** What the string at offset 0 would have as id. */
  private readonly firstId: number;
  /** Ids of strings that stand in the base twice, or within another one, by offset. */
  private readonly others: Map<number, number>;

  /** @param strings the base's string section. No name may be in the table yet. */
  constructor(names: NameTable, strings: Uint8Array) {
    this.names = names;
    this.strings = strings;
    this.end = strings.length;
    const { firstId, repeated } = names.addSection(strings);
    this.firstId = firstId;
    this.others = repeated;
  }

  /** Id of the name at an offset of the base's strings. */
  idAt(offset: number): number {
    const { strings, others } = this;
    if (strings[offset] === 0) return 0;
    if (strings[offset - 1] === 0 && others.size === 0) return this.firstId + offset;
    let id = others.get(offset);
    if (id === undefined) {
      id = strings[offset - 1] === 0 ? this.firstId + offset : this.idWithin(offset);
      others.set(offset, id);
    }
    return id;
  }

  /** Offset of a name in the base; undefined where the base has no such name. */
  offsetOf(id: number): number | undefined {
    const offset = id - this.firstId;
    return offset > 0 && offset < this.end ? offset : undefined;
  }

  /** A name that is the tail of another string. */
  private idWithin(offset: number): number {
    return this.names.ofBytes(this.strings, offset, this.strings.indexOf(0, offset));
  }
}
