import { Command } from "commander";
import { listOptions, optionLines, systemInfo, systemLines } from "../commands/index.ts";
import { UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { Gaps } from "../linux/index.ts";
import { addDumpOptions, type DumpFlags, splitArguments, withKernel } from "./dump-options.ts";
import { exitNegative } from "./exit-code.ts";
import { jsonDocument, writeJsonRows } from "./json.ts";
import { writeLines } from "./line-writer.ts";
import { oneLine } from "./run-program.ts";
import type { Streams } from "./streams.ts";

/** `dwarfless sys`: the machine and its state, or the kernel's configuration. */
export function sysCommand(streams: Streams, setExitCode: (code: number) => void): Command {
  return addDumpOptions(new Command("sys"))
    .description(
      "the machine: release, CPUs, uptime, load, memory, command line, taints; the configuration (-c)",
    )
    .argument("<DUMP...>", "a dump; with -c then names of options, or patterns with * and ?")
    .option("-c, --config", "the kernel's configuration, of kernels that have it in memory")
    .addHelpText("after", "\nExample:\n  $ dwarfless sys vmcore\n  $ dwarfless sys vmcore -c 'PREEMPT*'\n")
    .action((args: string[], flags: DumpFlags & { config?: boolean }) => {
      const { files, rest } = splitArguments(args);
      if (flags.config !== true && rest.length > 0) {
        throw new UsageError(`sys: one dump, and nothing else: '${rest[0]}'`);
      }
      return withKernel(files, flags, streams, (kernel) => {
        if (flags.config === true) writeOptions(kernel, rest, flags);
        else writeSystem(kernel, flags);
      });
    });

  function writeOptions(kernel: Kernel, targets: readonly string[], flags: DumpFlags): void {
    const { rows, missing } = listOptions(kernel, targets);
    if (flags.json) writeJsonRows("options", rows, streams);
    else writeLines([...optionLines(rows)].map(oneLine), streams);
    for (const target of missing) {
      streams.err(`dwarfless: sys: no option fits ${oneLine(target)}\n`);
      setExitCode(exitNegative);
    }
  }

  function writeSystem(kernel: Kernel, flags: DumpFlags): void {
    const gaps = new Gaps();
    const info = systemInfo(kernel, gaps);
    const warnings = gaps.diagnostics.map(({ text }) => text);
    if (flags.json) streams.out(jsonDocument({ ...info, warnings }));
    else {
      writeLines([...systemLines(info)].map(oneLine), streams);
      for (const warning of warnings) streams.err(`dwarfless: ${oneLine(warning)}\n`);
    }
  }
}
