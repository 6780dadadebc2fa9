import { isKernelAddress } from "../arch/index.ts";
import type { PhysicalMemory } from "../dump/dump.ts";
import { FaultError, FormatError } from "../io/index.ts";
import { AddressSpace } from "./address-space.ts";
import { checkTranslation, type TranslationCheck } from "./check.ts";
import { translationFromVmcoreinfo, type Translation } from "./translation.ts";
import type { Vmcoreinfo } from "./vmcoreinfo.ts";

/** A VMCOREINFO, tried out on memory. */
export interface TriedVmcoreinfo {
  info: Vmcoreinfo;
  /** Undefined when it states too little, as the check then says. */
  translation: Translation | undefined;
  check: TranslationCheck;
  /** How many of the given program counters are mapped in this kernel. */
  mappedProgramCounters: number;
}

/**
 * Try several VMCOREINFO, the best first: those that memory confirms before others, then those by which more
 * CPUs run kernel code that is mapped, then in the given order. More than one confirmed: memory holds
 * two kernels, such as a crashed one and the one that captures it.
 */
export function tryVmcoreinfo(
  memory: PhysicalMemory,
  infos: readonly Vmcoreinfo[],
  programCounters: readonly bigint[] = [],
): TriedVmcoreinfo[] {
  return infos
    .map((info) => tryOne(memory, info, programCounters))
    .toSorted(
      (one, other) =>
        Number(other.check.ok) - Number(one.check.ok) ||
        other.mappedProgramCounters - one.mappedProgramCounters ||
        other.check.passed.length - one.check.passed.length,
    );
}

function tryOne(
  memory: PhysicalMemory,
  info: Vmcoreinfo,
  programCounters: readonly bigint[],
): TriedVmcoreinfo {
  let translation: Translation;
  try {
    translation = translationFromVmcoreinfo(info);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const check = { ok: false, passed: [], failed: [error.message] };
    return { info, translation: undefined, check, mappedProgramCounters: 0 };
  }
  const space = new AddressSpace(memory, { ...translation, runs: [] });
  const mapped = programCounters.filter((address) => {
    if (!isKernelAddress(translation.architecture, address)) return false;
    try {
      space.readU8(address);
      return true;
    } catch (error) {
      if (error instanceof FaultError) return false;
      throw error;
    }
  });
  const check = checkTranslation(memory, translation, { vmcoreinfo: info });
  return { info, translation, check, mappedProgramCounters: mapped.length };
}
