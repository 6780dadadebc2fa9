/** Registers that ORC counts from, one numbering for all versions of the format. */
export const ORC_REGISTER_UNDEFINED = 0;
export const ORC_REGISTER_AX = 1;
export const ORC_REGISTER_DX = 2;
export const ORC_REGISTER_SP = 3;
export const ORC_REGISTER_BP = 4;
export const ORC_REGISTER_DI = 5;
export const ORC_REGISTER_R10 = 6;
export const ORC_REGISTER_R13 = 7;
export const ORC_REGISTER_PREV_SP = 8;
export const ORC_REGISTER_SP_INDIRECT = 9;
export const ORC_REGISTER_BP_INDIRECT = 10;
/** A number that no known kernel uses. */
export const ORC_REGISTER_UNKNOWN = 15;

/** What stands at the computed stack address, one numbering for all versions. */
export const ORC_TYPE_UNDEFINED = 0;
export const ORC_TYPE_END_OF_STACK = 1;
export const ORC_TYPE_CALL = 2;
export const ORC_TYPE_REGS = 3;
export const ORC_TYPE_REGS_PARTIAL = 4;

/**
 * How to leave the function at some address: where its caller's stack pointer was and what was saved
 * there. Linux `struct orc_entry` (arch/x86/include/asm/orc_types.h), normalised.
 */
export interface OrcEntry {
  /** `ORC_REGISTER_…` that {@link OrcEntry.spOffset} counts from. */
  readonly spRegister: number;
  readonly spOffset: number;
  /** `ORC_REGISTER_…` by which the caller's frame pointer is found; undefined: it was not saved. */
  readonly bpRegister: number;
  readonly bpOffset: number;
  /** `ORC_TYPE_…`. */
  readonly type: number;
  /** True where the frame above was interrupted rather than called. */
  readonly signal: boolean;
}

/** Bytes of an entry in memory, in every version. */
export const orcEntryByteSize = 6;

/**
 * Versions of the format by content:
 * 1. v4.14: type and `end` bit
 * 2. v6.3 (ffb1b4a41016): `signal` bit beside the `end` bit
 * 3. v6.4 (fb799447ae29): undefined and end of stack are types
 * 4. v7.1: registers numbered anew
 */
export type OrcVersion = 1 | 2 | 3 | 4;

/** Number in memory to `ORC_REGISTER_…`, versions 1 to 3. */
const registersBefore4 = [
  ORC_REGISTER_UNDEFINED,
  ORC_REGISTER_PREV_SP,
  ORC_REGISTER_DX,
  ORC_REGISTER_DI,
  ORC_REGISTER_BP,
  ORC_REGISTER_SP,
  ORC_REGISTER_R10,
  ORC_REGISTER_R13,
  ORC_REGISTER_BP_INDIRECT,
  ORC_REGISTER_SP_INDIRECT,
  ORC_REGISTER_AX,
];

/**
 * Decode an entry of the kernel's table.
 * @param flags the u16 behind the two offsets
 */
export function decodeOrcEntry(
  version: OrcVersion,
  spOffset: number,
  bpOffset: number,
  flags: number,
): OrcEntry {
  const spRegister = registerOf(version, flags & 15);
  const bpRegister = registerOf(version, (flags >> 4) & 15);
  let type: number;
  let signal: boolean;
  if (version >= 3) {
    type = (flags >> 8) & 7;
    signal = ((flags >> 11) & 1) !== 0;
  } else {
    const end = ((flags >> (version === 2 ? 11 : 10)) & 1) !== 0;
    type = ((flags >> 8) & 3) + ORC_TYPE_CALL;
    // Without a bit of its own, an interrupted frame is known by the registers that were pushed.
    signal = version === 2 ? ((flags >> 10) & 1) !== 0 : type !== ORC_TYPE_CALL;
    if (spRegister === ORC_REGISTER_UNDEFINED) type = end ? ORC_TYPE_END_OF_STACK : ORC_TYPE_UNDEFINED;
  }
  return { spRegister, spOffset, bpRegister, bpOffset, type, signal };
}

function registerOf(version: OrcVersion, number: number): number {
  if (version < 4) return registersBefore4[number] ?? ORC_REGISTER_UNKNOWN;
  return number <= ORC_REGISTER_BP_INDIRECT ? number : ORC_REGISTER_UNKNOWN;
}

/** A call through a null pointer: nothing was pushed but the return address. */
export const orcNullEntry: OrcEntry = {
  spRegister: ORC_REGISTER_SP,
  spOffset: 8,
  bpRegister: ORC_REGISTER_UNDEFINED,
  bpOffset: 0,
  type: ORC_TYPE_CALL,
  signal: false,
};

/** Code that keeps a frame pointer, as generated code does: the kernel's `orc_fp_entry`. */
export const orcFramePointerEntry: OrcEntry = {
  spRegister: ORC_REGISTER_BP,
  spOffset: 16,
  bpRegister: ORC_REGISTER_PREV_SP,
  bpOffset: -16,
  type: ORC_TYPE_CALL,
  signal: false,
};
