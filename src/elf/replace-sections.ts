import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { FileError, FileSource, isDwarflessError } from "../io/index.ts";
import { ElfFile } from "./elf-file.ts";
import {
  planReplacements,
  type SectionOutcome,
  type SectionReplacement,
  type WritePlan,
} from "./write-plan.ts";

/**
 * Add, replace or remove sections of an ELF file, such as `.BTF` and `.BTF.base`. Everything else
 * keeps its bytes, its place in the file, its number and its address; segments are never touched.
 *
 * In a linked file a section that is part of the program image (allocated, or inside a segment) is
 * overwritten when the new contents have exactly its size. Otherwise its old bytes stay in the image
 * under the name with `.image` behind, and the new section stands outside of it: readers by name
 * find the new one, a booted kernel still its own.
 *
 * The result is made beside `outputPath` and then takes its name, so that the file there is either
 * the old or the whole new one. It has the mode, and if allowed the owner, of the input. A module's
 * signature is dropped, since it could not hold.
 *
 * @returns what became of each replacement, in order.
 * @throws {FormatError} {@link UnsupportedError} {@link LimitError} {@link FileError}
 */
export function replaceSections(
  path: string,
  replacements: readonly SectionReplacement[],
  outputPath: string = path,
): SectionOutcome[] {
  const source = new FileSource(path);
  let plan: WritePlan;
  try {
    plan = planReplacements(ElfFile.open(source), replacements);
  } finally {
    source.close();
  }
  writePlan(path, plan, followLinks(outputPath));
  return plan.outcomes;
}

function writePlan(path: string, plan: WritePlan, outputPath: string): void {
  const temporary = join(dirname(outputPath), `.${basename(outputPath)}.${process.pid}.tmp`);
  let descriptor: number | undefined;
  let made = false;
  try {
    // The kernel copies, and shares the blocks where the file system can.
    copyFileSync(path, temporary, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    made = true;
    const { mode, uid, gid } = statSync(path);
    chmodSync(temporary, 0o600);
    descriptor = openSync(temporary, "r+");
    ftruncateSync(descriptor, plan.keep);
    for (const { offset, bytes } of plan.writes) writeAll(descriptor, bytes, offset);
    fsyncSync(descriptor);
    closeSync(descriptor);
    descriptor = undefined;
    keepOwner(temporary, uid, gid);
    chmodSync(temporary, mode & 0o7777);
    renameSync(temporary, outputPath);
  } catch (error) {
    if (descriptor !== undefined) closeSync(descriptor);
    if (made) unlinkSync(temporary);
    if (isDwarflessError(error)) throw error;
    throw new FileError(outputPath, (error as NodeJS.ErrnoException).code ?? String(error), "write");
  }
}

function writeAll(descriptor: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length;) {
    done += writeSync(descriptor, bytes, done, Math.min(bytes.length - done, 0x4000_0000), offset + done);
  }
}

function keepOwner(path: string, uid: number, gid: number): void {
  const { uid: ownUid, gid: ownGid } = statSync(path);
  if (uid === ownUid && gid === ownGid) return;
  try {
    chownSync(path, uid, gid);
  } catch {
    // Only the superuser may give files away.
  }
}

/** The file behind a symbolic link, so that the link stays one. */
function followLinks(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
