import type { ImageVariables, KernelFacts, KernelTranslation, LinearRun } from "./kernel-facts.ts";
import type { EntryObserver, PageTableFormat, PageTableWalker, PhysicalRead } from "./page-tables.ts";

/** What a processor architecture is to a reader of its memory. One file per architecture makes one of these. */
export interface Architecture {
  readonly name: string;
  /** ELF e_machine. */
  readonly machine: number;
  readonly pointerByteSize: 4 | 8;
  readonly littleEndian: boolean;
  readonly prstatus: PrstatusLayout;
  /** The bit of an address that is set in the kernel's half and clear in that of processes; 32 or above. */
  readonly halfBit: number;
  /**
   * A walker over page tables of this architecture.
   * @throws {UsageError} when the format is none of this architecture.
   */
  walker(format: PageTableFormat, read: PhysicalRead, observe?: EntryObserver): PageTableWalker;
  /** Names of the levels of such tables as Linux has them, from the top one on: PGD, PUD, PMD, PTE. */
  levelNames(format: PageTableFormat): readonly string[];
  /**
   * Names of the bits that are set in a page table entry, as Linux has them.
   * @param isPage true for an entry that maps a page, false for one that leads to another table
   */
  entryFlags(entry: bigint, isPage: boolean): string[];

  /** True for facts that only a kernel of this architecture states. */
  stated(facts: KernelFacts): boolean;
  /**
   * The translation that a kernel states. Nothing is read, so nothing is checked.
   * @throws {FormatError} `VMCOREINFO` when a fact is missing or makes no sense.
   */
  translationOf(facts: KernelFacts): KernelTranslation;

  /** The u64 variable by which the kernel itself knows where its image lies. */
  readonly distanceVariable: string;
  /** Physical minus virtual address of the image, modulo 2^64, by the value of that variable. */
  imageDelta(value: bigint): bigint;
  /** Symbols of the kernel's top page table, the best first. */
  readonly rootSymbols: readonly string[];
  /** From here on there are only the image and modules; undefined where images lie among other memory. */
  readonly imageStart: bigint | undefined;
  /** Page table formats that a kernel may use whose top table is known, the most probable first. */
  formatsAt(root: number, variables: ImageVariables): PageTableFormat[];
  /** The image as a run, around an address of its text, up to `end` if that is known. */
  imageRun(delta: bigint, stext: bigint, end?: bigint): LinearRun;
  /** Linear maps that a kernel may have, by its variables; which one is right the page tables say. */
  linearRuns(variables: ImageVariables, stext: bigint): LinearRun[];
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
