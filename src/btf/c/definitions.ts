import { LimitError } from "../../io/index.ts";
import * as K from "../constants.ts";
import { btfSectionName } from "../header.ts";
import { isModifier } from "../modifiers.ts";
import type { Btf, TypeId } from "../reader.ts";
import type { CText } from "./text.ts";

const stateNone = 0;
const stateBegun = 1;
const stateDefined = 2;
const maximumDepth = 1500;

/** Types of Arm's vectors that a compiler has built in under other names. */
const builtinAliases: ReadonlyMap<string, string> = new Map([
  ["__Poly8_t", "unsigned char"],
  ["__Poly16_t", "unsigned short"],
  ["__Poly64_t", "unsigned long long"],
  ["__Poly128_t", "unsigned __int128"],
]);

/**
 * Writes definitions in an order given, and before each the forward declarations that it needs.
 * What is defined once is not written again.
 */
export class Definitions {
  readonly #btf: Btf;
  readonly #text: CText;
  readonly #states: Uint8Array;
  /** 1 where a forward declaration was written, or for a typedef itself. */
  readonly #declared: Uint8Array;
  /** Steps left: unnamed types within each other are walked each time they are met. */
  #budget: number;

  constructor(btf: Btf, text: CText) {
    this.#btf = btf;
    this.#text = text;
    this.#states = new Uint8Array(btf.typeCount);
    this.#declared = new Uint8Array(btf.typeCount);
    this.#budget = 10_000_000 + btf.typeCount * 200;
  }

  /** Define a type at the top level. */
  define(id: TypeId): void {
    this.#emit(id, 0, 0);
  }

  /**
   * @param container the definition that is being written; 0 at the top. Within one, structs are
   *   only declared.
   */
  #emit(id: TypeId, container: TypeId, depth: number): void {
    if (this.#states[id] === stateDefined) return;
    if (--this.#budget < 0 || depth > maximumDepth) {
      throw new LimitError("BTF_DEPTH", `type ${id} lies within too many others`, {
        section: btfSectionName,
      });
    }
    const btf = this.#btf;
    const kind = btf.kind(id);
    if (this.#states[id] === stateBegun) {
      this.#declareAhead(id, kind, container);
      return;
    }
    switch (kind) {
      case K.BTF_KIND_INT:
        this.#alias(id);
        this.#states[id] = stateDefined;
        return;
      case K.BTF_KIND_ENUM:
      case K.BTF_KIND_ENUM64:
        if (container === 0) {
          this.#text.enumeration(id, 0);
          this.#text.put(";\n\n");
        }
        this.#states[id] = stateDefined;
        return;
      case K.BTF_KIND_FWD:
        this.#text.tagged(id);
        this.#text.put(";\n\n");
        this.#states[id] = stateDefined;
        return;
      case K.BTF_KIND_ARRAY:
        this.#emit(btf.arrayElementType(id), container, depth + 1);
        return;
      case K.BTF_KIND_FUNC_PROTO:
        this.#emit(btf.sizeOrType(id), container, depth + 1);
        for (let index = 0, count = btf.vlen(id); index < count; index++)
          this.#emit(btf.parameterType(id, index), container, depth + 1);
        return;
      case K.BTF_KIND_TYPEDEF:
        this.#states[id] = stateBegun;
        this.#emit(btf.sizeOrType(id), id, depth + 1);
        // A pointer back to it may have needed it early.
        if (this.#declared[id] === 0) this.#typedef(id);
        this.#states[id] = stateDefined;
        return;
      case K.BTF_KIND_STRUCT:
      case K.BTF_KIND_UNION:
        this.#composite(id, container, depth);
        return;
      default:
        if (kind === K.BTF_KIND_PTR || isModifier(kind)) this.#emit(btf.sizeOrType(id), container, depth + 1);
    }
  }

  #composite(id: TypeId, container: TypeId, depth: number): void {
    const btf = this.#btf;
    const isUnnamed = btf.nameOffset(id) === 0;
    this.#states[id] = stateBegun;
    if (container === 0 || isUnnamed) {
      // All members will be written, so what they point to must be declared.
      const within = isUnnamed ? container : id;
      for (let index = 0, count = btf.vlen(id); index < count; index++)
        this.#emit(btf.memberType(id, index), within, depth + 1);
    } else if (this.#declared[id] === 0 && id !== container) {
      this.#declareTag(id);
    }
    if (container === 0) {
      this.#text.composite(id, 0);
      this.#text.put(";\n\n");
      this.#states[id] = stateDefined;
    } else {
      this.#states[id] = stateNone;
    }
  }

  /** A type is needed within its own definition. */
  #declareAhead(id: TypeId, kind: number, container: TypeId): void {
    if (this.#declared[id] === 1) return;
    if (kind === K.BTF_KIND_TYPEDEF) {
      this.#typedef(id);
      this.#declared[id] = 1;
    } else if (id !== container && this.#btf.nameOffset(id) !== 0) {
      this.#declareTag(id);
    }
  }

  #declareTag(id: TypeId): void {
    this.#text.tagged(id);
    this.#text.put(";\n\n");
    this.#declared[id] = 1;
  }

  #typedef(id: TypeId): void {
    // Compilers define it, and refuse another definition.
    if (this.#btf.name(id) === "__builtin_va_list") return;
    this.#text.typedef(id, 0);
    this.#text.put(";\n\n");
  }

  #alias(id: TypeId): void {
    const name = this.#btf.name(id);
    const meaning = name.startsWith("__Poly") ? builtinAliases.get(name) : undefined;
    if (meaning !== undefined) this.#text.put(`typedef ${meaning} ${name};\n\n`);
  }
}
