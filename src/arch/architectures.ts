import { aarch64 } from "./aarch64.ts";
import type { Architecture } from "./architecture.ts";
import type { KernelFacts } from "./kernel-facts.ts";
import { x86_64 } from "./x86-64.ts";

/** Every architecture there is; a new one is its own file and a word here. */
export const architectures: readonly Architecture[] = [x86_64, aarch64];

/** True for addresses of the kernel's half, whatever lies there. */
export function isKernelAddress(architecture: Architecture, address: bigint): boolean {
  return ((address >> BigInt(architecture.halfBit)) & 1n) === 1n;
}

/** The architecture of an ELF e_machine. */
export function architectureOfMachine(machine: number): Architecture | undefined {
  return architectures.find((each) => each.machine === machine);
}

/** The architecture whose NT_PRSTATUS has this size. */
export function architectureOfPrstatus(byteSize: number): Architecture | undefined {
  return architectures.find((each) => each.prstatus.byteSize === byteSize);
}

/** The architecture of the kernel that stated some facts, by those only it states. */
export function architectureOfFacts(facts: KernelFacts): Architecture | undefined {
  return architectures.find((each) => each.stated(facts));
}
