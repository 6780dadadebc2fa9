import { Command } from "commander";
import {
  findStacks,
  foldStacks,
  type FoundStacks,
  groupLines,
  groupStacks,
  hasPanicked,
  stackLines,
  stackRow,
  type StackRow,
  type StackTextOptions,
} from "../commands/index.ts";
import { UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { addDumpOptions, type DumpFlags, splitArguments, withKernel } from "./dump-options.ts";
import { exitNegative } from "./exit-code.ts";
import { jsonDocument, writeJsonRows } from "./json.ts";
import { writeLines } from "./line-writer.ts";
import { oneLine } from "./run-program.ts";
import type { Streams } from "./streams.ts";

interface BtFlags extends DumpFlags {
  all?: boolean;
  active?: boolean;
  full?: boolean;
  args?: boolean;
  lines?: boolean;
  group?: boolean;
  folded?: boolean;
}

const example = `
Without PID or address: the task that panicked, or where none did what every CPU ran.
Frames with ? are guesses: words on the stack that look like return addresses.

Example:
  $ dwarfless bt vmcore --all --group
`;

/** `dwarfless bt`: stacks of tasks and CPUs. */
export function btCommand(streams: Streams, setExitCode: (code: number) => void): Command {
  return addDumpOptions(new Command("bt"))
    .description("stacks of tasks and CPUs (-v: with arguments and registers)")
    .argument("<DUMP...>", "a dump; then PIDs, or addresses of tasks")
    .option("--all", "every thread, the idle tasks of the CPUs too")
    .option("--active", "what every CPU ran")
    .option("-f, --full", "the words of each frame, with symbols")
    .option("-a, --args", "arguments of each function; ? where a value is not proved")
    .option("-l, --lines", "files and lines (BTF has none, and none are made up)")
    .option("--group", "stacks that are the same only once")
    .option("--folded", "a line per stack, outermost function first, for flame graphs")
    .addHelpText("after", example)
    .action((args: string[], flags: BtFlags) => {
      const { files, rest } = splitArguments(args);
      checkFlags(flags, rest);
      const started = Date.now();
      return withKernel(files, flags, streams, (kernel) => {
        const deadline = flags.deadline === undefined ? undefined : started + Number(flags.deadline) * 1000;
        const found = findStacks(kernel, {
          targets: rest,
          all: flags.all ?? false,
          active: flags.active ?? false,
          deadline,
        });
        const asked = rest.length > 0 || flags.all === true || flags.active === true;
        if (!asked && !hasPanicked(found.stacks)) {
          streams.err("dwarfless: no CPU panicked; this is what each CPU ran\n");
        }
        if (flags.lines === true) streams.err("dwarfless: no source of files and lines\n");
        print(kernel, found, flags, streams);
        for (const target of found.missing) streams.err(`dwarfless: no task ${oneLine(target)}\n`);
        if (found.missing.length > 0) setExitCode(exitNegative);
        if (flags.verbose === true) {
          for (const { severity, text } of found.diagnostics) streams.err(`${severity}: ${oneLine(text)}\n`);
        }
      });
    });
}

function checkFlags(flags: BtFlags, targets: readonly string[]): void {
  const which = [flags.all === true, flags.active === true, targets.length > 0];
  if (which.filter(Boolean).length > 1) throw new UsageError("bt: PIDs, --all or --active, one of them");
  if (flags.group === true && flags.folded === true) throw new UsageError("bt: --group or --folded");
  if (flags.json === true && flags.folded === true) throw new UsageError("bt: --json or --folded");
}

function print(kernel: Kernel, found: FoundStacks, flags: BtFlags, streams: Streams): void {
  const { stacks } = found;
  const detail: StackTextOptions = {
    words: flags.full ?? false,
    registers: flags.verbose ?? false,
    args: flags.args === true || flags.verbose === true,
  };
  if (stacks.orc?.problem !== undefined) streams.err(`dwarfless: ${oneLine(stacks.orc.problem)}\n`);
  if (flags.folded === true) {
    writeLines(foldStacks(stacks, found.found).map(oneLine), streams);
    return;
  }
  if (flags.group === true) {
    const groups = groupStacks(stacks, found.found);
    if (flags.json === true) {
      const rows = groups.map(({ members }) => ({
        count: members.length,
        pids: members.map(({ task }) => task.pid),
        ...stackRow(stacks, members[0]!, detail),
      }));
      streams.out(jsonDocument({ groups: rows }));
      return;
    }
    writeLines(
      separated(groups, (group) => groupLines(stacks, group, detail)),
      streams,
    );
    return;
  }
  if (flags.json === true) writeJsonRows("stacks", rowsOf(found, detail), streams);
  else
    writeLines(
      separated(found.found, (each) => stackLines(stacks, each, detail)),
      streams,
    );
}

function* rowsOf(found: FoundStacks, detail: StackTextOptions): Generator<StackRow> {
  for (const each of found.found) yield stackRow(found.stacks, each, detail);
}

/** Paragraphs with empty lines between them. */
function* separated<Item>(items: Iterable<Item>, lines: (item: Item) => Iterable<string>): Generator<string> {
  let first = true;
  for (const item of items) {
    if (!first) yield "";
    first = false;
    for (const line of lines(item)) yield oneLine(line);
  }
}
