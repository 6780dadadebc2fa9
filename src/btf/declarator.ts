import { LimitError, printable } from "../io/index.ts";
import * as K from "./constants.ts";
import { btfSectionName } from "./header.ts";
import type { Btf, TypeId } from "./reader.ts";

/** Longest declaration written, in characters; types can be made that would need terabytes. */
const defaultMaximumLength = 64 * 1024;
/** Most pointers, arrays, functions and qualifiers around one name. */
const maximumChain = 256;
/** Most anonymous types and parameter lists within each other. */
const maximumDepth = 64;

/**
 * C declaration of `name` as a type, without a storage class and semicolon:
 * `int (*handlers[4])(struct device *dev, ...)`. An empty name gives the type's own spelling.
 * Anonymous structs, unions and enums are written out on the same line.
 * @param maximumLength of all parts in characters, about.
 * @throws {LimitError} `BTF_DECLARATION` for types that contain themselves, or endlessly many.
 */
export function declare(
  btf: Btf,
  id: TypeId,
  name = "",
  maximumLength: number = defaultMaximumLength,
): string {
  return new Declarator(btf, maximumLength).declare(id, name, 0);
}

/** Text of a name with control characters escaped, so that it stays on its line. */
export function printableName(name: string): string {
  return printable(name);
}

class Declarator {
  readonly #btf: Btf;
  readonly #maximumLength: number;
  #length = 0;

  constructor(btf: Btf, maximumLength: number) {
    this.#btf = btf;
    this.#maximumLength = maximumLength;
  }

  /** Wraps `inner` in what the type's chain says, from the name outwards, then puts the base type before it. */
  declare(id: TypeId, inner: string, depth: number): string {
    const btf = this.#btf;
    let qualifiers: string[] = [];
    let innerIsPointer = false;
    for (let hops = 0; hops < maximumChain; hops++) {
      const kind = btf.kind(id);
      const next = btf.sizeOrType(id);
      switch (kind) {
        case K.BTF_KIND_CONST:
        case K.BTF_KIND_VOLATILE:
        case K.BTF_KIND_RESTRICT:
        case K.BTF_KIND_TYPE_TAG:
          qualifiers.push(this.#qualifier(id, kind));
          id = next;
          continue;
        case K.BTF_KIND_PTR: {
          // Qualifiers of the pointer itself stand behind its star: `char * const name`.
          const own = qualifiers.length === 0 ? "" : ` ${qualifiers.join(" ")}${inner === "" ? "" : " "}`;
          inner = `*${own}${inner}`;
          qualifiers = [];
          innerIsPointer = true;
          id = next;
          continue;
        }
        case K.BTF_KIND_ARRAY:
          // Qualifiers of an array are its element's; they stay collected.
          inner = `${innerIsPointer ? `(${inner})` : inner}[${btf.arrayLength(id)}]`;
          innerIsPointer = false;
          id = btf.arrayElementType(id);
          continue;
        case K.BTF_KIND_FUNC_PROTO:
          // C has no qualified functions.
          qualifiers = [];
          inner = `${innerIsPointer ? `(${inner})` : inner}(${this.#parameters(id, depth)})`;
          innerIsPointer = false;
          id = next;
          continue;
        default:
          qualifiers.push(this.#baseName(id, kind, depth));
          return this.#count(inner === "" ? qualifiers.join(" ") : `${qualifiers.join(" ")} ${inner}`);
      }
    }
    throw limit(`type ${id} is wrapped in more than ${maximumChain} others`);
  }

  #qualifier(id: TypeId, kind: number): string {
    if (kind === K.BTF_KIND_CONST) return "const";
    if (kind === K.BTF_KIND_VOLATILE) return "volatile";
    if (kind === K.BTF_KIND_RESTRICT) return "restrict";
    const text = printableName(this.#btf.name(id));
    return this.#btf.kindFlag(id) ? `__attribute__((${text}))` : `__attribute__((btf_type_tag("${text}")))`;
  }

  #parameters(id: TypeId, depth: number): string {
    const btf = this.#btf;
    const count = btf.vlen(id);
    if (count === 0) return "void";
    // A lone `...` is how a function declared as `f()` is recorded.
    if (count === 1 && btf.parameterType(id, 0) === 0) return "";
    this.#enter(id, depth);
    const parameters: string[] = [];
    for (let index = 0; index < count; index++) {
      const type = btf.parameterType(id, index);
      const isRest = type === 0 && index === count - 1;
      parameters.push(
        isRest ? "..." : this.declare(type, printableName(btf.parameterName(id, index)), depth + 1),
      );
    }
    return this.#count(parameters.join(", "));
  }

  #baseName(id: TypeId, kind: number, depth: number): string {
    const btf = this.#btf;
    if (id === 0) return "void";
    const name = printableName(btf.name(id));
    switch (kind) {
      case K.BTF_KIND_STRUCT:
      case K.BTF_KIND_UNION: {
        const keyword = kind === K.BTF_KIND_STRUCT ? "struct" : "union";
        return name === "" ? `${keyword} ${this.#body(id, depth)}` : `${keyword} ${name}`;
      }
      case K.BTF_KIND_FWD:
        return `${btf.kindFlag(id) ? "union" : "struct"} ${name}`;
      case K.BTF_KIND_ENUM:
      case K.BTF_KIND_ENUM64:
        return name === "" ? `enum ${this.#enumerators(id)}` : `enum ${name}`;
      case K.BTF_KIND_FUNC:
      case K.BTF_KIND_VAR:
      case K.BTF_KIND_DATASEC:
      case K.BTF_KIND_DECL_TAG:
        throw limit(`${K.kindName(kind)} ${id} stands where a type should`);
      default:
        return name;
    }
  }

  #body(id: TypeId, depth: number): string {
    const btf = this.#btf;
    this.#enter(id, depth);
    let text = "{ ";
    for (let index = 0, count = btf.vlen(id); index < count; index++) {
      const width = btf.memberBitfieldSize(id, index);
      const declaration = this.declare(
        btf.memberType(id, index),
        printableName(btf.memberName(id, index)),
        depth + 1,
      );
      text += `${declaration}${width === 0 ? "" : `:${width}`}; `;
    }
    return `${text}}`;
  }

  #enumerators(id: TypeId): string {
    const values: string[] = [];
    for (const { name, value } of this.#btf.enumerators(id))
      values.push(this.#count(`${printableName(name)} = ${value}`));
    return `{ ${values.join(", ")} }`;
  }

  #enter(id: TypeId, depth: number): void {
    if (depth >= maximumDepth) throw limit(`type ${id} lies more than ${maximumDepth} anonymous types deep`);
  }

  #count(text: string): string {
    this.#length += text.length;
    if (this.#length > this.#maximumLength)
      throw limit(`declaration of more than ${this.#maximumLength} characters`);
    return text;
  }
}

function limit(problem: string): LimitError {
  return new LimitError("BTF_DECLARATION", problem, { section: btfSectionName });
}
