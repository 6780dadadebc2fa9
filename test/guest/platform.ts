/** What differs between the emulated machines of the architectures. */
import { isInstalled } from "../lab/commands.ts";

export type Architecture = "amd64" | "arm64";

export interface Platform {
  /** The emulator. */
  program: string;
  /** Machine type, where the default will not do. */
  machine: readonly string[];
  /** `-cpu` unless the guest wants another. */
  processor: string;
  /** The kernel's name of the first serial port. */
  console: string;
}

/** Why no guest of this architecture can run here, or undefined when it can. */
export function emulatorMissing(architecture: Architecture): string | undefined {
  const { program } = platforms[architecture];
  return isInstalled(program) ? undefined : `${program} is not installed (scripts/setup-system.sh)`;
}

export const platforms: Record<Architecture, Platform> = {
  // 7.2 does not run on QEMU's default processor. QEMU 7.2 spoils the flags of cmpxchg16b when
  // there are two processors (the x86 kernel's allocator, 6.12); without it kernels have a way around.
  amd64: { program: "qemu-system-x86_64", machine: [], processor: "max,cx16=off", console: "ttyS0" },
  // The architected pointer authentication makes emulation three times slower.
  arm64: {
    program: "qemu-system-aarch64",
    machine: ["-machine", "virt"],
    processor: "max,pauth-impdef=on",
    console: "ttyAMA0",
  },
};

/** Plain emulation, and no device that was not asked for. */
export const bareMachine: readonly string[] =
  "-accel tcg -no-user-config -nodefaults -display none -monitor none -nic none -no-reboot".split(" ");
