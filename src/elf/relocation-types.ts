/**
 * What each relocation type does, for the types that occur in `.debug_*` sections.
 * Sources: the psABI of each architecture; glibc's elf.h for the numbers.
 */
import {
  EM_386,
  EM_AARCH64,
  EM_ARM,
  EM_LOONGARCH,
  EM_MIPS,
  EM_PPC,
  EM_PPC64,
  EM_RISCV,
  EM_S390,
  EM_X86_64,
} from "./constants.ts";

/** Not known: an error. */
export const OP_UNKNOWN = 0;
export const OP_NONE = 1;
/** Write S + A. */
export const OP_SET64 = 2;
export const OP_SET32 = 3;
export const OP_SET16 = 4;
export const OP_SET8 = 5;
/** Write S + A - P. */
export const OP_PC64 = 6;
export const OP_PC32 = 7;
export const OP_PC16 = 8;
export const OP_PC8 = 9;
/**
 * Write the offset in the section of thread-local variables: the symbol's value + A. The bias of
 * MIPS and PowerPC (0x8000) is not taken off: no kernel has such variables, it only must not fail.
 */
export const OP_TLS64 = 10;
export const OP_TLS32 = 11;
/** Add S + A to what is there. */
export const OP_ADD64 = 12;
export const OP_ADD32 = 13;
export const OP_ADD24 = 14;
export const OP_ADD16 = 15;
export const OP_ADD8 = 16;
/** Six low bits of a byte; the others stay. */
export const OP_ADD6 = 17;
/** Subtract S + A from what is there. */
export const OP_SUB64 = 18;
export const OP_SUB32 = 19;
export const OP_SUB24 = 20;
export const OP_SUB16 = 21;
export const OP_SUB8 = 22;
export const OP_SUB6 = 23;
export const OP_SET6 = 24;
/** On a ULEB128 number, whose length stays. */
export const OP_SET_ULEB128 = 25;
export const OP_ADD_ULEB128 = 26;
export const OP_SUB_ULEB128 = 27;

/** Bytes each operation touches, by its number; ULEB128 numbers are measured where they stand. */
export const operationSizes: Uint8Array = new Uint8Array([
  0, 0, 8, 4, 2, 1, 8, 4, 2, 1, 8, 4, 8, 4, 3, 2, 1, 1, 8, 4, 3, 2, 1, 1, 1, 1, 1, 1,
]);

/** Pairs of relocation type and operation. */
type Pairs = readonly (readonly [type: number, operation: number])[];

const x86_64: Pairs = [
  [0, OP_NONE], // R_X86_64_NONE
  [1, OP_SET64], // R_X86_64_64
  [2, OP_PC32], // R_X86_64_PC32
  [10, OP_SET32], // R_X86_64_32
  [11, OP_SET32], // R_X86_64_32S
  [12, OP_SET16], // R_X86_64_16
  [13, OP_PC16], // R_X86_64_PC16
  [14, OP_SET8], // R_X86_64_8
  [15, OP_PC8], // R_X86_64_PC8
  [17, OP_TLS64], // R_X86_64_DTPOFF64
  [21, OP_TLS32], // R_X86_64_DTPOFF32
  [24, OP_PC64], // R_X86_64_PC64
];

const i386: Pairs = [
  [0, OP_NONE], // R_386_NONE
  [1, OP_SET32], // R_386_32
  [2, OP_PC32], // R_386_PC32
  [20, OP_SET16], // R_386_16
  [21, OP_PC16], // R_386_PC16
  [22, OP_SET8], // R_386_8
  [23, OP_PC8], // R_386_PC8
  [32, OP_TLS32], // R_386_TLS_LDO_32
];

const aarch64: Pairs = [
  [0, OP_NONE], // R_AARCH64_NONE
  [256, OP_NONE], // R_AARCH64_NONE, withdrawn number
  [257, OP_SET64], // R_AARCH64_ABS64
  [258, OP_SET32], // R_AARCH64_ABS32
  [259, OP_SET16], // R_AARCH64_ABS16
  [260, OP_PC64], // R_AARCH64_PREL64
  [261, OP_PC32], // R_AARCH64_PREL32
  [262, OP_PC16], // R_AARCH64_PREL16
  [1029, OP_TLS64], // R_AARCH64_TLS_DTPREL64
];

const riscv: Pairs = [
  [0, OP_NONE], // R_RISCV_NONE
  [1, OP_SET32], // R_RISCV_32
  [2, OP_SET64], // R_RISCV_64
  [8, OP_TLS32], // R_RISCV_TLS_DTPREL32
  [9, OP_TLS64], // R_RISCV_TLS_DTPREL64
  [33, OP_ADD8], // R_RISCV_ADD8
  [34, OP_ADD16], // R_RISCV_ADD16
  [35, OP_ADD32], // R_RISCV_ADD32
  [36, OP_ADD64], // R_RISCV_ADD64
  [37, OP_SUB8], // R_RISCV_SUB8
  [38, OP_SUB16], // R_RISCV_SUB16
  [39, OP_SUB32], // R_RISCV_SUB32
  [40, OP_SUB64], // R_RISCV_SUB64
  [51, OP_NONE], // R_RISCV_RELAX
  [52, OP_SUB6], // R_RISCV_SUB6
  [53, OP_SET6], // R_RISCV_SET6
  [54, OP_SET8], // R_RISCV_SET8
  [55, OP_SET16], // R_RISCV_SET16
  [56, OP_SET32], // R_RISCV_SET32
  [57, OP_PC32], // R_RISCV_32_PCREL
  [60, OP_SET_ULEB128], // R_RISCV_SET_ULEB128
  [61, OP_SUB_ULEB128], // R_RISCV_SUB_ULEB128
];

const arm: Pairs = [
  [0, OP_NONE], // R_ARM_NONE
  [2, OP_SET32], // R_ARM_ABS32
  [3, OP_PC32], // R_ARM_REL32
  [5, OP_SET16], // R_ARM_ABS16
  [8, OP_SET8], // R_ARM_ABS8
  [38, OP_SET32], // R_ARM_TARGET1, absolute on Linux
  [106, OP_TLS32], // R_ARM_TLS_LDO32
];

const s390: Pairs = [
  [0, OP_NONE], // R_390_NONE
  [1, OP_SET8], // R_390_8
  [3, OP_SET16], // R_390_16
  [4, OP_SET32], // R_390_32
  [5, OP_PC32], // R_390_PC32
  [16, OP_PC16], // R_390_PC16
  [22, OP_SET64], // R_390_64
  [23, OP_PC64], // R_390_PC64
  [52, OP_TLS32], // R_390_TLS_LDO32
  [53, OP_TLS64], // R_390_TLS_LDO64
];

const powerpc: Pairs = [
  [0, OP_NONE], // R_PPC_NONE
  [1, OP_SET32], // R_PPC_ADDR32
  [3, OP_SET16], // R_PPC_ADDR16
  [24, OP_SET32], // R_PPC_UADDR32
  [25, OP_SET16], // R_PPC_UADDR16
  [26, OP_PC32], // R_PPC_REL32
];

const powerpc32: Pairs = [
  ...powerpc,
  [78, OP_TLS32], // R_PPC_DTPREL32
];

const powerpc64: Pairs = [
  ...powerpc,
  [38, OP_SET64], // R_PPC64_ADDR64
  [43, OP_SET64], // R_PPC64_UADDR64
  [44, OP_PC64], // R_PPC64_REL64
  [78, OP_TLS64], // R_PPC64_DTPREL64
];

const mips: Pairs = [
  [0, OP_NONE], // R_MIPS_NONE
  [1, OP_SET16], // R_MIPS_16
  [2, OP_SET32], // R_MIPS_32
  [18, OP_SET64], // R_MIPS_64
  [39, OP_TLS32], // R_MIPS_TLS_DTPREL32
  [41, OP_TLS64], // R_MIPS_TLS_DTPREL64
  [248, OP_PC32], // R_MIPS_PC32
];

const loongarch: Pairs = [
  [0, OP_NONE], // R_LARCH_NONE
  [1, OP_SET32], // R_LARCH_32
  [2, OP_SET64], // R_LARCH_64
  [8, OP_TLS32], // R_LARCH_TLS_DTPREL32
  [9, OP_TLS64], // R_LARCH_TLS_DTPREL64
  [47, OP_ADD8], // R_LARCH_ADD8
  [48, OP_ADD16], // R_LARCH_ADD16
  [49, OP_ADD24], // R_LARCH_ADD24
  [50, OP_ADD32], // R_LARCH_ADD32
  [51, OP_ADD64], // R_LARCH_ADD64
  [52, OP_SUB8], // R_LARCH_SUB8
  [53, OP_SUB16], // R_LARCH_SUB16
  [54, OP_SUB24], // R_LARCH_SUB24
  [55, OP_SUB32], // R_LARCH_SUB32
  [56, OP_SUB64], // R_LARCH_SUB64
  [99, OP_PC32], // R_LARCH_32_PCREL
  [100, OP_NONE], // R_LARCH_RELAX
  [105, OP_ADD6], // R_LARCH_ADD6
  [106, OP_SUB6], // R_LARCH_SUB6
  [107, OP_ADD_ULEB128], // R_LARCH_ADD_ULEB128
  [108, OP_SUB_ULEB128], // R_LARCH_SUB_ULEB128
  [109, OP_PC64], // R_LARCH_64_PCREL
];

/** One more than the greatest type above. */
const typeCount = 1030;

/**
 * The operation of each relocation type of a machine, by type number; `OP_UNKNOWN` in the gaps, and
 * types beyond the table are unknown too. Undefined for a machine without a table.
 */
export function relocationOperations(machine: number): Uint8Array | undefined {
  const pairs = pairsOf(machine);
  if (pairs === undefined) return undefined;
  const operations = new Uint8Array(typeCount);
  for (const [type, operation] of pairs) operations[type] = operation;
  return operations;
}

function pairsOf(machine: number): Pairs | undefined {
  switch (machine) {
    case EM_X86_64:
      return x86_64;
    case EM_386:
      return i386;
    case EM_AARCH64:
      return aarch64;
    case EM_RISCV:
      return riscv;
    case EM_ARM:
      return arm;
    case EM_S390:
      return s390;
    case EM_PPC:
      return powerpc32;
    case EM_PPC64:
      return powerpc64;
    case EM_MIPS:
      return mips;
    case EM_LOONGARCH:
      return loongarch;
    default:
      return undefined;
  }
}
