import { BrokenLinkError } from "../kernel/index.ts";
import type { KernelObject, Program } from "../program/index.ts";
import { rbtreeInorderForEachEntry } from "./rbtree.ts";

/** Deeper trees, and larger tables, are taken for damage. */
const maximumDepth = 32;
const maximumEntries = 100_000n;

const S_IFMT = 0xf000;
const S_IFDIR = 0x4000;
const S_IFLNK = 0xa000;

/** A setting: a `struct ctl_table` (include/linux/sysctl.h). */
export interface FoundSysctl {
  /** Below /proc/sys: `kernel/panic`. */
  path: string;
  table: KernelObject;
}

/**
 * The settings of the kernel itself and of the first namespaces of networks, IPC and users: what /proc/sys has
 * for the first process, by trees and in the order of names in each.
 * @throws {BrokenLinkError}; {@link LookupError}
 */
export function* forEachSysctl(program: Program): Generator<FoundSysctl, undefined> {
  yield* entriesOf(program.variable("sysctl_table_root").subobject("default_set.dir"), "", 0);
  for (const [variable, member] of [
    ["init_net", "sysctls"],
    ["init_ipc_ns", "ipc_set"],
    ["init_ipc_ns", "mq_set"],
    ["init_user_ns", "set"],
    ["init_pid_ns", "set"],
  ] as const) {
    if (!program.hasVariable(variable)) continue;
    const set = program.variable(variable).memberIf(member);
    if (set !== undefined) yield* entriesOf(set.member("dir"), "", 0);
  }
}

/** What a `struct ctl_dir` has; a link leads to the same place of another namespace, which is a tree of its own. */
function* entriesOf(directory: KernelObject, path: string, depth: number): Generator<FoundSysctl, undefined> {
  const name = `settings at 0x${directory.address!.toString(16)}`;
  if (depth > maximumDepth)
    throw new BrokenLinkError(name, directory.address!, `deeper than ${maximumDepth}`);
  const { program } = directory;
  const nodeSize = BigInt(program.type("struct ctl_node").byteSize);
  for (const node of rbtreeInorderForEachEntry("struct ctl_node", directory.member("root"), "node")) {
    const header = node.member("header").dereference();
    const offset = node.address! - (header.member("node").scalar() as bigint);
    const index = offset / nodeSize;
    if (offset < 0n || index * nodeSize !== offset || index > maximumEntries) {
      throw new BrokenLinkError(name, node.address!, "a node outside of its table");
    }
    const table = header.member("ctl_table").index(index);
    const own = `${path}${table.member("procname").string(256)}`;
    const mode = table.member("mode").number() & S_IFMT;
    if (mode === S_IFLNK) continue;
    if (mode !== S_IFDIR) {
      yield { path: own, table };
      continue;
    }
    const below = header.containerOf("struct ctl_dir", "header").dereference();
    // One has one parent, so damage cannot make the walk visit it again and again.
    if (header.member("parent").scalar() !== directory.address) {
      throw new BrokenLinkError(name, header.address!, "the parent of a directory is another");
    }
    yield* entriesOf(below, `${own}/`, depth + 1);
  }
}

/**
 * The text that /proc/sys shows of a setting, by the function that shows it; undefined where that is none of those
 * that show memory as it is: what others show only their code knows.
 * @throws {FaultError}
 */
export function sysctlText(program: Program, table: KernelObject): string | undefined {
  const show = readers.get(sysctlHandler(program, table) ?? "");
  const data = table.member("data").scalar() as bigint;
  return show === undefined || data === 0n ? undefined : show(program, data, table.member("maxlen").number());
}

/** Name of the function that shows and sets it. @throws {FaultError} */
export function sysctlHandler(program: Program, table: KernelObject): string | undefined {
  return program.symbolizer.symbolAt(table.member("proc_handler").scalar() as bigint)?.name;
}

type Reader = (program: Program, address: bigint, byteSize: number) => string | undefined;

/** Longer arrays than any setting has are taken for damage. */
const maximumBytes = 0x1_0000;

function array(elementSize: number, read: (view: DataView, offset: number) => number | bigint): Reader {
  return (program, address, byteSize) => {
    const count = Math.floor(byteSize / elementSize);
    if (byteSize < 0 || byteSize > maximumBytes || count === 0) return undefined;
    const bytes = program.memory.read(address, count * elementSize);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return Array.from({ length: count }, (_, index) => String(read(view, index * elementSize))).join("\t");
  };
}

const int = array(4, (view, offset) => view.getInt32(offset, true));
const unsignedInt = array(4, (view, offset) => view.getUint32(offset, true));
const unsignedLong = array(8, (view, offset) => view.getBigUint64(offset, true));
const byte: Reader = (program, address) => String(program.memory.readU8(address));
const text: Reader = (program, address, byteSize) =>
  byteSize <= 0 || byteSize > maximumBytes
    ? undefined
    : Buffer.from(program.memory.readCString(address, byteSize)).toString("utf8");

/** Functions that show what memory holds: those of kernel/sysctl.c, and some that only set it in another way. */
const readers: ReadonlyMap<string, Reader> = new Map([
  ["proc_dointvec", int],
  ["proc_dointvec_minmax", int],
  ["proc_douintvec", unsignedInt],
  ["proc_douintvec_minmax", unsignedInt],
  ["proc_doulongvec_minmax", unsignedLong],
  ["proc_dobool", byte],
  ["proc_dou8vec_minmax", byte],
  ["proc_dostring", text],
  ["devinet_conf_proc", int],
  ["neigh_proc_dointvec_zero_intmax", int],
  ["proc_dointvec_minmax_sysadmin", int],
  ["watermark_scale_factor_sysctl_handler", int],
  ["proc_dohung_task_timeout_secs", unsignedLong],
]);
