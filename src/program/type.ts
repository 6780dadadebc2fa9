import { LimitError } from "../io/index.ts";
import {
  type Btf,
  BTF_KIND_CONST,
  BTF_KIND_FUNC,
  BTF_KIND_INT,
  BTF_KIND_RESTRICT,
  BTF_KIND_STRUCT,
  BTF_KIND_TYPE_TAG,
  BTF_KIND_VOLATILE,
  type TypeId,
} from "../btf/index.ts";
import { LookupError, ObjectTypeError } from "./errors.ts";
import { indexMembers } from "./member-index.ts";
import { nearestNames } from "./near-names.ts";
import { type PrimitiveName, primitiveNamed, primitives } from "./primitive.ts";
import { describeType, pointerByteSize, type TypeKind, type TypeParts } from "./type-parts.ts";
import {
  QUALIFIER_CONST,
  QUALIFIER_RESTRICT,
  QUALIFIER_VOLATILE,
  type Qualifiers,
  spellType,
} from "./type-spelling.ts";

/** A member of a struct or union, as declared. */
export interface TypeMember {
  /** Empty for an anonymous member. */
  readonly name: string;
  readonly type: Type;
  /** From the start of the struct (of the outermost one, when found by name). */
  readonly bitOffset: number;
  /** Width of a bit field, 0 for a plain member. */
  readonly bitFieldSize: number;
}

export interface TypeParameter {
  /** Empty where the declaration has none. */
  readonly name: string;
  readonly type: Type;
}

export interface TypeEnumerator {
  readonly name: string;
  readonly value: bigint;
}

/** Most modifiers, typedefs or arrays in a row. */
const maximumChain = 64;
/** What a type refers to; of derived types given, otherwise read when asked for. */
interface TypeLinks {
  target?: Type;
  parameters?: readonly TypeParameter[];
  isVariadic?: boolean;
}

const noMembers: readonly TypeMember[] = [];
const noEnumerators: readonly TypeEnumerator[] = [];
const noParameters: readonly TypeParameter[] = [];

/** Types already made, by the BTF that stores them and by id. */
const madeTypes = new WeakMap<Btf, Map<TypeId, Type>>();

/**
 * A C type: a view of a type in some BTF, or one derived from others (a pointer to, an array of).
 * Qualifiers are a set on the type and no type of their own; type tags are not seen.
 *
 * The same type of the same BTF is the same `Type`, also when reached through a split BTF over it,
 * so unchanged base types compare by identity. Others: see `typesCompatible`.
 */
export class Type {
  readonly kind: TypeKind;
  readonly qualifiers: Qualifiers;
  /** This type without its qualifiers; itself if it has none. */
  readonly unqualified: Type;
  /** Where the type is stored; undefined for derived types. */
  readonly btf: Btf | undefined;
  /** Id in {@link Type.btf}, 0 for void and derived types. */
  readonly id: TypeId;
  /**
   * Name without `struct` and the like; arithmetic types in C's usual spelling ("unsigned long").
   * Undefined for anonymous types and those that have no name.
   */
  readonly name: string | undefined;
  /** Of arrays: count of elements, undefined when it is not known. */
  readonly length: number | undefined;
  /** Of int, bool and enum types; floats are signed, all others are not. */
  readonly isSigned: boolean;
  /** False for void, functions, forward declarations, arrays of unknown length. */
  readonly isComplete: boolean;
  readonly #parts: TypeParts;
  static #void: Type | undefined;
  readonly #links: TypeLinks;
  #members: readonly TypeMember[] | undefined;
  #memberIndex: Map<string, TypeMember> | undefined;
  #typeName: string | undefined;

  private constructor(parts: TypeParts, qualifiers: Qualifiers, unqualified?: Type, links: TypeLinks = {}) {
    this.kind = parts.kind;
    this.qualifiers = qualifiers;
    this.unqualified = unqualified ?? this;
    this.btf = parts.btf;
    this.id = parts.id ?? 0;
    this.name = parts.name;
    this.length = parts.length;
    this.isSigned = parts.isSigned ?? false;
    this.isComplete = parts.isComplete ?? true;
    this.#parts = parts;
    this.#links = links;
  }

  /**
   * The type with an id.
   * @throws {FormatError} `BTF_TYPE_ID`, or `TYPE_KIND` for a variable, section or tag
   * @throws {LimitError} `TYPE_CHAIN`
   */
  static of(btf: Btf, id: TypeId): Type {
    if (id === 0) return Type.void();
    const owner = btf.owner(id);
    let types = madeTypes.get(owner);
    if (types === undefined) madeTypes.set(owner, (types = new Map<TypeId, Type>()));
    let type = types.get(id);
    if (type === undefined) types.set(id, (type = Type.#make(owner, id)));
    return type;
  }

  static #make(btf: Btf, id: TypeId): Type {
    let qualifiers = 0;
    let base = id;
    for (let hops = 0; ; hops++) {
      const kind = btf.kind(base);
      if (kind === BTF_KIND_CONST) qualifiers |= QUALIFIER_CONST;
      else if (kind === BTF_KIND_VOLATILE) qualifiers |= QUALIFIER_VOLATILE;
      else if (kind === BTF_KIND_RESTRICT) qualifiers |= QUALIFIER_RESTRICT;
      else if (kind !== BTF_KIND_TYPE_TAG && kind !== BTF_KIND_FUNC) break;
      if (hops === maximumChain) throw new LimitError("TYPE_CHAIN", `type ${id} is a chain without end`);
      base = btf.sizeOrType(base);
    }
    if (base !== id) return Type.of(btf, base).qualified(qualifiers);
    return new Type(describeType(btf, id), 0);
  }

  static void(): Type {
    return (Type.#void ??= new Type({ kind: "void", isComplete: false }, 0));
  }

  /** An arithmetic type that no BTF needs to have. */
  static primitive(name: PrimitiveName): Type {
    const { kind, byteSize, isSigned } = primitives[name];
    return new Type({ kind, name, byteSize, isSigned }, 0);
  }

  static pointerTo(target: Type): Type {
    return new Type({ kind: "pointer", byteSize: pointerByteSize }, 0, undefined, { target });
  }

  /** @param length undefined for an array whose length is not known. */
  static arrayOf(element: Type, length: number | undefined): Type {
    return new Type({ kind: "array", length, isComplete: length !== undefined }, 0, undefined, {
      target: element,
    });
  }

  static function(result: Type, parameters: readonly TypeParameter[], isVariadic = false): Type {
    return new Type({ kind: "function", isComplete: false }, 0, undefined, {
      target: result,
      parameters,
      isVariadic,
    });
  }

  /** This type with more qualifiers. */
  qualified(qualifiers: Qualifiers): Type {
    const all = this.qualifiers | qualifiers;
    return all === this.qualifiers ? this : new Type(this.#parts, all, this.unqualified, this.#links);
  }

  /** What a typedef names, what a pointer points to, an array's element, a function's result. */
  get target(): Type | undefined {
    if (this.unqualified !== this) return this.unqualified.target;
    if (this.#links.target !== undefined || this.btf === undefined) return this.#links.target;
    switch (this.kind) {
      case "typedef":
      case "pointer":
      case "function":
        return (this.#links.target = Type.of(this.btf, this.btf.sizeOrType(this.id)));
      case "array":
        return (this.#links.target = Type.of(this.btf, this.btf.arrayElementType(this.id)));
      default:
        return undefined;
    }
  }

  /** The unqualified type behind all typedefs. */
  get underlying(): Type {
    let type = this.unqualified;
    for (let hops = 0; type.kind === "typedef"; hops++) {
      if (hops === maximumChain) throw new LimitError("TYPE_CHAIN", "a chain of typedefs without end");
      type = type.target!.unqualified;
    }
    return type;
  }

  /**
   * @throws {ObjectTypeError} for types without a size
   * @throws {LimitError} for arrays beyond all memory
   */
  get byteSize(): number {
    const byteSize = this.byteSizeIf;
    if (byteSize === undefined) throw new ObjectTypeError(`type "${this.typeName()}" has no size`);
    return byteSize;
  }

  /** Undefined for types without a size. */
  get byteSizeIf(): number | undefined {
    let type: Type = this.underlying;
    let count = 1;
    for (let hops = 0; type.kind === "array"; hops++) {
      if (hops === maximumChain) throw new LimitError("TYPE_CHAIN", "arrays of arrays without end");
      if (type.length === undefined) return undefined;
      count *= type.length;
      type = type.target!.underlying;
    }
    const byteSize = type.#parts.byteSize;
    if (byteSize === undefined) return undefined;
    if (!Number.isSafeInteger(count * byteSize))
      throw new LimitError("TYPE_SIZE", "a type beyond all memory");
    return count * byteSize;
  }

  /** Struct or union. */
  get isComposite(): boolean {
    return this.kind === "struct" || this.kind === "union";
  }

  /**
   * Members of a struct or union (not behind a typedef), anonymous ones as they are. An array of no
   * elements is `[]` at the end of a struct that has other members, and `[0]` elsewhere.
   */
  get members(): readonly TypeMember[] {
    if (this.unqualified !== this) return this.unqualified.members;
    if (this.#members !== undefined) return this.#members;
    return (this.#members =
      this.btf === undefined || !this.isComposite ? noMembers : readMembers(this.btf, this.id));
  }

  /**
   * A member by name, looked for also in anonymous members and behind typedefs; its offset counts
   * from this type's start.
   */
  findMember(name: string): TypeMember | undefined {
    const type = this.underlying;
    type.#memberIndex ??= indexMembers<TypeMember>(type);
    return type.#memberIndex.get(name);
  }

  /**
   * {@link Type.findMember} that throws.
   * @throws {LookupError} with members of like names
   * @throws {ObjectTypeError} for types without members
   */
  member(name: string): TypeMember {
    const found = this.findMember(name);
    if (found !== undefined) return found;
    const type = this.underlying;
    if (!type.isComposite) throw new ObjectTypeError(`"${this.typeName()}" is not a struct or union`);
    if (!type.isComplete)
      throw new ObjectTypeError(`"${this.typeName()}" is declared only: its members are not known`);
    throw new LookupError("member", name, nearestNames(name, type.memberNames()), `"${this.typeName()}"`);
  }

  /** Names that {@link Type.findMember} knows. */
  memberNames(): string[] {
    const type = this.underlying;
    type.#memberIndex ??= indexMembers<TypeMember>(type);
    return [...type.#memberIndex.keys()];
  }

  get enumerators(): readonly TypeEnumerator[] {
    if (this.kind !== "enum" || this.btf === undefined) return noEnumerators;
    return [...this.btf.enumerators(this.id)];
  }

  /** Name of an enum's first enumerator of a value. */
  enumeratorName(value: bigint): string | undefined {
    const { btf, id } = this;
    if (this.kind !== "enum" || btf === undefined) return undefined;
    for (let index = 0, count = btf.vlen(id); index < count; index++) {
      if (btf.enumeratorValue(id, index) === value) return btf.enumeratorName(id, index);
    }
    return undefined;
  }

  /** Of a function, without `...`. */
  get parameters(): readonly TypeParameter[] {
    if (this.#links.parameters !== undefined) return this.#links.parameters;
    const { btf, id } = this;
    if (this.kind !== "function" || btf === undefined) return noParameters;
    const parameters: TypeParameter[] = [];
    const count = btf.vlen(id) - (this.isVariadic ? 1 : 0);
    for (let index = 0; index < count; index++) {
      parameters.push({
        name: btf.parameterName(id, index),
        type: Type.of(btf, btf.parameterType(id, index)),
      });
    }
    return parameters;
  }

  /** True for a function that takes `...`, or that is declared without saying what it takes. */
  get isVariadic(): boolean {
    const { btf, id } = this;
    if (this.kind !== "function" || btf === undefined) return this.#links.isVariadic ?? false;
    const count = btf.vlen(id);
    return count > 0 && btf.parameterType(id, count - 1) === 0;
  }

  /** Arithmetic type by C's usual name; undefined for other types, also for 128-bit integers. */
  get primitive(): PrimitiveName | undefined {
    if (this.kind !== "int" && this.kind !== "bool" && this.kind !== "float") return undefined;
    return primitiveNamed(this.name ?? "");
  }

  /** The type as C writes it: `struct task_struct *`, `unsigned long [16]`, `int (*)(void *)`. */
  typeName(): string {
    return (this.#typeName ??= spellType(this));
  }

  /** `name` declared as this type, without a semicolon. */
  declare(name: string): string {
    return spellType(this, name);
  }

  toString(): string {
    return this.typeName();
  }
}

/** Members of a STRUCT or UNION record. */
function readMembers(btf: Btf, id: TypeId): readonly TypeMember[] {
  const members: TypeMember[] = [];
  for (let index = 0, count = btf.vlen(id); index < count; index++) {
    const typeId = btf.memberType(id, index);
    let bitOffset = btf.memberBitOffset(id, index);
    let bitFieldSize = btf.memberBitfieldSize(id, index);
    // Before v4.20's kind flag, a bit field was a plain member whose INT had fewer bits than its bytes.
    if (bitFieldSize === 0 && btf.kind(typeId) === BTF_KIND_INT) {
      const bitSize = btf.intBitSize(typeId);
      if (bitSize !== 0 && bitSize < btf.sizeOrType(typeId) * 8) {
        bitFieldSize = bitSize;
        bitOffset += btf.intBitOffset(typeId);
      }
    }
    let type = Type.of(btf, typeId);
    // BTF has one record for `[0]` and `[]`. C allows `[]` only at the end of a struct, behind others.
    const mayBeFlexible = index > 0 && index === count - 1 && btf.kind(id) === BTF_KIND_STRUCT;
    if (!mayBeFlexible && type.kind === "array" && type.length === undefined)
      type = Type.arrayOf(type.target!, 0);
    members.push({ name: btf.memberName(id, index), type, bitOffset, bitFieldSize });
  }
  return members;
}
