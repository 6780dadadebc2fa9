import { isDwarflessError } from "../io/index.ts";
import * as K from "./constants.ts";
import { isComposite, isEnum } from "./modifiers.ts";
import type { Btf, StringOffset, TypeId } from "./reader.ts";
import { forEachTypeWord } from "./records.ts";
import { pointerByteSizeOf, TypeSizes } from "./type-sizes.ts";

/** A number that two types share exactly when they look alike; see {@link Structures}. */
export type StructureClass = number;

/** Numbers for strings; one table serves both sides of a comparison. */
export class StructureTable {
  readonly #numbers = new Map<string, number>();

  number(key: string): StructureClass {
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(key, number);
    }
    return number;
  }
}

/** Unnamed types in each other beyond this are taken for alike; C makes a handful. */
const maximumDepth = 200;
/** Rounds to tell types of equal name apart; each round looks one reference further. */
const maximumRounds = 16;
/** Joins parts of a key: no name can hold it. */
const separator = "\0";

/**
 * What the types of one BTF look like, without ids. A type's definition is its own record, unnamed
 * types below it written into it and named ones below it given by kind and name; so a change of
 * `struct page` is one change, not one of everything that points to a page.
 *
 * Where a name has several definitions (in either BTF), a reference also says which one is meant:
 * by its look, refined round by round until the classes no longer split. Cycles need no care, as
 * they pass through a name.
 */
export class Structures {
  readonly btf: Btf;
  readonly #table: StructureTable;
  #definitions: Map<TypeId, StructureClass> = new Map();
  /** For types of an ambiguous name: what references to them say beside the name. */
  #variants: Map<TypeId, StructureClass> = new Map();
  readonly #tags: Map<TypeId, string[]>;
  readonly #sizes: TypeSizes;
  /** Numbers of names by string offset. */
  readonly #names: Map<number, number> = new Map();

  constructor(btf: Btf, table: StructureTable) {
    this.btf = btf;
    this.#table = table;
    this.#tags = collectTags(btf);
    this.#sizes = new TypeSizes(btf, pointerByteSizeOf(btf));
  }

  /** Class of a type by its full look. */
  definition(id: TypeId, depth = 0): StructureClass {
    const known = this.#definitions.get(id);
    if (known !== undefined) return known;
    if (depth > maximumDepth) return this.#table.number("deep");
    const number = this.#table.number(this.#definitionKey(id, depth));
    this.#definitions.set(id, number);
    return number;
  }

  /** Class of a type as others refer to it: named ones by name. */
  reference(id: TypeId, depth = 0): StructureClass {
    const key = typeKey(this.btf, id);
    if (key === undefined) return this.definition(id, depth + 1);
    const variant = this.#variants.get(id);
    return this.#table.number(
      variant === undefined ? `n${separator}${key}` : `n${separator}${key}${separator}${variant}`,
    );
  }

  /** Values of the decl tags on a type and its members or parameters, sorted. */
  tags(id: TypeId): readonly string[] {
    return this.#tags.get(id) ?? [];
  }

  /** Bytes of a type; undefined for one without a size, or that contains itself. */
  byteSize(id: TypeId): number | undefined {
    try {
      return this.#sizes.byteSize(id);
    } catch (error) {
      if (!isDwarflessError(error)) throw error;
      return undefined;
    }
  }

  /** Start a round: from now on references to `ambiguous` types say how these looked in the last one. */
  refine(ambiguous: readonly TypeId[]): void {
    const variants = new Map<TypeId, StructureClass>();
    for (const id of ambiguous) variants.set(id, this.definition(id));
    this.#variants = variants;
    this.#definitions = new Map();
  }

  /** A name's number: keys stay short however long names are. */
  #name(offset: StringOffset): number {
    let number = this.#names.get(offset);
    if (number === undefined) {
      number = this.#table.number(`s${separator}${this.btf.string(offset)}`);
      this.#names.set(offset, number);
    }
    return number;
  }

  #definitionKey(id: TypeId, depth: number): string {
    const { btf } = this;
    if (id === 0) return "void";
    const kind = btf.kind(id);
    const value = btf.sizeOrType(id);
    const parts: (string | number)[] = [kind];
    const tags = this.#tags.get(id);
    if (tags !== undefined) parts.push("tags", ...tags, "end");
    switch (kind) {
      case K.BTF_KIND_INT:
        parts.push(value, btf.word(id, 3));
        break;
      case K.BTF_KIND_FLOAT:
        parts.push(value);
        break;
      case K.BTF_KIND_FWD:
        parts.push(btf.kindFlag(id) ? 1 : 0);
        break;
      case K.BTF_KIND_ARRAY:
        parts.push(btf.arrayLength(id), this.reference(btf.arrayElementType(id), depth));
        parts.push(this.reference(btf.arrayIndexType(id), depth));
        break;
      case K.BTF_KIND_STRUCT:
      case K.BTF_KIND_UNION:
        parts.push(value);
        for (let index = 0, count = btf.vlen(id); index < count; index++) {
          parts.push(
            this.#name(btf.memberNameOffset(id, index)),
            this.reference(btf.memberType(id, index), depth),
          );
          parts.push(btf.memberBitOffset(id, index), btf.memberBitfieldSize(id, index));
        }
        break;
      case K.BTF_KIND_ENUM:
      case K.BTF_KIND_ENUM64:
        parts.push(value, btf.kindFlag(id) ? 1 : 0);
        for (let index = 0, count = btf.vlen(id); index < count; index++) {
          parts.push(this.#name(btf.enumeratorNameOffset(id, index)), String(btf.enumeratorValue(id, index)));
        }
        break;
      case K.BTF_KIND_FUNC_PROTO:
        parts.push(this.reference(value, depth));
        for (const parameter of btf.parameters(id))
          parts.push(parameter.name, this.reference(parameter.type, depth));
        break;
      case K.BTF_KIND_FUNC:
        parts.push(btf.functionLinkage(id), this.reference(value, depth));
        break;
      case K.BTF_KIND_VAR:
        parts.push(btf.variableLinkage(id), this.reference(value, depth));
        break;
      case K.BTF_KIND_TYPE_TAG:
        parts.push(this.#name(btf.nameOffset(id)), btf.kindFlag(id) ? 1 : 0, this.reference(value, depth));
        break;
      case K.BTF_KIND_DATASEC:
        parts.push(this.#name(btf.nameOffset(id)), value);
        break;
      default:
        parts.push(this.reference(value, depth));
    }
    return parts.join(separator);
  }
}

/**
 * Look at two BTFs side by side: the classes of one compare with those of the other.
 */
export function compareStructures(a: Btf, b: Btf): [Structures, Structures] {
  const table = new StructureTable();
  const left = new Structures(a, table);
  const right = new Structures(b, table);
  const names = new Set([...ambiguousKeys(a), ...ambiguousKeys(b)]);
  const leftIds = idsOfKeys(a, names);
  const rightIds = idsOfKeys(b, names);
  let classes = 0;
  for (let round = 0; round < maximumRounds; round++) {
    const seen = new Set<StructureClass>();
    for (const id of leftIds) seen.add(left.definition(id));
    for (const id of rightIds) seen.add(right.definition(id));
    if (seen.size === classes) break;
    classes = seen.size;
    left.refine(leftIds);
    right.refine(rightIds);
  }
  return [left, right];
}

/**
 * What a named type is called in C, a forward declaration like its struct: `struct page`,
 * `typedef u8`, `int`. Undefined for unnamed types, functions, variables, sections and tags.
 */
export function typeKey(btf: Btf, id: TypeId): string | undefined {
  if (id === 0 || btf.nameOffset(id) === 0) return undefined;
  const kind = btf.kind(id);
  if (kind === K.BTF_KIND_STRUCT) return `struct ${btf.name(id)}`;
  if (kind === K.BTF_KIND_UNION) return `union ${btf.name(id)}`;
  if (kind === K.BTF_KIND_FWD) return `${btf.kindFlag(id) ? "union" : "struct"} ${btf.name(id)}`;
  if (isEnum(kind)) return `enum ${btf.name(id)}`;
  if (kind === K.BTF_KIND_TYPEDEF) return `typedef ${btf.name(id)}`;
  return kind === K.BTF_KIND_INT || kind === K.BTF_KIND_FLOAT ? btf.name(id) : undefined;
}

function ambiguousKeys(btf: Btf): Set<string> {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (let id = 1; id < btf.typeCount; id++) {
    const key = typeKey(btf, id);
    if (key === undefined) continue;
    if (seen.has(key)) twice.add(key);
    seen.add(key);
  }
  return twice;
}

function idsOfKeys(btf: Btf, keys: ReadonlySet<string>): TypeId[] {
  const ids: TypeId[] = [];
  if (keys.size === 0) return ids;
  for (let id = 1; id < btf.typeCount; id++) {
    const key = typeKey(btf, id);
    if (key !== undefined && keys.has(key)) ids.push(id);
  }
  return ids;
}

/** Decl tags by the type they are on: `value` or `value@component`, sorted. */
function collectTags(btf: Btf): Map<TypeId, string[]> {
  const tags = new Map<TypeId, string[]>();
  for (let id = 1; id < btf.typeCount; id++) {
    if (btf.kind(id) !== K.BTF_KIND_DECL_TAG) continue;
    const component = btf.declTagComponent(id);
    const text = `${btf.name(id)}${component < 0 ? "" : `@${component}`}${btf.kindFlag(id) ? " (attribute)" : ""}`;
    const list = tags.get(btf.declTagTarget(id));
    if (list === undefined) tags.set(btf.declTagTarget(id), [text]);
    else list.push(text);
  }
  for (const list of tags.values()) list.sort();
  return tags;
}

/** Unnamed structs, unions and enums of a BTF's own types, and which of them no other type uses. */
export function unnamedTypes(btf: Btf): { all: TypeId[]; unused: TypeId[] } {
  const used = new Uint8Array(btf.typeCount);
  const mark = (wordIndex: number): void => {
    used[btf.words[wordIndex]!] = 1;
  };
  for (const at of btf.offsets) forEachTypeWord(btf.words, at, mark);
  const all: TypeId[] = [];
  for (let id = btf.startId; id < btf.typeCount; id++) {
    const kind = btf.kind(id);
    if (btf.nameOffset(id) === 0 && (isComposite(kind) || isEnum(kind))) all.push(id);
  }
  return { all, unused: all.filter((id) => used[id] === 0) };
}
