import { type Btf, BTF_KIND_FUNC } from "../btf/index.ts";
import { Type } from "../program/index.ts";

/** BTF of a kernel and its modules; a `Kernel` is one, and so is a file that is known to fit a log. */
export interface FunctionTypeSource {
  readonly kernelBtf: { readonly btf: Btf } | undefined;
  /** Text in the place of a module's BTF says why there is none. */
  readonly modules: readonly { readonly name: string; readonly btf: Btf | string }[];
}

/** Prototypes of functions by name: FUNC of the BTF of the kernel and its modules. */
export class FunctionTypes {
  readonly #kernel: FunctionTypeSource;
  readonly #indexes = new Map<Btf, Map<number, number>>();
  readonly #found = new Map<string, Type | undefined>();

  constructor(kernel: FunctionTypeSource) {
    this.#kernel = kernel;
  }

  /** The type of a function; undefined where BTF has none of that name, or several. */
  find(name: string, module: string | undefined): Type | undefined {
    const key = `${module ?? ""}:${name}`;
    if (this.#found.has(key)) return this.#found.get(key);
    const btf = this.#btfOf(module);
    // Compilers split functions and give the parts such names; a part has not all of the parameters.
    const type = btf === undefined || name.includes(".") ? undefined : this.#lookUp(btf, name);
    this.#found.set(key, type);
    return type;
  }

  #btfOf(module: string | undefined): Btf | undefined {
    if (module === undefined) return this.#kernel.kernelBtf?.btf;
    const btf = this.#kernel.modules.find(({ name }) => name === module)?.btf;
    return typeof btf === "string" ? undefined : btf;
  }

  #lookUp(btf: Btf, name: string): Type | undefined {
    const index = this.#indexOf(btf);
    const { stringsBytes, startStringOffset } = btf;
    const strings = Buffer.from(stringsBytes.buffer, stringsBytes.byteOffset, stringsBytes.byteLength);
    const wanted = Buffer.from(`${name}\0`);
    for (let at = strings.indexOf(wanted); at >= 0; at = strings.indexOf(wanted, at + 1)) {
      const id = index.get(startStringOffset + at);
      if (id !== undefined) return Type.of(btf, btf.sizeOrType(id));
    }
    return undefined;
  }

  /** FUNC ids by the offset of their names. */
  #indexOf(btf: Btf): Map<number, number> {
    let index = this.#indexes.get(btf);
    if (index !== undefined) return index;
    index = new Map();
    const several = new Set<number>();
    for (let id = btf.startId; id < btf.typeCount; id++) {
      if (btf.kind(id) !== BTF_KIND_FUNC) continue;
      const name = btf.nameOffset(id);
      const known = index.get(name);
      if (known !== undefined && btf.sizeOrType(known) !== btf.sizeOrType(id)) several.add(name);
      index.set(name, id);
    }
    // Which of several prototypes a function of the name has, nothing says.
    for (const name of several) index.delete(name);
    this.#indexes.set(btf, index);
    return index;
  }
}
