import { FormatError, LimitError } from "../../io/index.ts";
import { ByteText } from "../byte-text.ts";
import * as K from "../constants.ts";
import { btfSectionName } from "../header.ts";
import type { Btf, StringOffset, TypeId } from "../reader.ts";
import type { NameIds } from "../name-ids.ts";
import { UniqueNames } from "./names.ts";
import { paddingFields } from "./padding.ts";
import type { TypeSizes } from "../type-sizes.ts";

/** Longest text of one definition, in bytes; types can be made that would need terabytes. */
const maximumByteSize = 1 << 26;
const maximumDepth = 64;
const maximumChain = 256;
/** Deeper nesting is not indented any further. */
const maximumIndent = 13;
const indents: readonly string[] = Array.from({ length: maximumIndent + 1 }, (_, level) =>
  "\t".repeat(level),
);

/** What a declaration declares: the name at a string offset; a typedef, as its id below zero; or nothing. */
type Declared = number;
const nameless: Declared = 0;

/**
 * Spells types in C as bpftool does: declarators with every space in its place, definitions with the
 * padding that makes a compiler lay them out as they were.
 */
export class CText {
  /** Where everything is written; flushed now and then by who owns this. */
  readonly out: ByteText = new ByteText();
  readonly #names: UniqueNames;
  readonly #btf: Btf;
  readonly #sizes: TypeSizes;
  #depth = 0;

  constructor(btf: Btf, sizes: TypeSizes, names: NameIds) {
    this.#btf = btf;
    this.#sizes = sizes;
    this.#names = new UniqueNames(btf, names);
  }

  put(text: string): void {
    this.out.put(text);
  }

  /**
   * A declaration of a name as a type, without semicolon; unnamed types are defined in place.
   * @throws {LimitError} `BTF_C_TEXT` for what has no end
   */
  declaration(id: TypeId, name: StringOffset, level: number): void {
    this.#declare(id, this.#isEmpty(name) ? nameless : name, level);
  }

  #declare(id: TypeId, name: Declared, level: number): void {
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
    this.#tag(isStruct ? "struct" : "union", id);
    this.put(" {");
    let at = 0;
    let isAfterBitfield = false;
    for (let index = 0; index < count; index++) {
      const type = btf.memberType(id, index);
      const width = btf.memberBitfieldSize(id, index);
      const bitOffset = btf.memberBitOffset(id, index);
      const nextAlignment = isPacked ? 1 : this.#sizes.alignment(type);
      this.#pad(at, bitOffset, nextAlignment, isAfterBitfield && width !== 0, level + 1);
      this.#line(level + 1);
      this.declaration(type, btf.memberNameOffset(id, index), level + 1);
      isAfterBitfield = width !== 0;
      if (isAfterBitfield) {
        this.put(": ");
        this.out.putNumber(width);
      }
      this.put(";");
      at = bitOffset + (isAfterBitfield ? width : (this.#sizes.byteSize(type) ?? 0) * 8);
    }
    const byteSize = btf.sizeOrType(id);
    if (isStruct) this.#pad(at, byteSize * 8, isPacked ? 1 : this.#sizes.alignment(id), false, level + 1);
    if (count > 0 || byteSize > 0) this.#line(level);
    this.put("}");
    if (isPacked) this.put(" __attribute__((packed))");
    this.#depth--;
  }

  /** `enum NAME { … }` with what makes it as wide as it is. */
  enumeration(id: TypeId, level: number): void {
    const btf = this.#btf;
    this.#tag("enum", id);
    const count = btf.vlen(id);
    if (count === 0) return;
    this.put(" {");
    const isWide = btf.kind(id) === K.BTF_KIND_ENUM64;
    const isSigned = btf.kindFlag(id);
    let hasHighBits = false;
    for (let index = 0; index < count; index++) {
      this.#line(level + 1);
      this.#names.putEnumerator(this.out, btf.enumeratorNameOffset(id, index));
      this.put(" = ");
      if (isWide) {
        this.put(`${btf.enumeratorValue(id, index)}${isSigned ? "LL" : "ULL"}`);
        if (btf.word(id, 5 + index * 3) !== 0) hasHighBits = true;
      } else {
        const value = btf.word(id, 4 + index * 2);
        if (isSigned) this.out.putSigned(value);
        else this.out.putNumber(value);
      }
      this.put(",");
    }
    this.#line(level);
    this.put("}");
    const byteSize = btf.sizeOrType(id);
    if (byteSize === 1) this.put(" __attribute__((mode(byte)))");
    if (byteSize === 8 && this.#sizes.pointerByteSize === 8 && !hasHighBits)
      this.put(" __attribute__((mode(word)))");
  }

  /** `typedef … NAME` */
  typedef(id: TypeId, level: number): void {
    const target = this.#btf.sizeOrType(id);
    this.put("typedef ");
    // Compilers know this one; in BTF it is a name for void.
    const isBuiltin = target === 0 && this.#btf.name(id) === "__gnuc_va_list";
    if (isBuiltin && this.#names.typedefUse(id) === 1) this.put("__builtin_va_list __gnuc_va_list");
    else this.#declare(target, this.#isEmpty(this.#btf.nameOffset(id)) ? nameless : -id, level);
  }

  /** `struct NAME` */
  tagged(id: TypeId): void {
    this.#tag(this.#keyword(id), id);
  }

  /** Write a chain from its innermost type outwards; `chain` is used up. */
  #unwind(chain: TypeId[], name: Declared, level: number): void {
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
          this.put(" ");
          this.put(qualifierText(kind));
          break;
        case K.BTF_KIND_TYPE_TAG: {
          this.#leadingQualifiers(chain);
          this.put(btf.kindFlag(id) ? " __attribute__((" : ' __attribute__((btf_type_tag("');
          this.out.putName(btf, btf.nameOffset(id));
          this.put(btf.kindFlag(id) ? "))" : '")))');
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

  #array(id: TypeId, chain: TypeId[], name: Declared, isAfterStar: boolean, level: number): void {
    // Qualifiers of an array are its element's, written there.
    this.#dropQualifiers(chain);
    if (chain.length === 0) {
      this.#name(name, isAfterStar);
    } else {
      if (name !== nameless && !isAfterStar) this.put(" ");
      const isDimension = this.#btf.kind(chain.at(-1)!) === K.BTF_KIND_ARRAY;
      if (!isDimension) this.put("(");
      this.#unwind(chain, name, level);
      if (!isDimension) this.put(")");
    }
    this.put("[");
    this.out.putNumber(this.#btf.arrayLength(id));
    this.put("]");
  }

  #function(id: TypeId, chain: TypeId[], name: Declared, isAfterStar: boolean, level: number): void {
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
      else this.declaration(type, btf.parameterNameOffset(id, index), level);
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
        this.out.putName(btf, btf.nameOffset(id));
        break;
      case K.BTF_KIND_TYPEDEF:
        this.#names.putTypedef(this.out, id);
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
      this.put(qualifierText(kind));
      this.put(" ");
    }
  }

  #dropQualifiers(chain: TypeId[]): void {
    for (let id = chain.at(-1); id !== undefined; id = chain.at(-1)) {
      const kind = this.#btf.kind(id);
      if (!isQualifier(kind) && !isTag(kind)) return;
      chain.pop();
    }
  }

  #name(name: Declared, isAfterStar: boolean): void {
    if (name === nameless) return;
    if (!isAfterStar) this.put(" ");
    if (name > 0) this.out.putName(this.#btf, name);
    else this.#names.putTypedef(this.out, -name);
  }

  /** A keyword, and the tag if there is one. */
  #tag(keyword: string, id: TypeId): void {
    this.put(keyword);
    if (this.#isEmpty(this.#btf.nameOffset(id))) return;
    this.put(" ");
    this.#names.putTag(this.out, id);
  }

  #isEmpty(name: StringOffset): boolean {
    if (name === 0) return true;
    const owner = this.#btf.stringOwner(name);
    return owner.stringsBytes[name - owner.startStringOffset] === 0;
  }

  /** Begin a line. */
  #line(level: number): void {
    if (this.out.byteSize > maximumByteSize) throw limit(`text of more than ${maximumByteSize} bytes`);
    this.put("\n");
    this.put(indents[Math.min(level, maximumIndent)]!);
  }

  #pad(from: number, to: number, nextAlignment: number, isBetweenBitfields: boolean, level: number): void {
    if (from >= to) return;
    const gap = { from, to, nextAlignment, isBetweenBitfields };
    for (const field of paddingFields(gap, this.#sizes.pointerByteSize)) {
      this.#line(level);
      this.put(field);
      this.put(";");
    }
  }

  #enter(id: TypeId): void {
    if (this.out.byteSize > maximumByteSize) throw limit(`text of more than ${maximumByteSize} bytes`);
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

function limit(problem: string): LimitError {
  return new LimitError("BTF_C_TEXT", problem, { section: btfSectionName });
}
