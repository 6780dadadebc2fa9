import type { Diagnostic } from "../io/index.ts";

/** What a dump file is, by its content. */
export type DumpFormat = "elf" | "kdump" | "lime" | "avml" | "raw" | "kcore";

/** An ELF note of a dump. */
export interface DumpNote {
  /** Without the final NUL. */
  name: string;
  /** NT_ number. */
  type: number;
  description: Uint8Array;
}

/** A run of physical memory. Addresses are numbers: no machine has more than 52 bits of them. */
export interface PhysicalRange {
  start: number;
  byteSize: number;
}

/** A run of virtual memory that a dump itself claims to know, such as a LOAD segment of /proc/kcore. */
export interface VirtualSegment {
  address: bigint;
  byteSize: bigint;
  /** Where it lies in physical memory, if the dump says. */
  physicalAddress: number | undefined;
}

/** Physical memory of a machine. */
export interface PhysicalMemory {
  /** Memory there may be bytes of: ascending, disjoint, merged where adjacent. */
  readonly ranges: readonly PhysicalRange[];
  /**
   * Fill `target` from a physical address.
   * @throws {FaultError} for the first address without bytes; what `target` then holds is undefined.
   */
  readInto(target: Uint8Array, address: number): void;
}

/**
 * One machine's memory as some file holds it, whatever the file's format. Physical bytes, the notes
 * beside them, and what the writer said about itself; nothing here knows what a kernel is.
 */
export interface Dump extends PhysicalMemory {
  /** Path of the first file. */
  readonly name: string;
  readonly format: DumpFormat;
  /** Came as makedumpfile's flattened stream. */
  readonly flattened: boolean;
  /** ELF e_machine where the container says it (62 x86-64, 183 aarch64). */
  readonly machine: number | undefined;
  readonly littleEndian: boolean;
  readonly notes: readonly DumpNote[];
  /** Text of the VMCOREINFO note or section, not checked. */
  readonly vmcoreinfo: string | undefined;
  /** True where a QEMU or hypervisor wrote the dump, so that LOAD addresses and PRSTATUS pids mean nothing. */
  readonly fromHypervisor: boolean;
  /** Virtual segments that deserve belief (/proc/kcore, /proc/vmcore); empty otherwise. */
  readonly virtualSegments: readonly VirtualSegment[];
  /** Facts about the container for people, in order: `["compression", "zlib"]`. */
  readonly facts: readonly (readonly [string, string])[];
  readonly diagnostics: readonly Diagnostic[];
  /** False when bytes can change between two reads. */
  readonly frozen: boolean;
  /**
   * Fill `target` from a virtual address through {@link Dump.virtualSegments}.
   * Only dumps that can serve memory without a physical address (/proc/kcore) have it.
   */
  readVirtualInto?(target: Uint8Array, address: bigint): void;
  close(): void;
}
