import { BTF_INT_BOOL, BTF_INT_SIGNED } from "../btf/constants.ts";
import { Kind } from "../btf/dedup/type-words.ts";
import { Slot } from "../dwarf/abbreviations.ts";
import * as d from "../dwarf/constants.ts";
import type { ArrayTypes } from "./array-types.ts";
import type { Oddities } from "./oddities.ts";
import type { UnitReader } from "./unit-reader.ts";
import type { UnitTypes } from "./unit-types.ts";

/** Turns DW_TAG_base_type into INT and FLOAT, and what BTF has no word for into bytes of its size. */
export class BaseTypes {
  private readonly reader: UnitReader;
  private readonly types: UnitTypes;
  private readonly arrays: ArrayTypes;
  private readonly oddities: Oddities;
  private readonly fakeIntName: number;

  constructor(reader: UnitReader, types: UnitTypes, arrays: ArrayTypes, oddities: Oddities) {
    this.reader = reader;
    this.types = types;
    this.arrays = arrays;
    this.oddities = oddities;
    this.fakeIntName = reader.sections.names.ofString("__SANITIZED_FAKE_INT__");
  }

  /** The DW_TAG_base_type under the cursor. */
  add(): void {
    const { cursor } = this.reader;
    const { floats } = this.reader.settings;
    const present = cursor.present;
    const byteSize = present & (1 << Slot.byteSize) ? cursor.low[Slot.byteSize]! >>> 0 : 0;
    const encoding = present & (1 << Slot.encoding) ? cursor.low[Slot.encoding]! : 0;
    const name = this.reader.name(Slot.name);
    const isFloat = encoding === d.DW_ATE_float;
    const isOddFloat = encoding === d.DW_ATE_complex_float || encoding === d.DW_ATE_imaginary_float;
    if (floats && isFloat && isFloatSize(byteSize)) this.types.addPlain(Kind.float, name, false, byteSize);
    else if (floats && (isOddFloat || isFloat)) this.addOddFloat(name, byteSize, encoding);
    else this.addInt(name, byteSize, encoding);
    this.types.define(cursor.key);
    cursor.skipChildren();
  }

  private addInt(name: number, byteSize: number, encoding: number): void {
    let bits = 0;
    if (encoding === d.DW_ATE_signed || encoding === d.DW_ATE_signed_char) bits = BTF_INT_SIGNED;
    else if (encoding === d.DW_ATE_boolean) bits = BTF_INT_BOOL;
    if (byteSize === 0 || (byteSize & (byteSize - 1)) !== 0 || byteSize > 16) {
      // LLVM describes intermediate values with such types (DW_ATE_unsigned_24).
      name = this.fakeIntName;
      byteSize = 4;
    }
    this.types.addInt(name, byteSize, bits);
    this.arrays.noteInt(name);
  }

  /** A complex number is an array of two; any other float without a BTF size is bytes. */
  private addOddFloat(name: number, byteSize: number, encoding: number): void {
    const { types } = this;
    if (encoding === d.DW_ATE_complex_float && isFloatSize(byteSize / 2)) {
      this.oddities.add("COMPLEX_AS_ARRAY");
      const { names } = this.reader.sections;
      const part = names.ofString(names.text(name).replace(/^_?complex /i, ""));
      types.addPlain(Kind.float, part, false, byteSize / 2);
      this.arrays.add(types.typeCount, 2);
      return;
    }
    this.oddities.add("FLOAT_AS_BYTES");
    types.addPlain(Kind.struct, 0, false, byteSize);
  }

  /** The type under the cursor as bytes of known size and unknown meaning: a struct without name and members. */
  addOpaque(): void {
    const { cursor } = this.reader;
    this.oddities.add(`OPAQUE_TAG_0x${cursor.tag.toString(16)}`);
    const byteSize =
      cursor.present & (1 << Slot.byteSize) ? cursor.low[Slot.byteSize]! >>> 0 : cursor.shape.addressByteSize;
    this.types.addPlain(Kind.struct, 0, false, byteSize);
    this.types.define(cursor.key);
    cursor.skipChildren();
  }
}

function isFloatSize(byteSize: number): boolean {
  return byteSize === 2 || byteSize === 4 || byteSize === 8 || byteSize === 12 || byteSize === 16;
}
