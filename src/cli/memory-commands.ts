import type { Command } from "commander";
import {
  entryLines,
  type EntryRow,
  hitLines,
  type HitRow,
  identifyAddresses,
  parseLength,
  readWords,
  searchMemory,
  showStruct,
  structLines,
  type StructRow,
  textLines,
  translateAddresses,
  translationLines,
  type TranslationRow,
  treeKind,
  untilUnprintable,
  walkLinkedList,
  walkTree,
  whatisLines,
  type WhatisRow,
  withCaches,
  wordLines,
  type WordRow,
} from "../commands/index.ts";
import { UsageError } from "../io/index.ts";
import type { Streams } from "./streams.ts";
import { type TableCommand, tableCommand } from "./table-command.ts";

/** Commands that look at memory itself, under the names that crash gives them. */
export function memoryCommands(streams: Streams, setExitCode: (code: number) => void): Command[] {
  const table = <Row extends object, Flags>(definition: TableCommand<Row, Flags>): Command =>
    tableCommand(definition, streams, setExitCode);
  // crash's -h of these is no request for help.
  const ownH = (command: Command): Command => command.helpOption("--help", "display help for command");
  return [
    table(structOf("struct")),
    table(structOf("union")),
    ownH(table(list)),
    table(tree),
    ownH(table(search)),
    withWidths(table(rd)),
    table(vtop),
    table(whatis),
  ];
}

interface StructFlags {
  count?: string;
  offsets?: boolean;
  hex?: boolean;
  embedded?: string;
}

function structOf(tag: "struct" | "union"): TableCommand<StructRow, StructFlags> {
  return {
    name: tag,
    description: `a ${tag}'s members, or a ${tag} at an address`,
    argument: "a dump; then NAME or NAME.MEMBER,MEMBER; then an address or ADDRESS:CPUS, and a count",
    example: tag === "struct" ? "vmcore rq.nr_running runqueues:a" : "vmcore -o thread_union",
    plural: "structs",
    options: [
      ["-o, --offsets", "offsets of the members; with an address their addresses"],
      ["-l, --embedded <OFFSET>", "the address is of a member: bytes, or NAME.MEMBER"],
      ["-c, --count <COUNT>", "so many, one behind the other; also as the last argument"],
      ["-x, --hex", "integers in hexadecimal"],
    ],
    list(kernel, _, [name, address, last, ...more], flags) {
      const count = last ?? flags.count;
      if (name === undefined) throw new UsageError(`${tag}: what ${tag}?`);
      if (more.length > 0) throw new UsageError(`${tag}: '${more[0]}' is one argument too many`);
      const rows = showStruct(kernel, {
        tag,
        name,
        address,
        embedded: flags.embedded,
        offsets: flags.offsets ?? false,
        ...(count !== undefined && { count: parseLength(count) }),
        format: formatOf(flags),
      });
      return { rows };
    },
    lines: (rows, flags) => structLines(rows, flags.offsets ?? false),
  };
}

interface ListFlags {
  offset?: string;
  embedded?: boolean;
  head?: boolean;
  reverse?: boolean;
  end?: string;
  show?: string;
  count?: string;
  hex?: boolean;
}

const list: TableCommand<EntryRow, ListFlags> = {
  name: "list",
  description: "the structures of a linked list",
  argument: "a dump; then an offset (bytes, or STRUCT.MEMBER) if it is not 0; then where the list starts",
  example: "vmcore -H modules -o module.list -s module.name",
  plural: "entries",
  options: [
    ["-o, --offset <OFFSET>", "of the link in the structures: bytes, or STRUCT.MEMBER"],
    ["-h, --embedded", "the start is a structure, and its link a struct list_head"],
    ["-H, --head", "the start is a struct list_head that belongs to no structure"],
    ["-r, --reverse", "backwards; with -h or -H"],
    ["-e, --end <ADDRESS>", "the last structure to show"],
    ["-s, --show <STRUCT>", "show every structure, or STRUCT.MEMBER,MEMBER of it"],
    ["-n, --count <COUNT>", "at most so many (default: 100000)"],
    ["-x, --hex", "integers in hexadecimal"],
  ],
  list(kernel, gaps, arguments_, flags) {
    if (flags.embedded === true && flags.head === true) throw new UsageError("list: -h or -H");
    const [start, ...more] = arguments_.toReversed();
    const offset = flags.offset ?? more.shift();
    if (start === undefined || more.length > 0)
      throw new UsageError("list: one start, and at most one offset");
    const rows = walkLinkedList(kernel, gaps, {
      start,
      offset,
      links: flags.head === true ? "head" : flags.embedded === true ? "embedded" : "plain",
      reverse: flags.reverse ?? false,
      end: flags.end,
      show: flags.show,
      count: countOf(flags.count),
      format: formatOf(flags),
    });
    return { rows: [...rows] };
  },
  lines: entryLines,
};

interface TreeFlags {
  below?: boolean;
  type?: string;
  root?: string;
  node?: string;
  show?: string;
  count?: string;
  hex?: boolean;
}

const tree: TableCommand<EntryRow, TreeFlags> = {
  name: "tree",
  description: "the entries of a red-black tree, radix tree, xarray or maple tree, in order",
  argument: "a dump; then the address of the root, or of what holds it (-r)",
  example: "vmcore -t maple -r mm_struct.mm_mt -s vm_area_struct.vm_start 0xffff8a3801234500",
  plural: "entries",
  options: [
    ["-t, --type <TYPE>", "rbtree (default), radix, xarray, maple; or how they begin"],
    ["-r, --root <OFFSET>", "of the root in what starts at the address: bytes, or STRUCT.MEMBER"],
    ["-N, --below", "the address is of a red-black tree's node, not of its root"],
    ["-o, --node <OFFSET>", "of a red-black tree's node in the structures: bytes, or STRUCT.MEMBER"],
    ["-s, --show <STRUCT>", "show every structure, or STRUCT.MEMBER,MEMBER of it"],
    ["-n, --count <COUNT>", "at most so many (default: 100000)"],
    ["-x, --hex", "integers in hexadecimal"],
  ],
  list(kernel, gaps, [start, ...more], flags) {
    if (start === undefined || more.length > 0) throw new UsageError("tree: of one root");
    const rows = walkTree(kernel, gaps, {
      start,
      kind: treeKind(flags.type ?? "rbtree"),
      isNode: flags.below ?? false,
      rootOffset: flags.root,
      nodeOffset: flags.node,
      show: flags.show,
      count: countOf(flags.count),
      format: formatOf(flags),
    });
    return { rows: [...rows] };
  },
  lines: entryLines,
};

interface SearchFlags {
  length?: string;
  physical?: boolean;
  pid?: string;
  start?: string;
  end?: string;
  mask?: string;
  text?: boolean;
  words?: boolean;
  halfwords?: boolean;
  count?: string;
}

const search: TableCommand<HitRow, SearchFlags> = {
  name: "search",
  description: "values or texts in the kernel's memory",
  argument: "a dump; then values (numbers, symbols, expressions), or with -c texts",
  example: "vmcore -c 'Kernel panic'",
  plural: "places",
  options: [
    ["-s, --start <ADDRESS>", "from this address on (default: all of physical memory)"],
    ["-e, --end <ADDRESS>", "up to this address"],
    ["-l, --length <BYTES>", "so many bytes, instead of an end"],
    ["-p, --physical", "start and end are physical addresses"],
    ["-u, --pid <PID>", "in the memory of this process"],
    ["-m, --mask <BITS>", "bits that may be anything"],
    ["-c, --text", "texts, at any address"],
    ["-w, --words", "words of 32 bits instead of 64"],
    ["-h, --halfwords", "words of 16 bits"],
    ["-n, --count <COUNT>", "at most so many places (default: 10000)"],
  ],
  list(kernel, gaps, values, flags) {
    if (flags.words === true && flags.halfwords === true) throw new UsageError("search: -w or -h");
    if (flags.text === true && flags.mask !== undefined) throw new UsageError("search: -m is for values");
    const rows = searchMemory(kernel, gaps, {
      values,
      text: flags.text ?? false,
      byteSize: flags.halfwords === true ? 2 : flags.words === true ? 4 : 8,
      mask: flags.mask,
      start: flags.start,
      end: flags.end,
      length: countOf(flags.length),
      physical: flags.physical ?? false,
      pid: pidOf(flags.pid),
      count: countOf(flags.count),
      deadline: flags.deadline === undefined ? undefined : Date.now() + Number(flags.deadline) * 1000,
    });
    return { rows, missing: rows.length === 0 ? values : [] };
  },
  lines: hitLines,
};

interface RdFlags {
  width?: string;
  physical?: boolean;
  pid?: string;
  end?: string;
  symbols?: boolean;
  slabs?: boolean;
  text?: boolean;
  signed?: boolean;
  unsigned?: boolean;
  bare?: boolean;
}

/** Bytes of a text that has no count, at most. */
const maximumTextByteSize = 4096;

const rd: TableCommand<WordRow, RdFlags> = {
  name: "rd",
  description: "words of memory: of the kernel, of a process, or physical",
  argument: "a dump; then an address, and how many words (default: 1)",
  example: "vmcore -s init_task 4",
  plural: "words",
  options: [
    ["-w, --width <BITS>", "of a word: 8, 16, 32 or 64 (default); also -8, -16, -32, -64"],
    ["-p, --physical", "the address is a physical one"],
    ["-u, --pid <PID>", "the address is one of this process"],
    ["-e, --end <ADDRESS>", "up to this address, instead of a count"],
    ["-s, --symbols", "symbols for the values that lie in one"],
    ["-S, --slabs", "symbols, and [CACHE] for the values that point into a slab"],
    ["-d, --signed", "signed decimal numbers"],
    ["-D, --unsigned", "unsigned decimal numbers"],
    ["-a, --text", "text: as many bytes, or up to the first that is not printable"],
    ["-x, --bare", "without the characters"],
  ],
  list(kernel, gaps, [address, count, ...more], flags) {
    if (address === undefined || more.length > 0) throw new UsageError("rd: an address, and a count");
    if (flags.text === true && flags.width !== undefined) throw new UsageError("rd: -a is of bytes");
    if (flags.signed === true && flags.unsigned === true) throw new UsageError("rd: -d or -D");
    const isWhole = flags.text === true && count === undefined && flags.end === undefined;
    const read = readWords(kernel, {
      address,
      bits: flags.text === true ? 8 : Number(flags.width ?? 64),
      physical: flags.physical ?? false,
      pid: pidOf(flags.pid),
      end: flags.end,
      ...(isWhole && { count: maximumTextByteSize }),
      ...(count !== undefined && { count: parseLength(count) }),
    });
    const words = isWhole && read[0]!.error === null ? untilUnprintable(read) : read;
    const rows = flags.slabs === true ? withCaches(kernel, gaps, words) : words;
    const missing = new Set(rows.map(({ error }) => error).filter((error) => error !== null));
    return { rows, missing: [...missing] };
  },
  lines(rows, flags) {
    if (flags.text === true) return textLines(rows);
    return wordLines(rows, {
      symbols: flags.symbols === true || flags.slabs === true,
      decimal: flags.signed === true ? "d" : flags.unsigned === true ? "D" : undefined,
      bare: flags.bare ?? false,
    });
  },
};

/** `-8`, `-16`, `-32`, `-64`, as crash's `rd` has them: options of two digits are none to commander. */
function withWidths(command: Command): Command {
  const parse = command.parseOptions.bind(command);
  command.parseOptions = (argv) => parse(argv.map((each) => each.replace(/^-(8|16|32|64)$/, "--width=$1")));
  return command;
}

const vtop: TableCommand<TranslationRow, { pid?: string }> = {
  name: "vtop",
  description: "how page tables translate addresses of the kernel, or of a process",
  argument: "a dump; then addresses, symbols or expressions",
  example: "vmcore init_task",
  plural: "translations",
  options: [["-c, --pid <PID>", "addresses of this process"]],
  list(kernel, gaps, targets, flags) {
    const rows = translateAddresses(kernel, gaps, targets, pidOf(flags.pid));
    return { rows, missing: targets.filter((_, index) => rows[index]!.physical === null) };
  },
  lines: translationLines,
};

const whatis: TableCommand<WhatisRow, { pid?: string }> = {
  name: "whatis",
  description: "what addresses are, with what proves it",
  argument: "a dump; then addresses, symbols or expressions",
  example: "vmcore 0xffff8a3801234500",
  plural: "addresses",
  options: [["-c, --pid <PID>", "addresses of this process"]],
  list: (kernel, gaps, targets, flags) => identifyAddresses(kernel, gaps, targets, pidOf(flags.pid)),
  lines: whatisLines,
};

function formatOf(flags: { hex?: boolean }): { integerBase: 10 | 16 } {
  return { integerBase: flags.hex === true ? 16 : 10 };
}

function countOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseLength(text);
}

function pidOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new UsageError(`'${text}' is no PID`);
}
