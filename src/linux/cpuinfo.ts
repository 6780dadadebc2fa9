import type { KernelObject, Program } from "../program/index.ts";

/** What some CPUs are. Numbers as /proc/cpuinfo has them; null where the architecture has no such. */
export interface CpuModel {
  /** Those that are so; null where the kernel notes it once for all. */
  cpus: readonly number[] | null;
  /** `GenuineIntel`; on arm64 the implementer's number, `0x41`. */
  vendor: string;
  /** The text that the CPU itself gives, of x86. */
  name: string | null;
  family: number | null;
  /** On arm64 the part. */
  model: number;
  /** On arm64 the revision. */
  stepping: number;
  /** On arm64: the variant. */
  variant: number | null;
}

/**
 * What the CPUs are: `boot_cpu_data` of x86, `cpu_data` of arm64.
 * @param cpus those to ask
 * @throws {FaultError}; {@link LookupError} on other architectures
 */
export function cpuModels(program: Program, cpus: readonly number[]): CpuModel[] {
  return program.types.find("struct cpuinfo_x86") !== undefined
    ? [x86Model(program.variable("boot_cpu_data"))]
    : arm64Models(program, cpus);
}

function x86Model(cpu: KernelObject): CpuModel {
  return {
    cpus: null,
    vendor: cpu.member("x86_vendor_id").string(16),
    name: cpu.member("x86_model_id").string(64).trim(),
    family: cpu.member("x86").number(),
    model: cpu.member("x86_model").number(),
    // v4.16 gave the member its name.
    stepping: (cpu.memberIf("x86_stepping") ?? cpu.member("x86_mask")).number(),
    variant: null,
  };
}

function arm64Models(program: Program, cpus: readonly number[]): CpuModel[] {
  const data = program.variable("cpu_data");
  const byRegister = new Map<number, number[]>();
  for (const cpu of cpus) {
    const register = Number(BigInt(program.perCpu(data, cpu).member("reg_midr").scalar()) & 0xffff_ffffn);
    // Of a CPU that never ran.
    if (register === 0) continue;
    byRegister.set(register, [...(byRegister.get(register) ?? []), cpu]);
  }
  return [...byRegister].map(([register, same]) => ({ cpus: same, ...fieldsOfMidr(register) }));
}

/** MIDR_EL1 (Arm Architecture Reference Manual, D24.2): what /proc/cpuinfo prints in parts. */
function fieldsOfMidr(register: number): Omit<CpuModel, "cpus"> {
  const field = (low: number, bits: number): number => (register >>> low) & ((1 << bits) - 1);
  return {
    vendor: `0x${field(24, 8).toString(16).padStart(2, "0")}`,
    name: null,
    family: null,
    model: field(4, 12),
    stepping: field(0, 4),
    variant: field(20, 4),
  };
}
