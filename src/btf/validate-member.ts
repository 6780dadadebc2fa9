import * as K from "./constants.ts";
import { isEnum } from "./modifiers.ts";
import type { Btf, TypeId } from "./reader.ts";
import type { TypeProblem } from "./type-problem.ts";

/**
 * Whether a member lies in its struct and may be a bitfield, by its type `type` (modifiers
 * skipped) of `byteSize` bytes. Source: the check_member functions of kernel/bpf/btf.c, v6.1.
 */
export function memberProblem(
  btf: Btf,
  structId: TypeId,
  index: number,
  type: TypeId,
  byteSize: number,
  pointerByteSize: number,
): TypeProblem | undefined {
  const structByteSize = btf.sizeOrType(structId);
  const bitOffset = btf.memberBitOffset(structId, index);
  const bitfieldSize = btf.memberBitfieldSize(structId, index);
  const bad = (rule: string, what: string): TypeProblem => ({
    rule,
    text: `member ${index} '${btf.memberName(structId, index)}' at bit ${bitOffset} ${what}`,
    word: 5 + index * 3,
  });
  const beyond = (): TypeProblem => bad("member-range", `leaves its type of ${structByteSize} bytes`);
  const kind = btf.kind(type);

  if (kind === K.BTF_KIND_INT) {
    let start = bitOffset;
    let bits = btf.intBitSize(type);
    if (btf.kindFlag(structId)) {
      const isWhole = btf.intBitOffset(type) === 0 && [8, 16, 32, 64, 128].includes(bits);
      if (!isWhole) return bad("bitfield-type", "is an integer of odd width beside bitfields");
      if (bitfieldSize === 0 && bitOffset % 8 !== 0) return bad("member-alignment", "is not at a byte");
      if (bitfieldSize > bits) return bad("bitfield-size", `has ${bitfieldSize} bits of ${bits}`);
      if (bitfieldSize !== 0) bits = bitfieldSize;
    } else {
      start += btf.intBitOffset(type);
    }
    const copiedBits = bits + (start % 8);
    if (copiedBits > 128) return bad("bitfield-size", "spans more than 128 bits");
    return Math.floor(start / 8) + Math.ceil(copiedBits / 8) > structByteSize ? beyond() : undefined;
  }

  if (isEnum(kind) && btf.kindFlag(structId)) {
    if (bitfieldSize === 0 && bitOffset % 8 !== 0) return bad("member-alignment", "is not at a byte");
    if (bitfieldSize > 32) return bad("bitfield-size", `has ${bitfieldSize} bits of an enum`);
    // The kernel takes any enum here for 32 bits wide.
    const bits = bitfieldSize === 0 ? 32 : bitfieldSize;
    return Math.ceil((bitOffset + bits) / 8) > structByteSize ? beyond() : undefined;
  }

  if (bitfieldSize !== 0) return bad("bitfield-type", `is a bitfield of kind ${K.kindName(kind)}`);
  if (kind === K.BTF_KIND_FLOAT) {
    const alignment = Math.min(pointerByteSize, byteSize) * 8;
    if (bitOffset % alignment !== 0)
      return bad("member-alignment", `is a float not aligned to ${alignment} bits`);
  } else if (bitOffset % 8 !== 0) {
    return bad("member-alignment", "is not at a byte");
  }
  return Math.floor(bitOffset / 8) + byteSize > structByteSize ? beyond() : undefined;
}
