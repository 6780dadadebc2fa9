import { readFileSync } from "node:fs";
import { architectureOfMachine, prstatusOfNotes } from "../arch/index.ts";
import type { Dump } from "../dump/index.ts";
import { DwarflessError, FaultError, FileError, FormatError, isDwarflessError } from "../io/index.ts";
import {
  kallsymsAddresses,
  openKernelSymbols,
  parseProcKallsyms,
  type SymbolList,
} from "../kallsyms/index.ts";
import {
  type AddressSpace,
  checkTranslation,
  findVmcoreinfo,
  translationFromVmcoreinfo,
  tryVmcoreinfo,
  Vmcoreinfo,
} from "../memory/index.ts";
import { climbWithoutVmcoreinfo } from "./bare-memory.ts";
import { type Foundation, kernelSpace, type LadderOptions, readBanner, type Rung } from "./foundation.ts";

/**
 * Find out where a kernel is in a dump, from the best source that holds: the dump's own VMCOREINFO,
 * one found in memory, or the kernel's tables themselves. A source that contradicts memory is named in
 * the diagnostics and passed over.
 * @throws {FormatError} `NO_KERNEL` when nothing holds, with what was tried
 */
export function findKernel(dump: Dump, options: LadderOptions): Foundation {
  const { diagnostics } = options;
  const tried: string[] = [];
  const give = (where: string, error: unknown): void => {
    if (!(error instanceof DwarflessError)) throw error;
    tried.push(`${where}: ${error.message}`);
  };
  if (dump.vmcoreinfo !== undefined) {
    const info = new Vmcoreinfo(dump.vmcoreinfo);
    try {
      return standOn(dump, info, "note", options);
    } catch (error) {
      give("VMCOREINFO note", error);
    }
    diagnostics.push({
      severity: "warning",
      code: "VMCOREINFO_WRONG",
      text: `the dump's VMCOREINFO does not fit its memory: ${tried.at(-1)}`,
    });
  }
  const scan = findVmcoreinfo(dump, deadlineOf(options));
  const infos = scan.candidates.map(({ info }) => info).filter(({ text }) => text !== dump.vmcoreinfo);
  const found: Foundation[] = [];
  for (const { info } of tryVmcoreinfo(dump, infos, programCounters(dump))) {
    try {
      found.push(standOn(dump, info, "scan", options));
    } catch (error) {
      give(`VMCOREINFO of ${info.osRelease ?? "unknown release"} in memory`, error);
    }
  }
  if (found.length > 0) return choose(found, programCounters(dump));
  try {
    return choose(climbWithoutVmcoreinfo(dump, options), programCounters(dump));
  } catch (error) {
    give("without VMCOREINFO", error);
  }
  throw new FormatError("NO_KERNEL", `no Linux kernel found (${tried.join("; ")})`, { file: dump.name });
}

function standOn(dump: Dump, info: Vmcoreinfo, rung: Rung, options: LadderOptions): Foundation {
  const architecture = dump.machine === undefined ? undefined : architectureOfMachine(dump.machine);
  const translation = translationFromVmcoreinfo(info, architecture);
  const check = checkTranslation(dump, translation, { vmcoreinfo: info });
  if (!check.ok) throw new FormatError("TRANSLATION", check.failed.join(", ") || "nothing to check it by");
  const memory = kernelSpace(dump, translation);
  const at = kallsymsAddresses((name) => info.symbol(name));
  // A copy of /proc/kcore is of another boot or machine than this one.
  if (at === undefined && dump.format === "kcore" && !dump.frozen) {
    const symbols = liveSymbols();
    const banner = readBanner(memory, symbols, info.osRelease);
    const { passed: checks } = check;
    const from = { symbolsFrom: "/proc/kallsyms", symbolEncoding: "text" } as const;
    return { rung, vmcoreinfo: info, memory, symbols, ...from, banner, checks, others: [] };
  }
  if (at === undefined) {
    // Before v6.0 VMCOREINFO does not say where the tables are: find them, and keep its translation.
    const known = { memory, release: info.osRelease };
    const [bare] = climbWithoutVmcoreinfo(dump, { ...options, known });
    return { ...bare, rung, vmcoreinfo: info, checks: [...check.passed, ...bare.checks] };
  }
  const symbols = openKernelSymbols(memory, at, info.symbol("_stext"));
  if (symbols.lostNames > 0) {
    const text = `${symbols.lostNames} of ${symbols.count} names of symbols are lost: kallsyms_names is damaged`;
    options.diagnostics?.push({ severity: "warning", code: "KALLSYMS_NAMES", text });
  }
  const banner = readBanner(memory, symbols, info.osRelease);
  const named =
    info.osRelease === undefined ? 'begins with "Linux version"' : `names release ${info.osRelease}`;
  return {
    rung,
    vmcoreinfo: info,
    memory,
    symbols,
    symbolsFrom: "VMCOREINFO",
    symbolEncoding: symbols.encoding,
    banner,
    checks: [...check.passed, `linux_banner ${named}`],
    others: [],
  };
}

/** The running kernel's own list, for those before v6.0, which do not say where their tables are. */
function liveSymbols(): SymbolList {
  const path = "/proc/kallsyms";
  try {
    return parseProcKallsyms(readFileSync(path)).kernel;
  } catch (error) {
    if (isDwarflessError(error)) throw error;
    throw new FileError(path, (error as NodeJS.ErrnoException).code ?? String(error), "read");
  }
}

/** Where the CPUs were, by the notes that the dump has of them. */
function programCounters(dump: Dump): bigint[] {
  const architecture = dump.machine === undefined ? undefined : architectureOfMachine(dump.machine);
  if (architecture === undefined) return [];
  const { programCounter } = architecture.prstatus;
  return prstatusOfNotes(architecture, dump.notes).map(({ registers }) => registers.get(programCounter));
}

/**
 * Several kernels can have left whole images behind, a crashed one and the one that was to capture it
 * for example. The one that panicked is wanted, else the one that the CPUs ran; the rest are named.
 */
function choose(found: readonly Foundation[], counters: readonly bigint[]): Foundation {
  const kernels = withoutRepetitions(found);
  const mapped = new Map(kernels.map((each) => [each, mappedCount(each, counters)]));
  const byCounters = kernels.toSorted((one, other) => mapped.get(other)! - mapped.get(one)!);
  const chosen = byCounters.find(hasPanicked) ?? byCounters[0]!;
  const rest = kernels.filter((each) => each !== chosen);
  return { ...chosen, others: [...rest.map(nameOf), ...chosen.others] };
}

/** A kernel that hands over writes its VMCOREINFO anew, with the time, and leaves the old text: the longer says more. */
function withoutRepetitions(found: readonly Foundation[]): Foundation[] {
  const kernels = new Map<number, Foundation>();
  for (const each of found) {
    const place = each.memory.translate(each.symbols.addressOf("linux_banner")!);
    const known = kernels.get(place);
    const says = (foundation: Foundation): number => foundation.vmcoreinfo?.text.length ?? 0;
    if (known === undefined || says(each) > says(known)) kernels.set(place, each);
  }
  return [...kernels.values()];
}

function mappedCount({ memory }: Foundation, counters: readonly bigint[]): number {
  return counters.filter((address) => isReadable(memory, address)).length;
}

function isReadable(memory: AddressSpace, address: bigint): boolean {
  try {
    memory.readU8(address);
    return true;
  } catch (error) {
    if (error instanceof FaultError) return false;
    throw error;
  }
}

function nameOf({ banner, symbols, vmcoreinfo }: Foundation): string {
  const offset = vmcoreinfo?.kernelOffset;
  if (offset !== undefined) return `${banner}, moved by 0x${offset.toString(16)}`;
  const stext = symbols.addressOf("_stext");
  return stext === undefined ? banner : `${banner}, _stext at 0x${stext.toString(16)}`;
}

/** `panic_cpu` is -1 (PANIC_CPU_INVALID) in a kernel that has not. */
function hasPanicked({ memory, symbols }: Foundation): boolean {
  const address = symbols.addressOf("panic_cpu");
  if (address === undefined) return false;
  try {
    return memory.readU32(address) !== 0xffff_ffff;
  } catch (error) {
    if (error instanceof FaultError) return false;
    throw error;
  }
}

function deadlineOf({ deadline }: LadderOptions): { deadline?: number } {
  return deadline === undefined ? {} : { deadline };
}
