import { grownUint32 } from "../../util/columns.ts";
import type { ByteText } from "../byte-text.ts";
import * as K from "../constants.ts";
import type { Btf, StringOffset, TypeId } from "../reader.ts";
import { type NameId, type NameIds, noName } from "../name-ids.ts";

/**
 * Names as C needs them: tags of structs, unions and enums share one space, typedefs and
 * enumerators another. The second use of a name becomes `name___2`.
 */
export class UniqueNames {
  readonly #btf: Btf;
  readonly #ids: NameIds;
  readonly #tagUses = new UseCounts();
  readonly #ordinaryUses = new UseCounts();
  /** Of each type which use of its name it is: 0 where it was not printed yet. */
  readonly #given: Uint32Array;

  constructor(btf: Btf, ids: NameIds) {
    this.#btf = btf;
    this.#ids = ids;
    this.#given = new Uint32Array(btf.typeCount);
  }

  /** Print the tag of a struct, union or enum, the same each time; nothing for an unnamed one. */
  putTag(text: ByteText, id: TypeId): void {
    this.#putOnce(text, id, this.#tagUses);
  }

  /** Print the name of a typedef, the same each time. */
  putTypedef(text: ByteText, id: TypeId): void {
    this.#putOnce(text, id, this.#ordinaryUses);
  }

  /** Which use of its name a typedef is: the second is `name___2`. */
  typedefUse(id: TypeId): number {
    return this.#use(id, this.#ordinaryUses);
  }

  /** Print an enumerator's name; each printing is a use. */
  putEnumerator(text: ByteText, offset: StringOffset): void {
    put(text, this.#btf, offset, this.#ordinaryUses.next(this.#ids.ofOffset(offset)));
  }

  #putOnce(text: ByteText, id: TypeId, uses: UseCounts): void {
    put(text, this.#btf, this.#btf.nameOffset(id), this.#use(id, uses));
  }

  #use(id: TypeId, uses: UseCounts): number {
    let use = this.#given[id]!;
    if (use === 0) {
      const name = this.#ids.ofType(id);
      use = name === noName || isDeclarationOnly(this.#btf, id) ? 1 : uses.next(name);
      this.#given[id] = use;
    }
    return use;
  }
}

/** How often each name was used. */
class UseCounts {
  #counts: Uint32Array<ArrayBuffer> = new Uint32Array(1 << 12);

  next(name: NameId): number {
    if (name >= this.#counts.length) this.#counts = grownUint32(this.#counts, name + 1);
    return ++this.#counts[name]!;
  }
}

function put(text: ByteText, btf: Btf, offset: StringOffset, use: number): void {
  text.putName(btf, offset);
  if (use === 1) return;
  text.put("___");
  text.putNumber(use);
}

/** Forward declarations, and enums without values, name what is defined elsewhere. */
function isDeclarationOnly(btf: Btf, id: TypeId): boolean {
  const kind = btf.kind(id);
  if (kind === K.BTF_KIND_FWD) return true;
  return (kind === K.BTF_KIND_ENUM || kind === K.BTF_KIND_ENUM64) && btf.vlen(id) === 0;
}
