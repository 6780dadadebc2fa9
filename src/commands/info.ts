import { FaultError } from "../io/index.ts";
import { type Kernel, listCpus, releaseOf } from "../kernel/index.ts";
import { hex } from "./hex.ts";

/** What `info` says. Absent facts are null. */
export interface KernelInfo {
  dump: {
    file: string;
    format: string;
    flattened: boolean;
    writtenByHypervisor: boolean;
    /** Bytes of physical memory that there may be bytes of. */
    memory: number;
    facts: Record<string, string>;
  };
  kernel: {
    release: string | null;
    banner: string;
    architecture: string;
    buildId: string | null;
    buildIdFrom: string | null;
    /** How far KASLR moved the image; null where nothing says. */
    kernelOffset: string | null;
    pageSize: number;
  };
  /** note: the dump's VMCOREINFO; scan: one found in memory; bare: none. */
  rung: string;
  checks: readonly string[];
  otherKernels: readonly string[];
  vmcoreinfo: { source: string; bytes: number } | null;
  kallsyms: { symbols: number; encoding: string; source: string };
  btf: {
    kernel: { types: number; address: string; bytes: number } | null;
    modules: number;
    modulesWithBtf: number;
    /** Variables described, by where the types come from. */
    variables: Record<string, number>;
    sidecar: { file: string; check: string } | null;
  };
  orc: { entries: number } | null;
  cpus: { possible: string; present: string; online: string };
  panic: { cpu: number } | null;
  warnings: readonly string[];
}

/** Everything that was found in a dump, and how. */
export function kernelInfo(kernel: Kernel): KernelInfo {
  const { dump, foundation, kernelBtf, sidecar, buildId } = kernel;
  const { vmcoreinfo, memory, rung, banner } = foundation;
  return {
    dump: {
      file: dump.name,
      format: dump.format,
      flattened: dump.flattened,
      writtenByHypervisor: dump.fromHypervisor,
      memory: dump.ranges.reduce((sum, { byteSize }) => sum + byteSize, 0),
      facts: Object.fromEntries(dump.facts),
    },
    kernel: {
      release: releaseOf(foundation) ?? null,
      banner,
      architecture: memory.translation.architecture.name,
      buildId: buildId?.text ?? null,
      buildIdFrom: buildId?.from ?? null,
      kernelOffset: vmcoreinfo?.kernelOffset === undefined ? null : hex(vmcoreinfo.kernelOffset),
      pageSize: memory.pageByteSize,
    },
    rung,
    checks: foundation.checks,
    otherKernels: kernel.otherKernels(),
    vmcoreinfo:
      vmcoreinfo === undefined
        ? null
        : { source: rung === "note" ? "the dump" : "memory", bytes: vmcoreinfo.text.length },
    kallsyms: {
      symbols: kernel.symbols.count,
      encoding: foundation.symbolEncoding,
      source: foundation.symbolsFrom,
    },
    btf: {
      kernel:
        kernelBtf === undefined
          ? null
          : {
              types: kernelBtf.btf.typeCount - 1,
              address: hex(kernelBtf.address),
              bytes: kernelBtf.byteSize,
            },
      modules: kernel.modules.length,
      modulesWithBtf: kernel.modules.filter(({ btf }) => typeof btf !== "string").length,
      variables: Object.fromEntries(kernel.variables.counts()),
      sidecar: sidecar === undefined ? null : { file: sidecar.path, check: sidecar.check },
    },
    orc: orcOf(kernel),
    cpus: {
      possible: listCpus(kernel.perCpu.possibleCpus),
      present: listCpus(kernel.perCpu.presentCpus),
      online: listCpus(kernel.perCpu.onlineCpus),
    },
    panic: panicOf(kernel),
    warnings: kernel.diagnostics.map(({ text }) => text),
  };
}

/** Entries of the kernel's unwind table (4 bytes of address each, kernel/unwind_orc.c); x86-64 has one. */
function orcOf({ foundation: { symbols } }: Kernel): KernelInfo["orc"] {
  const start = symbols.addressOf("__start_orc_unwind_ip");
  const end = symbols.addressOf("__stop_orc_unwind_ip");
  return start === undefined || end === undefined || end <= start
    ? null
    : { entries: Number((end - start) / 4n) };
}

/** CPU that panicked: `panic_cpu`, -1 (PANIC_CPU_INVALID) while none did. */
function panicOf({ foundation: { symbols, memory }, perCpu }: Kernel): KernelInfo["panic"] {
  const address = symbols.addressOf("panic_cpu");
  if (address === undefined) return null;
  try {
    const cpu = memory.readU32(address) | 0;
    return perCpu.possibleCpus.includes(cpu) ? { cpu } : null;
  } catch (error) {
    if (error instanceof FaultError) return null;
    throw error;
  }
}

const rungs: Readonly<Record<string, string>> = {
  note: "VMCOREINFO of the dump",
  scan: "VMCOREINFO found in memory",
  bare: "no VMCOREINFO: tables found in memory",
};

/** `info` for people: a fact a line. */
export function infoLines(info: KernelInfo): string[] {
  const { dump, kernel, btf, kallsyms } = info;
  const lines: string[] = [];
  const say = (name: string, text: string): void => void lines.push(`${`${name}:`.padEnd(14)}${text}`);
  const facts = Object.entries(dump.facts).map(([name, value]) => `${name} ${value}`);
  const how = [dump.format, ...(dump.flattened ? ["flattened"] : []), ...facts];
  say("dump", `${dump.file} (${how.join(", ")}; ${mebibytes(dump.memory)} of memory)`);
  say("kernel", kernel.banner);
  say("architecture", `${kernel.architecture}, pages of ${kernel.pageSize} bytes`);
  say("build id", kernel.buildId === null ? "not known" : `${kernel.buildId} (${kernel.buildIdFrom})`);
  say("rung", rungs[info.rung] ?? info.rung);
  for (const check of info.checks) say("", check);
  for (const other of info.otherKernels) say("other kernel", other);
  if (kernel.kernelOffset !== null) say("kaslr", `moved by ${kernel.kernelOffset}`);
  say("kallsyms", `${kallsyms.symbols} symbols, ${kallsyms.encoding}, by ${kallsyms.source}`);
  say(
    "btf",
    btf.kernel === null
      ? "none in the kernel"
      : `${btf.kernel.types} types at ${btf.kernel.address}, ${btf.kernel.bytes} bytes`,
  );
  say("modules", `${btf.modules}, ${btf.modulesWithBtf} with types`);
  const sources = Object.entries(btf.variables).filter(([, count]) => count > 0);
  say("variables", sources.map(([source, count]) => `${count} by ${source}`).join(", ") || "none described");
  say("sidecar", btf.sidecar === null ? "none" : `${btf.sidecar.file} (${btf.sidecar.check})`);
  say("orc", info.orc === null ? "none" : `${info.orc.entries} entries`);
  const { possible, present, online } = info.cpus;
  say("cpus", `online ${online}, present ${present}, possible ${possible}`);
  say("panic", info.panic === null ? "none" : `on CPU ${info.panic.cpu}`);
  for (const warning of info.warnings) say("warning", warning);
  return lines;
}

function mebibytes(byteSize: number): string {
  return `${(byteSize / 1048576).toFixed(byteSize < 1 << 30 ? 1 : 0)} MiB`;
}
