import type { KernelObject, Program } from "../program/index.ts";
import { listForEachEntry } from "./list.ts";
import { type PathPlace, pathText } from "./dcache.ts";
import { rbtreeInorderForEachEntry } from "./rbtree.ts";
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
