import { LimitError } from "../../io/index.ts";
import { pointerByteSizeOf } from "../type-sizes.ts";
import * as K from "../constants.ts";
import { btfSectionName } from "../header.ts";
import { isComposite, isEnum } from "../modifiers.ts";
import type { Btf, TypeId } from "../reader.ts";
import { cacheLineByteSize, type ClassInfo, ClassInfos, type MemberPlace } from "./class-info.ts";
import { FlexibleArrays } from "./flexible-array.ts";
import { statisticsText, Tally } from "./statistics.ts";
import { functionText, padded, typeText } from "./type-text.ts";

const maximumDepth = 32;
const maximumLength = 1 << 22;
/** Of all structs together; expanded, each may hold all others. */
const maximumTotal = 1 << 28;
/** Columns of a member's type and of its name, in a struct that is not within another. */
const typeColumns = 26;
const structNameColumns = 23;
const unionNameColumns = 21;
/** Of a name where everything is expanded. */
const expandedNameColumns = 55;

/** Every named struct and union of the BTF itself, one text each; see {@link distinctStructs}. */
export function* layouts(btf: Btf, options: LayoutOptions = {}): Generator<string> {
  const printer = new LayoutPrinter(btf, options);
  for (const id of distinctStructs(btf, printer.infos)) yield printer.print(id);
}

/**
 * The named structs and unions of the BTF itself, in the order of ids. Of several with one name, size,
 * count of members and of holes only the first is given, as in pahole.
 */
export function* distinctStructs(btf: Btf, infos: ClassInfos): Generator<TypeId> {
  const seen = new Set<string>();
  for (let id = btf.startId; id < btf.typeCount; id++) {
    const kind = btf.kind(id);
    if ((kind !== K.BTF_KIND_STRUCT && kind !== K.BTF_KIND_UNION) || btf.nameOffset(id) === 0) continue;
    const { padding, holeCount, bitHoleCount } = infos.info(id);
    const shape = [kind, btf.sizeOrType(id), btf.vlen(id), padding, holeCount, bitHoleCount];
    const key = `${shape.join(" ")} ${btf.name(id)}`;
    if (seen.has(key)) continue;
    seen.add(key);
    yield id;
  }
}

export interface LayoutOptions {
  /** Bytes of a pointer; that of `long` by default. */
  pointerByteSize?: number;
  /** Print what is behind typedefs, and structs within structs where they stand, as `pahole -E`. */
  expand?: boolean;
}

/** What holds for the struct being printed, and what is within it. */
interface Frame {
  level: number;
  typeColumns: number;
  nameColumns: number;
  /** Where it lies in the outermost one. */
  baseOffset: number;
  /** Behind a pointer, where each struct within counts from its own start. */
  isPointedTo: boolean;
  withStatistics: boolean;
  /** Behind `const`, a struct within has statistics too. */
  isQualified: boolean;
  /** In a union no array is flexible. */
  isInUnion: boolean;
  /** Name behind the definition of a struct, where that is no part of its member's line. */
  suffix: string;
}

/** Where the members of a struct are, and where it ends. */
export interface StructShape {
  info: ClassInfo;
  byteSize: number;
}

/** How pahole begins a remark on what could be packed: part of the text that must equal its own. */
const attention = "XXX";

/** Prints structs and unions with their offsets, sizes, holes and cache lines, as pahole 1.32 does. */
export class LayoutPrinter {
  readonly infos: ClassInfos;
  readonly #btf: Btf;
  readonly #flexible: FlexibleArrays;
  readonly #expand: boolean;
  #text = "";
  /** Characters of all structs so far. */
  #written = 0;
  #cacheLine = 0;

  constructor(btf: Btf, options: LayoutOptions = {}) {
    this.#btf = btf;
    this.infos = new ClassInfos(btf, options.pointerByteSize ?? pointerByteSizeOf(btf));
    this.#flexible = new FlexibleArrays(btf, this.infos);
    this.#expand = options.expand ?? false;
  }

  /**
   * The definition of a struct or union, with a line end; of a struct that has other places for its members
   * with those.
   * @throws {LimitError} `BTF_DEPTH` for one that contains itself
   */
  print(id: TypeId, shape?: StructShape): string {
    this.#text = "";
    this.#cacheLine = 0;
    const isStruct = this.#btf.kind(id) === K.BTF_KIND_STRUCT;
    const frame: Frame = {
      level: 0,
      typeColumns,
      nameColumns: this.#expand ? expandedNameColumns : isStruct ? structNameColumns : unionNameColumns,
      baseOffset: 0,
      isPointedTo: false,
      withStatistics: true,
      isQualified: false,
      isInUnion: false,
      suffix: "",
    };
    if (shape === undefined) this.#body(id, frame);
    else this.#struct(id, frame, shape);
    this.#put(";\n");
    this.#written += this.#text.length;
    return this.#text;
  }

  #body(id: TypeId, frame: Frame): void {
    if (frame.level > maximumDepth)
      throw new LimitError("BTF_DEPTH", `type ${id} lies too deep`, { section: btfSectionName });
    if (this.#btf.kind(id) === K.BTF_KIND_STRUCT) this.#struct(id, frame, this.#shape(id));
    else this.#union(id, frame);
  }

  #union(id: TypeId, frame: Frame): void {
    const name = this.#btf.name(id);
    const info = this.infos.info(id);
    const within = { ...frame, level: frame.level + 1, isInUnion: true };
    this.#put(`union${name === "" ? "" : ` ${name}`} {\n`);
    const cacheLine = this.#cacheLine;
    for (const member of info.members) {
      // Each lies over the others, so each begins at the same cache line.
      this.#cacheLine = cacheLine;
      this.#cacheLineMark(member, within);
      this.#put(indent(within.level));
      this.#member(member, false, within);
      this.#put("\n");
    }
    this.#cacheLine = cacheLine;
    this.#put(`${indent(frame.level)}}${frame.suffix}`);
  }

  #shape(id: TypeId): StructShape {
    return { info: this.infos.info(id), byteSize: this.#btf.sizeOrType(id) };
  }

  #struct(id: TypeId, frame: Frame, { info, byteSize }: StructShape): void {
    const btf = this.#btf;
    const name = btf.name(id);
    const isPacked = this.infos.isPacked(id);
    const within = { ...frame, level: frame.level + 1 };
    const lead = indent(within.level);
    const tally = new Tally();
    let needsBlank = false;
    const remark = (text: string): void => {
      if (!needsBlank) this.#put("\n");
      needsBlank = true;
      this.#put(`${lead}/* ${attention} ${text} */\n`);
    };
    const remarkHole = (size: number, unit: "bit" | "byte"): void => {
      if (size > 0) remark(`${counted(size, unit)} hole, try to pack`);
    };
    this.#put(`struct${name === "" ? "" : ` ${name}`} {\n`);
    remarkHole(info.firstBitHole, "bit");
    remarkHole(info.firstHole, "byte");
    tally.addHoles(info.firstHole, info.firstBitHole);

    let last: MemberPlace | undefined;
    /** Where the largest storage unit of the bitfields so far ends. */
    let unitEnd = 0;
    for (const [index, member] of info.members.entries()) {
      if (last !== undefined) needsBlank = this.#betweenBitfields(last, member, unitEnd, within, needsBlank);
      const end = member.bitfieldSize === 0 ? 0 : member.byteOffset + member.byteSize;
      unitEnd = member.byteOffset === last?.byteOffset ? Math.max(unitEnd, end) : end;
      if (needsBlank) this.#put("\n");
      needsBlank = false;
      this.#cacheLineMark(member, within);
      this.#put(lead);
      const isLast = !frame.isInUnion && index > 0 && index === info.members.length - 1;
      this.#member(member, isLast, within);
      this.#put("\n");
      const { type } = member;
      if (btf.kind(type) === K.BTF_KIND_STRUCT) {
        const inner = this.infos.info(type);
        this.infos.isPacked(type);
        const text = this.#remarks(type, inner);
        if (text !== "") remark(`last struct has ${text}`);
        tally.addMemberType(inner);
      }
      remarkHole(member.bitHole, "bit");
      remarkHole(member.hole, "byte");
      tally.addMember(member, last);
      last = member;
    }
    if (frame.withStatistics) {
      const flexible = this.#flexible.membersOf(id);
      const place = { baseOffset: frame.baseOffset, byteSize };
      this.#put(statisticsText(tally, info, place, lead, flexible));
    }
    this.#put(
      `${indent(frame.level)}}${isPacked ? packedText : ""}${frame.suffix}${alignedText(info.alignment)}`,
    );
  }

  /** Says how a bitfield goes on where its storage unit is shared or left. */
  #betweenBitfields(
    last: MemberPlace,
    member: MemberPlace,
    unitEnd: number,
    frame: Frame,
    needsBlank: boolean,
  ): boolean {
    const lead = indent(frame.level);
    const blank = (): void => {
      if (!needsBlank) this.#put("\n");
      needsBlank = true;
    };
    if (member.bitfieldSize !== 0 && last.bitHole > 0) {
      const type = this.#expand ? this.#behindTypedefs(member.type) : member.type;
      const typedefs = type === member.type ? "" : this.#typedefsText(member.type);
      const unnamed = `${lead}${typedefs}${padded(typeText(this.#btf, type), frame.typeColumns)}`;
      if (member.byteOffset > last.byteOffset) {
        blank();
        this.#put(`\n${lead}/* Force alignment to the next boundary: */\n${unnamed} :0;\n`);
      } else {
        this.#put(`${unnamed} :${last.bitHole};\n`);
      }
    }
    if (last.bitfieldSize !== 0 && member.byteOffset > last.byteOffset && member.byteOffset < unitEnd) {
      blank();
      this.#put(`${lead}/* Bitfield combined with next fields */\n`);
    } else if (
      member.bitfieldSize !== 0 &&
      (member.byteOffset < last.byteOffset ||
        (last.bitfieldSize === 0 && member.byteOffset < last.byteOffset + last.byteSize))
    ) {
      blank();
      this.#put(`${lead}/* Bitfield combined with previous fields */\n`);
    }
    return needsBlank;
  }

  #remarks(id: TypeId, info: ClassInfo): string {
    const parts: string[] = [];
    if (this.#flexible.isFlexible(id)) parts.push("a flexible array");
    if (this.#flexible.embeds(id)) parts.push("embedded flexible array(s)");
    if (info.padding > 0) parts.push(`${counted(info.padding, "byte")} of padding`);
    if (info.bitPadding > 0) parts.push(`${counted(info.bitPadding, "bit")} of padding`);
    if (info.holeCount > 0) parts.push(counted(info.holeCount, "hole"));
    if (info.bitHoleCount > 0) parts.push(counted(info.bitHoleCount, "bit hole"));
    return parts.join(", ");
  }

  #cacheLineMark(member: MemberPlace, frame: Frame): void {
    const offset = frame.baseOffset + member.byteOffset;
    const line = Math.floor(offset / cacheLineByteSize);
    if (line <= this.#cacheLine) return;
    this.#cacheLine = line;
    const beyond = offset % cacheLineByteSize;
    const ago = beyond === 0 ? "" : ` was ${counted(beyond, "byte")} ago`;
    this.#put(
      `${indent(frame.level)}/* --- cacheline ${line} boundary (${offset - beyond} bytes)${ago} --- */\n`,
    );
  }

  #member(member: MemberPlace, isLast: boolean, frame: Frame): void {
    const btf = this.#btf;
    const bits = member.bitfieldSize === 0 ? "" : `:${member.bitfieldSize}`;
    const name = `${member.name}${bits}`;
    const { type } = member;
    const aligned = alignedText(member.alignment);
    const start = this.#text.length;
    const kind = btf.kind(type);
    const own = kind === K.BTF_KIND_CONST ? frame : { ...frame, suffix: "" };
    this.#declaration(type, member.name === "" && bits === "" ? "" : name, isLast, member, own);
    const isInline =
      (kind === K.BTF_KIND_STRUCT || kind === K.BTF_KIND_UNION || isEnum(kind)) && btf.nameOffset(type) === 0;
    const place = `${String(frame.baseOffset + member.byteOffset).padStart(5)}`;
    const size =
      member.bitfieldSize === 0 ? String(member.byteSize).padStart(5) : String(member.byteSize).padStart(2);
    const bitPlace = member.bitfieldSize === 0 ? "" : `:${String(member.bitfieldOffset).padStart(2)}`;
    let spacing: number;
    if (isInline) {
      this.#put(`${member.name === "" ? "" : ` ${name}`}${aligned};`);
      const nameLength = member.name === "" ? -1 : member.name.length;
      const isPacked = kind === K.BTF_KIND_STRUCT && this.infos.isPacked(type);
      const attribute = (isPacked ? packedText.length : 0) + aligned.length;
      spacing = Math.abs(frame.typeColumns + frame.nameColumns - nameLength - 3 - attribute);
    } else {
      // A definition has no place for the name within; behind a qualifier pahole forgets it.
      const named = this.#expand ? this.#behindTypedefs(type) : 0;
      if (isDefinition(btf, named) && name !== "") this.#put(` ${name}`);
      this.#put(`${aligned};`);
      spacing = frame.typeColumns + frame.nameColumns - (this.#text.length - start);
    }
    this.#put(`${" ".repeat(Math.max(1, spacing))}/* ${place}${bitPlace} ${size} */`);
  }

  #declaration(
    type: TypeId,
    name: string,
    isLast: boolean,
    member: MemberPlace,
    frame: Frame,
    isBehindQualifier = false,
  ): void {
    const btf = this.#btf;
    if (this.#expand && !isBehindQualifier && btf.kind(type) === K.BTF_KIND_TYPEDEF) {
      this.#put(this.#typedefsText(type));
      type = this.#behindTypedefs(type);
    }
    const kind = btf.kind(type);
    const target = btf.sizeOrType(type);
    switch (kind) {
      case K.BTF_KIND_PTR:
        if (btf.kind(target) === K.BTF_KIND_FUNC_PROTO) {
          this.#put(functionText(btf, target, name, frame.typeColumns, true));
          return;
        }
        if (isUnnamedDefinition(btf, target)) {
          const pointed = { ...frame, typeColumns: frame.typeColumns - 8, isPointedTo: true };
          this.#declaration(target, `* ${name}`, isLast, member, pointed);
          this.#put(` * ${name}`);
          return;
        }
        break;
      case K.BTF_KIND_CONST: {
        const qualifier = "const ";
        this.#put(qualifier);
        const within = { ...frame, typeColumns: frame.typeColumns - qualifier.length, isQualified: true };
        this.#declaration(target, name, isLast, member, within, true);
        return;
      }
      case K.BTF_KIND_ARRAY:
        this.#array(type, name, isLast, member, frame);
        return;
      case K.BTF_KIND_STRUCT:
      case K.BTF_KIND_UNION:
        if (btf.nameOffset(type) === 0 || this.#expand) {
          const isNamed = btf.nameOffset(type) !== 0;
          // Behind const, pahole forgets the name of a struct, or gives it that of a union around it.
          const isNamedAtEnd = isNamed && isBehindQualifier && kind === K.BTF_KIND_UNION;
          this.#body(type, {
            level: frame.level,
            typeColumns: frame.typeColumns - 8,
            nameColumns: frame.nameColumns,
            baseOffset: frame.isPointedTo ? 0 : frame.baseOffset + member.byteOffset,
            isPointedTo: frame.isPointedTo,
            withStatistics: frame.isQualified && frame.withStatistics,
            isQualified: false,
            isInUnion: frame.isInUnion,
            suffix: isNamedAtEnd ? ` ${name}` : frame.suffix,
          });
          return;
        }
        this.#put(
          kind === K.BTF_KIND_STRUCT
            ? `struct ${padded(btf.name(type), frame.typeColumns - 7)} ${name}`
            : `union ${padded(btf.name(type), frame.typeColumns - 6)} ${name}`,
        );
        return;
      case K.BTF_KIND_ENUM:
      case K.BTF_KIND_ENUM64:
        if (btf.nameOffset(type) === 0 || this.#expand) {
          this.#enumeration(type, frame);
          return;
        }
        this.#put(`enum ${padded(btf.name(type), frame.typeColumns - 5)} ${name}`);
        return;
    }
    this.#put(`${padded(typeText(btf, type), frame.typeColumns)} ${name}`);
  }

  #behindTypedefs(type: TypeId): TypeId {
    for (let hops = 0; hops < maximumDepth && this.#btf.kind(type) === K.BTF_KIND_TYPEDEF; hops++)
      type = this.#btf.sizeOrType(type);
    return type;
  }

  /** The typedefs on the way to a type, as a remark. */
  #typedefsText(type: TypeId): string {
    const btf = this.#btf;
    const names: string[] = [];
    for (; btf.kind(type) === K.BTF_KIND_TYPEDEF && names.length < maximumDepth; type = btf.sizeOrType(type))
      names.push(btf.name(type));
    return `/* typedef ${names.join(" -> ")} */ `;
  }

  #array(type: TypeId, name: string, isLast: boolean, member: MemberPlace, frame: Frame): void {
    const btf = this.#btf;
    let dimensions = "";
    let element = type;
    let isEmpty = false;
    for (let depth = 0; btf.kind(element) === K.BTF_KIND_ARRAY && depth < maximumDepth; depth++) {
      const length = btf.arrayLength(element);
      if (depth === 0 && length === 0) isEmpty = true;
      dimensions += length === 0 && isLast ? "[]" : `[${length}]`;
      element = btf.arrayElementType(element);
    }
    if (isEmpty && btf.kind(element) === K.BTF_KIND_CONST) element = btf.sizeOrType(element);
    const isInline =
      isUnnamedDefinition(btf, element) || (this.#expand && isDefinition(btf, this.#behindTypedefs(element)));
    const suffix = isInline ? ` ${name}` : "";
    this.#declaration(element, name, false, member, { ...frame, isQualified: false, suffix });
    this.#put(dimensions);
  }

  #enumeration(id: TypeId, { level, suffix }: Frame): void {
    const btf = this.#btf;
    const lead = indent(level + 1);
    this.#put(`enum${btf.nameOffset(id) === 0 ? "" : ` ${btf.name(id)}`} {\n`);
    let longest = 0;
    for (const { name } of btf.enumerators(id)) longest = Math.max(longest, name.length);
    for (const { name, value } of btf.enumerators(id))
      this.#put(`${lead}${name.padEnd(longest)} = ${value},\n`);
    this.#put(`${indent(level)}}${btf.sizeOrType(id) !== 4 ? packedText : ""}${suffix}`);
  }

  #put(text: string): void {
    this.#text += text;
    if (this.#text.length <= maximumLength && this.#written <= maximumTotal) return;
    const problem = `text of more than ${Math.max(maximumLength, this.#written)} characters`;
    throw new LimitError("BTF_LAYOUT", problem, { section: btfSectionName });
  }
}

const packedText = " __attribute__((__packed__))";

function isDefinition(btf: Btf, id: TypeId): boolean {
  const kind = btf.kind(id);
  return isComposite(kind) || isEnum(kind);
}

function isUnnamedDefinition(btf: Btf, id: TypeId): boolean {
  return isDefinition(btf, id) && btf.nameOffset(id) === 0;
}

function alignedText(alignment: number): string {
  return alignment === 0 ? "" : ` __attribute__((__aligned__(${alignment})))`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function indent(level: number): string {
  return "\t".repeat(level);
}
