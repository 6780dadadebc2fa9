import { BTF_INT_SIGNED } from "../btf/constants.ts";
import { Kind, makeInfo } from "../btf/dedup/type-words.ts";
import { isConstant, Slot } from "../dwarf/abbreviations.ts";
import * as d from "../dwarf/constants.ts";
import { grownInt32 } from "../util/columns.ts";
import type { Oddities } from "./oddities.ts";
import type { UnitReader } from "./unit-reader.ts";
import type { UnitTypes } from "./unit-types.ts";

/** Columns of an enumerator: name, low and high half of the value. */
const enumeratorWords = 3;

/** Turns enumeration DIEs into ENUM and ENUM64. */
export class Enumerations {
  private readonly reader: UnitReader;
  private readonly types: UnitTypes;
  private readonly oddities: Oddities;
  private values: Int32Array<ArrayBuffer> = new Int32Array(1 << 10);
  /** First word of an ENUM64, key of the type under it, which may come later in the unit. */
  private late: number[] = [];

  constructor(reader: UnitReader, types: UnitTypes, oddities: Oddities) {
    this.reader = reader;
    this.types = types;
    this.oddities = oddities;
  }

  begin(): void {
    this.late = [];
  }

  /** All types of the unit are known: an enumeration wider than an int is signed when the type under it is. */
  finish(): void {
    const { late, types } = this;
    for (let i = 0; i < late.length; i += 2) {
      const base = types.idOf(late[i + 1]!);
      if (types.kind(base) === Kind.int && types.words[types.start[base]! + 3]! >>> 24 === BTF_INT_SIGNED) {
        const at = late[i]! + 1;
        types.words[at] = (types.words[at]! | 0x8000_0000) >>> 0;
      }
    }
  }

  /** The DW_TAG_enumeration_type under the cursor, whose enumerators are consumed; it is not defined yet. */
  add(name: number): void {
    const { reader, types } = this;
    const { cursor } = reader;
    const present = cursor.present;
    const byteSize = present & (1 << Slot.byteSize) ? cursor.low[Slot.byteSize]! >>> 0 || 4 : 4;
    const base = present & (1 << Slot.type) ? cursor.low[Slot.type]! : -1;
    const is64 = byteSize > 4 && reader.settings.enum64;
    const { count, negative } = this.readValues(is64);
    if (count === 0 && name === 0) this.oddities.add("ENUM_WITHOUT_NAME_AND_VALUES");
    // A value wider than the enumeration never makes BTF's size more than 8.
    const size = byteSize > 8 || (byteSize & (byteSize - 1)) !== 0 ? 8 : byteSize;
    const at = types.add(is64 ? 3 + count * 3 : 3 + count * 2);
    const { words } = types;
    const isSigned = negative && !is64 && reader.settings.enum64;
    words[at] = name;
    words[at + 1] = makeInfo(is64 ? Kind.enum64 : Kind.enum, count, isSigned);
    words[at + 2] = size;
    const { values } = this;
    const end = count * enumeratorWords;
    for (let i = 0, to = at + 3; i < end; i += enumeratorWords, to += is64 ? 3 : 2) {
      words[to] = values[i]!;
      words[to + 1] = values[i + 1]!;
      if (is64) words[to + 2] = values[i + 2]!;
    }
    if (is64 && base >= 0) this.late.push(at, base);
  }

  private readValues(is64: boolean): { count: number; negative: boolean } {
    const { cursor } = this.reader;
    let end = 0;
    let negative = false;
    if (cursor.hasChildren !== 0) {
      let tag;
      while ((tag = cursor.next()) !== 0) {
        if (tag === d.DW_TAG_enumerator) {
          if (end + enumeratorWords > this.values.length)
            this.values = grownInt32(this.values, end + enumeratorWords);
          const { values } = this;
          values[end] = this.reader.name(Slot.name);
          const has =
            (cursor.present & (1 << Slot.constValue)) !== 0 && isConstant(cursor.step[Slot.constValue]!);
          const high = has ? cursor.high[Slot.constValue]! : 0;
          values[end + 1] = has ? cursor.low[Slot.constValue]! : 0;
          values[end + 2] = high;
          if (high < 0) negative = true;
          if (!is64 && high !== 0 && high !== -1) this.oddities.add("ENUM_VALUE_CUT");
          end += enumeratorWords;
        }
        cursor.skipChildren();
      }
    }
    return { count: end / enumeratorWords, negative };
  }
}
