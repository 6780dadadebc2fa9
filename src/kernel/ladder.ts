import { readFileSync } from "node:fs";
import { architectureOfMachine } from "../arch/index.ts";
import type { Dump } from "../dump/index.ts";
import { DwarflessError, FileError, FormatError, isDwarflessError } from "../io/index.ts";
import {
  kallsymsAddresses,
  openKernelSymbols,
  parseProcKallsyms,
  type SymbolList,
} from "../kallsyms/index.ts";
import { checkTranslation, findVmcoreinfo, translationFromVmcoreinfo, Vmcoreinfo } from "../memory/index.ts";
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
  const found: Foundation[] = [];
  for (const { info, physicalAddress } of scan.candidates) {
    if (info.text === dump.vmcoreinfo) continue;
    try {
      found.push(standOn(dump, info, "scan", options));
    } catch (error) {
      give(`VMCOREINFO at physical 0x${physicalAddress.toString(16)}`, error);
    }
  }
  if (found.length > 0) return choose(found);
  try {
    return climbWithoutVmcoreinfo(dump, options);
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
  if (at === undefined && dump.format === "kcore") {
    const symbols = liveSymbols();
    const banner = readBanner(memory, symbols, info.osRelease);
    const { passed: checks } = check;
    const from = { symbolsFrom: "/proc/kallsyms", symbolEncoding: "text" } as const;
    return { rung, vmcoreinfo: info, memory, symbols, ...from, banner, checks, others: [] };
  }
  if (at === undefined) {
    // Before v6.0 VMCOREINFO does not say where the tables are: find them, and keep its translation.
    const bare = climbWithoutVmcoreinfo(dump, { ...options, known: { memory, release: info.osRelease } });
    return { ...bare, rung, vmcoreinfo: info, checks: [...check.passed, ...bare.checks] };
  }
  const symbols = openKernelSymbols(memory, at, info.symbol("_stext"));
  const banner = readBanner(memory, symbols, info.osRelease);
  return {
    rung,
    vmcoreinfo: info,
    memory,
    symbols,
    symbolsFrom: "VMCOREINFO",
    symbolEncoding: symbols.encoding,
    banner,
    checks: [...check.passed, `linux_banner names release ${info.osRelease ?? ""}`],
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

/**
 * Several kernels can have left whole images behind. What the CPUs ran on decides elsewhere; here the
 * one stays whose text was found first, and the rest are named.
 */
function choose(found: readonly Foundation[]): Foundation {
  const [first, ...rest] = found;
  const others = rest.filter(({ banner }) => banner !== first!.banner).map(({ banner }) => banner);
  return { ...first!, others };
}

function deadlineOf({ deadline }: LadderOptions): { deadline?: number } {
  return deadline === undefined ? {} : { deadline };
}
