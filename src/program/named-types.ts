import type { Btf } from "../btf/index.ts";
import { basicType } from "./conversions.ts";
import { LookupError } from "./errors.ts";
import type { NamedType } from "./expression/syntax-tree.ts";
import type { TypeNames } from "./expression/type-name-parser.ts";
import { type PrimitiveName, primitiveNamed } from "./primitive.ts";
import { Type } from "./type.ts";
import { type NameSpace, typesNamed } from "./type-search.ts";

/** What knows types by their bare names: a `TypeTable`. */
export interface TypesByName {
  readonly sources: readonly { readonly name: string; readonly btf: Btf }[];
  findNamed(space: NameSpace, name: string): Type | undefined;
  /** @throws {LookupError} with like names */
  getNamed(space: NameSpace, name: string): Type;
  primitive(name: PrimitiveName): Type;
}

/** What the names in type names mean: tags, typedefs and base types, also those of one module. */
export class NamedTypes implements TypeNames {
  readonly #types: TypesByName;

  constructor(types: TypesByName) {
    this.#types = types;
  }

  isTypeName(name: string, module?: string): boolean {
    return this.#find({ tag: undefined, name, ...(module === undefined ? {} : { module }) }) !== undefined;
  }

  /** @throws {LookupError} */
  getType(named: Pick<NamedType, "tag" | "name" | "module">): Type {
    const found = this.#find(named);
    if (found !== undefined) return found;
    const { tag, name, module } = named;
    if (module !== undefined) {
      throw new LookupError("type", `${tag === undefined ? "" : `${tag} `}${name}`, [], `module ${module}`);
    }
    return this.#types.getNamed(tag ?? "ordinary", name);
  }

  #find({ tag, name, module }: Pick<NamedType, "tag" | "name" | "module">): Type | undefined {
    const types = this.#types;
    const space: NameSpace = tag ?? "ordinary";
    if (module !== undefined) {
      const source = types.sources.find((each) => each.name === module);
      const id = source === undefined ? undefined : typesNamed(source.btf, space, name)[0];
      return id === undefined ? undefined : Type.of(source!.btf, id);
    }
    if (tag === undefined) {
      if (name === "void") return Type.void();
      const primitive = primitiveNamed(name);
      if (primitive !== undefined) return types.primitive(primitive);
    }
    const found = types.findNamed(space, name);
    if (found === undefined && tag === undefined && name === "bool") return basicType("_Bool");
    return found;
  }
}
