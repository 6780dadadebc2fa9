import { Command } from "commander";
import {
  type Btf,
  btfStatistics,
  declaration,
  declare,
  findFunctionsTaking,
  findMember,
  findVariablesOf,
  prefixStatistics,
  pulledIn,
  BTF_KIND_UNION,
} from "../btf/index.ts";
import { UsageError } from "../io/index.ts";
import { loadBtf } from "./btf-input.ts";
import { findRoots } from "./btf-names.ts";
import { exitDone, exitNegative } from "./exit-code.ts";
import { jsonDocument, writeJsonRows } from "./json.ts";
import { writeLines } from "./line-writer.ts";
import { oneLine } from "./run-program.ts";
import type { Streams } from "./streams.ts";

interface StatsFlags {
  base?: string;
  json?: boolean;
  byPrefix?: boolean;
  pulledBy?: string;
}

const statsExample = `
Example:
  $ dwarfless btf stats vmlinux
  $ dwarfless btf stats vmlinux --by-prefix
  $ dwarfless btf stats vmlinux --pulled-by 'struct task_struct'
`;

/** `dwarfless btf stats`: what a BTF consists of. */
export function btfStatsCommand(streams: Streams): Command {
  return new Command("stats")
    .description("count types by kind, by name or by what needs them, with the bytes they take")
    .argument("<FILE>", "raw BTF, or an ELF file with .BTF")
    .option("--base <BTF>", "what FILE was split from; it is not counted")
    .option("--by-prefix", "by the first word of names, which is mostly that of the subsystem")
    .option("--pulled-by <TYPE>", "what a type needs: by its members, and what one of them alone needs")
    .option("--json", "print the counts as JSON")
    .addHelpText("after", statsExample)
    .action(async (file: string, flags: StatsFlags) => {
      if (flags.byPrefix && flags.pulledBy !== undefined)
        throw new UsageError("--by-prefix and --pulled-by exclude each other");
      const btf = await loadBtf(file, flags.base);
      if (flags.byPrefix) {
        printPrefixes(file, btf, flags, streams);
        return;
      }
      if (flags.pulledBy !== undefined) {
        printPulled(file, btf, flags.pulledBy, flags, streams);
        return;
      }
      const statistics = btfStatistics(btf);
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

function printPrefixes(file: string, btf: Btf, flags: StatsFlags, streams: Streams): void {
  const prefixes = prefixStatistics(btf);
  if (flags.json) {
    streams.out(jsonDocument({ file, prefixes }));
    return;
  }
  const row = (name: string, types: number | string, byteSize: number | string): string =>
    `${name.padEnd(24)} ${String(types).padStart(8)} ${String(byteSize).padStart(10)}`;
  writeLines(
    [
      row("prefix", "types", "bytes"),
      ...prefixes.map(({ prefix, types, byteSize }) => row(oneLine(prefix) || "(unnamed)", types, byteSize)),
    ],
    streams,
  );
}

/** Of several types of the name the first. */
function printPulled(file: string, btf: Btf, name: string, flags: StatsFlags, streams: Streams): void {
  const [root] = findRoots(btf, [name]);
  const { all, parts } = pulledIn(btf, root!);
  if (flags.json) {
    const rows = parts.map((part) => ({ ...part, typeName: declare(btf, part.type, "") }));
    streams.out(jsonDocument({ file, root, ...all, parts: rows }));
    return;
  }
  const row = (...cells: (number | string)[]): string =>
    `${cells
      .slice(0, 4)
      .map((cell) => String(cell).padStart(10))
      .join(" ")}  ${cells[4]}`;
  writeLines(
    [
      row("only types", "only bytes", "types", "bytes", "through"),
      ...parts.map(({ only, all: reached, type, members }) => {
        const through = members.length === 0 ? "" : `: ${members.join(", ")}`;
        const what = oneLine(`${declare(btf, type, "").trim()}${through}`);
        return row(only.types, only.byteSize, reached.types, reached.byteSize, what);
      }),
      row("", "", all.types, all.byteSize, "all"),
    ],
    streams,
  );
}

interface FindFlags {
  json?: boolean;
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
    .option("--json", "print what is found as JSON")
    .addHelpText("after", findExample)
    .action(async (file: string, flags: FindFlags) => {
      if (flags.member === undefined && flags.argument === undefined && flags.variable === undefined)
        throw new UsageError("nothing to find: give --member, --argument or --variable");
      const btf = await loadBtf(file, flags.base);
      const found = [...findAll(btf, flags)];
      if (flags.json) writeJsonRows("found", found, streams);
      else
        writeLines(
          found.map(({ name, declaration: text }) => oneLine(name === undefined ? text : `${name}: ${text}`)),
          streams,
        );
      setExitCode(found.length === 0 ? exitNegative : exitDone);
    });
}

/** Something found. */
interface Found {
  /** Of the struct, function or variable. */
  id: number;
  /** Of what a member is in. */
  name?: string;
  /** Of the member, in bits. */
  bitOffset?: number;
  declaration: string;
}

function* findAll(btf: Btf, flags: FindFlags): Generator<Found> {
  if (flags.member !== undefined) {
    for (const { id, index } of findMember(btf, flags.member)) {
      const keyword = btf.kind(id) === BTF_KIND_UNION ? "union" : "struct";
      const name = `${keyword} ${btf.name(id) || `(unnamed, id ${id})`}`;
      const text = `${declare(btf, btf.memberType(id, index), flags.member)};`;
      yield { id, name, bitOffset: btf.memberBitOffset(id, index), declaration: text };
    }
  }
  if (flags.argument !== undefined) {
    const types = new Set(findRoots(btf, [flags.argument]));
    for (const id of findFunctionsTaking(btf, types)) yield { id, declaration: declaration(btf, id) };
  }
  if (flags.variable !== undefined) {
    const types = new Set(findRoots(btf, [flags.variable]));
    for (const id of findVariablesOf(btf, types)) yield { id, declaration: declaration(btf, id) };
  }
}
