import { Command } from "commander";
import * as K from "../btf/index.ts";
import {
  type Btf,
  distinctStructs,
  LayoutPrinter,
  layouts,
  reorganizedText,
  type TypeId,
} from "../btf/index.ts";
import { UsageError } from "../io/index.ts";
import { loadBtf } from "./btf-input.ts";
import { findTypes } from "./btf-names.ts";
import { exitDone, exitNegative } from "./exit-code.ts";
import { writeLines, writePieces } from "./line-writer.ts";
import { expectShortRun } from "./short-run.ts";
import type { Streams } from "./streams.ts";

interface LayoutFlags {
  base?: string;
  contains?: string;
  sizes?: boolean;
  nrMembers?: boolean;
  holes?: string;
  expand?: boolean;
  reorganize?: boolean;
  showReorgSteps?: boolean;
}

const example = `
Without NAME, every struct and union of FILE; with --base those of FILE alone.

Example:
  $ dwarfless btf layout vmlinux task_struct
  $ dwarfless btf layout veth.ko veth_priv --base vmlinux
  $ dwarfless btf layout vmlinux --holes 10 --sizes
  $ dwarfless btf layout vmlinux --contains mutex
  $ dwarfless btf layout vmlinux file_system_type --reorganize
`;

/** `dwarfless btf layout`: exit 1 when nothing is as asked. */
export function btfLayoutCommand(streams: Streams, setExitCode: (code: number) => void): Command {
  return new Command("layout")
    .description("print structs with offsets, sizes, holes and cache lines, as pahole does")
    .argument("<FILE>", "raw BTF, or an ELF file with .BTF")
    .argument("[NAME...]", "structs and unions: NAME, 'struct NAME', or an id")
    .option("--base <BTF>", "what FILE was split from: raw BTF, or ELF with .BTF")
    .option("-E, --expand", "print what is behind typedefs, and structs within structs where they stand")
    .option("--contains <TYPE>", "names of the structs with a member of struct or union TYPE")
    .option("--sizes", "a line each: name, bytes, holes")
    .option("--nr-members", "a line each: name, count of members")
    .option("--holes <COUNT>", "only those with at least so many holes")
    .option("-R, --reorganize", "move members of structs NAME into holes, and say what that saves")
    .option("-S, --show-reorg-steps", "with -R: the struct after each move")
    .addHelpText("after", example)
    .action(async (file: string, names: string[], flags: LayoutFlags) =>
      setExitCode(await layout(file, names, flags, streams)),
    );
}

async function layout(
  file: string,
  names: readonly string[],
  flags: LayoutFlags,
  streams: Streams,
): Promise<number> {
  if (flags.sizes && flags.nrMembers) throw new UsageError("--sizes and --nr-members exclude each other");
  const { reorganize = false, showReorgSteps = false } = flags;
  if (reorganize && (names.length === 0 || flags.sizes || flags.nrMembers || flags.contains !== undefined))
    throw new UsageError("--reorganize wants names of structs");
  if (showReorgSteps && !reorganize) throw new UsageError("--show-reorg-steps goes with --reorganize");
  await expectShortRun();
  const btf = await loadBtf(file, flags.base);
  const options = { expand: flags.expand ?? false };
  const printer = new LayoutPrinter(btf, options);
  const isWhole = names.length === 0 && flags.holes === undefined && flags.contains === undefined;
  if (isWhole && !flags.sizes && !flags.nrMembers) {
    writePieces(layouts(btf, options), streams);
    return exitDone;
  }
  const ids = select(btf, names, printer, flags);
  if (flags.sizes) {
    writeLines(
      ids.map((id) => `${btf.name(id)}\t${btf.sizeOrType(id)}\t${printer.infos.info(id).holeCount}`),
      streams,
    );
  } else if (flags.nrMembers) {
    writeLines(
      ids.map((id) => `${btf.name(id)}\t${btf.vlen(id)}`),
      streams,
    );
  } else if (flags.contains !== undefined) {
    writeLines(new Set(ids.map((id) => btf.name(id))), streams);
  } else {
    // With names, pahole ends each with an empty line.
    const end = names.length > 0 ? "\n" : "";
    for (const id of ids) {
      const text = reorganize ? reorganizedText(btf, id, printer, showReorgSteps) : printer.print(id);
      streams.out(`${text}${end}`);
    }
  }
  return ids.length === 0 ? exitNegative : exitDone;
}

function select(btf: Btf, names: readonly string[], printer: LayoutPrinter, flags: LayoutFlags): TypeId[] {
  const structs = [K.BTF_KIND_STRUCT, K.BTF_KIND_UNION];
  let ids: TypeId[] = [];
  if (names.length > 0) {
    ids = names.flatMap((name) => findTypes(btf, name, structs));
    const odd = ids.find((id) => !structs.includes(btf.kind(id)));
    if (odd !== undefined)
      throw new UsageError(`type ${odd} is no struct or union but ${K.kindName(btf.kind(odd))}`);
  } else {
    ids = [...distinctStructs(btf, printer.infos)];
  }
  if (flags.contains !== undefined) {
    const wanted = new Set(findTypes(btf, flags.contains, structs));
    ids = ids.filter((id) =>
      printer.infos.info(id).members.some((member) => wanted.has(printer.infos.strip(member.type))),
    );
  }
  const least = flags.holes === undefined ? 0 : Number(flags.holes);
  if (flags.holes !== undefined && !/^\d{1,6}$/.test(flags.holes))
    throw new UsageError(`--holes: '${flags.holes}' is not a count`);
  if (least > 0) ids = ids.filter((id) => printer.infos.info(id).holeCount >= least);
  return ids;
}
