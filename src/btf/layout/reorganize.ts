import { LimitError } from "../../io/index.ts";
import * as K from "../constants.ts";
import { btfSectionName } from "../header.ts";
import type { Btf, TypeId } from "../reader.ts";
import { type ClassInfo, type ClassInfos, findHoles, type MemberPlace, noHoles } from "./class-info.ts";
import { FlexibleArrays } from "./flexible-array.ts";

/** Of the struct with most members that is worth the time; kernels have hundreds. */
const maximumMembers = 1 << 14;

/** A struct as it would be after one more member has moved into a hole before it. */
export interface ReorganizeStep {
  member: string;
  /** The members that it stood behind, and stands behind now. */
  from: string;
  to: string;
  info: ClassInfo;
  byteSize: number;
}

/**
 * Moves members of a struct into holes before them, one a step. Members are picked as `pahole -R` picks
 * them: for the first hole that has a taker, the next member with a hole of its own that fits, else the
 * last that fits. After each move the whole is laid out anew, as a compiler would, so that it never
 * grows. Members keep alignments that were asked for, as far as those can be told.
 *
 * Bitfields stay, and what is right before one. No step is made in a struct whose size and places alignment does not explain: a packed
 * one, or one with reserved bits, which have no name and are not in BTF.
 *
 * @throws {LimitError} `BTF_DEPTH` for types that contain themselves; `BTF_LAYOUT` for more than 16384 members
 */
export function* reorganize(btf: Btf, id: TypeId, infos: ClassInfos): Generator<ReorganizeStep> {
  if (btf.kind(id) !== K.BTF_KIND_STRUCT) return;
  const info = infos.info(id);
  if (info.holeCount === 0) return;
  if (info.members.length > maximumMembers) {
    const problem = `${info.members.length} members are too many to move`;
    throw new LimitError("BTF_LAYOUT", problem, { section: btfSectionName });
  }
  const alignments = new TypeAlignments(btf, infos);
  const flexible = new FlexibleArrays(btf, infos);
  const members = info.members.map((member): Placed => {
    const type = infos.strip(member.type);
    const isOpen =
      btf.kind(type) === K.BTF_KIND_STRUCT && (flexible.isFlexible(type) || flexible.embeds(type));
    return {
      ...member,
      unit: alignments.ofMember(member),
      isMovable: member.byteSize > 0 && member.bitfieldSize === 0 && !isOpen,
    };
  });
  const unit = members.reduce((most, member) => Math.max(most, member.unit), info.alignment || 1);
  const byteSize = placeMembers(members, unit);
  if (byteSize !== btf.sizeOrType(id)) return;
  if (members.some((member, index) => member.bitOffset !== info.members[index]!.bitOffset)) return;

  // What has no taker gets none by later moves: they leave what is before them as it is.
  for (let hole = 0; hole < members.length - 1;) {
    const from = findTaker(members, hole);
    if (from === undefined) {
      hole++;
      continue;
    }
    const step = { member: members[from]!.name, from: members[from - 1]!.name, to: members[hole]!.name };
    members.splice(hole + 1, 0, ...members.splice(from, 1));
    const size = placeMembers(members, unit);
    const places = members.map((member) => ({ ...member, hole: 0, bitHole: 0 }));
    const moved: ClassInfo = { ...info, ...noHoles, members: places };
    findHoles(moved, size);
    yield { ...step, info: moved, byteSize: size };
  }
}

interface Placed extends MemberPlace {
  /** Bytes that its offset is a multiple of. */
  unit: number;
  /** Whether it may stand before others. */
  isMovable: boolean;
}

/**
 * Gives each member the first place behind the one before it, as the ABIs of Linux do (System V psABI of x86-64,
 * 3.1.2, AAPCS64 10.1.8: a bitfield does not straddle units of its type); returns the size of the struct.
 */
function placeMembers(members: Placed[], unit: number): number {
  let endBit = 0;
  for (const member of members) {
    const { byteSize, bitfieldSize } = member;
    if (bitfieldSize === 0) {
      member.byteOffset = roundUp(Math.ceil(endBit / 8), member.unit);
      member.bitOffset = 8 * member.byteOffset;
      endBit = member.bitOffset + 8 * byteSize;
    } else {
      const unitBits = 8 * byteSize;
      const isWithin = (endBit % unitBits) + bitfieldSize <= unitBits;
      member.bitOffset = isWithin ? endBit : roundUp(endBit, unitBits);
      member.byteOffset = Math.floor(member.bitOffset / unitBits) * byteSize;
      member.bitfieldOffset = member.bitOffset - 8 * member.byteOffset;
      endBit = member.bitOffset + bitfieldSize;
    }
  }
  return roundUp(Math.ceil(endBit / 8), unit);
}

/** Index of the member to put behind that at `hole`; undefined where none fits. */
function findTaker(members: readonly Placed[], hole: number): number | undefined {
  const start = endOf(members[hole]!);
  const end = startOf(members[hole + 1]!);
  if (start >= end) return undefined;
  let last: number | undefined;
  for (let index = hole + 2; index < members.length; index++) {
    const member = members[index]!;
    const next = members[index + 1];
    if (!member.isMovable || (next?.bitfieldSize ?? 0) !== 0) continue;
    if (roundUp(start, member.unit) + member.byteSize > end) continue;
    last = index;
    if (next !== undefined && startOf(next) > endOf(member)) break;
  }
  return last;
}

/** The byte that a member begins in. */
function startOf({ bitOffset }: MemberPlace): number {
  return Math.floor(bitOffset / 8);
}

/** The first byte behind a member. */
function endOf({ bitOffset, bitfieldSize, byteSize }: MemberPlace): number {
  return Math.ceil((bitOffset + (bitfieldSize || 8 * byteSize)) / 8);
}

/** Alignments of types: what their members need, or was asked for, as far as holes and sizes tell. */
class TypeAlignments {
  readonly #btf: Btf;
  readonly #infos: ClassInfos;
  readonly #known = new Map<TypeId, number>();

  constructor(btf: Btf, infos: ClassInfos) {
    this.#btf = btf;
    this.#infos = infos;
  }

  /** Less than its type's where a member stands at a place that only a packed struct could be at. */
  ofMember(member: MemberPlace): number {
    let unit = Math.max(this.#ofType(member.type), member.alignment);
    while (member.byteOffset % unit !== 0) unit = Math.max(1, unit >> 1);
    return unit;
  }

  #ofType(id: TypeId): number {
    const type = this.#infos.strip(id);
    // Throws for types that contain themselves.
    let unit = this.#known.get(type) ?? this.#infos.naturalAlignment(type, 0);
    if (this.#known.has(type)) return unit;
    const kind = this.#btf.kind(type);
    if (kind === K.BTF_KIND_ARRAY) return this.#ofType(this.#btf.arrayElementType(type));
    if (kind === K.BTF_KIND_STRUCT || kind === K.BTF_KIND_UNION) {
      const info = this.#infos.info(type);
      unit = Math.max(unit, info.alignment, ...info.members.map((member) => this.ofMember(member)));
    }
    this.#known.set(type, unit);
    return unit;
  }
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
