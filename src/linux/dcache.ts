import type { KernelObject, Program } from "../program/index.ts";
import { DwarflessError } from "../io/index.ts";
import { hlistForEachEntry, listForEachEntry } from "./list.ts";
import { objectAt, placeOf } from "./walk.ts";

/** Deeper paths are taken for damage. */
const maximumDepth = 4096;

/** A place in the tree of mounts: the values of a `struct path`. */
export interface PathPlace {
  /** Address of the `struct vfsmount`. */
  mnt: bigint;
  /** Address of the `struct dentry`. */
  dentry: bigint;
}

/** @throws {FaultError} */
export function pathPlace(path: KernelObject): PathPlace {
  return { mnt: path.member("mnt").scalar() as bigint, dentry: path.member("dentry").scalar() as bigint };
}

/**
 * `d_path` (fs/d_path.c): the path of a place as a process with this root sees it; files without one are
 * named as /proc/PID/fd has them (`pipe:[123]`).
 * @throws {FaultError}; {@link DwarflessError} `PATH` for a path without end
 */
export function dPath(program: Program, place: PathPlace, root?: PathPlace): string {
  const dentry = objectAt(program, "struct dentry", place.dentry);
  const parent = dentry.member("d_parent").scalar();
  // A namespace that is mounted somewhere has a path like any other file.
  const isMounted =
    parent === place.dentry &&
    objectAt(program, "struct vfsmount", place.mnt).member("mnt_root").scalar() === place.dentry;
  const special = isMounted ? undefined : specialName(program, dentry);
  if (special !== undefined) return special;
  // d_unlinked(): in no hash list, and no root.
  const isDeleted = parent !== place.dentry && dentry.subobject("d_hash.pprev").isNull;
  return pathText(program, place, root).text + (isDeleted ? " (deleted)" : "");
}

/** A path, and whether it leads up to the root that was asked for (or to the top where none was). */
export function pathText(
  program: Program,
  place: PathPlace,
  root?: PathPlace,
): { text: string; reachesRoot: boolean } {
  let { mnt, dentry } = place;
  let text = "";
  const atRoot = (): boolean => root !== undefined && mnt === root.mnt && dentry === root.dentry;
  for (let depth = 0; depth < maximumDepth; depth++) {
    if (atRoot()) return { text: text === "" ? "/" : text, reachesRoot: true };
    const vfsmount = objectAt(program, "struct vfsmount", mnt);
    if (vfsmount.member("mnt_root").scalar() === dentry) {
      const mount = vfsmount.containerOf("struct mount", "mnt");
      const above = mount.member("mnt_parent").scalar() as bigint;
      if (above === mount.scalar()) {
        return { text: text === "" ? "/" : text, reachesRoot: root === undefined };
      }
      dentry = mount.member("mnt_mountpoint").scalar() as bigint;
      mnt = placeOf(objectAt(program, "struct mount", above).member("mnt"));
      continue;
    }
    const object = objectAt(program, "struct dentry", dentry);
    const parent = object.member("d_parent").scalar() as bigint;
    // The root of a file system that is mounted nowhere.
    if (parent === dentry) return { text: text === "" ? "/" : text, reachesRoot: false };
    text = `/${dentryName(object)}${text}`;
    dentry = parent;
  }
  throw new DwarflessError("PATH", `a path of more than ${maximumDepth} steps at 0x${dentry.toString(16)}`);
}

/** `dentry->d_name`. @throws {FaultError} */
export function dentryName(dentry: KernelObject): string {
  return dentry.member("d_name").member("name").string(4096);
}

/**
 * What a file system's own `d_dname` would say, by the function that it is.
 * @throws {DwarflessError} `PATH` for a function that is not known: only its code knows the name
 */
function specialName(program: Program, dentry: KernelObject): string | undefined {
  const operations = dentry.member("d_op");
  if (operations.isNull) return undefined;
  const dname = operations.member("d_dname").scalar() as bigint;
  if (dname === 0n) return undefined;
  const name = dentryName(dentry);
  const inode = (): bigint => dentry.member("d_inode").member("i_ino").scalar() as bigint;
  switch (program.symbolizer.symbolAt(dname)?.name) {
    case "pipefs_dname":
      return `pipe:[${inode()}]`;
    case "sockfs_dname":
      return `socket:[${inode()}]`;
    case "anon_inodefs_dname":
      return `anon_inode:${name}`;
    case "pidfs_dname":
      return `anon_inode:[pidfd]`;
    case "ns_dname":
      return `${namespaceType(dentry)}:[${inode()}]`;
    case "dmabuffs_dname":
      return `/${name}:${bufferName(dentry)}`;
    case "simple_dname":
      return `/${name} (deleted)`;
    default:
      throw new DwarflessError(
        "PATH",
        `a file whose name only the function at 0x${dname.toString(16)} knows`,
      );
  }
}

/** `net`, `mnt`, …: `struct ns_common`, which the inode of a namespace points to (fs/nsfs.c). */
function namespaceType(dentry: KernelObject): string {
  const common = dentry.member("d_inode").member("i_private").cast("struct ns_common *");
  return common.member("ops").member("name").string(32);
}

/** The name that a process gave a buffer (drivers/dma-buf/dma-buf.c); often none. */
function bufferName(dentry: KernelObject): string {
  const name = dentry.member("d_fsdata").cast("struct dma_buf *").member("name");
  return name.isNull ? "" : name.string(32);
}

/** The `struct dentry`s below one, newest first. @throws {BrokenLinkError} */
export function* dentryChildren(dentry: KernelObject): Generator<KernelObject, undefined> {
  const children = dentry.memberIf("d_children");
  // v6.8 (da549bdd15c2) made an hlist of it.
  if (children !== undefined) yield* hlistForEachEntry("struct dentry", children, "d_sib");
  else yield* listForEachEntry("struct dentry", dentry.member("d_subdirs"), "d_child");
}
