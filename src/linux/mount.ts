import type { KernelObject, Program } from "../program/index.ts";
import { listForEachEntry } from "./list.ts";
import { type PathPlace, pathText } from "./dcache.ts";
import { rbtreeInorderForEachEntry } from "./rbtree.ts";
import { totalramPages } from "./vmstat.ts";
import { placeOf } from "./walk.ts";

/** Flags of `struct vfsmount` that /proc/mounts shows (include/linux/mount.h), in its order. */
const mountFlags: readonly (readonly [flag: bigint, name: string])[] = [
  [0x01n, "nosuid"],
  [0x02n, "nodev"],
  [0x04n, "noexec"],
  [0x08n, "noatime"],
  [0x10n, "nodiratime"],
  [0x20n, "relatime"],
  [0x80n, "nosymfollow"],
];
const MNT_READONLY = 0x40n;
/** Flags of `struct super_block` (include/linux/fs.h). */
const superFlags: readonly (readonly [flag: bigint, name: string])[] = [
  [0x10n, "sync"],
  [0x80n, "dirsync"],
  [0x40n, "mand"],
  [0x200_0000n, "lazytime"],
];
const SB_RDONLY = 1n;

/**
 * `struct mount`s of a `struct mnt_namespace`, in the order of /proc/mounts.
 * @throws {BrokenLinkError}
 */
export function* forEachMount(namespace: KernelObject): Generator<KernelObject, undefined> {
  const tree = namespace.memberIf("mounts");
  // v6.8 (2eea9ce4310d) put them into a tree; `mounts` was a count before.
  if (tree !== undefined && tree.type.underlying.kind === "struct") {
    yield* rbtreeInorderForEachEntry("struct mount", tree, "mnt_node");
    return;
  }
  for (const mount of listForEachEntry("struct mount", namespace.member("list"), "mnt_list")) {
    // v5.8 to v6.7: places that readers of /proc/mounts keep are in the list too.
    if (!mount.subobject("mnt.mnt_sb").isNull) yield mount;
  }
}

/** Where a mount is, for a process with this root; undefined where that process cannot reach it. */
export function mountDirectory(program: Program, mount: KernelObject, root?: PathPlace): string | undefined {
  const mnt = mount.member("mnt");
  const place = { mnt: placeOf(mnt), dentry: mnt.member("mnt_root").scalar() as bigint };
  const { text, reachesRoot } = pathText(program, place, root);
  return reachesRoot ? text : undefined;
}

/** Type of file system with its subtype, as /proc/mounts has it. @throws {FaultError} */
export function mountType(mount: KernelObject): string {
  const superBlock = mount.subobject("mnt.mnt_sb");
  const name = superBlock.member("s_type").member("name").string(256);
  const subtype = superBlock.memberIf("s_subtype");
  return subtype === undefined || subtype.isNull ? name : `${name}.${subtype.string(256)}`;
}

/** Options that every file system has; its own ones only its code knows. @throws {FaultError} */
export function mountOptions(mount: KernelObject): string[] {
  const own = BigInt(mount.subobject("mnt.mnt_flags").scalar());
  const shared = BigInt(mount.subobject("mnt.mnt_sb").member("s_flags").scalar());
  const isReadOnly = (own & MNT_READONLY) !== 0n || (shared & SB_RDONLY) !== 0n;
  const names = (flags: typeof mountFlags, value: bigint): string[] =>
    flags.filter(([flag]) => (value & flag) !== 0n).map(([, name]) => name);
  return [isReadOnly ? "ro" : "rw", ...names(superFlags, shared), ...names(mountFlags, own)];
}

/**
 * Options that only a file system of this type has, as its `show_options` would say them; undefined for types of
 * which only their own code knows.
 * @throws {FaultError} {@link LookupError}
 */
export function mountOwnOptions(program: Program, mount: KernelObject): string[] | undefined {
  const superBlock = mount.subobject("mnt.mnt_sb");
  const operations = superBlock.member("s_op");
  if (operations.isNull) return undefined;
  if (operations.member("show_options").isNull) return [];
  switch (program.symbolizer.symbolAt(operations.scalar() as bigint)?.name) {
    case "shmem_ops":
      return shmemOptions(program, superBlock);
    case "proc_sops":
      return procOptions(superBlock);
    default:
      return undefined;
  }
}

/** `shmem_show_options` (mm/shmem.c): tmpfs, devtmpfs. What is as it is by default is left out. */
function shmemOptions(program: Program, superBlock: KernelObject): string[] | undefined {
  const info = superBlock.member("s_fs_info").cast("struct shmem_sb_info *");
  const number = (name: string): bigint => info.member(name).scalar() as bigint;
  const isSet = (name: string): boolean => (info.memberIf(name)?.scalar() ?? 0n) !== 0n;
  // A policy of memory has a text of its own.
  if (info.memberIf("mpol")?.isNull === false) return undefined;
  const half = totalramPages(program) / 2n;
  const options: string[] = [];
  if (number("max_blocks") !== half)
    options.push(`size=${(number("max_blocks") * BigInt(program.memory.pageByteSize)) / 1024n}k`);
  if (number("max_inodes") !== half) options.push(`nr_inodes=${number("max_inodes")}`);
  if (number("mode") !== 0o1777n) options.push(`mode=${number("mode").toString(8).padStart(3, "0")}`);
  for (const name of ["uid", "gid"] as const) {
    const id = info.member(name).member("val").scalar() as bigint;
    if (id !== 0n) options.push(`${name}=${id}`);
  }
  // v5.9 (ea3271f7196c)
  if (info.memberIf("full_inums") !== undefined) options.push(isSet("full_inums") ? "inode64" : "inode32");
  const huge = Number(info.memberIf("huge")?.scalar() ?? 0n);
  const hugeName = shmemHuge[huge];
  if (hugeName === undefined) return undefined;
  if (huge !== 0) options.push(`huge=${hugeName}`);
  if (isSet("noswap")) options.push("noswap");
  return options;
}

/** `SHMEM_HUGE_…` of mm/shmem.c. */
const shmemHuge = ["never", "always", "within_size", "advise"];

/** `proc_show_options` (fs/proc/root.c). */
function procOptions(superBlock: KernelObject): string[] | undefined {
  const info = superBlock.member("s_fs_info").cast("struct proc_fs_info *");
  const gid = info.member("pid_gid").member("val").scalar() as bigint;
  const hide = BigInt(info.member("hide_pid").scalar());
  const hideName = procHide.get(hide);
  if (hideName === undefined) return undefined;
  return [
    ...(gid === 0n ? [] : [`gid=${gid}`]),
    ...(hide === 0n ? [] : [`hidepid=${hideName}`]),
    ...(BigInt(info.member("pidonly").scalar()) === 0n ? [] : ["subset=pid"]),
  ];
}

/** `enum proc_hidepid` (include/linux/proc_fs.h) by the words of v5.8 (1c6c4d112e81). */
const procHide: ReadonlyMap<bigint, string> = new Map([
  [0n, "off"],
  [1n, "noaccess"],
  [2n, "invisible"],
  [4n, "ptraceable"],
]);
