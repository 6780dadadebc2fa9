/**
 * An initramfs from a list of files. Format: cpio "newc", as the kernel's
 * Documentation/driver-api/early-userspace/buffer-format.rst describes it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

export interface InitramfsEntry {
  /** Without a leading slash. Folders above it are made. */
  path: string;
  content: { file: string } | { bytes: Uint8Array | string } | { linkTo: string } | { console: true };
  executable?: boolean;
}

const S_IFDIR = 0o040000;
const S_IFCHR = 0o020000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;

/** Write the compressed archive to `file`. */
export function writeInitramfs(file: string, entries: readonly InitramfsEntry[]): void {
  const archive = new Archive();
  for (const { path, content, executable } of entries) {
    archive.addFolders(path);
    if ("console" in content) archive.add(path, S_IFCHR | 0o600, Buffer.alloc(0), [5, 1]);
    else if ("linkTo" in content) archive.add(path, S_IFLNK | 0o777, Buffer.from(content.linkTo));
    else {
      const bytes = "file" in content ? readFileSync(content.file) : Buffer.from(content.bytes);
      archive.add(path, S_IFREG | (executable === true ? 0o755 : 0o644), bytes);
    }
  }
  // Level 1: the guest's processor is emulated, what counts is the time in all.
  writeFileSync(file, gzipSync(archive.finish(), { level: 1 }));
}

class Archive {
  readonly #parts: Buffer[] = [];
  readonly #folders = new Set<string>();
  #inode = 0;

  addFolders(path: string): void {
    const names = path.split("/").slice(0, -1);
    for (let depth = 1; depth <= names.length; depth++) {
      const folder = names.slice(0, depth).join("/");
      if (this.#folders.has(folder)) continue;
      this.#folders.add(folder);
      this.add(folder, S_IFDIR | 0o755, Buffer.alloc(0));
    }
  }

  /** `device`: major and minor number. */
  add(path: string, mode: number, data: Buffer, device: readonly [number, number] = [0, 0]): void {
    const name = Buffer.from(`${path}\0`);
    // inode, mode, uid, gid, links, mtime, size, 2 device, 2 rdev, name size, checksum: 8 hex digits each
    const fields = [++this.#inode, mode, 0, 0, 1, 0, data.length, 0, 0, ...device, name.length, 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
    this.#push(Buffer.concat([Buffer.from(header), name]));
    this.#push(data);
  }

  finish(): Buffer {
    this.add("TRAILER!!!", 0, Buffer.alloc(0));
    return Buffer.concat(this.#parts);
  }

  /** Header with name, and data, each end on a multiple of four. */
  #push(part: Buffer): void {
    this.#parts.push(part);
    const padding = -part.length & 3;
    if (padding > 0) this.#parts.push(Buffer.alloc(padding));
  }
}
