import { Btf } from "../btf/index.ts";
import { DwarflessError, FormatError } from "../io/index.ts";
import type { SymbolList } from "../kallsyms/index.ts";
import type { VirtualMemory } from "../memory/index.ts";

/** The BTF of a kernel image, as it lies in memory. */
export interface KernelBtf {
  btf: Btf;
  address: bigint;
  byteSize: number;
}

/** A kernel has 4 to 10 MB of it; nothing sensible is larger. */
const maximumByteSize = 256 << 20;

/**
 * The BTF between `__start_BTF` and `__stop_BTF` (include/asm-generic/vmlinux.lds.h).
 * @returns undefined for a kernel without BTF, or a symbol table without these two
 * @throws {FormatError} when what lies there is no BTF; {@link FaultError} when it is not in the dump
 */
export function readKernelBtf(memory: VirtualMemory, symbols: SymbolList): KernelBtf | undefined {
  const address = symbols.addressOf("__start_BTF");
  const end = symbols.addressOf("__stop_BTF");
  if (address === undefined || end === undefined || end === address) return undefined;
  const byteSize = Number(end - address);
  if (!(byteSize > 0 && byteSize <= maximumByteSize)) {
    throw new FormatError("BTF_BOUNDS", `__start_BTF and __stop_BTF are ${byteSize} bytes apart`);
  }
  const btf = Btf.parse(memory.read(address, byteSize), { name: "BTF of the kernel" });
  return { btf, address, byteSize };
}

/** BTF at an address, over a base; undefined and a reason when it cannot be had. */
export function readModuleBtf(
  memory: VirtualMemory,
  name: string,
  address: bigint,
  byteSize: number,
  base: Btf,
): Btf | string {
  if (!(byteSize > 0 && byteSize <= maximumByteSize)) return `it is said to have ${byteSize} bytes`;
  try {
    return Btf.parse(memory.read(address, byteSize), { name: `BTF of module ${name}`, base });
  } catch (error) {
    if (error instanceof DwarflessError) return error.message;
    throw error;
  }
}
