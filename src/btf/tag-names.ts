import * as K from "./constants.ts";
import { isComposite, isEnum } from "./modifiers.ts";
import type { Btf, TypeId } from "./reader.ts";

/**
 * One name for each struct, union and enumeration of a BTF and its bases, in the order of ids: its tag,
 * `tag___2` for the second of a tag, as in a C header, and `unnamed_ID` without a tag.
 */
export class TagNames {
  readonly #names = new Map<TypeId, string>();
  readonly #defined = new Map<string, TypeId>();

  constructor(btf: Btf) {
    const unnamed: TypeId[] = [];
    const uses = new Map<string, number>();
    for (let id = 1; id < btf.typeCount; id++) {
      const kind = btf.kind(id);
      if (!isComposite(kind) && !isEnum(kind)) continue;
      const tag = btf.name(id);
      if (tag === "") unnamed.push(id);
      // An enumeration without values is declared here and defined elsewhere, if at all.
      else if (!isEnum(kind) || btf.vlen(id) > 0) this.#give(id, tag, uses);
    }
    for (const id of unnamed) this.#give(id, `unnamed_${id}`, uses);
  }

  /** Ids and names, in the order of ids, those without a tag last. */
  entries(): IterableIterator<[TypeId, string]> {
    return this.#names.entries();
  }

  /** The name of a type; of one that is only declared here that of its definition, undefined where there is none. */
  name(btf: Btf, id: TypeId): string | undefined {
    const name = this.#names.get(id);
    if (name !== undefined) return name;
    const tag = btf.name(id);
    const definition = this.#defined.get(tag);
    return definition !== undefined && isSameKind(btf, id, definition) ? tag : undefined;
  }

  #give(id: TypeId, tag: string, uses: Map<string, number>): void {
    let name = tag;
    for (let use = uses.get(tag) ?? 0; use > 0 && (name === tag || this.#defined.has(name));) {
      name = `${tag}___${++use}`;
      uses.set(tag, use);
    }
    if (name === tag) uses.set(tag, 1);
    this.#names.set(id, name);
    this.#defined.set(name, id);
  }
}

/** Whether a forward declaration or an empty enumeration may mean a type. */
function isSameKind(btf: Btf, declared: TypeId, defined: TypeId): boolean {
  const kind = btf.kind(defined);
  if (btf.kind(declared) !== K.BTF_KIND_FWD) return isEnum(kind);
  return kind === (btf.kindFlag(declared) ? K.BTF_KIND_UNION : K.BTF_KIND_STRUCT);
}
