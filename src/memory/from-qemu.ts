import { x86_64, type QemuCpu } from "../arch/index.ts";
import type { PhysicalMemory } from "../dump/dump.ts";
import { FaultError } from "../io/index.ts";
import { AddressSpace } from "./address-space.ts";
import { PhysicalWords } from "./physical-words.ts";
import type { Translation } from "./translation.ts";

export interface QemuTranslation {
  translation: Translation;
  /** Physical minus virtual address of the image, modulo 2^64. */
  imageDelta: bigint;
  /** Run-time address of `asm_exc_divide_error` (`divide_error` before 5.8): what the first gate of the IDT calls. */
  divideError: bigint;
  /** Number of the CPU whose registers served. */
  cpu: number;
  checks: string[];
}

const fiveLevelPaging = 1n << 12n;
/** CR3 bit that chooses the half for user mode under page table isolation; otherwise a bit of the address. */
const userHalfBit = 0x1000;

/**
 * The translation by the registers that QEMU wrote down: CR3 names page tables, CR4 their levels, and the IDT
 * an address in the kernel's image. Tables of a process do as well, as every process maps the kernel.
 * Undefined when no CPU's registers lead to a kernel.
 */
export function translationFromQemuCpus(
  memory: PhysicalMemory,
  cpus: readonly QemuCpu[],
): QemuTranslation | undefined {
  for (const [number, cpu] of cpus.entries()) {
    for (const root of rootsOf(memory, cpu)) {
      const found = tryRoot(memory, cpu, root);
      if (found !== undefined) return { ...found, cpu: number };
    }
  }
  return undefined;
}

function rootsOf(memory: PhysicalMemory, cpu: QemuCpu): number[] {
  // The low bits are PCID or cache control, bit 63 says not to flush.
  const root = Number(BigInt.asUintN(52, cpu.registers.get("cr3")) & ~0xfffn);
  if (Math.floor(root / userHalfBit) % 2 === 0) return [root];
  // The half for user mode maps the IDT and its handlers as well, but hardly anything else of the kernel.
  const words = new PhysicalWords(memory, true);
  const roots = [root, root - userHalfBit];
  return roots.toSorted((one, other) => kernelEntries(words, other) - kernelEntries(words, one));
}

/** Entries for the kernel's half in a top page table. */
function kernelEntries(words: PhysicalWords, root: number): number {
  let count = 0;
  for (let index = 256; index < 512; index++) if (((words.u64(root + index * 8) ?? 0n) & 1n) === 1n) count++;
  return count;
}

function tryRoot(
  memory: PhysicalMemory,
  cpu: QemuCpu,
  root: number,
): Omit<QemuTranslation, "cpu"> | undefined {
  const translation: Translation = {
    architecture: x86_64,
    pageByteSize: 4096,
    tables: {
      root,
      pageShift: 12,
      virtualAddressBits: (cpu.registers.get("cr4") & fiveLevelPaging) === 0n ? 48 : 57,
      encryptionMask: 0n,
      largePhysicalAddresses: false,
    },
    runs: [],
    how: "CR3 of a CPU, as QEMU wrote it",
  };
  const space = new AddressSpace(memory, translation);
  try {
    const gate = space.read(cpu.segments.idt.base, 16);
    const view = new DataView(gate.buffer);
    const divideError =
      BigInt(view.getUint16(0, true)) |
      (BigInt(view.getUint16(6, true)) << 16n) |
      ((view.getBigUint64(8, true) & 0xffff_ffffn) << 32n);
    if (divideError < x86_64.imageStart!) return undefined;
    const imageDelta = BigInt.asUintN(64, BigInt(space.translate(divideError)) - divideError);
    return {
      translation: { ...translation, runs: [x86_64.imageRun(imageDelta, divideError)] },
      imageDelta,
      divideError,
      checks: ["the IDT and its first handler are mapped"],
    };
  } catch (error) {
    if (error instanceof FaultError) return undefined;
    throw error;
  }
}
