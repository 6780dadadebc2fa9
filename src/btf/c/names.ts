import * as K from "../constants.ts";
import type { Btf, TypeId } from "../reader.ts";

/**
 * Names as C needs them: tags of structs, unions and enums share one space, typedefs and
 * enumerators another. The second use of a name becomes `name___2`.
 */
export class UniqueNames {
  readonly #btf: Btf;
  readonly #tagUses = new Map<string, number>();
  readonly #ordinaryUses = new Map<string, number>();
  readonly #given = new Map<TypeId, string>();

  constructor(btf: Btf) {
    this.#btf = btf;
  }

  /** The tag of a struct, union or enum, the same each time; empty for an unnamed one. */
  tag(id: TypeId): string {
    return this.#once(id, this.#tagUses);
  }

  /** The name of a typedef, the same each time. */
  typedef(id: TypeId): string {
    return this.#once(id, this.#ordinaryUses);
  }

  /** An enumerator's name; each printing is a use. */
  enumerator(name: string): string {
    return use(name, this.#ordinaryUses);
  }

  #once(id: TypeId, uses: Map<string, number>): string {
    let name = this.#given.get(id);
    if (name === undefined) {
      const original = this.#btf.name(id);
      name = original === "" || isDeclarationOnly(this.#btf, id) ? original : use(original, uses);
      this.#given.set(id, name);
    }
    return name;
  }
}

/** Forward declarations, and enums without values, name what is defined elsewhere. */
function isDeclarationOnly(btf: Btf, id: TypeId): boolean {
  const kind = btf.kind(id);
  if (kind === K.BTF_KIND_FWD) return true;
  return (kind === K.BTF_KIND_ENUM || kind === K.BTF_KIND_ENUM64) && btf.vlen(id) === 0;
}

function use(name: string, uses: Map<string, number>): string {
  const count = (uses.get(name) ?? 0) + 1;
  uses.set(name, count);
  return count === 1 ? name : `${name}___${count}`;
}
