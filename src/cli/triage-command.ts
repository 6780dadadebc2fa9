import { Command } from "commander";
import {
  htmlLines,
  markdownLines,
  type Section,
  sectionLines,
  triage,
  triageSections,
  type TriageReport,
  triageWithoutKernel,
} from "../commands/index.ts";
import { isDwarflessError, UsageError } from "../io/index.ts";
import { addDumpOptions, type DumpFlags, withKernel } from "./dump-options.ts";
import { jsonDocument } from "./json.ts";
import { writeLines } from "./line-writer.ts";
import { checkWritable, writeOutput } from "./output-file.ts";
import { oneLine } from "./run-program.ts";
import type { Streams } from "./streams.ts";

/** How a report is printed. */
export interface ReportFlags {
  json?: boolean;
  markdown?: boolean;
  html?: string;
}

interface TriageFlags extends DumpFlags, ReportFlags {}

/** Add what commands that print a report have. */
export function addReportOptions(command: Command): Command {
  return command
    .option("--markdown", "print as Markdown")
    .option("--html <FILE>", "write one HTML file that needs nothing else (- for standard output)");
}

/** @throws {UsageError}; {@link FileError} */
export function checkReportFlags(name: string, flags: ReportFlags): void {
  if (flags.json === true && flags.markdown === true) throw new UsageError(`${name}: --json or --markdown`);
  if (flags.html === undefined) return;
  if (flags.html === "-" && (flags.json === true || flags.markdown === true)) {
    throw new UsageError(`${name}: one of --json, --markdown and --html - at a time`);
  }
  checkWritable(flags.html);
}

/** Print a report as it was asked for; HTML goes to its file, and the text is printed as well. */
export function printReport(
  title: string,
  document: object,
  sections: readonly Section[],
  flags: ReportFlags,
  streams: Streams,
): void {
  if (flags.html !== undefined) {
    const html = `${[...htmlLines(title, sections)].join("\n")}\n`;
    if (flags.html === "-") {
      streams.out(html);
      return;
    }
    writeOutput(flags.html, Buffer.from(html));
  }
  if (flags.json === true) streams.out(jsonDocument({ ...document }));
  else if (flags.markdown === true) writeLines(markdownLines(title, sections), streams);
  else writeLines(printableLines(sections), streams);
}

function* printableLines(sections: readonly Section[]): Generator<string> {
  for (const line of sectionLines(sections)) yield oneLine(line);
}

/** `dwarfless triage`: what happened. */
export function triageCommand(streams: Streams): Command {
  return addReportOptions(addDumpOptions(new Command("triage")))
    .description("what happened: the verdict, with evidence")
    .argument("<DUMP...>", "a dump, or the parts of a split one")
    .addHelpText("after", "\nExample:\n  $ dwarfless triage vmcore --html triage.html\n")
    .action(async (files: string[], flags: TriageFlags) => {
      checkReportFlags("triage", flags);
      const started = Date.now();
      const print = (name: string, report: TriageReport): void =>
        printReport(`Triage of ${name}`, report, triageSections(report), flags, streams);
      try {
        await withKernel(files, flags, streams, (kernel) => {
          const deadline = flags.deadline === undefined ? undefined : started + Number(flags.deadline) * 1000;
          print(kernel.dump.name, triage(kernel, deadline));
        });
      } catch (error) {
        // A dump it is, so that there is a report, though it says no more than the error.
        if (isDwarflessError(error) && error.code === "NO_KERNEL")
          print(files[0]!, triageWithoutKernel(error.message));
        throw error;
      }
    });
}
