import { FormatError, LimitError } from "../../io/index.ts";
import * as K from "../constants.ts";
import { btfSectionName } from "../header.ts";
import type { Btf, TypeId } from "../reader.ts";
import { UniqueNames } from "./names.ts";
import { paddingFields } from "./padding.ts";
import type { TypeSizes } from "../type-sizes.ts";

/** Longest text of one definition, in characters; types can be made that would need terabytes. */
const maximumLength = 1 << 26;
const maximumDepth = 64;
const maximumChain = 256;
/** Deeper nesting is not indented any further. */
const maximumIndent = 13;

/**
 * Spells types in C as bpftool does: declarators with every space in its place, definitions with the
 * padding that makes a compiler lay them out as they were. What it writes collects in a text that
 * {@link CText.take} hands over.
 */
export class CText {
  readonly names: UniqueNames;
  readonly #btf: Btf;
  readonly #sizes: TypeSizes;
  #text = "";
  #depth = 0;

  constructor(btf: Btf, sizes: TypeSizes) {
    this.#btf = btf;
    this.#sizes = sizes;
    this.names = new UniqueNames(btf);
  }

  put(text: string): void {
    this.#text += text;
    if (this.#text.length > maximumLength) throw limit(`text of more than ${maximumLength} characters`);
  }

  /** What was written since the last call. */
  take(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }

  /**
   * A declaration of a name as a type, without semicolon; unnamed types are defined in place.
   * @throws {LimitError} `BTF_C_TEXT` for what has no end
   */
  declaration(id: TypeId, name: string, level: number): void {
    const btf = this.#btf;
    const chain: TypeId[] = [];
    for (;;) {
      chain.push(id);
      if (chain.length > maximumChain)
        throw limit(`type ${id} is wrapped in more than ${maximumChain} others`);
      const kind = btf.kind(id);
      if (kind === K.BTF_KIND_ARRAY) id = btf.arrayElementType(id);
      else if (kind === K.BTF_KIND_PTR || kind === K.BTF_KIND_FUNC_PROTO || isQualifier(kind) || isTag(kind))
        id = btf.sizeOrType(id);
      else break;
    }
    this.#enter(id);
    this.#unwind(chain, name, level);
    this.#depth--;
  }

  /** `struct NAME { … }` with its members, padding and attribute. */
  composite(id: TypeId, level: number): void {
    const btf = this.#btf;
    const isStruct = btf.kind(id) === K.BTF_KIND_STRUCT;
    const isPacked = isStruct && this.#sizes.isPacked(id);
    const count = btf.vlen(id);
    this.#enter(id);
    this.put(`${isStruct ? "struct" : "union"}${spaced(this.names.tag(id))} {`);
    let at = 0;
    let isAfterBitfield = false;
    for (let index = 0; index < count; index++) {
      const type = btf.memberType(id, index);
      const width = btf.memberBitfieldSize(id, index);
      const bitOffset = btf.memberBitOffset(id, index);
      const nextAlignment = isPacked ? 1 : this.#sizes.alignment(type);
      this.#pad(at, bitOffset, nextAlignment, isAfterBitfield && width !== 0, level + 1);
      this.put(`\n${indent(level + 1)}`);
      this.declaration(type, btf.memberName(id, index), level + 1);
      isAfterBitfield = width !== 0;
      this.put(isAfterBitfield ? `: ${width};` : ";");
      at = bitOffset + (isAfterBitfield ? width : (this.#sizes.byteSize(type) ?? 0) * 8);
    }
    const byteSize = btf.sizeOrType(id);
    if (isStruct) this.#pad(at, byteSize * 8, isPacked ? 1 : this.#sizes.alignment(id), false, level + 1);
    this.put(count > 0 || byteSize > 0 ? `\n${indent(level)}}` : "}");
    if (isPacked) this.put(" __attribute__((packed))");
    this.#depth--;
  }

  /** `enum NAME { … }` with what makes it as wide as it is. */
  enumeration(id: TypeId, level: number): void {
    const btf = this.#btf;
    this.put(`enum${spaced(this.names.tag(id))}`);
    const count = btf.vlen(id);
    if (count === 0) return;
    this.put(" {");
    const isWide = btf.kind(id) === K.BTF_KIND_ENUM64;
    const suffix = isWide ? (btf.kindFlag(id) ? "LL" : "ULL") : "";
    let hasHighBits = false;
    for (let index = 0; index < count; index++) {
      const name = this.names.enumerator(btf.enumeratorName(id, index));
      this.put(`\n${indent(level + 1)}${name} = ${btf.enumeratorValue(id, index)}${suffix},`);
      if (isWide && btf.word(id, 5 + index * 3) !== 0) hasHighBits = true;
    }
    this.put(`\n${indent(level)}}`);
    const byteSize = btf.sizeOrType(id);
    if (byteSize === 1) this.put(" __attribute__((mode(byte)))");
    if (byteSize === 8 && this.#sizes.pointerByteSize === 8 && !hasHighBits)
      this.put(" __attribute__((mode(word)))");
  }

  /** `typedef … NAME` */
  typedef(id: TypeId, level: number): void {
    const name = this.names.typedef(id);
    const target = this.#btf.sizeOrType(id);
    this.put("typedef ");
    // Compilers know this one; in BTF it is a name for void.
    if (target === 0 && name === "__gnuc_va_list") this.put(`__builtin_va_list ${name}`);
    else this.declaration(target, name, level);
  }

  /** `struct NAME` */
  tagged(id: TypeId): void {
    this.put(`${this.#keyword(id)}${spaced(this.names.tag(id))}`);
  }

  /** Write a chain from its innermost type outwards; `chain` is used up. */
  #unwind(chain: TypeId[], name: string, level: number): void {
    const btf = this.#btf;
    // At the start no blank is wanted either: `(*name)`.
    let isAfterStar = true;
    for (let id = chain.pop(); id !== undefined; id = chain.pop()) {
      const kind = btf.kind(id);
      switch (kind) {
        case K.BTF_KIND_PTR:
          this.put(isAfterStar ? "*" : " *");
          break;
        case K.BTF_KIND_CONST:
        case K.BTF_KIND_VOLATILE:
        case K.BTF_KIND_RESTRICT:
          this.put(` ${qualifierText(kind)}`);
          break;
        case K.BTF_KIND_TYPE_TAG: {
          this.#leadingQualifiers(chain);
          const text = btf.name(id);
          this.put(
            btf.kindFlag(id) ? ` __attribute__((${text}))` : ` __attribute__((btf_type_tag("${text}")))`,
          );
          break;
        }
        case K.BTF_KIND_ARRAY:
          this.#array(id, chain, name, isAfterStar, level);
          return;
        case K.BTF_KIND_FUNC_PROTO:
          this.#function(id, chain, name, isAfterStar, level);
          return;
        default:
          this.#leadingQualifiers(chain);
          this.#baseType(id, kind, level);
      }
      isAfterStar = kind === K.BTF_KIND_PTR;
    }
    this.#name(name, isAfterStar);
  }

  #array(id: TypeId, chain: TypeId[], name: string, isAfterStar: boolean, level: number): void {
    // Qualifiers of an array are its element's, written there.
    this.#dropQualifiers(chain);
    if (chain.length === 0) {
      this.#name(name, isAfterStar);
    } else {
      if (name !== "" && !isAfterStar) this.put(" ");
      const isDimension = this.#btf.kind(chain.at(-1)!) === K.BTF_KIND_ARRAY;
      if (!isDimension) this.put("(");
      this.#unwind(chain, name, level);
      if (!isDimension) this.put(")");
    }
    this.put(`[${this.#btf.arrayLength(id)}]`);
  }

  #function(id: TypeId, chain: TypeId[], name: string, isAfterStar: boolean, level: number): void {
    // C has no qualified functions.
    this.#dropQualifiers(chain);
    if (chain.length === 0) {
      this.#name(name, isAfterStar);
    } else {
      this.put(" (");
      this.#unwind(chain, name, level);
      this.put(")");
    }
    const btf = this.#btf;
    const count = btf.vlen(id);
    if (count === 0 || (count === 1 && btf.parameterType(id, 0) === 0)) {
      this.put("(void)");
      return;
    }
    this.put("(");
    for (let index = 0; index < count; index++) {
      if (index > 0) this.put(", ");
      const type = btf.parameterType(id, index);
      if (type === 0 && index === count - 1) this.put("...");
      else this.declaration(type, btf.parameterName(id, index), level);
    }
    this.put(")");
  }

  #baseType(id: TypeId, kind: number, level: number): void {
    const btf = this.#btf;
    switch (kind) {
      case K.BTF_KIND_UNKN:
        this.put("void");
        break;
      case K.BTF_KIND_INT:
      case K.BTF_KIND_FLOAT:
        this.put(btf.name(id));
        break;
      case K.BTF_KIND_TYPEDEF:
        this.put(this.names.typedef(id));
        break;
      case K.BTF_KIND_STRUCT:
      case K.BTF_KIND_UNION:
        if (btf.nameOffset(id) === 0) this.composite(id, level);
        else this.tagged(id);
        break;
      case K.BTF_KIND_ENUM:
      case K.BTF_KIND_ENUM64:
        if (btf.nameOffset(id) === 0) this.enumeration(id, level);
        else this.tagged(id);
        break;
      case K.BTF_KIND_FWD:
        this.tagged(id);
        break;
      default:
        throw new FormatError("BTF_C_TEXT", `${K.kindName(kind)} ${id} stands where a type should`, {
          section: btfSectionName,
        });
    }
  }

  #keyword(id: TypeId): string {
    const kind = this.#btf.kind(id);
    if (kind === K.BTF_KIND_FWD) return this.#btf.kindFlag(id) ? "union" : "struct";
    if (kind === K.BTF_KIND_STRUCT) return "struct";
    return kind === K.BTF_KIND_UNION ? "union" : "enum";
  }

  #leadingQualifiers(chain: TypeId[]): void {
    for (let id = chain.at(-1); id !== undefined; id = chain.at(-1)) {
      const kind = this.#btf.kind(id);
      if (!isQualifier(kind)) return;
      chain.pop();
      this.put(`${qualifierText(kind)} `);
    }
  }

  #dropQualifiers(chain: TypeId[]): void {
    for (let id = chain.at(-1); id !== undefined; id = chain.at(-1)) {
      const kind = this.#btf.kind(id);
      if (!isQualifier(kind) && !isTag(kind)) return;
      chain.pop();
    }
  }

  #name(name: string, isAfterStar: boolean): void {
    this.put(name === "" || isAfterStar ? name : ` ${name}`);
  }

  #pad(from: number, to: number, nextAlignment: number, isBetweenBitfields: boolean, level: number): void {
    if (from >= to) return;
    const gap = { from, to, nextAlignment, isBetweenBitfields };
    for (const field of paddingFields(gap, this.#sizes.pointerByteSize))
      this.put(`\n${indent(level)}${field};`);
  }

  #enter(id: TypeId): void {
    if (++this.#depth > maximumDepth)
      throw limit(`type ${id} lies more than ${maximumDepth} definitions deep`);
  }
}

function isQualifier(kind: number): boolean {
  return kind === K.BTF_KIND_CONST || kind === K.BTF_KIND_VOLATILE || kind === K.BTF_KIND_RESTRICT;
}

function isTag(kind: number): boolean {
  return kind === K.BTF_KIND_TYPE_TAG;
}

function qualifierText(kind: number): string {
  if (kind === K.BTF_KIND_CONST) return "const";
  return kind === K.BTF_KIND_VOLATILE ? "volatile" : "restrict";
}

function spaced(name: string): string {
  return name === "" ? "" : ` ${name}`;
}

function indent(level: number): string {
  return "\t".repeat(Math.min(level, maximumIndent));
}

function limit(problem: string): LimitError {
  return new LimitError("BTF_C_TEXT", problem, { section: btfSectionName });
}
