import { Kind } from "../btf/dedup/type-words.ts";
import { Slot, Step } from "../dwarf/abbreviations.ts";
import * as d from "../dwarf/constants.ts";
import { Expression } from "../dwarf/expression.ts";
import { forEachLocation } from "../dwarf/location-lists.ts";
import { FormatError } from "../io/index.ts";
import type { CallingConvention } from "./calling-convention.ts";
import type { UnitReader } from "./unit-reader.ts";
import type { UnitTypes } from "./unit-types.ts";

const unknownRegister = -1;

/** A parameter of a function that may get a FUNC, with what its location says about the code. */
export interface Parameter {
  /** Name id. */
  name: number;
  /** DIE key of its type, -1 for none. */
  typeKey: number;
  /** DIE key of the abstract parameter this one is an instance of, -1 for none. */
  originKey: number;
  key: number;
  /** Place in the list, from 0. */
  index: number;
  hasLocation: boolean;
  hasConstant: boolean;
  /** The first location says: a constant, a place on the stack. */
  constantLocation: boolean;
  stackLocation: boolean;
  /** DW_OP_regN that it arrives in, or -1. */
  register: number;
  byteSize: number;
  inMemory: boolean;
  /** For a struct in two registers: which bytes of each half are used (bit per byte). */
  firstFields: number;
  secondFields: number;
  /** The only used member of a split struct, for true signatures: name id and type key. */
  memberName: number;
  memberTypeKey: number;
  optimized: boolean;
  unexpectedRegister: boolean;
}

/** A DW_TAG_subprogram whose name is that of a function symbol. */
export interface FunctionEntry {
  name: number;
  /** DIE key of the return type, -1 for void. */
  resultKey: number;
  lowPc: bigint;
  parameters: Parameter[];
  variadic: boolean;
  /** The compiler says that the calling convention is not the normal one. */
  signatureChanged: boolean;
  reordered: boolean;
  unexpectedRegister: boolean;
  optimizedParameters: boolean;
  uncertainLocation: boolean;
  /** Name id of the text and component, in turn. */
  annotations: number[];
}

/** Reads parameter DIEs and decides what the code does with them; the rules are pahole's (btf_encoder, 1.32). */
export class ParameterReader {
  private readonly reader: UnitReader;
  private readonly convention: CallingConvention;
  private readonly expression = new Expression();

  constructor(reader: UnitReader, convention: CallingConvention) {
    this.reader = reader;
    this.convention = convention;
  }

  /** The DW_TAG_formal_parameter under the cursor. */
  read(index: number): Parameter {
    const { reader } = this;
    const { cursor } = reader;
    const present = cursor.present;
    const originKey = present & (1 << Slot.abstractOrigin) ? cursor.low[Slot.abstractOrigin]! : -1;
    const parameter: Parameter = {
      name: reader.name(Slot.name),
      typeKey: present & (1 << Slot.type) ? cursor.low[Slot.type]! : -1,
      originKey,
      key: cursor.key,
      index,
      hasLocation: (present & (1 << Slot.location)) !== 0,
      hasConstant: (present & (1 << Slot.constValue)) !== 0,
      constantLocation: false,
      stackLocation: false,
      register: unknownRegister,
      byteSize: 0,
      inMemory: false,
      firstFields: 0,
      secondFields: 0,
      memberName: 0,
      memberTypeKey: -1,
      optimized: false,
      unexpectedRegister: false,
    };
    const typeKey = originKey < 0 ? parameter.typeKey : (reader.at(originKey, () => this.typeSlot()) ?? -1);
    parameter.byteSize = this.byteSizeOf(typeKey);
    const word = cursor.shape.addressByteSize;
    parameter.inMemory = parameter.byteSize > (this.convention.aggregatesUseTwoRegisters ? 2 * word : word);
    if (parameter.hasLocation) this.decodeLocation(parameter, typeKey);
    return parameter;
  }

  private typeSlot(): number {
    const { cursor } = this.reader;
    return cursor.present & (1 << Slot.type) ? cursor.low[Slot.type]! : -1;
  }

  /** Size in bytes as the DIEs along the type chain say it; 0 when none does. */
  private byteSizeOf(typeKey: number): number {
    for (let hops = 0; hops < 64 && typeKey >= 0; hops++) {
      let size = 0;
      const here: number = typeKey;
      typeKey = -1;
      this.reader.at(here, () => {
        const { cursor } = this.reader;
        if (cursor.tag === d.DW_TAG_pointer_type) size = cursor.shape.addressByteSize;
        else if (cursor.present & (1 << Slot.byteSize)) size = cursor.unsigned(Slot.byteSize);
        typeKey = this.typeSlot();
      });
      if (size !== 0) return size;
    }
    return 0;
  }

  private decodeLocation(parameter: Parameter, typeKey: number): void {
    const { reader } = this;
    const { cursor } = reader;
    const slot = Slot.location;
    let number = -1;
    const visit = (bytes: Uint8Array, view: DataView, from: number, to: number): boolean => {
      number++;
      if (to > from) {
        if (!this.expression.decode(bytes, view, from, to, cursor.littleEndian, cursor.shape)) return false;
        this.take(parameter, number);
      }
      return true;
    };
    switch (cursor.step[slot]) {
      case Step.block1:
      case Step.block2:
      case Step.block4:
      case Step.block:
        visit(cursor.bytes, cursor.view, cursor.low[slot]!, cursor.low[slot]! + cursor.high[slot]!);
        break;
      case Step.data4:
      case Step.data8:
      case Step.sectionOffset4:
      case Step.sectionOffset8:
        this.followList(cursor.unsigned(slot) + (reader.isSplit ? reader.root.locationListsBase : 0), visit);
        break;
      case Step.loclistx: {
        const offset = this.indexedListOffset(cursor.unsigned(slot));
        if (offset >= 0) this.followList(offset, visit);
        break;
      }
    }
    this.settlePieces(parameter, typeKey);
  }

  /** Where list number `index` of .debug_loclists begins; -1 where there is no such list. */
  private indexedListOffset(index: number): number {
    const { cursor, root, sections } = this.reader;
    const width = cursor.shape.offsetByteSize;
    const list = sections.locationLists;
    const entry = root.locationListsBase + index * width;
    if (list === undefined || entry + width > list.byteSize) return -1;
    const at = list.reach(entry, width);
    const offset =
      width === 8
        ? Number(list.view.getBigUint64(at, cursor.littleEndian))
        : list.view.getUint32(at, cursor.littleEndian);
    return root.locationListsBase + offset;
  }

  private followList(
    offset: number,
    visit: (bytes: Uint8Array, view: DataView, from: number, to: number) => boolean,
  ): void {
    const { cursor, sections } = this.reader;
    const section = cursor.shape.version >= 5 ? sections.locationLists : sections.locations;
    if (section === undefined) return;
    try {
      forEachLocation(section, offset, cursor.shape, cursor.littleEndian, visit, this.reader.isSplit);
    } catch (error) {
      // A list that cannot be read says nothing about the parameter.
      if (!(error instanceof FormatError)) throw error;
    }
  }

  /** What entry `number` of the location list says. */
  private take(parameter: Parameter, number: number): void {
    const { atom, inner } = this.expression;
    let { count } = this.expression;
    if (count === 0) return;
    const stackValue = atom[count - 1] === d.DW_OP_stack_value;
    if (count === 2 && stackValue) count--;
    const first = atom[0]!;
    if (count > 1) {
      this.takeMany(parameter, number, count);
      return;
    }
    if (first >= d.DW_OP_reg0 && first <= d.DW_OP_reg31) {
      if (number === 0) setRegister(parameter, first);
    } else if (first >= d.DW_OP_breg0 && first <= d.DW_OP_breg31) {
      if (number === 0 && stackValue) setRegister(parameter, first - d.DW_OP_breg0 + d.DW_OP_reg0);
    } else if (first === d.DW_OP_fbreg) {
      if (number === 0) parameter.stackLocation = true;
    } else if (isConstantOperation(first)) {
      if (number === 0) parameter.constantLocation = true;
    } else if ((first === d.DW_OP_entry_value || first === d.DW_OP_GNU_entry_value) && inner[0] !== 0) {
      setRegister(parameter, inner[0]!);
    }
  }

  private takeMany(parameter: Parameter, number: number, count: number): void {
    const { atom, number: operand } = this.expression;
    const first = atom[0]!;
    if (isConstantOperation(first)) {
      if (number === 0) parameter.constantLocation = true;
      return;
    }
    const word = this.reader.cursor.shape.addressByteSize;
    if (parameter.byteSize <= word || !this.convention.aggregatesUseTwoRegisters) {
      if (number !== 0) return;
      if (first >= d.DW_OP_reg0 && first <= d.DW_OP_reg31) setRegister(parameter, first);
      else if (first >= d.DW_OP_breg0 && first <= d.DW_OP_breg31) {
        for (let i = 1; i < count; i++) {
          if (atom[i] === d.DW_OP_stack_value) {
            setRegister(parameter, first - d.DW_OP_breg0 + d.DW_OP_reg0);
            return;
          }
        }
      }
      return;
    }
    let offset = 0;
    for (let i = 0; i < count; i++) {
      if (atom[i] === d.DW_OP_piece) {
        if (i > 0) {
          if (offset < word) parameter.firstFields |= fieldBit(offset);
          else parameter.secondFields |= fieldBit(offset - word);
          offset += operand[i]!;
        } else offset = operand[i]!;
      } else if (atom[i]! >= d.DW_OP_reg0 && atom[i]! <= d.DW_OP_reg31) {
        if (offset < word || parameter.register === unknownRegister) setRegister(parameter, atom[i]!);
      }
    }
  }

  /** A struct of which one piece in one register is used: find the member that the piece is. */
  private settlePieces(parameter: Parameter, typeKey: number): void {
    const { firstFields: first, secondFields: second } = parameter;
    if ((first === 0) === (second === 0)) return;
    const bits = first !== 0 ? first : second;
    if ((bits & (bits - 1)) !== 0 || parameter.name === 0) return;
    const offset = 31 - Math.clz32(bits) + (first !== 0 ? 0 : this.reader.cursor.shape.addressByteSize);
    this.findMember(parameter, typeKey, offset);
  }

  private findMember(parameter: Parameter, typeKey: number, byteOffset: number): void {
    const { reader } = this;
    for (let hops = 0; hops < 64 && typeKey >= 0; hops++) {
      const here: number = typeKey;
      typeKey = -1;
      reader.at(here, () => {
        const { cursor } = reader;
        if ((cursor.present & (1 << Slot.byteSize)) === 0) {
          typeKey = this.typeSlot();
          return;
        }
        if (cursor.tag !== d.DW_TAG_structure_type || cursor.hasChildren === 0) return;
        let tag;
        while ((tag = cursor.next()) !== 0) {
          if (tag === d.DW_TAG_member) {
            let bits = -1;
            if (cursor.present & (1 << Slot.dataBitOffset)) bits = cursor.unsigned(Slot.dataBitOffset);
            else if (cursor.present & (1 << Slot.memberLocation))
              bits = cursor.unsigned(Slot.memberLocation) * 8;
            if (bits === byteOffset * 8) {
              const name = reader.name(Slot.name);
              const type = this.typeSlot();
              if (name !== 0 && type >= 0) {
                parameter.memberName = name;
                parameter.memberTypeKey = type;
              }
              return;
            }
          }
          cursor.skipChildren();
        }
      });
    }
  }

  /** Share what an instance and its abstract parameter know; call for all functions before any {@link judge}. */
  link(entry: FunctionEntry, byKey: ReadonlyMap<number, Parameter>): void {
    for (const own of entry.parameters) {
      if (own.typeKey >= 0 || own.originKey < 0) continue;
      const origin = byKey.get(own.originKey);
      if (origin === undefined) continue;
      own.name = origin.name;
      own.typeKey = origin.typeKey;
      if (own.index !== origin.index) entry.reordered = true;
      origin.hasLocation ||= own.hasLocation;
      origin.hasConstant ||= own.hasConstant;
      origin.constantLocation ||= own.constantLocation;
      origin.stackLocation ||= own.stackLocation;
      if (own.register !== unknownRegister) origin.register = own.register;
      if (own.byteSize !== 0) origin.byteSize = own.byteSize;
      origin.inMemory ||= own.inMemory;
      origin.firstFields |= own.firstFields;
      origin.secondFields |= own.secondFields;
      if (own.memberName !== 0 && origin.memberName === 0) {
        origin.memberName = own.memberName;
        origin.memberTypeKey = own.memberTypeKey;
      }
    }
  }

  /** Decide for one function whether its parameters arrive where the ABI puts them. */
  judge(entry: FunctionEntry, clang: boolean, trueSignature: boolean, types: UnitTypes): void {
    if (clang && !entry.signatureChanged) this.matchWindows(entry);
    else this.matchRegisters(entry, clang, trueSignature && entry.signatureChanged);
    let unexpected = false;
    for (const parameter of entry.parameters) {
      if (parameter.optimized || !parameter.hasLocation) entry.optimizedParameters = true;
      if (parameter.unexpectedRegister) unexpected = true;
    }
    // A struct may take several registers and throw off the counting, so it excuses the rest.
    if (unexpected && !entry.parameters.some((each) => isStruct(types, types.idOf(each.typeKey)))) {
      entry.unexpectedRegister = true;
    }
    entry.uncertainLocation = this.hasPackedStructOnStack(entry, types);
  }

  private slots(parameter: Parameter): number {
    const word = this.reader.cursor.shape.addressByteSize;
    if (!this.convention.aggregatesUseTwoRegisters || parameter.byteSize <= word) return 1;
    return Math.max(1, Math.ceil(parameter.byteSize / word));
  }

  /** Clang, signature unchanged: each known register must be among those of its slots. */
  private matchWindows(entry: FunctionEntry): void {
    const { registerCount, registers } = this.convention;
    let next = 0;
    for (const parameter of entry.parameters) {
      if (parameter.inMemory) continue;
      if (next >= registerCount) break;
      const slots = this.slots(parameter);
      if (parameter.register !== unknownRegister) {
        let found = false;
        for (let i = next; i < next + slots && i < registerCount; i++)
          if (registers[i] === parameter.register) found = true;
        if (!found) parameter.unexpectedRegister = true;
      }
      next += slots;
    }
  }

  private matchRegisters(entry: FunctionEntry, clang: boolean, exact: boolean): void {
    const { registerCount, registers } = this.convention;
    let next = 0;
    entry.parameters.forEach((parameter, position) => {
      const slots = this.slots(parameter);
      const available = next < registerCount;
      const expected = available ? (registers[next] ?? -1) : -1;
      const following = entry.parameters[position + 1];
      const keepsSlots =
        following !== undefined &&
        following.register !== unknownRegister &&
        next + slots < registerCount &&
        following.register === registers[next + slots];
      const advance = parameter.inMemory ? 1 : slots;
      if (parameter.hasLocation) {
        if (exact && parameter.constantLocation) {
          parameter.optimized = true;
          return;
        }
        if (!available) return;
        if (exact && parameter.stackLocation) {
          if (parameter.inMemory) return;
          parameter.unexpectedRegister = true;
        } else if (parameter.register === unknownRegister) {
          if (exact) parameter.unexpectedRegister = true;
          else parameter.optimized = true;
        } else if (expected >= 0 && expected !== parameter.register) {
          parameter.unexpectedRegister = true;
        } else if (exact && (parameter.firstFields !== 0 || parameter.secondFields !== 0)) {
          if (parameter.firstFields !== 0 && parameter.secondFields !== 0) {
            next += slots;
            return;
          }
          if (keepsSlots) {
            parameter.memberName = 0;
            next += slots;
            return;
          }
          if (parameter.memberName !== 0) {
            parameter.typeKey = parameter.memberTypeKey;
            next++;
            return;
          }
        }
      } else if (parameter.hasConstant && !clang) {
        parameter.optimized = true;
      } else if (exact) {
        if (available && keepsSlots) {
          next += slots;
          return;
        }
        parameter.optimized = true;
        return;
      }
      next += advance;
    });
  }

  /** A packed struct by value behind the registers: nobody can say where on the stack it starts. */
  private hasPackedStructOnStack(entry: FunctionEntry, types: UnitTypes): boolean {
    const { registerCount } = this.convention;
    if (entry.parameters.length < registerCount) return false;
    for (let i = registerCount; i < entry.parameters.length; i++) {
      const id = types.idOf(entry.parameters[i]!.typeKey);
      if (types.kind(id) !== Kind.struct || types.words[types.start[id]!] === 0) continue;
      if (looksPacked(types, id, this.reader.cursor.shape.addressByteSize)) return true;
    }
    return false;
  }
}

function setRegister(parameter: Parameter, register: number): void {
  if (parameter.register === unknownRegister) parameter.register = register;
}

function fieldBit(byteOffset: number): number {
  return byteOffset >= 0 && byteOffset < 31 ? 1 << byteOffset : 0;
}

function isConstantOperation(op: number): boolean {
  return (op >= d.DW_OP_lit0 && op <= d.DW_OP_lit31) || op === d.DW_OP_constu || op === d.DW_OP_consts;
}

function isStruct(types: UnitTypes, id: number): boolean {
  for (let hops = 0; hops < 64; hops++) {
    const kind = types.kind(id);
    if (kind === Kind.struct) return true;
    if (kind === Kind.fwd) return types.words[types.start[id]! + 1]! >>> 31 === 0;
    if (kind !== Kind.const && kind !== Kind.typedef) return false;
    id = types.target(id);
  }
  return false;
}

/** Alignment a type has by itself, in bytes. */
function naturalAlignment(types: UnitTypes, id: number, pointerByteSize: number, depth: number): number {
  const at = types.start[id]!;
  switch (types.kind(id)) {
    case Kind.ptr:
      return pointerByteSize;
    case Kind.int:
    case Kind.float:
    case Kind.enum:
    case Kind.enum64:
      return types.words[at + 2]! || 1;
    case Kind.array:
      return depth > 32 ? 1 : naturalAlignment(types, types.words[at + 3]!, pointerByteSize, depth + 1);
    case Kind.typedef:
    case Kind.const:
    case Kind.volatile:
    case Kind.restrict:
    case Kind.typeTag:
      return depth > 32 ? 1 : naturalAlignment(types, types.words[at + 2]!, pointerByteSize, depth + 1);
    case Kind.struct:
    case Kind.union: {
      let largest = 1;
      for (let i = 0, n = types.memberCount(id); i < n && depth < 32; i++) {
        largest = Math.max(
          largest,
          naturalAlignment(types, types.words[at + 4 + i * 3]!, pointerByteSize, depth + 1),
        );
      }
      return largest;
    }
    default:
      return 1;
  }
}

/** A struct without holes whose members or size do not keep their alignment. */
function looksPacked(types: UnitTypes, id: number, pointerByteSize: number): boolean {
  const at = types.start[id]!;
  const { words } = types;
  const byteSize = words[at + 2]!;
  const bitFields = words[at + 1]! >>> 31 === 1;
  // Bits up to which there is no hole: what is left of a bit-field's unit is none.
  let filled = 0;
  let largest = 1;
  let misaligned = false;
  for (let i = 0, n = types.memberCount(id); i < n; i++) {
    const member = at + 3 + i * 3;
    const type = words[member + 1]!;
    const offset = bitFields ? words[member + 2]! & 0xffffff : words[member + 2]!;
    const bitFieldSize = bitFields ? words[member + 2]! >>> 24 : 0;
    const unit = types.byteSize(type, pointerByteSize) * 8;
    if (Math.floor(offset / 8) > Math.ceil(filled / 8)) return false;
    filled = offset + unit;
    const alignment = naturalAlignment(types, type, pointerByteSize, 0);
    largest = Math.max(largest, alignment);
    // A bit-field is in a unit of its type, which is where it should be.
    if (bitFieldSize !== 0 && unit !== 0)
      filled = Math.max(offset + bitFieldSize, (Math.floor(offset / unit) + 1) * unit);
    else if (Math.floor(offset / 8) % alignment !== 0) misaligned = true;
  }
  if (byteSize > Math.ceil(filled / 8)) return false;
  return misaligned || byteSize % largest !== 0;
}
