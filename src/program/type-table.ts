import type { Btf, TypeId } from "../btf/index.ts";
import { LookupError } from "./errors.ts";
import { basicType } from "./conversions.ts";
import { nearestNames } from "./near-names.ts";
import { type PrimitiveName, primitives } from "./primitive.ts";
import { Type, type TypeEnumerator } from "./type.ts";
import { typeNamed } from "./type-name.ts";
import { enumeratorsNamed, type NameSpace, typeNames, typesNamed } from "./type-search.ts";

/** A BTF blob that types are looked up in. */
export interface TypeSource {
  /** `vmlinux`, a module's name, or a file's path. */
  readonly name: string;
  readonly btf: Btf;
}

/** An enumerator, and the enum it belongs to. */
export interface FoundEnumerator extends TypeEnumerator {
  readonly type: Type;
}

/**
 * All types of a program by name. Sources are asked in the order they were added, the kernel's own
 * first; of equal names within them, complete types go before forward declarations.
 */
export class TypeTable {
  readonly #sources: TypeSource[] = [];
  /** Every blob once, the sources' bases too, in the order they are searched. */
  readonly #blobs: Btf[] = [];
  readonly #found = new Map<string, readonly Type[]>();
  readonly #parsed = new Map<string, Type>();
  /** Names that were looked for and are of no type. */
  readonly #missing = new Set<string>();

  constructor(sources: Iterable<TypeSource> = []) {
    for (const source of sources) this.add(source);
  }

  get sources(): readonly TypeSource[] {
    return this.#sources;
  }

  /** Add a blob, and the bases it is split from, behind those that are there. */
  add(source: TypeSource): void {
    this.#sources.push(source);
    const chain: Btf[] = [];
    for (let btf: Btf | undefined = source.btf; btf !== undefined; btf = btf.base) chain.unshift(btf);
    for (const btf of chain) if (!this.#blobs.includes(btf)) this.#blobs.push(btf);
    this.#found.clear();
    this.#parsed.clear();
    this.#missing.clear();
  }

  /** The type with an id of one of the blobs. */
  at(btf: Btf, id: TypeId): Type {
    return Type.of(btf, id);
  }

  /**
   * The type that C calls so, with any declarator without a name: `struct list_head *`, `u64`,
   * `char [16]`, `int (*)(void)`. Undefined when a name in it is no type.
   * @throws {UsageError} `TYPE_NAME` for text that is no type name
   */
  find(typeName: string): Type | undefined {
    // The error names the nearest of all names, which is not to be paid for again and again.
    if (this.#missing.has(typeName)) return undefined;
    try {
      return this.get(typeName);
    } catch (error) {
      if (!(error instanceof LookupError)) throw error;
      if (this.#missing.size < maximumRemembered) this.#missing.add(typeName);
      return undefined;
    }
  }

  /**
   * {@link TypeTable.find} that throws.
   * @throws {LookupError} with like names
   */
  get(typeName: string): Type {
    let type = this.#parsed.get(typeName);
    if (type === undefined) {
      type = typeNamed(typeName, this);
      if (this.#parsed.size < maximumRemembered) this.#parsed.set(typeName, type);
    }
    return type;
  }

  /** All types of a bare name in a name space, complete ones first; each from the first source that has it. */
  findAll(space: NameSpace, name: string): readonly Type[] {
    const key = `${space} ${name}`;
    let types = this.#found.get(key);
    if (types === undefined) {
      const all = new Set<Type>();
      for (const btf of this.#blobs) for (const id of typesNamed(btf, space, name)) all.add(Type.of(btf, id));
      types = [...all].sort((a, b) => Number(b.isComplete) - Number(a.isComplete));
      if (this.#found.size >= maximumRemembered) this.#found.clear();
      this.#found.set(key, types);
    }
    return types;
  }

  /** The first type of a bare name in a name space. */
  findNamed(space: NameSpace, name: string): Type | undefined {
    return this.findAll(space, name)[0];
  }

  /** {@link TypeTable.findNamed} that throws. @throws {LookupError} with like names */
  getNamed(space: NameSpace, name: string): Type {
    const found = this.findNamed(space, name);
    if (found !== undefined) return found;
    const prefix = space === "ordinary" ? "" : `${space} `;
    const near = nearestNames(name, this.names(space)).map((each) => prefix + each);
    // `task_struct` alone is a frequent slip for `struct task_struct`.
    if (space === "ordinary") {
      for (const tag of ["struct", "union", "enum"] as const) {
        if (this.findNamed(tag, name) !== undefined) near.unshift(`${tag} ${name}`);
      }
    }
    throw new LookupError("type", prefix + name, near);
  }

  /**
   * An arithmetic type: the kernel's own if it has one (which knows whether `char` is signed), else C's.
   * A type of the name that is no such type, as Rust's `char` of four bytes, is not taken for it.
   */
  primitive(name: PrimitiveName): Type {
    const { dwarfName, kind, byteSize } = primitives[name];
    const named = this.findAll("ordinary", dwarfName);
    return named.find((type) => type.kind === kind && type.byteSizeIf === byteSize) ?? basicType(name);
  }

  /** The first enumerator of a name in any enum. */
  findEnumerator(name: string): FoundEnumerator | undefined {
    for (const found of this.findEnumerators(name)) return found;
    return undefined;
  }

  /** All enumerators of a name; enums that different files of a kernel have may give it different values. */
  *findEnumerators(name: string): Generator<FoundEnumerator> {
    for (const btf of this.#blobs) {
      for (const { id, index } of enumeratorsNamed(btf, name)) {
        yield { name, value: btf.enumeratorValue(id, index), type: Type.of(btf, id) };
      }
    }
  }

  /** Names in a name space, for completion: with repetitions, in no useful order. */
  *names(space: NameSpace): Generator<string> {
    for (const btf of this.#blobs) yield* typeNames(btf, space);
  }
}

/** Answers kept at most; names come from users and scripts. */
const maximumRemembered = 4096;
