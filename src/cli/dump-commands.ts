import { Command } from "commander";
import {
  allSymbols,
  evaluateAll,
  findSymbols,
  hex,
  hexLines,
  infoLines,
  kernelInfo,
  listVariables,
  parseLength,
  readMemory,
  resolveAddress,
  symbolLine,
  type SymbolRow,
  variableLine,
  variableRow,
} from "../commands/index.ts";
import { UsageError } from "../io/index.ts";
import { debugCommand } from "./debug-command.ts";
import { btCommand } from "./bt-command.ts";
import { linuxCommands } from "./linux-commands.ts";
import { memoryCommands } from "./memory-commands.ts";
import { addDumpOptions, type DumpFlags, splitArguments, withKernel } from "./dump-options.ts";
import { exitNegative } from "./exit-code.ts";
import { jsonDocument, writeJsonRows } from "./json.ts";
import { writeLines } from "./line-writer.ts";
import { oneLine } from "./run-program.ts";
import type { Streams } from "./streams.ts";
import { triageCommand } from "./triage-command.ts";

type SetExitCode = (code: number) => void;

/** The commands that open a dump. */
export function dumpCommands(streams: Streams, setExitCode: SetExitCode): Command[] {
  return [
    infoCommand(streams),
    varsCommand(streams, setExitCode),
    symCommand(streams, setExitCode),
    evalCommand(streams, setExitCode),
    readCommand(streams, setExitCode),
    btCommand(streams, setExitCode),
    ...linuxCommands(streams, setExitCode),
    ...memoryCommands(streams, setExitCode),
    triageCommand(streams),
    debugCommand(streams, setExitCode, dumpCommands),
  ];
}

function infoCommand(streams: Streams): Command {
  return addDumpOptions(new Command("info"))
    .description("what is in a dump, and how it was found")
    .argument("<DUMP...>", "a dump, or the parts of a split one")
    .addHelpText("after", "\nExample:\n  $ dwarfless info /var/crash/202611220312/dump.202611220312\n")
    .action((files: string[], flags: DumpFlags) =>
      withKernel(files, flags, streams, (kernel) => {
        const info = kernelInfo(kernel);
        if (flags.json) streams.out(jsonDocument({ ...info }));
        else writeLines(infoLines(info).map(oneLine), streams);
      }),
    );
}

function varsCommand(streams: Streams, setExitCode: SetExitCode): Command {
  return addDumpOptions(new Command("vars"))
    .description("typed variables of the kernel and its modules, and where their types come from")
    .argument("<DUMP...>", "a dump; then a name, or a pattern with * and ?")
    .addHelpText("after", "\nExample:\n  $ dwarfless vars vmcore '*_mutex' --sidecar vmlinux-all.btf\n")
    .action((args: string[], flags: DumpFlags) => {
      const { files, rest } = splitArguments(args);
      if (rest.length > 1) throw new UsageError("vars: one pattern at most");
      return withKernel(files, flags, streams, (kernel) => {
        const found = listVariables(kernel, rest[0]);
        if (flags.json) writeJsonRows("variables", found.map(variableRow), streams);
        else
          writeLines(
            found.map((variable) => oneLine(variableLine(variable))),
            streams,
          );
        if (found.length > 0) return;
        streams.err(`dwarfless: no variable matches ${oneLine(rest[0] ?? "")}\n`);
        setExitCode(exitNegative);
      });
    });
}

function symCommand(streams: Streams, setExitCode: SetExitCode): Command {
  return addDumpOptions(new Command("sym"))
    .description("symbols by name or address, as /proc/kallsyms knows them")
    .argument("<DUMP...>", "a dump; then names, patterns with * and ?, MODULE::NAME, or addresses")
    .option("--all", "every symbol")
    .addHelpText("after", "\nExample:\n  $ dwarfless sym vmcore jiffies_64 0xffffffff81e0a1b2\n")
    .action((args: string[], flags: DumpFlags & { all?: boolean }) => {
      const { files, rest } = splitArguments(args);
      if (rest.length === 0 && flags.all !== true) throw new UsageError("sym: what symbol? (or --all)");
      if (rest.length > 0 && flags.all === true) throw new UsageError("sym: names or --all");
      return withKernel(files, flags, streams, (kernel) => {
        const rows = flags.all === true ? allSymbols(kernel) : foundSymbols(rest);
        if (flags.json) writeJsonRows("symbols", rows, streams);
        else writeLines(mapLines(rows, symbolLine), streams);

        function* foundSymbols(queries: readonly string[]): Generator<SymbolRow> {
          for (const query of queries) {
            const found = findSymbols(kernel, query);
            if (found.length === 0) {
              streams.err(`dwarfless: no symbol ${oneLine(query)}\n`);
              setExitCode(exitNegative);
            }
            yield* found;
          }
        }
      });
    });
}

function evalCommand(streams: Streams, setExitCode: SetExitCode): Command {
  return addDumpOptions(new Command("eval"))
    .description("values of C expressions")
    .argument("<DUMP...>", "a dump; then expressions")
    .option("--hex", "integers in hexadecimal")
    .option("--no-types", "leave types of members away")
    .addHelpText(
      "after",
      "\nExample:\n  $ dwarfless eval vmcore init_task.comm 'per_cpu(runqueues, 1).nr_running'\n",
    )
    .action((args: string[], flags: DumpFlags & { hex?: boolean; types: boolean }) => {
      const { files, rest } = splitArguments(args);
      if (rest.length === 0) throw new UsageError("eval: what expression?");
      return withKernel(files, flags, streams, (kernel) => {
        const format = {
          integerBase: flags.hex === true ? (16 as const) : (10 as const),
          memberTypeNames: flags.types,
        };
        const rows = evaluateAll(kernel, rest, format);
        if (flags.json) writeJsonRows("values", rows, streams);
        for (const row of rows) {
          if ("error" in row) {
            setExitCode(exitNegative);
            streams.err(`dwarfless: ${oneLine(row.expression)}: ${oneLine(row.error)}\n`);
            if (streams.errIsTerminal) for (const line of row.caret) streams.err(`${oneLine(line)}\n`);
          } else if (!flags.json) {
            streams.out(rest.length === 1 ? `${row.text}\n` : `${row.expression} = ${row.text}\n`);
          }
        }
      });
    });
}

function readCommand(streams: Streams, setExitCode: SetExitCode): Command {
  return addDumpOptions(new Command("read"))
    .description("bytes of memory")
    .argument("<DUMP...>", "a dump; then an address (number, symbol, expression) and a length")
    .option("--raw", "write the bytes themselves; nothing when one of them is not there")
    .option("--physical", "the address is a physical one")
    .addHelpText("after", "\nExample:\n  $ dwarfless read vmcore linux_banner 64\n")
    .action((args: string[], flags: DumpFlags & { raw?: boolean; physical?: boolean }) => {
      const { files, rest } = splitArguments(args);
      if (rest.length !== 2) throw new UsageError("read: needs an address and a length");
      const byteSize = parseLength(rest[1]!);
      return withKernel(files, flags, streams, (kernel) => {
        const memory = readMemory(kernel, resolveAddress(kernel, rest[0]!), byteSize, flags);
        if (memory.faults.length > 0) setExitCode(exitNegative);
        if (flags.json) {
          streams.out(
            jsonDocument({
              address: hex(memory.address),
              size: byteSize,
              bytes: memory.faults.length > 0 ? null : Buffer.from(memory.bytes).toString("hex"),
              faults: memory.faults.map(({ offset, byteSize: size, error }) => ({
                offset,
                size,
                reason: error.reason,
                text: error.message,
              })),
            }),
          );
          return;
        }
        for (const { error } of memory.faults) streams.err(`dwarfless: ${error.message}\n`);
        if (flags.raw !== true) writeLines(hexLines(memory), streams);
        else if (memory.faults.length === 0) streams.outBytes(memory.bytes);
      });
    });
}

function* mapLines<Row>(rows: Iterable<Row>, line: (row: Row) => string): Generator<string> {
  for (const row of rows) yield oneLine(line(row));
}
