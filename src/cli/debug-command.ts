import { Command } from "commander";
import { hex, infoLines, kernelInfo } from "../commands/index.ts";
import { addDumpOptions, type DumpFlags, splitArguments, withKernel } from "./dump-options.ts";
import { oneLine } from "./run-program.ts";
import { promptCommands } from "./prompt-commands.ts";
import type { Streams } from "./streams.ts";

/** The running kernel's memory as a core file; proc(5). */
const liveMemory = "/proc/kcore";

/** `dwarfless debug`: a prompt over a dump, or over the running kernel. */
export function debugCommand(
  streams: Streams,
  setExitCode: (code: number) => void,
  dumpCommands: (streams: Streams, setExitCode: (code: number) => void) => Command[],
): Command {
  return addDumpOptions(new Command("debug"))
    .description("a prompt for JavaScript and C expressions over a dump, or over the running kernel")
    .argument("[DUMP...]", "a dump, or the parts of a split one (default: the running kernel, as root)")
    .addHelpText("after", "\nExample:\n  $ dwarfless debug vmcore\n  > per_cpu(runqueues, 0).curr->comm\n")
    .action((args: string[], flags: DumpFlags) => {
      const { files } = splitArguments(args.length === 0 ? [liveMemory] : args);
      return withKernel(files, flags, streams, async (kernel) => {
        // Loaded here, as no other command needs Node's prompt.
        const { startRepl } = await import("../repl/index.ts");
        const banner = [kernel.foundation.banner, `${files.join(" ")}; .help says what can be typed`];
        const repl = { input: process.stdin, output: process.stdout, error: process.stderr };
        const code = await startRepl(
          kernel.program,
          { ...repl, environment: streams.environment },
          {
            banner: banner.map(oneLine).join("\n"),
            commands: promptCommands(kernel, streams, dumpCommands),
            scope: { kernel, hex, info: () => infoLines(kernelInfo(kernel)).join("\n") },
          },
        );
        setExitCode(code);
      });
    });
}
