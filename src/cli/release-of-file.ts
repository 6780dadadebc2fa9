import { ElfFile } from "../elf/index.ts";
import { FileSource, isDwarflessError } from "../io/index.ts";
import { elfImage, factsOfKernel, modinfo, releaseOf } from "../module/index.ts";

/**
 * The release (`uname -r`) of the kernel that a module is for, or that a `vmlinux` is; undefined for
 * other files, and for those that do not say.
 * @throws {FileError} when it cannot be read
 */
export async function releaseOfFile(path: string): Promise<string | undefined> {
  const source = new FileSource(path);
  try {
    const elf = ElfFile.open(source);
    const info = elf.section(".modinfo");
    const vermagic = info && modinfo(await elf.sectionBytes(info)).get("vermagic");
    return vermagic?.split(" ")[0] ?? releaseOf(factsOfKernel(elfImage(elf)));
  } catch (error) {
    // No ELF file, or none of a kernel.
    if (isDwarflessError(error)) return undefined;
    throw error;
  } finally {
    source.close();
  }
}
