import type { PageTableFormat, PageTableWalker, PhysicalRead } from "./page-tables.ts";

/** What a processor architecture is to a reader of its memory. One file per architecture makes one of these. */
export interface Architecture {
  readonly name: string;
  /** ELF e_machine. */
  readonly machine: number;
  readonly pointerByteSize: 4 | 8;
  readonly littleEndian: boolean;
  readonly prstatus: PrstatusLayout;
  /** True for addresses of the kernel's half, whatever lies there. */
  isKernelAddress(address: bigint): boolean;
  /**
   * A walker over page tables of this architecture.
   * @throws {UsageError} when the format is none of this architecture.
   */
  walker(format: PageTableFormat, read: PhysicalRead): PageTableWalker;
}

/** Layout of the description of an ELF note NT_PRSTATUS: Linux `struct elf_prstatus`. */
export interface PrstatusLayout {
  readonly byteSize: number;
  /** Byte offset of pr_pid, a u32. */
  readonly pidOffset: number;
  /** Byte offset of pr_reg. */
  readonly registersOffset: number;
  /** Names of the u64 registers in pr_reg, in order. */
  readonly registers: readonly string[];
  /** Names of the program counter, the stack pointer and the frame pointer in `registers`. */
  readonly programCounter: string;
  readonly stackPointer: string;
  readonly framePointer: string;
}
