import { Command } from "commander";
import { UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { Gaps } from "../linux/index.ts";
import { addDumpOptions, type DumpFlags, splitArguments, withKernel } from "./dump-options.ts";
import { exitNegative } from "./exit-code.ts";
import { writeLines } from "./line-writer.ts";
import { oneLine } from "./run-program.ts";
import type { Streams } from "./streams.ts";

/** What a command that prints a table of facts is made of. */
export interface TableCommand<Row extends object, Flags> {
  name: string;
  description: string;
  /** What follows the dump. */
  argument: string;
  /** False where nothing but the dump is taken. */
  takesQueries?: boolean;
  /** The command line after `dwarfless NAME`. */
  example: string;
  /** What its rows are, in JSON. */
  plural: string | ((flags: Flags) => string);
  options?: readonly (readonly [flags: string, description: string])[];
  /** The rows, and those of `queries` that nothing answers. */
  list(kernel: Kernel, gaps: Gaps, queries: readonly string[], flags: Flags & DumpFlags): Found<Row>;
  lines(rows: readonly Row[], flags: Flags & DumpFlags): Iterable<string>;
}

export interface Found<Row> {
  rows: readonly Row[];
  missing?: readonly string[];
}

/** The command: rows as a table or as JSON, on stderr what could not be read. */
export function tableCommand<Row extends object, Flags>(
  definition: TableCommand<Row, Flags>,
  streams: Streams,
  setExitCode: (code: number) => void,
): Command {
  const { name } = definition;
  const command = addDumpOptions(new Command(name))
    .description(definition.description)
    .argument("<DUMP...>", definition.argument)
    .addHelpText("after", `\nExample:\n  $ dwarfless ${name} ${definition.example}\n`);
  for (const [flags, description] of definition.options ?? []) command.option(flags, description);
  return command.action((args: string[], flags: Flags & DumpFlags) => {
    const { files, rest } = splitArguments(args);
    if (definition.takesQueries === false && rest.length > 0) {
      throw new UsageError(`${name}: one dump, and nothing else: '${rest[0]}'`);
    }
    return withKernel(files, flags, streams, (kernel) => {
      const gaps = new Gaps();
      const { rows, missing = [] } = definition.list(kernel, gaps, rest, flags);
      const plural = typeof definition.plural === "string" ? definition.plural : definition.plural(flags);
      if (flags.json) writeRows(plural, rows, gaps, streams);
      else {
        // Titles alone say nothing, and what was not found is said below.
        if (rows.length > 0 || missing.length === 0)
          writeLines(mapOneLine(definition.lines(rows, flags)), streams);
        for (const { text } of gaps.diagnostics) streams.err(`dwarfless: ${oneLine(text)}\n`);
      }
      for (const query of missing) streams.err(`dwarfless: ${name}: nothing fits ${oneLine(query)}\n`);
      if (missing.length > 0) setExitCode(exitNegative);
    });
  });
}

function* mapOneLine(lines: Iterable<string>): Generator<string> {
  for (const line of lines) yield oneLine(line);
}

/** A document with rows, a row a line, and what could not be read. */
function writeRows(plural: string, rows: readonly object[], gaps: Gaps, streams: Streams): void {
  function* lines(): Generator<string> {
    yield `{"schema": 1, ${JSON.stringify(plural)}: [`;
    for (const [index, row] of rows.entries()) {
      yield `${JSON.stringify(row)}${index + 1 < rows.length ? "," : ""}`;
    }
    yield `], "warnings": ${JSON.stringify(gaps.diagnostics.map(({ text }) => text))}}`;
  }
  writeLines(lines(), streams);
}
