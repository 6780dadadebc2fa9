import { FaultError } from "../io/index.ts";
import type { VirtualMemory } from "../memory/memory.ts";
import {
  binary,
  type BinaryOperator,
  compare,
  isTruthy,
  type Result,
  unary,
  type UnaryOperator,
} from "./arithmetic.ts";
import { convert, literalOperand, type Operand } from "./conversions.ts";
import { type DesignatedPart, offsetOf, resolveDesignator } from "./designator.ts";
import { AbsentError, ObjectRangeError, ObjectTypeError } from "./errors.ts";
import type { FormatOptions } from "./format-options.ts";
import {
  decodeFloat,
  decodeInteger,
  encodeFloat,
  encodeInteger,
  integerBits,
  isScalar,
  isIntegerValued,
  type Scalar,
} from "./scalar.ts";
import { readCStringBytes } from "./string-memory.ts";
import { Type } from "./type.ts";

/** What an object needs of the program it belongs to. */
export interface ObjectContext {
  readonly memory: VirtualMemory;
  /** The type that a C type name means. @throws {LookupError} */
  type(name: string): Type;
  /** Text of an object. */
  format(object: KernelObject, options?: FormatOptions): string;
}

/** Why an object has no value. */
export type AbsenceReason = FaultError | string;

/** Where a reference lies. */
export interface Place {
  readonly address: bigint;
  /** 0 to 7, from the byte at `address`. */
  readonly bitOffset: number;
  /** The address is a per-CPU one: a CPU's offset must be added before it is a place in memory. */
  readonly isPerCpu: boolean;
}

/** Most bytes read for one value. */
const maximumByteSize = 0x400_0000;
/** Bytes of a string read unless told otherwise. */
const defaultStringLength = 0x1_0000;

/**
 * Something with a type in a program: a place in memory (`reference`), a value that lies nowhere
 * (`value`), or nothing at all (`absent`).
 *
 * Objects do not change; a reference reads memory each time its value is asked for. What reads throws
 * {@link FaultError} where memory has no answer, {@link AbsentError} for absent objects and
 * {@link ObjectTypeError} where the type does not allow it.
 */
export class KernelObject {
  readonly program: ObjectContext;
  readonly type: Type;
  readonly kind: "reference" | "value" | "absent";
  /** Width of a bit field, otherwise 0. */
  readonly bitFieldSize: number;
  readonly #place: Place | undefined;
  readonly #value: Scalar | Uint8Array | undefined;
  readonly #absence: AbsenceReason | undefined;

  private constructor(
    program: ObjectContext,
    type: Type,
    bitFieldSize: number,
    content: { place: Place } | { value: Scalar | Uint8Array } | { absence: AbsenceReason },
  ) {
    this.program = program;
    this.type = type;
    this.bitFieldSize = bitFieldSize;
    this.kind = "place" in content ? "reference" : "value" in content ? "value" : "absent";
    this.#place = "place" in content ? content.place : undefined;
    this.#value = "value" in content ? content.value : undefined;
    this.#absence = "absence" in content ? content.absence : undefined;
  }

  /**
   * The object at an address.
   * @param bitOffset from there, any
   * @param bitFieldSize width of a bit field, 0 for none
   * @param isPerCpu for an address that is no place until a CPU's offset is added; reading throws
   */
  static reference(
    program: ObjectContext,
    type: Type,
    address: bigint,
    bitOffset = 0,
    bitFieldSize = 0,
    isPerCpu = false,
  ): KernelObject {
    const byteOffset = Math.floor(bitOffset / 8);
    const place = {
      address: BigInt.asUintN(64, byteOffset === 0 ? address : address + BigInt(byteOffset)),
      bitOffset: bitOffset - byteOffset * 8,
      isPerCpu,
    };
    return new KernelObject(program, type, bitFieldSize, { place });
  }

  /** A scalar value, converted to the type as a cast would. @throws {ObjectTypeError} for types that are no scalars */
  static scalar(program: ObjectContext, type: Type, value: Scalar | boolean, bitFieldSize = 0): KernelObject {
    const operand = literalOperand(typeof value === "boolean" ? BigInt(value) : value, type);
    return new KernelObject(program, type, bitFieldSize, { value: convert(operand, type, bitFieldSize) });
  }

  /** A value of any type from its bytes in memory order. @throws {ObjectRangeError} for too few bytes */
  static fromBytes(
    program: ObjectContext,
    type: Type,
    bytes: Uint8Array,
    bitOffset = 0,
    bitFieldSize = 0,
  ): KernelObject {
    const { underlying } = type;
    const byteSize = underlying.byteSizeIf ?? 0;
    if (bytes.length * 8 < bitOffset + (bitFieldSize === 0 ? byteSize * 8 : bitFieldSize)) {
      throw new ObjectRangeError(`"${type.typeName()}" does not fit into ${bytes.length} bytes`);
    }
    const littleEndian = program.memory.littleEndian;
    if (isIntegerValued(underlying)) {
      const bits = bitFieldSize === 0 ? integerBits(underlying) : bitFieldSize;
      const value = decodeInteger(bytes, bitOffset, bits, underlying.isSigned, littleEndian);
      return new KernelObject(program, type, bitFieldSize, { value });
    }
    const start = bitOffset / 8;
    if (!Number.isInteger(start)) throw new ObjectTypeError(`"${type.typeName()}" at a bit within a byte`);
    const own = bytes.subarray(start, start + byteSize);
    const number = underlying.kind === "float" ? decodeFloat(own, littleEndian) : undefined;
    return new KernelObject(program, type, 0, { value: number ?? own });
  }

  static absent(program: ObjectContext, type: Type, reason: AbsenceReason, bitFieldSize = 0): KernelObject {
    return new KernelObject(program, type, bitFieldSize, { absence: reason });
  }

  /** Of a reference: its first byte. Undefined for values and absent objects. */
  get address(): bigint | undefined {
    return this.#place?.address;
  }

  /** Of a reference: bits from the first byte, 0 to 7. */
  get bitOffset(): number {
    return this.#place?.bitOffset ?? 0;
  }

  /** True for a per-CPU variable without a CPU: it has an address, and nothing to read there. */
  get isPerCpu(): boolean {
    return this.#place?.isPerCpu ?? false;
  }

  get isBitField(): boolean {
    return this.bitFieldSize !== 0;
  }

  /** Why an absent object is so; undefined for others. */
  get absence(): AbsenceReason | undefined {
    return this.#absence;
  }

  /** Bytes of the object's type. */
  get byteSize(): number {
    if (this.isBitField) throw new ObjectTypeError("a bit field has no size in bytes");
    return this.type.byteSize;
  }

  /** A member of this struct or union, or of what this pointer points to (`.` and `->` alike). @throws {LookupError} */
  member(name: string): KernelObject {
    const [outer, base] = this.#composite();
    const { type, bitOffset, bitFieldSize } = outer.member(name);
    return base.part({ type, bitOffset, bitFieldSize });
  }

  /** {@link KernelObject.member}, or undefined when the type has no member of that name. */
  memberIf(name: string): KernelObject | undefined {
    const [outer, base] = this.#composite();
    const found = outer.findMember(name);
    return found === undefined ? undefined : base.part(found);
  }

  /** What a designator such as `a.b[2].c` names in this struct, union or array, or behind this pointer to one. */
  subobject(designator: string): KernelObject {
    const { underlying } = this.type;
    const base = underlying.kind === "pointer" ? this.dereference() : this;
    return base.part(resolveDesignator(base.type, designator));
  }

  /** An element of this array, or of what this pointer points into. Places are not checked against the length, as in C. */
  index(position: number | bigint): KernelObject {
    const { underlying } = this.type;
    const type = underlying.target;
    if (type === undefined || (underlying.kind !== "array" && underlying.kind !== "pointer")) {
      throw new ObjectTypeError(`"${this.type.typeName()}" is neither an array nor a pointer`);
    }
    if (typeof position === "number" && !Number.isSafeInteger(position)) {
      throw new ObjectRangeError(`${position} is no index`);
    }
    const bytes = BigInt(position) * BigInt(type.byteSize);
    if (underlying.kind === "pointer")
      return KernelObject.reference(this.program, type, this.#pointer() + bytes);
    if (this.#place !== undefined) {
      const { address, isPerCpu } = this.#place;
      return KernelObject.reference(this.program, type, address + bytes, this.bitOffset, 0, isPerCpu);
    }
    if (bytes < 0n || bytes > Number.MAX_SAFE_INTEGER)
      throw new ObjectRangeError(`no element ${position} in a value`);
    return this.part({ type, bitOffset: Number(bytes) * 8, bitFieldSize: 0 });
  }

  /** {@link KernelObject.index} by its other name. */
  at(position: number | bigint): KernelObject {
    return this.index(position);
  }

  /** Count of elements of this array. @throws {ObjectTypeError} for others, and arrays of unknown length */
  get length(): number {
    const { underlying } = this.type;
    if (underlying.length === undefined) throw new ObjectTypeError(`"${this.type.typeName()}" has no length`);
    return underlying.length;
  }

  /** Elements of this array, in order. */
  *elements(): Generator<KernelObject> {
    for (let position = 0; position < this.length; position++) yield this.index(position);
  }

  /** What this pointer points to; of an array its first element. @throws {ObjectTypeError} for `void *` and others */
  dereference(): KernelObject {
    const { underlying } = this.type;
    if (underlying.kind === "array") return this.index(0);
    const type = underlying.target;
    if (underlying.kind !== "pointer" || type === undefined) {
      throw new ObjectTypeError(`"${this.type.typeName()}" is not a pointer`);
    }
    if (type.underlying.kind === "void") throw new ObjectTypeError("cannot dereference a pointer to void");
    return KernelObject.reference(this.program, type, this.#pointer());
  }

  /** Pointer to this object. @throws {ObjectTypeError} for values and bit fields */
  addressOf(): KernelObject {
    if (this.#absence !== undefined) throw this.#absenceError();
    if (this.#place === undefined) throw new ObjectTypeError("a value has no address");
    if (this.isBitField || this.#place.bitOffset !== 0)
      throw new ObjectTypeError("a bit field has no address");
    return new KernelObject(this.program, Type.pointerTo(this.type), 0, { value: this.#place.address });
  }

  /** The value converted to another type by C's rules for casts. @throws {ObjectTypeError} */
  cast(type: Type | string): KernelObject {
    const target = this.#typeOf(type);
    const { kind } = target.underlying;
    if (kind === "void") return KernelObject.absent(this.program, target, "a value cast to void");
    if (!isScalar(target.underlying)) throw new ObjectTypeError(`cannot cast to "${target.typeName()}"`);
    return new KernelObject(this.program, target, 0, { value: convert(this.operand(), target) });
  }

  /** The same place, or the same bytes, as another type. */
  reinterpret(type: Type | string): KernelObject {
    return this.part({ type: this.#typeOf(type), bitOffset: 0, bitFieldSize: 0 });
  }

  /**
   * Pointer to the object that has what this points to as a member (the kernel's `container_of`).
   * @param designator such as `a.b[2].c`
   * @throws {ObjectTypeError} when this is neither a pointer nor a reference
   */
  containerOf(type: Type | string, designator: string): KernelObject {
    const outer = this.#typeOf(type);
    const isPointer = this.type.underlying.kind === "pointer";
    const address = isPointer ? this.#pointer() : this.addressOf().#pointer();
    const value = BigInt.asUintN(64, address - BigInt(offsetOf(outer, designator)));
    return new KernelObject(this.program, Type.pointerTo(outer), 0, { value });
  }

  /** This object as a value: what is in memory now. */
  read(): KernelObject {
    if (this.#absence !== undefined) throw this.#absenceError();
    if (this.#place === undefined) return this;
    const { underlying } = this.type;
    if (underlying.kind === "function" || underlying.byteSizeIf === undefined) {
      throw new ObjectTypeError(`cannot read an object of type "${this.type.typeName()}"`);
    }
    const { address, bitOffset } = this.#place;
    this.#refusePerCpu();
    const bits = this.bitFieldSize === 0 ? underlying.byteSize * 8 : this.bitFieldSize;
    const byteSize = Math.ceil((bitOffset + bits) / 8);
    if (byteSize > maximumByteSize) throw new ObjectRangeError(`a value of ${byteSize} bytes`);
    const bytes = this.program.memory.read(address, byteSize);
    return KernelObject.fromBytes(this.program, this.type, bytes, bitOffset, this.bitFieldSize);
  }

  /** {@link KernelObject.read}, or an absent object where memory has no answer. */
  readOrAbsent(): KernelObject {
    try {
      return this.read();
    } catch (error) {
      if (error instanceof FaultError)
        return KernelObject.absent(this.program, this.type, error, this.bitFieldSize);
      throw error;
    }
  }

  /** Integers, pointers and enums as `bigint`, booleans as `boolean`, floats as `number`. @throws {ObjectTypeError} for others */
  value(): bigint | boolean | number {
    const scalar = this.scalar();
    return this.type.underlying.kind === "bool" ? scalar !== 0n : scalar;
  }

  /** The value of a scalar, booleans as 0 or 1. */
  scalar(): Scalar {
    const { value } = this.operand();
    if (value === undefined || !isScalar(this.type.underlying)) {
      throw new ObjectTypeError(`"${this.type.typeName()}" has no single value`);
    }
    return value;
  }

  /** {@link KernelObject.value} as a number. @throws {ObjectRangeError} for integers that a number does not hold exactly */
  number(): number {
    const scalar = this.scalar();
    const number = Number(scalar);
    if (typeof scalar === "bigint" && !Number.isSafeInteger(number)) {
      throw new ObjectRangeError(`0x${scalar.toString(16)} is not exact as a number`);
    }
    return number;
  }

  /** The object's bytes as they lie in memory, a copy. */
  bytes(): Uint8Array {
    const value = this.read().#value!;
    if (value instanceof Uint8Array) return value.slice();
    const byteSize = this.isBitField ? Math.ceil(this.bitFieldSize / 8) : this.type.byteSize;
    const { littleEndian } = this.program.memory;
    return typeof value === "bigint"
      ? encodeInteger(value, byteSize, littleEndian)
      : encodeFloat(value, byteSize, littleEndian);
  }

  /**
   * Bytes of the string this pointer points to, or this array holds, up to a NUL; of an array up to its end.
   * @param maximum bytes read at most, 64 KiB by default
   */
  stringBytes(maximum: number = defaultStringLength): Uint8Array {
    const { underlying } = this.type;
    const { memory } = this.program;
    if (underlying.kind === "pointer") return readCStringBytes(memory, this.#pointer(), maximum).bytes;
    if (underlying.kind !== "array") {
      throw new ObjectTypeError(`"${this.type.typeName()}" is neither an array nor a pointer`);
    }
    if (this.#absence !== undefined) throw this.#absenceError();
    const byteSize = underlying.byteSizeIf ?? Infinity;
    if (this.#place !== undefined) {
      this.#refusePerCpu();
      return readCStringBytes(memory, this.#place.address, Math.min(maximum, byteSize)).bytes;
    }
    const value = (this.#value as Uint8Array).subarray(0, maximum);
    const end = value.indexOf(0);
    return value.slice(0, end < 0 ? value.length : end);
  }

  /** {@link KernelObject.stringBytes} as UTF-8 text; bytes that are none become U+FFFD. */
  string(maximum?: number): string {
    return Buffer.from(this.stringBytes(maximum)).toString("utf8");
  }

  /** True for a pointer (or number) of zero. */
  get isNull(): boolean {
    return !isTruthy(this.operand());
  }

  /** Whether C takes the object for true. */
  get isTruthy(): boolean {
    return isTruthy(this.operand());
  }

  add(other: KernelObject | Scalar): KernelObject {
    return this.binary("+", other);
  }
  subtract(other: KernelObject | Scalar): KernelObject {
    return this.binary("-", other);
  }
  multiply(other: KernelObject | Scalar): KernelObject {
    return this.binary("*", other);
  }
  divide(other: KernelObject | Scalar): KernelObject {
    return this.binary("/", other);
  }
  modulo(other: KernelObject | Scalar): KernelObject {
    return this.binary("%", other);
  }
  shiftLeft(other: KernelObject | Scalar): KernelObject {
    return this.binary("<<", other);
  }
  shiftRight(other: KernelObject | Scalar): KernelObject {
    return this.binary(">>", other);
  }
  and(other: KernelObject | Scalar): KernelObject {
    return this.binary("&", other);
  }
  or(other: KernelObject | Scalar): KernelObject {
    return this.binary("|", other);
  }
  xor(other: KernelObject | Scalar): KernelObject {
    return this.binary("^", other);
  }
  not(): KernelObject {
    return this.unary("~");
  }
  negate(): KernelObject {
    return this.unary("-");
  }

  /** Negative, 0 or positive, or NaN where one is NaN. @throws {ObjectTypeError} for what C does not compare */
  compare(other: KernelObject | Scalar): number {
    return compare(this.operand(), operandOf(other));
  }

  equals(other: KernelObject | Scalar): boolean {
    return this.compare(other) === 0;
  }

  /** C's binary operators; a bare number is taken as the literal that C would make of it. */
  binary(operator: BinaryOperator, other: KernelObject | Scalar): KernelObject {
    return this.#result(binary(operator, this.operand(), operandOf(other)));
  }

  /** C's `+`, `-` and `~`. */
  unary(operator: UnaryOperator): KernelObject {
    return this.#result(unary(operator, this.operand()));
  }

  /** What operators see: arrays and functions as pointers; `value` undefined for structs and the like. */
  operand(): Operand {
    const { underlying } = this.type;
    if (this.#absence !== undefined) throw this.#absenceError();
    if (underlying.kind === "array" || underlying.kind === "function") {
      if (this.#place === undefined) throw new ObjectTypeError("a value has no address");
      const type = Type.pointerTo(underlying.kind === "array" ? underlying.target! : this.type);
      return { type, bitFieldSize: 0, value: this.#place.address };
    }
    const type = this.type.unqualified;
    if (!isScalar(underlying)) return { type, bitFieldSize: 0, value: undefined };
    const value = this.#place === undefined ? this.#value : this.read().#value;
    return { type, bitFieldSize: this.bitFieldSize, value: value instanceof Uint8Array ? undefined : value };
  }

  /** What lies at an offset from this object's start, of the same kind as this (a place, a value, absent). */
  part(part: DesignatedPart): KernelObject {
    const { type, bitOffset, bitFieldSize } = part;
    const { program } = this;
    if (this.#absence !== undefined) return KernelObject.absent(program, type, this.#absence, bitFieldSize);
    if (this.#place !== undefined) {
      const { address, bitOffset: start, isPerCpu } = this.#place;
      return KernelObject.reference(program, type, address, start + bitOffset, bitFieldSize, isPerCpu);
    }
    const bytes = this.#value instanceof Uint8Array ? this.#value : this.bytes();
    return KernelObject.fromBytes(program, type, bytes, bitOffset, bitFieldSize);
  }

  /** The object's text, as C would initialise it. */
  format(options?: FormatOptions): string {
    return this.program.format(this, options);
  }

  toString(): string {
    return this.format();
  }

  /** The struct type that members are looked up in, and the object that they are parts of. */
  #composite(): [Type, KernelObject] {
    const { underlying } = this.type;
    if (underlying.kind !== "pointer") return [underlying, this];
    const target = underlying.target!;
    if (!target.underlying.isComposite) {
      throw new ObjectTypeError(`"${this.type.typeName()}" is not a pointer to a struct or union`);
    }
    return [target.underlying, this.dereference()];
  }

  #pointer(): bigint {
    return this.scalar() as bigint;
  }

  #result(result: Result): KernelObject {
    return new KernelObject(this.program, result.type, result.bitFieldSize, { value: result.value });
  }

  #typeOf(type: Type | string): Type {
    return typeof type === "string" ? this.program.type(type) : type;
  }

  #refusePerCpu(): void {
    // Since v6.15 these addresses are mapped too, and hold whatever the freed page was used for.
    if (this.isPerCpu) throw new AbsentError("a per-CPU variable has no value without a CPU");
  }

  #absenceError(): Error {
    return this.#absence instanceof FaultError ? this.#absence : new AbsentError(this.#absence ?? "");
  }
}

function operandOf(value: KernelObject | Scalar): Operand {
  return value instanceof KernelObject ? value.operand() : literalOperand(value);
}
