import { Command } from "commander";
import {
  baseMisfit,
  Btf,
  type BtfCheck,
  checkBtf,
  formatProblem,
  kernelRules,
  printableName,
  rulesOfRelease,
} from "../btf/index.ts";
import { UsageError } from "../io/index.ts";
import { readBtfFile, readDistilledBase } from "../sidecar/index.ts";
import { refuseSplitWithoutBase, runningKernelBase } from "./btf-input.ts";
import { countOf } from "./count.ts";
import { exitDone, exitNegative } from "./exit-code.ts";
import { writeLines } from "./line-writer.ts";
import { releaseOfFile } from "./release-of-file.ts";
import { oneLine } from "./run-program.ts";
import type { Streams } from "./streams.ts";

interface CheckFlags {
  base?: string;
  kernel?: string;
  load?: boolean;
  json?: boolean;
}

const example = `
Whose rules: of RELEASE as uname -r prints it. Without --kernel, of the release that a module's .modinfo or
a vmlinux names, else 6.1's, which are the strictest. Rules changed with ${kernelRules.slice(1).join(", ")}.
With a distilled base in FILE (.BTF.base), --base is the kernel whose types it must find.

Exit code 0: that kernel takes it, 1: it does not.

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
    .option("--kernel <RELEASE>", "whose rules")
    .option("--load", "also what only BPF_BTF_LOAD checks, not vmlinux's and modules' BTF")
    .option("--json", "print the problems as JSON")
    .addHelpText("after", example)
    .action(async (file: string, flags: CheckFlags) => setExitCode(await check(file, flags, streams)));
}

async function check(file: string, flags: CheckFlags, streams: Streams): Promise<number> {
  const release = flags.kernel ?? (await releaseOfFile(file)) ?? kernelRules[0];
  const kernel = rulesOfRelease(release);
  if (kernel === undefined)
    throw new UsageError(`--kernel: '${release}' is no release of a kernel from ${kernelRules[0]} on`);
  const bytes = await readBtfFile(file);
  const distilledBase = await readDistilledBase(file);
  const basePath = flags.base ?? (distilledBase === undefined ? runningKernelBase(file) : undefined);
  const base =
    basePath === undefined ? undefined : Btf.parse(await readBtfFile(basePath), { name: basePath });
  if (base === undefined && distilledBase === undefined) refuseSplitWithoutBase(bytes, file);

  const found = checkBtf(bytes, {
    kernel,
    name: file,
    resolve: flags.load === true,
    ...(base && { base }),
    ...(distilledBase && { distilledBase }),
  });
  const otherBase =
    base === undefined || distilledBase !== undefined
      ? undefined
      : await whyOtherBase(found, { file, basePath: basePath! });
  if (flags.json) {
    const { problems, remark } = found;
    const document = { schema: 1, file, kernel, problems, remark, otherBase };
    streams.out(`${JSON.stringify(document, undefined, 1)}\n`);
  } else {
    writeLines(report(file, basePath, found, otherBase), streams);
  }
  return found.problems.length === 0 ? exitDone : exitNegative;
}

/** Why the base given is not the one the BTF was split from; undefined where it may be. */
async function whyOtherBase(
  { btf, problems }: BtfCheck,
  { file, basePath }: { file: string; basePath: string },
): Promise<string | undefined> {
  const own = await releaseOfFile(file);
  const others = await releaseOfFile(basePath);
  if (own !== undefined && others !== undefined && own !== others)
    return `it is for ${printableName(own)}, that is ${printableName(others)}`;
  if (btf !== undefined) return baseMisfit(btf);
  return problems[0]?.rule === "BTF_BASE_BYTE_ORDER" ? problems[0].text : undefined;
}

function report(
  file: string,
  basePath: string | undefined,
  { problems, remark, btf }: BtfCheck,
  otherBase: string | undefined,
): string[] {
  const lines = problems.map((problem) => `${file}: ${oneLine(formatProblem(problem))}`);
  if (problems.length === 0 && btf !== undefined)
    lines.push(`${file}: ${countOf(btf.typeCount - btf.startId, "type")}, no problem`);
  if (remark !== undefined && otherBase === undefined)
    lines.push(`${file}: the kernel does not look, but ${oneLine(printableName(remark))}`);
  if (otherBase !== undefined)
    lines.push(`${file}: built against another vmlinux than ${basePath}: ${oneLine(otherBase)}`);
  return lines;
}
