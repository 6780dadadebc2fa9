import { Command } from "commander";
import { formatProblem, validateBtf, type KernelRules } from "../btf/index.ts";
import { UsageError } from "../io/index.ts";
import { loadBtf } from "./btf-input.ts";
import { countOf } from "./count.ts";
import { exitDone, exitNegative } from "./exit-code.ts";
import { writeLines } from "./line-writer.ts";
import { oneLine } from "./run-program.ts";
import type { Streams } from "./streams.ts";

interface CheckFlags {
  base?: string;
  kernel: string;
  load?: boolean;
  json?: boolean;
}

const kernels: readonly KernelRules[] = ["6.1", "7.2"];

const example = `
Example:
  $ dwarfless btf check vmlinux.btf
  $ dwarfless btf check veth.ko --base vmlinux --kernel 7.2
`;

/** `dwarfless btf check`: exit 1 when a kernel would refuse it. */
export function btfCheckCommand(streams: Streams, setExitCode: (code: number) => void): Command {
  return new Command("check")
    .description("check BTF by the kernel's own rules")
    .argument("<FILE>", "raw BTF, or an ELF file with .BTF")
    .option("--base <BTF>", "what FILE was split from: raw BTF, or ELF with .BTF")
    .option("--kernel <RELEASE>", `whose rules: ${kernels.join(" or ")}`, "6.1")
    .option("--load", "also what only BPF_BTF_LOAD checks, not vmlinux's and modules' BTF")
    .option("--json", "print the problems as JSON")
    .addHelpText("after", example)
    .action(async (file: string, flags: CheckFlags) => setExitCode(await check(file, flags, streams)));
}

async function check(file: string, flags: CheckFlags, streams: Streams): Promise<number> {
  const kernel = kernels.find((name) => name === flags.kernel);
  if (kernel === undefined)
    throw new UsageError(`--kernel: '${flags.kernel}' is not one of ${kernels.join(", ")}`);
  const btf = await loadBtf(file, flags.base);
  const problems = validateBtf(btf, { kernel, resolve: flags.load === true });
  if (flags.json) {
    const rows = problems.map(({ typeId, kind, offset, rule, text }) => ({
      typeId,
      kind,
      offset,
      rule,
      text,
    }));
    streams.out(`${JSON.stringify({ schema: 1, file, kernel, problems: rows }, undefined, 1)}\n`);
  } else {
    writeLines(
      problems.map((problem) => `${file}: ${oneLine(formatProblem(problem))}`),
      streams,
    );
    if (problems.length === 0)
      streams.out(`${file}: ${countOf(btf.typeCount - btf.startId, "type")}, no problem\n`);
  }
  return problems.length === 0 ? exitDone : exitNegative;
}
