import { LimitError } from "../io/index.ts";
import * as K from "./constants.ts";
import { btfSectionName } from "./header.ts";
import { isComposite, isEnum, isModifier } from "./modifiers.ts";
import type { Btf, TypeId } from "./reader.ts";
import { TagNames } from "./tag-names.ts";
import { pointerByteSizeOf, TypeSizes } from "./type-sizes.ts";

/** A symbol of the kernel whose types are exported. */
export interface IsfSymbol {
  name: string;
  address: bigint;
  /** Of a variable whose type is known. */
  type?: TypeId;
  /** What lies there and never changes. */
  constantData?: Uint8Array;
}

export interface IsfOptions {
  symbols: Iterable<IsfSymbol>;
  /** Who made it: version `1.2.3`. */
  producer: { name: string; version: string };
}

const formatVersion = "6.2.0";
const maximumDepth = 128;

/**
 * Types and symbols as Volatility 3's intermediate symbol format has them, JSON, in pieces. Typedefs and
 * qualifiers are seen through. A type without a tag is `unnamed_ID`, the second of a tag `tag___2`; of
 * several symbols of one name the first is taken.
 *
 * Source of the format: Volatility 3's `schema-6.3.0.json`, and what `dwarf2json` writes for Linux.
 * @throws {LimitError} `BTF_DEPTH` for types that refer to each other without end
 */
export function* isfPieces(btf: Btf, options: IsfOptions): Generator<string> {
  const writer = new IsfWriter(btf);
  const metadata = { linux: { symbols: [], types: [] }, producer: options.producer, format: formatVersion };
  yield `{"metadata":${JSON.stringify(metadata)}`;
  yield* section("user_types", writer.userTypes());
  yield* section("enums", writer.enumerations());
  yield* section("symbols", writer.symbols(options.symbols));
  // Last: types above may have asked for one that the BTF does not have.
  yield* section("base_types", writer.baseTypes());
  yield "}\n";
}

function* section(name: string, entries: Iterable<[name: string, json: string]>): Generator<string> {
  yield `,\n"${name}":{`;
  let isFirst = true;
  for (const [key, json] of entries) {
    yield `${isFirst ? "" : ","}\n${JSON.stringify(key)}:${json}`;
    isFirst = false;
  }
  yield "}";
}

class IsfWriter {
  readonly #btf: Btf;
  readonly #sizes: TypeSizes;
  readonly #tags: TagNames;
  readonly #baseTypes = new Map<string, string>();
  /** Names of integer types by size and sign, for enumerations. */
  readonly #enumBases = new Map<string, string>();
  readonly #endian: string;

  constructor(btf: Btf) {
    this.#btf = btf;
    this.#sizes = new TypeSizes(btf, pointerByteSizeOf(btf));
    this.#tags = new TagNames(btf);
    this.#endian = btf.littleEndian ? "little" : "big";
    this.#base("void", 0, "void", false);
    this.#base("pointer", this.#sizes.pointerByteSize, "int", false);
    for (let id = 1; id < btf.typeCount; id++) {
      const kind = btf.kind(id);
      if (kind === K.BTF_KIND_INT) this.#integer(id);
      else if (kind === K.BTF_KIND_FLOAT) this.#base(btf.name(id), btf.sizeOrType(id), "float", true);
    }
  }

  baseTypes(): Iterable<[string, string]> {
    return this.#baseTypes;
  }

  *userTypes(): Generator<[string, string]> {
    const btf = this.#btf;
    for (const [id, name] of this.#tags.entries()) {
      const kind = btf.kind(id);
      if (!isComposite(kind)) continue;
      const fields: string[] = [];
      for (let index = 0, count = btf.vlen(id); index < count; index++) fields.push(this.#field(id, index));
      const what = kind === K.BTF_KIND_STRUCT ? "struct" : "union";
      yield [name, `{"size":${btf.sizeOrType(id)},"fields":{${fields.join(",")}},"kind":"${what}"}`];
    }
  }

  *enumerations(): Generator<[string, string]> {
    const btf = this.#btf;
    for (const [id, name] of this.#tags.entries()) {
      if (!isEnum(btf.kind(id))) continue;
      const constants: string[] = [];
      for (const { name: constant, value } of btf.enumerators(id))
        constants.push(`${JSON.stringify(constant)}:${value}`);
      const base = this.#enumBase(btf.sizeOrType(id), btf.kindFlag(id));
      const size = btf.sizeOrType(id);
      yield [name, `{"size":${size},"base":${JSON.stringify(base)},"constants":{${constants.join(",")}}}`];
    }
  }

  *symbols(symbols: Iterable<IsfSymbol>): Generator<[string, string]> {
    const seen = new Set<string>();
    for (const { name, address, type, constantData } of symbols) {
      if (seen.has(name)) continue;
      seen.add(name);
      const parts = [`"address":${address}`];
      if (type !== undefined) parts.push(`"type":${this.#descriptor(type, 0)}`);
      if (constantData !== undefined) parts.push(`"constant_data":"${base64(constantData)}"`);
      yield [name, `{${parts.join(",")}}`];
    }
  }

  #field(id: TypeId, index: number): string {
    const btf = this.#btf;
    const name = btf.memberName(id, index);
    const type = btf.memberType(id, index);
    const bitOffset = btf.memberBitOffset(id, index);
    const width = btf.memberBitfieldSize(id, index);
    const key = JSON.stringify(name === "" ? `unnamed_field_${index}` : name);
    const mark = name === "" ? ',"anonymous":true' : "";
    if (width === 0)
      return `${key}:{"type":${this.#descriptor(type, 0)},"offset":${Math.floor(bitOffset / 8)}${mark}}`;
    const place = this.#bitfieldPlace(type, bitOffset, width);
    const descriptor = this.#descriptor(type, 0);
    const field = `{"kind":"bitfield","bit_position":${place.position},"bit_length":${width},"type":${descriptor}}`;
    return `${key}:{"type":${field},"offset":${place.byteOffset}${mark}}`;
  }

  /** The storage unit that holds a bitfield, and where in it, from its lowest bit, the field begins. */
  #bitfieldPlace(type: TypeId, bitOffset: number, width: number): { byteOffset: number; position: number } {
    const bits = (this.#sizes.byteSize(type) ?? 1) * 8;
    let start = Math.floor(bitOffset / bits) * bits;
    // A packed one may lie across two units.
    if (bitOffset + width > start + bits) start = Math.floor(bitOffset / 8) * 8;
    const fromStart = bitOffset - start;
    return { byteOffset: start / 8, position: this.#btf.littleEndian ? fromStart : bits - fromStart - width };
  }

  #descriptor(id: TypeId, depth: number): string {
    if (depth > maximumDepth)
      throw new LimitError("BTF_DEPTH", `type ${id} refers on and on`, { section: btfSectionName });
    const btf = this.#btf;
    const kind = btf.kind(id);
    if (isModifier(kind)) return this.#descriptor(btf.sizeOrType(id), depth + 1);
    switch (kind) {
      case K.BTF_KIND_INT:
      case K.BTF_KIND_FLOAT:
        return `{"kind":"base","name":${JSON.stringify(btf.name(id))}}`;
      case K.BTF_KIND_PTR:
        return `{"kind":"pointer","subtype":${this.#descriptor(btf.sizeOrType(id), depth + 1)}}`;
      case K.BTF_KIND_ARRAY: {
        const element = this.#descriptor(btf.arrayElementType(id), depth + 1);
        return `{"kind":"array","subtype":${element},"count":${btf.arrayLength(id)}}`;
      }
      case K.BTF_KIND_FUNC_PROTO:
      case K.BTF_KIND_FUNC:
        return '{"kind":"function"}';
      case K.BTF_KIND_STRUCT:
      case K.BTF_KIND_UNION:
      case K.BTF_KIND_FWD:
      case K.BTF_KIND_ENUM:
      case K.BTF_KIND_ENUM64: {
        const name = this.#tags.name(btf, id);
        if (name !== undefined) return `{"kind":"${this.#keyword(id)}","name":${JSON.stringify(name)}}`;
        if (!isEnum(kind)) break;
        // Declared and nowhere defined, but with a size.
        const base = this.#enumBase(btf.sizeOrType(id), btf.kindFlag(id));
        return `{"kind":"base","name":${JSON.stringify(base)}}`;
      }
    }
    return '{"kind":"base","name":"void"}';
  }

  #keyword(id: TypeId): string {
    const kind = this.#btf.kind(id);
    if (isEnum(kind)) return "enum";
    if (kind === K.BTF_KIND_FWD) return this.#btf.kindFlag(id) ? "union" : "struct";
    return kind === K.BTF_KIND_STRUCT ? "struct" : "union";
  }

  /** An integer type as wide as an enumeration: the first that the BTF has. */
  #enumBase(byteSize: number, isSigned: boolean): string {
    const name = `${isSigned ? "signed" : "unsigned"}_${byteSize}`;
    const known = this.#enumBases.get(name);
    if (known !== undefined) return known;
    this.#base(name, byteSize, "int", isSigned);
    return name;
  }

  #base(name: string, byteSize: number, kind: string, signed: boolean): void {
    if (this.#baseTypes.has(name)) return;
    this.#baseTypes.set(name, JSON.stringify({ size: byteSize, signed, kind, endian: this.#endian }));
  }

  #integer(id: TypeId): void {
    const name = this.#btf.name(id);
    const byteSize = this.#btf.sizeOrType(id);
    const isSigned = (this.#btf.intEncoding(id) & K.BTF_INT_SIGNED) !== 0;
    const kind = this.#intKind(id);
    this.#base(name, byteSize, kind, isSigned);
    const size = `${isSigned ? "signed" : "unsigned"}_${byteSize}`;
    if (kind !== "bool" && !this.#enumBases.has(size)) this.#enumBases.set(size, name);
  }

  #intKind(id: TypeId): string {
    const name = this.#btf.name(id);
    if ((this.#btf.intEncoding(id) & K.BTF_INT_BOOL) !== 0) return "bool";
    return name === "char" || name === "signed char" || name === "unsigned char" ? "char" : "int";
  }
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
