import { LimitError } from "../../io/index.ts";
import * as K from "../constants.ts";
import { TypeSizes } from "../type-sizes.ts";
import { btfSectionName } from "../header.ts";
import { isEnum, isModifier } from "../modifiers.ts";
import type { Btf, TypeId } from "../reader.ts";

const maximumChain = 128;

/** Where a member lies, and what is left free behind it. */
export interface MemberPlace {
  name: string;
  type: TypeId;
  /** Of the storage unit for a bitfield, from the start of the struct. */
  byteOffset: number;
  byteSize: number;
  bitOffset: number;
  /** 0 for a plain member. */
  bitfieldSize: number;
  /** Within the storage unit, counted as BTF does: on big endian from its highest bit. */
  bitfieldOffset: number;
  /** Asked for in the source, as far as one can tell; 0 when the type's own explains the place. */
  alignment: number;
  /** Free bytes behind it. */
  hole: number;
  /** Free bits behind it. */
  bitHole: number;
}

/** How a struct or union uses its space. */
export interface ClassInfo {
  members: MemberPlace[];
  /** Free bytes and bits before the first member. */
  firstHole: number;
  firstBitHole: number;
  holeCount: number;
  bitHoleCount: number;
  /** Free bytes and bits at the end. */
  padding: number;
  bitPadding: number;
  alignment: number;
}

/** Works out and keeps {@link ClassInfo} for the structs of a BTF. */
export class ClassInfos {
  readonly sizes: TypeSizes;
  readonly #btf: Btf;
  readonly #infos = new Map<TypeId, ClassInfo>();
  readonly #packed = new Map<TypeId, boolean>();
  readonly #natural = new Map<TypeId, number>();

  constructor(btf: Btf, pointerByteSize: number) {
    this.#btf = btf;
    this.sizes = new TypeSizes(btf, pointerByteSize);
  }

  info(id: TypeId): ClassInfo {
    let info = this.#infos.get(id);
    if (info === undefined) {
      info = this.#place(id);
      if (this.#btf.kind(id) === K.BTF_KIND_STRUCT) findHoles(info, this.#btf.sizeOrType(id));
      this.#infos.set(id, info);
    }
    return info;
  }

  /** What is behind typedefs and qualifiers. */
  strip(id: TypeId): TypeId {
    for (let hops = 0; hops < maximumChain; hops++) {
      if (!isModifier(this.#btf.kind(id))) return id;
      id = this.#btf.sizeOrType(id);
    }
    throw new LimitError("BTF_DEPTH", `type ${id} refers on and on`, { section: btfSectionName });
  }

  /**
   * Whether `__attribute__((__packed__))` must have been there. Where a struct stands as a member may
   * tell, for the structs asked about so far: as in pahole, the order of questions matters.
   */
  isPacked(id: TypeId): boolean {
    let packed = this.#packed.get(id);
    if (packed === undefined) {
      packed = this.#inferPacked(id);
      this.#packed.set(id, packed);
    }
    return packed;
  }

  #inferPacked(id: TypeId): boolean {
    const info = this.info(id);
    if (info.padding !== 0 || info.holeCount !== 0) {
      // A struct that stands where it could not by its members' alignment is packed itself.
      for (const member of info.members) {
        const type = this.strip(member.type);
        if (this.#btf.kind(type) !== K.BTF_KIND_STRUCT) continue;
        if (member.byteOffset % this.naturalAlignment(type, 0) !== 0) this.#packed.set(type, true);
      }
      return false;
    }
    let greatest = 1;
    for (const member of info.members) {
      const natural = this.naturalAlignment(this.strip(member.type), 0);
      if (member.byteOffset % natural !== 0) return true;
      greatest = Math.max(greatest, natural);
    }
    return (greatest !== 1 && info.alignment === 1) || this.#btf.sizeOrType(id) % greatest !== 0;
  }

  /** Alignment of a type without modifiers, from its size or its members; at least 1. */
  naturalAlignment(id: TypeId, depth: number): number {
    if (depth > maximumChain)
      throw new LimitError("BTF_DEPTH", `type ${id} lies too deep`, { section: btfSectionName });
    const btf = this.#btf;
    const kind = btf.kind(id);
    if (kind === K.BTF_KIND_PTR) return this.sizes.pointerByteSize;
    if (kind === K.BTF_KIND_INT || kind === K.BTF_KIND_FLOAT || isEnum(kind)) return btf.sizeOrType(id) || 1;
    if (kind === K.BTF_KIND_ARRAY)
      return this.naturalAlignment(this.strip(btf.arrayElementType(id)), depth + 1);
    if (kind !== K.BTF_KIND_STRUCT && kind !== K.BTF_KIND_UNION) return 1;
    let greatest = this.#natural.get(id);
    if (greatest === undefined) {
      greatest = 1;
      for (let index = 0, count = btf.vlen(id); index < count; index++) {
        const type = this.strip(btf.memberType(id, index));
        greatest = Math.max(greatest, this.naturalAlignment(type, depth + 1));
      }
      this.#natural.set(id, greatest);
    }
    return greatest;
  }

  #place(id: TypeId): ClassInfo {
    const btf = this.#btf;
    const isStruct = btf.kind(id) === K.BTF_KIND_STRUCT;
    const members: MemberPlace[] = [];
    let end = 0;
    for (let index = 0, count = btf.vlen(id); index < count; index++) {
      const type = btf.memberType(id, index);
      const bare = this.strip(type);
      const bareKind = btf.kind(bare);
      const byteSize = this.sizes.byteSize(bare) ?? 0;
      const bitOffset = btf.memberBitOffset(id, index);
      const bitfieldSize = btf.memberBitfieldSize(id, index);
      let byteOffset = Math.floor(bitOffset / 8);
      let bitfieldOffset = 0;
      const isScalar = bareKind === K.BTF_KIND_INT || bareKind === K.BTF_KIND_FLOAT || isEnum(bareKind);
      if (bitfieldSize !== 0 && isScalar && byteSize !== 0) {
        byteOffset = Math.floor(bitOffset / (byteSize * 8)) * byteSize;
        bitfieldOffset = bitOffset - byteOffset * 8;
      }
      const alignment = isStruct ? inferAlignment(byteOffset, this.naturalAlignment(bare, 0), end) : 0;
      members.push({
        name: btf.memberName(id, index),
        type,
        byteOffset,
        byteSize,
        bitOffset,
        bitfieldSize,
        bitfieldOffset,
        alignment,
        hole: 0,
        bitHole: 0,
      });
      // What takes no place, as markers of cache lines do, explains none.
      if (byteSize !== 0) end = byteOffset + byteSize;
    }
    const alignment = isStruct ? inferAlignment(btf.sizeOrType(id), this.naturalAlignment(id, 0), end) : 0;
    return { ...noHoles, members, alignment };
  }
}

export const cacheLineByteSize = 64;

/** The smallest power of two that explains why something begins (or ends) behind `end`; 0 for none. */
function inferAlignment(offset: number, natural: number, end: number): number {
  const distance = (offset - end) >>> 0;
  let alignment = 0;
  // Kept in 16 bits where it is recorded.
  if (distance !== 0 && offset % 2 === 0) alignment = (2 ** (32 - Math.clz32(distance))) & 0xffff;
  if (alignment <= natural || alignment === 1) return 0;
  if (
    alignment < cacheLineByteSize &&
    cacheLineByteSize % alignment === 0 &&
    offset % cacheLineByteSize === 0
  )
    return cacheLineByteSize;
  return alignment;
}

/** What is not known of a struct before {@link findHoles}. */
export const noHoles: Omit<ClassInfo, "alignment" | "members"> = {
  firstHole: 0,
  firstBitHole: 0,
  holeCount: 0,
  bitHoleCount: 0,
  padding: 0,
  bitPadding: 0,
};

/** Fill in holes and padding of a struct that has {@link noHoles} so far, and whose members have none. */
export function findHoles(info: ClassInfo, byteSize: number): void {
  let fieldEnd = byteSize * 8;
  let fieldBits = 0;
  let seen = 0;
  let isInBitfield = false;
  let last: MemberPlace | undefined;
  for (const member of info.members) {
    const start = member.bitOffset;
    const end = start + (member.bitfieldSize === 0 ? member.byteSize * 8 : member.bitfieldSize);
    let bitHole = 0;
    let hole = 0;
    if (isInBitfield) {
      const until = Math.min(start, fieldEnd);
      bitHole = until - seen;
      seen = until;
    }
    if (member.bitfieldSize === 0) {
      hole = Math.floor(start / 8) - Math.floor(seen / 8);
    } else {
      const unitStart = member.byteOffset * 8;
      if (seen < unitStart && unitStart <= start) {
        hole = member.byteOffset - Math.floor(seen / 8);
        seen = unitStart;
      }
      bitHole += start - seen;
    }
    seen = end;
    if (member.bitfieldSize === 0) {
      isInBitfield = false;
      fieldBits = 0;
      fieldEnd = end;
    } else {
      isInBitfield = true;
      const bits = member.byteSize * 8;
      if (end > fieldEnd || bits > fieldBits) {
        fieldBits = bits;
        fieldEnd = member.byteOffset * 8 + bits;
      }
    }
    if (last === undefined) {
      info.firstHole = hole;
      info.firstBitHole = bitHole;
    } else {
      last.hole = hole;
      last.bitHole = bitHole;
    }
    if (bitHole !== 0) info.bitHoleCount++;
    if (hole !== 0) info.holeCount++;
    last = member;
  }
  if (isInBitfield) {
    const until = Math.min(byteSize * 8, fieldEnd);
    info.bitPadding = until - seen;
    seen = until;
  }
  info.padding = byteSize - Math.floor(seen / 8);
}
