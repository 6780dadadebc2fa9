import type { Access, Effect, Instruction, Machine } from "./instruction.ts";

const names = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split(" ");
const longest = 15;

/** x86-64 as the kernel's compilers use it (Intel SDM volume 2, appendix A). */
export const x86Machine: Machine = {
  decode: decodeX86,
  arguments: ["rdi", "rsi", "rdx", "rcx", "r8", "r9"],
  result: "rax",
  callClobbered: ["rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11"],
};

/** Operands of one instruction while it is decoded. */
interface Operands {
  opcode: number;
  /** True for the map of 0F, or 0F 38 and 0F 3A. */
  isExtended: boolean;
  isWide: boolean;
  segment: number;
  /** Register of the reg field. */
  reg: string;
  /** The reg field's three bits. */
  extension: number;
  /** Register of the r/m field; undefined where that is memory. */
  rm: string | undefined;
  access: Access | undefined;
  /** Address without base register: absolute, or from the instruction pointer. */
  absolute: bigint | undefined;
  immediate: number;
  /** Of the next instruction. */
  next: bigint;
}

/**
 * Decode one instruction: its length, the memory it touches, and what it does to registers. What is not
 * known to keep a register counts as changing it.
 */
export function decodeX86(code: Uint8Array, position: number, address: bigint): Instruction | undefined {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  let at = position;
  const end = Math.min(code.length, position + longest);
  let operandSize = false;
  let addressSize = false;
  let segment = 0;
  for (; at < end; at++) {
    const byte = code[at]!;
    if (byte === 0x66) operandSize = true;
    else if (byte === 0x67) addressSize = true;
    else if (byte === 0x64 || byte === 0x65) segment = byte;
    else if (byte !== 0xf0 && byte !== 0xf2 && byte !== 0xf3 && (byte & 0xe7) !== 0x26) break;
  }
  let rex = 0;
  if (at < end && (code[at]! & 0xf0) === 0x40) rex = code[at++]!;
  if (at >= end) return undefined;
  let opcode = code[at++]!;
  let map = 0;
  if (opcode === 0x0f) {
    if (at >= end) return undefined;
    opcode = code[at++]!;
    map = 1;
    if (opcode === 0x38 || opcode === 0x3a) {
      map = opcode === 0x38 ? 2 : 3;
      if (at >= end) return undefined;
      opcode = code[at++]!;
    }
  }
  // VEX and EVEX: no code of the kernel that follows pointers has them.
  if (map === 0 && (opcode === 0xc4 || opcode === 0xc5 || opcode === 0x62)) return undefined;
  const isWide = (rex & 8) !== 0;
  const operands: Operands = {
    opcode,
    isExtended: map !== 0,
    isWide,
    segment,
    reg: "",
    extension: 0,
    rm: undefined,
    access: undefined,
    absolute: undefined,
    immediate: 0,
    next: 0n,
  };
  let relative: number | undefined;
  if (hasModRm(map, opcode)) {
    if (at >= end) return undefined;
    const modRm = code[at++]!;
    const mode = modRm >> 6;
    operands.extension = (modRm >> 3) & 7;
    operands.reg = names[operands.extension | ((rex & 4) << 1)]!;
    const low = modRm & 7;
    if (mode === 3) operands.rm = names[low | ((rex & 1) << 3)]!;
    else {
      let base: string | undefined = names[low | ((rex & 1) << 3)]!;
      let hasIndex = false;
      let displacementSize = mode === 1 ? 1 : mode === 2 ? 4 : 0;
      if (low === 4) {
        if (at >= end) return undefined;
        const sib = code[at++]!;
        hasIndex = (((sib >> 3) & 7) | ((rex & 2) << 2)) !== 4;
        base = names[(sib & 7) | ((rex & 1) << 3)]!;
        if ((sib & 7) === 5 && mode === 0) {
          base = undefined;
          displacementSize = 4;
        }
      } else if (low === 5 && mode === 0) {
        base = undefined;
        displacementSize = 4;
      }
      if (at + displacementSize > end) return undefined;
      const offset =
        displacementSize === 1 ? view.getInt8(at) : displacementSize === 4 ? view.getInt32(at, true) : 0;
      at += displacementSize;
      if (base !== undefined) operands.access = { base, offset, hasIndex };
      else if (low === 5) relative = offset;
      else if (!hasIndex) operands.absolute = BigInt.asUintN(64, BigInt(offset));
    }
  }
  const immediateSize = immediateByteSize(map, opcode, operands.extension, {
    isWide,
    operandSize,
    addressSize,
  });
  if (at + immediateSize > end) return undefined;
  if (immediateSize === 1) operands.immediate = view.getInt8(at);
  else if (immediateSize === 4) operands.immediate = view.getInt32(at, true);
  at += immediateSize;
  operands.next = address + BigInt(at - position);
  if (relative !== undefined) operands.absolute = BigInt.asUintN(64, operands.next + BigInt(relative));
  const low = (opcode & 7) | ((rex & 1) << 3);
  const effect = map <= 1 ? effectOf(operands, low) : clobber(operands.reg, operands.rm);
  // A segment's base is no register that is followed, and lea touches no memory.
  const touches = segment === 0 && !(map === 0 && opcode === 0x8d) && !(map === 1 && opcode === 0x1f);
  return { byteSize: at - position, effect, access: touches ? operands.access : undefined };
}

function hasModRm(map: number, opcode: number): boolean {
  if (map > 1) return true;
  if (map === 1) {
    if (opcode >= 0x80 && opcode <= 0x8f) return false;
    if (opcode >= 0xc8 && opcode <= 0xcf) return false;
    if (opcode >= 0x30 && opcode <= 0x37) return false;
    return ![0x05, 0x06, 0x07, 0x08, 0x09, 0x0b, 0x0e, 0x77, 0xa0, 0xa1, 0xa2, 0xa8, 0xa9, 0xaa].includes(
      opcode,
    );
  }
  if (opcode < 0x40) return (opcode & 7) < 4;
  return (
    opcode === 0x63 ||
    opcode === 0x69 ||
    opcode === 0x6b ||
    (opcode >= 0x80 && opcode <= 0x8f) ||
    opcode === 0xc0 ||
    opcode === 0xc1 ||
    opcode === 0xc6 ||
    opcode === 0xc7 ||
    (opcode >= 0xd0 && opcode <= 0xd3) ||
    (opcode >= 0xd8 && opcode <= 0xdf) ||
    opcode === 0xf6 ||
    opcode === 0xf7 ||
    opcode >= 0xfe
  );
}

interface Sizes {
  isWide: boolean;
  operandSize: boolean;
  addressSize: boolean;
}

function immediateByteSize(map: number, opcode: number, extension: number, sizes: Sizes): number {
  const word = sizes.operandSize && !sizes.isWide ? 2 : 4;
  if (map === 3) return 1;
  if (map === 2) return 0;
  if (map === 1) {
    if (opcode >= 0x80 && opcode <= 0x8f) return 4;
    const hasByte =
      (opcode >= 0x70 && opcode <= 0x73) || [0xa4, 0xac, 0xba, 0xc2, 0xc4, 0xc5, 0xc6].includes(opcode);
    return hasByte ? 1 : 0;
  }
  if (opcode < 0x40) return (opcode & 7) === 4 ? 1 : (opcode & 7) === 5 ? word : 0;
  if ((opcode >= 0x70 && opcode <= 0x7f) || (opcode >= 0xb0 && opcode <= 0xb7)) return 1;
  if (opcode >= 0xb8 && opcode <= 0xbf) return sizes.isWide ? 8 : word;
  if (opcode >= 0xa0 && opcode <= 0xa3) return sizes.addressSize ? 4 : 8;
  if (opcode >= 0xe0 && opcode <= 0xe7) return 1;
  switch (opcode) {
    case 0x6a:
    case 0x6b:
    case 0x80:
    case 0x83:
    case 0xa8:
    case 0xc0:
    case 0xc1:
    case 0xc6:
    case 0xcd:
    case 0xeb:
      return 1;
    case 0x68:
    case 0x69:
    case 0x81:
    case 0xa9:
    case 0xc7:
      return word;
    case 0xe8:
    case 0xe9:
      return 4;
    case 0xc2:
    case 0xca:
      return 2;
    case 0xc8:
      return 3;
    case 0xf6:
      return extension < 2 ? 1 : 0;
    case 0xf7:
      return extension < 2 ? word : 0;
    default:
      return 0;
  }
}

const none: Effect = { kind: "none" };

function clobber(...registers: (string | undefined)[]): Effect {
  return {
    kind: "clobber",
    registers: registers.filter((name) => name !== undefined && name !== "") as string[],
  };
}

/** @param low register in the opcode's low three bits */
function effectOf(operands: Operands, low: number): Effect {
  const { opcode } = operands;
  if (operands.isExtended) return extendedEffect(operands);
  const { reg, rm, extension, isWide, next, immediate } = operands;
  const target = BigInt.asUintN(64, next + BigInt(immediate));
  if (opcode < 0x40) return arithmeticEffect(operands);
  if (opcode >= 0x50 && opcode <= 0x57) return none;
  if (opcode >= 0x58 && opcode <= 0x5f) return clobber(names[low]);
  if (opcode >= 0x70 && opcode <= 0x7f) return { kind: "jump", target, isConditional: true };
  if (opcode >= 0x91 && opcode <= 0x97) return clobber("rax", names[low]);
  if (opcode >= 0xb0 && opcode <= 0xbf) return clobber(names[low]);
  switch (opcode) {
    case 0x89:
      return rm === undefined ? none : isWide ? { kind: "move", to: rm, from: reg } : clobber(rm);
    case 0x8b:
      return moveEffect(operands);
    case 0x8d:
      return isWide && operands.access !== undefined && !operands.access.hasIndex
        ? { kind: "add", to: reg, base: operands.access.base, offset: operands.access.offset }
        : clobber(reg);
    case 0x81:
    case 0x83:
      if (extension === 7 || rm === undefined) return none;
      return isWide && (extension === 0 || extension === 5)
        ? { kind: "add", to: rm, base: rm, offset: extension === 0 ? immediate : -immediate }
        : clobber(rm);
    case 0x68:
    case 0x6a:
    case 0x84:
    case 0x85:
    case 0xa8:
    case 0xa9:
    case 0x90:
      return none;
    case 0xc3:
    case 0xc2:
    case 0xcb:
    case 0xca:
    case 0xcf:
      return { kind: "return" };
    case 0xe8:
      return { kind: "call", target };
    case 0xe9:
    case 0xeb:
      return { kind: "jump", target, isConditional: false };
    case 0xe0:
    case 0xe1:
    case 0xe2:
    case 0xe3:
      return { kind: "jump", target, isConditional: true };
    case 0xff:
      if (extension === 2) return { kind: "call", target: undefined };
      if (extension === 4) return { kind: "jump", target: undefined, isConditional: false };
      return extension === 6 ? none : clobber(rm);
    case 0xf6:
    case 0xf7:
      return extension < 2 ? none : extension < 4 ? clobber(rm) : clobber("rax", "rdx");
    case 0x98:
    case 0x9f:
    case 0xa0:
    case 0xa1:
    case 0xe4:
    case 0xe5:
    case 0xec:
    case 0xed:
      return clobber("rax");
    case 0x99:
      return clobber("rdx");
    case 0xc9:
      return clobber("rbp", "rsp");
    case 0x86:
    case 0x87:
      return clobber(reg, rm);
    default:
      // String instructions.
      if ((opcode >= 0xa4 && opcode <= 0xaf) || (opcode >= 0x6c && opcode <= 0x6f))
        return clobber("rax", "rcx", "rsi", "rdi");
      return opcode === 0x63 || opcode === 0x69 || opcode === 0x6b || opcode === 0x8a
        ? clobber(reg)
        : clobber(rm);
  }
}

/** 00 to 3F: two operands; the direction is bit 1. CMP changes nothing. */
function arithmeticEffect({ opcode, reg, rm }: Operands): Effect {
  if (opcode >= 0x38) return none;
  const form = opcode & 7;
  if (form < 2) return clobber(rm);
  return form < 4 ? clobber(reg) : clobber("rax");
}

/** MOV to a register. GS has the CPU's own data. */
function moveEffect({ reg, rm, isWide, access, absolute, segment }: Operands): Effect {
  if (!isWide) return clobber(reg);
  if (rm !== undefined) return { kind: "move", to: reg, from: rm };
  if (segment === 0x65 && absolute !== undefined) return { kind: "per-cpu", to: reg, address: absolute };
  if (segment !== 0 || access === undefined || access.hasIndex) return clobber(reg);
  return { kind: "load", to: reg, base: access.base, offset: access.offset };
}

function extendedEffect({ opcode, reg, rm, extension, next, immediate }: Operands): Effect {
  if (opcode >= 0x80 && opcode <= 0x8f) {
    return { kind: "jump", target: BigInt.asUintN(64, next + BigInt(immediate)), isConditional: true };
  }
  // UD2 stands for WARN, too, behind which the code goes on.
  if ([0x0b, 0x0d, 0x18, 0x1e, 0x1f, 0xa0, 0xa3, 0xa8, 0xae].includes(opcode)) return none;
  if (opcode === 0xba && extension === 4) return none;
  if (opcode === 0xa2) return clobber("rax", "rbx", "rcx", "rdx");
  if (opcode === 0x01 || (opcode >= 0x30 && opcode <= 0x33)) return clobber("rax", "rcx", "rdx", rm);
  if (opcode === 0xb0 || opcode === 0xb1) return clobber("rax", rm);
  if (opcode === 0xc7) return clobber("rax", "rdx", rm);
  if (opcode >= 0xc8 && opcode <= 0xcf) return clobber(...names);
  if (opcode === 0x05) return clobber("rcx", "r11");
  return clobber(reg, rm);
}
