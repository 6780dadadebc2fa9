import type { Access, Effect, Instruction, Machine } from "./instruction.ts";

/** arm64 (Arm Architecture Reference Manual, C4.1: loads and stores, data processing, branches). */
export const arm64Machine: Machine = {
  decode: decodeArm64,
  arguments: numbered(0, 7),
  result: "x0",
  callClobbered: [...numbered(0, 18), "x30"],
};

function numbered(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, index) => `x${first + index}`);
}

const none: Effect = { kind: "none" };

/** A register's name; 31 is the stack pointer as a base. */
function register(number: number): string {
  return number === 31 ? "sp" : `x${number}`;
}

function clobber(...numbers: number[]): Effect {
  return { kind: "clobber", registers: numbers.map(register) };
}

function signed(value: number, bits: number): number {
  return (value << (32 - bits)) >> (32 - bits);
}

/** Decode one instruction. What is not known to keep its first register counts as changing it. */
export function decodeArm64(code: Uint8Array, position: number, address: bigint): Instruction | undefined {
  if (position + 4 > code.length) return undefined;
  const word = new DataView(code.buffer, code.byteOffset + position, 4).getUint32(0, true);
  const branch = branchEffect(word, address);
  if (branch !== undefined) return { byteSize: 4, effect: branch, access: undefined };
  // Bit 27 set and bit 25 clear: loads and stores.
  if ((word & 0x0a00_0000) === 0x0800_0000) return { byteSize: 4, ...memoryAccess(word) };
  return { byteSize: 4, effect: dataEffect(word), access: undefined };
}

function branchEffect(word: number, address: bigint): Effect | undefined {
  const to = (offset: number): bigint => BigInt.asUintN(64, address + BigInt(offset) * 4n);
  const top = word >>> 26;
  if (top === 0b000101)
    return { kind: "jump", target: to(signed(word & 0x3ff_ffff, 26)), isConditional: false };
  if (top === 0b100101) return { kind: "call", target: to(signed(word & 0x3ff_ffff, 26)) };
  const isConditional = true;
  // B.cond, CBZ and CBNZ: 19 bits; TBZ and TBNZ: 14.
  if (word >>> 24 === 0x54 || ((word >>> 25) & 0x3f) === 0x1a) {
    return { kind: "jump", target: to(signed((word >>> 5) & 0x7_ffff, 19)), isConditional };
  }
  if (((word >>> 25) & 0x3f) === 0x1b) {
    return { kind: "jump", target: to(signed((word >>> 5) & 0x3fff, 14)), isConditional };
  }
  if (word >>> 25 === 0b1101011) {
    const operation = (word >>> 21) & 7;
    if (operation === 1) return { kind: "call", target: undefined };
    if (operation === 0) return { kind: "jump", target: undefined, isConditional: false };
    return { kind: "return" };
  }
  // MRS Xt, SP_EL0: the kernel keeps the running task there.
  if ((word & 0xffff_ffe0) >>> 0 === 0xd538_4100) return { kind: "current", to: register(word & 31) };
  // Other system instructions, hints and barriers; exceptions.
  if (word >>> 24 === 0xd5) return ((word >>> 21) & 1) === 1 ? clobber(word & 31) : none;
  return word >>> 24 === 0xd4 ? none : undefined;
}

function memoryAccess(word: number): Pick<Instruction, "effect" | "access" | "alsoClobbers"> {
  const base = (word >>> 5) & 31;
  const target = word & 31;
  const isVector = ((word >>> 26) & 1) === 1;
  const isLoad = ((word >>> 22) & 3) !== 0;
  const size = word >>> 30;
  const group = (word >>> 28) & 3;
  const at = (offset: number, hasIndex = false): Access => ({ base: register(base), offset, hasIndex });
  const result = (access: Access, isFull: boolean): Pick<Instruction, "effect" | "access"> => {
    if (isVector || !isLoad) return { effect: none, access };
    const effect: Effect =
      isFull && !access.hasIndex && target !== 31
        ? { kind: "load", to: register(target), base: access.base, offset: access.offset }
        : clobber(target);
    return { effect, access };
  };
  // LDR of a literal.
  if (group === 1 && ((word >>> 24) & 1) === 0)
    return { effect: isVector ? none : clobber(target), access: undefined };
  if (group === 2) {
    // Pairs: 7 bits, scaled; X registers with opc 2.
    const scale = isVector ? 2 + size : size === 2 ? 3 : 2;
    const mode = (word >>> 23) & 3;
    const offset = mode === 1 ? 0 : signed((word >>> 15) & 0x7f, 7) << scale;
    const effect = !isVector && ((word >>> 22) & 1) === 1 ? clobber(target, (word >>> 10) & 31) : none;
    return { effect, access: at(offset), ...((mode & 1) === 1 && { alsoClobbers: [register(base)] }) };
  }
  if (group === 0) {
    // Exclusive and ordered: no offset; bit 22 loads. The status register of a store is 20:16.
    const loads = ((word >>> 22) & 1) === 1;
    if (!loads) return { effect: clobber((word >>> 16) & 31), access: at(0) };
    if (((word >>> 21) & 1) === 1)
      return { effect: clobber(target, (word >>> 10) & 31, (word >>> 16) & 31), access: at(0) };
    const effect: Effect =
      size === 3 && target !== 31
        ? { kind: "load", to: register(target), base: register(base), offset: 0 }
        : clobber(target);
    return { effect, access: at(0) };
  }
  const isFull = size === 3 && ((word >>> 22) & 3) === 1;
  if (((word >>> 24) & 1) === 1) return result(at(((word >>> 10) & 0xfff) << size), isFull);
  if (((word >>> 21) & 1) === 1) {
    // A register as offset, or an atomic operation, whose old value is loaded.
    if (((word >>> 10) & 3) === 2) return result(at(0, true), false);
    return { effect: clobber(target), access: at(0) };
  }
  const mode = (word >>> 10) & 3;
  const offset = signed((word >>> 12) & 0x1ff, 9);
  // Behind the access the base moves (1), or before it (3).
  const found = result(at(mode === 1 ? 0 : offset), isFull);
  return (mode & 1) === 1 ? { ...found, alsoClobbers: [register(base)] } : found;
}

function dataEffect(word: number): Effect {
  const to = word & 31;
  const from = (word >>> 5) & 31;
  // ADD and SUB of an immediate, without flags; MOV to or from SP is one.
  const isAdd = (word & 0xff80_0000) >>> 0 === 0x9100_0000;
  if (isAdd || (word & 0xff80_0000) >>> 0 === 0xd100_0000) {
    const immediate = ((word >>> 10) & 0xfff) << (((word >>> 22) & 1) * 12);
    return { kind: "add", to: register(to), base: register(from), offset: isAdd ? immediate : -immediate };
  }
  // MOV is ORR with the zero register.
  if ((word & 0xffe0_ffe0) >>> 0 === 0xaa00_03e0) {
    const source = (word >>> 16) & 31;
    return source === 31 ? clobber(to) : { kind: "move", to: register(to), from: register(source) };
  }
  return to === 31 ? none : clobber(to);
}
