import { readFileSync, statSync } from "node:fs";
import { Command } from "commander";
import { judgementSections } from "../commands/index.ts";
import { FileError, isDwarflessError, LimitError, UnsupportedError } from "../io/index.ts";
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

/** Longer texts are no kernel's log. */
const maximumByteSize = 256 << 20;

/**
 * Logs are mostly ASCII; what is not must not stop reading.
 * @throws {FileError}; {@link LimitError}; {@link UnsupportedError} for bytes that are no text
 */
function readText(file: string): string {
  const name = file === "-" ? "standard input" : file;
  let bytes: Buffer;
  try {
    if (file !== "-" && statSync(file).size > maximumByteSize) throw tooLong(name);
    bytes = readFileSync(file === "-" ? 0 : file);
  } catch (error) {
    throw isDwarflessError(error) ? error : new FileError(name, errnoOf(error), "read");
  }
  if (bytes.length > maximumByteSize) throw tooLong(name);
  // A console may have lost a byte or two; a dump or a compressed file begins with many.
  const head = bytes.subarray(0, 4096);
  if (head.filter((byte) => byte === 0).length > head.length / 16) {
    throw new UnsupportedError("OOPS_BINARY", "no text (triage opens dumps)", { file: name });
  }
  return bytes.toString("latin1");
}

function tooLong(name: string): LimitError {
  return new LimitError("OOPS_SIZE", `more than ${maximumByteSize} bytes of log`, { file: name });
}
