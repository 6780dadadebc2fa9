import { readFileSync } from "node:fs";
import { Command } from "commander";
import { judgementSections } from "../commands/index.ts";
import { FileError } from "../io/index.ts";
import { btfKnowledge, judge, membersAt, type OopsRecord, parseLogText } from "../triage/index.ts";
import { loadBtf } from "./btf-input.ts";
import { addReportOptions, checkReportFlags, printReport, type ReportFlags } from "./triage-command.ts";
import type { Streams } from "./streams.ts";
import { errnoOf } from "./write-all.ts";

interface OopsFlags extends ReportFlags {
  btf?: string;
}

const example = `
The text may be dmesg's output, a pstore file, a serial console's or a journal's.

Example:
  $ dmesg | dwarfless oops --btf /sys/kernel/btf/vmlinux
`;

/** `dwarfless oops`: what happened, from the log's text alone. */
export function oopsCommand(streams: Streams): Command {
  return addReportOptions(new Command("oops"))
    .description("what a log says happened: triage from text alone")
    .argument("[FILE]", "the text of a log; - or nothing for standard input")
    .option("--btf <FILE>", "types of that kernel, to name the member at a bad address")
    .option("--json", "print as JSON")
    .addHelpText("after", example)
    .action(async (file: string | undefined, flags: OopsFlags) => {
      checkReportFlags("oops", flags);
      const lines = parseLogText(readText(file ?? "-"));
      const btf = flags.btf === undefined ? undefined : await loadBtf(flags.btf);
      const judgement = judge(lines, {
        membersAt: (record) =>
          btf === undefined ? [] : membersAt(record, btfKnowledge(btf, isArm64(record))),
      });
      const name = file === undefined || file === "-" ? "standard input" : file;
      printReport(`Oops in ${name}`, judgement, judgementSections(judgement), flags, streams);
    });
}

/** Registers are named as the architecture names them. */
function isArm64({ registers }: OopsRecord): boolean {
  return "x0" in registers;
}

/** Logs are mostly ASCII; what is not must not stop reading. @throws {FileError} */
function readText(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "latin1");
  } catch (error) {
    throw new FileError(file === "-" ? "standard input" : file, errnoOf(error), "read");
  }
}
