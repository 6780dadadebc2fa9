import { DwarflessError } from "../io/index.ts";
import type { KernelObject, Program } from "../program/index.ts";
import { dentryChildren, dentryName, type PathPlace } from "./dcache.ts";
import { forEachMount } from "./mount.ts";
import { objectAt, placeOf } from "./walk.ts";

const S_IFMT = 0xf000n;
const S_IFLNK = 0xa000n;
/** MAXSYMLINKS (include/linux/namei.h). */
const maximumLinks = 40;
/** Mounts on top of each other; more are taken for damage. */
const maximumStack = 4096;

/**
 * Look up an absolute path as a process with this root and mount namespace would (drgn's `path_lookup`), by what
 * the dentry cache has: a file that nobody has used lately is not there, one that is open is. Symbolic links are
 * followed.
 * @returns undefined for what is not in the cache
 * @throws {BrokenLinkError} {@link FaultError}; {@link DwarflessError} `PATH` for a link whose text is not in memory
 */
export function pathLookup(
  program: Program,
  namespace: KernelObject,
  root: PathPlace,
  path: string,
): PathPlace | undefined {
  const mounts = new Map<string, PathPlace>();
  for (const mount of forEachMount(namespace)) {
    const mnt = mount.member("mnt");
    const on = placeOf(mount.member("mnt_parent").member("mnt"));
    // The first mount of all is on itself.
    if (on === placeOf(mnt)) continue;
    // Of several at one place the last is on top.
    mounts.set(`${on} ${mount.member("mnt_mountpoint").scalar()}`, {
      mnt: placeOf(mnt),
      dentry: mnt.member("mnt_root").scalar() as bigint,
    });
  }
  const onTop = (place: PathPlace): PathPlace => {
    let top = place;
    for (let count = 0; count < maximumStack; count++) {
      const next = mounts.get(`${top.mnt} ${top.dentry}`);
      if (next === undefined || next.dentry === 0n) return top;
      if (next.mnt === top.mnt) break;
      top = next;
    }
    throw new DwarflessError("PATH", "mounts lie on each other without end");
  };
  let links = 0;
  const start = onTop(root);
  let place = start;
  const left = path.split("/").reverse();
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      place = onTop(parentOf(program, place, start));
      continue;
    }
    const child = childOf(program, place.dentry, name);
    if (child === undefined) return undefined;
    const target = linkTarget(child);
    if (target === undefined) {
      place = onTop({ mnt: place.mnt, dentry: child.address! });
      continue;
    }
    if (++links > maximumLinks) throw new DwarflessError("PATH", `${path}: too many symbolic links`);
    if (target.startsWith("/")) place = start;
    left.push(...target.split("/").reverse());
  }
  return place;
}

function childOf(program: Program, directory: bigint, name: string): KernelObject | undefined {
  for (const dentry of dentryChildren(objectAt(program, "struct dentry", directory))) {
    // Without an inode it says that there is no such file; in no hash list it has been removed.
    if (dentry.member("d_inode").isNull || dentry.subobject("d_hash.pprev").isNull) continue;
    if (dentryName(dentry) === name) return dentry;
  }
  return undefined;
}

function parentOf(program: Program, place: PathPlace, root: PathPlace): PathPlace {
  let { mnt, dentry } = place;
  for (let depth = 0; depth < maximumStack; depth++) {
    if (mnt === root.mnt && dentry === root.dentry) return root;
    const vfsmount = objectAt(program, "struct vfsmount", mnt);
    if (vfsmount.member("mnt_root").scalar() !== dentry) break;
    const mount = vfsmount.containerOf("struct mount", "mnt");
    const above = mount.member("mnt_parent").dereference();
    if (placeOf(above.member("mnt")) === mnt) return place;
    dentry = mount.member("mnt_mountpoint").scalar() as bigint;
    mnt = placeOf(above.member("mnt"));
  }
  return { mnt, dentry: objectAt(program, "struct dentry", dentry).member("d_parent").scalar() as bigint };
}

/** The text of a symbolic link; undefined for what is none. */
function linkTarget(dentry: KernelObject): string | undefined {
  const inode = dentry.member("d_inode").dereference();
  if (((inode.member("i_mode").scalar() as bigint) & S_IFMT) !== S_IFLNK) return undefined;
  const link = inode.member("i_link");
  if (link.isNull)
    throw new DwarflessError("PATH", `the target of the link ${dentryName(dentry)} is not in memory as text`);
  return link.string(4096);
}
