import { Command } from "commander";
import {
  type Btf,
  btfStatistics,
  declaration,
  declare,
  findFunctionsTaking,
  findMember,
  findVariablesOf,
  BTF_KIND_UNION,
} from "../btf/index.ts";
import { UsageError } from "../io/index.ts";
import { loadBtf } from "./btf-input.ts";
import { findRoots } from "./btf-names.ts";
import { exitDone, exitNegative } from "./exit-code.ts";
import { jsonDocument } from "./json.ts";
import { writeLines } from "./line-writer.ts";
import { oneLine } from "./run-program.ts";
import type { Streams } from "./streams.ts";

interface StatsFlags {
  base?: string;
  json?: boolean;
}

/** `dwarfless btf stats`: what a BTF consists of. */
export function btfStatsCommand(streams: Streams): Command {
  return new Command("stats")
    .description("count types by kind, with the bytes they take")
    .argument("<FILE>", "raw BTF, or an ELF file with .BTF")
    .option("--base <BTF>", "what FILE was split from; it is not counted")
    .option("--json", "print the counts as JSON")
    .addHelpText("after", "\nExample:\n  $ dwarfless btf stats vmlinux\n")
    .action(async (file: string, flags: StatsFlags) => {
      const statistics = btfStatistics(await loadBtf(file, flags.base));
      if (flags.json) {
        streams.out(jsonDocument({ file, ...statistics }));
        return;
      }
      const row = (
        name: string,
        count: number | string,
        elements: number | string,
        size: number | string,
      ): string =>
        `${name.padEnd(10)} ${String(count).padStart(8)} ${String(elements).padStart(9)} ${String(size).padStart(10)}`;
      writeLines(
        [
          row("kind", "count", "elements", "bytes"),
          ...statistics.kinds.map(({ kind, count, elements, byteSize }) =>
            row(kind, count, elements, byteSize),
          ),
          row("strings", statistics.strings, "", statistics.stringsByteSize),
          row("all", statistics.types, "", statistics.byteSize),
        ],
        streams,
      );
    });
}

interface FindFlags {
  base?: string;
  member?: string;
  argument?: string;
  variable?: string;
}

const findExample = `
TYPE is a name, 'struct NAME', or an id; it counts behind pointers, arrays and typedefs.

Example:
  $ dwarfless btf find vmlinux --member rcu_users
  $ dwarfless btf find vmlinux --argument task_struct
`;

/** `dwarfless btf find`: exit 1 when nothing is found. */
export function btfFindCommand(streams: Streams, setExitCode: (code: number) => void): Command {
  return new Command("find")
    .description("find structs by member, functions by argument, variables by type")
    .argument("<FILE>", "raw BTF, or an ELF file with .BTF")
    .option("--base <BTF>", "what FILE was split from: raw BTF, or ELF with .BTF")
    .option("--member <NAME>", "structs and unions with a member of this name")
    .option("--argument <TYPE>", "functions that take this type")
    .option("--variable <TYPE>", "variables of this type")
    .addHelpText("after", findExample)
    .action(async (file: string, flags: FindFlags) => {
      if (flags.member === undefined && flags.argument === undefined && flags.variable === undefined)
        throw new UsageError("nothing to find: give --member, --argument or --variable");
      const btf = await loadBtf(file, flags.base);
      const count = writeLines(findLines(btf, flags), streams);
      setExitCode(count === 0 ? exitNegative : exitDone);
    });
}

function* findLines(btf: Btf, flags: FindFlags): Generator<string> {
  if (flags.member !== undefined) {
    for (const { id, index } of findMember(btf, flags.member)) {
      const keyword = btf.kind(id) === BTF_KIND_UNION ? "union" : "struct";
      const place = `${keyword} ${btf.name(id) || `(unnamed, id ${id})`}`;
      yield oneLine(`${place}: ${declare(btf, btf.memberType(id, index), flags.member)};`);
    }
  }
  if (flags.argument !== undefined) {
    const types = new Set(findRoots(btf, [flags.argument]));
    for (const id of findFunctionsTaking(btf, types)) yield declaration(btf, id);
  }
  if (flags.variable !== undefined) {
    const types = new Set(findRoots(btf, [flags.variable]));
    for (const id of findVariablesOf(btf, types)) yield declaration(btf, id);
  }
}
