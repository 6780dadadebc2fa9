import { type Btf, BTF_KIND_ARRAY, BTF_KIND_STRUCT, type TypeId } from "../btf/index.ts";
import type { ElfFile } from "../elf/index.ts";
import { FormatError } from "../io/index.ts";
import { exportedCrc } from "./exported-crc.ts";
import type { KernelImage } from "./kernel-image.ts";

/** What a kernel asks of every module it loads. */
export interface ModuleFacts {
  /** ELF e_machine. */
  machine: number;
  /** ELF e_flags. */
  flags: number;
  is64: boolean;
  littleEndian: boolean;
  /** The text of `vermagic=`, as every module of that kernel has it. */
  vermagic: string;
  /** Checksum of the symbol `module_layout`; undefined for kernels without CONFIG_MODVERSIONS. */
  moduleLayoutCrc: number | undefined;
}

/** `struct module` of a kernel, in bytes. */
export interface ModuleLayout {
  byteSize: number;
  nameOffset: number;
  nameByteSize: number;
}

/** Longest `vermagic` that is believed; Debian's have 50 to 65 bytes. */
const maximumVermagic = 512;

/**
 * The facts from a kernel itself: its `vermagic` text (kernel/module/main.c), and the checksum from
 * its table of exported symbols.
 * @throws {FormatError} `MODULE_VERMAGIC` or `MODULE_CRC` when they are not there
 */
export function factsOfKernel(image: KernelImage): ModuleFacts {
  const address = image.addressOf("vermagic");
  const vermagic = address === undefined ? undefined : readText(image, address);
  if (vermagic === undefined || !/^[!-~]+ [ -~]*$/.test(vermagic)) {
    throw new FormatError("MODULE_VERMAGIC", "no vermagic in it: name a module of that kernel (--like)", {
      file: image.name,
    });
  }
  const { machine, flags, is64, littleEndian } = image;
  const moduleLayoutCrc = wantsVersions(vermagic) ? exportedCrc(image, "module_layout") : undefined;
  return checked({ machine, flags, is64, littleEndian, vermagic, moduleLayoutCrc }, image.name);
}

/**
 * The facts from a module of that kernel.
 * @throws {FormatError} when it is no kernel module
 */
export async function factsOfModule(elf: ElfFile): Promise<ModuleFacts> {
  const file = elf.source.name;
  const info = elf.section(".modinfo");
  if (info === undefined)
    throw new FormatError("MODULE_LIKE", "no kernel module: it has no .modinfo", { file });
  const vermagic = modinfo(await elf.sectionBytes(info)).get("vermagic");
  if (vermagic === undefined)
    throw new FormatError("MODULE_VERMAGIC", "its .modinfo has no vermagic", { file });
  const versions = elf.section("__versions");
  const { machine, flags, is64, littleEndian } = elf;
  const moduleLayoutCrc = versions && crcIn(await elf.sectionBytes(versions), elf);
  return checked({ machine, flags, is64, littleEndian, vermagic, moduleLayoutCrc }, file);
}

function checked(facts: ModuleFacts, file: string): ModuleFacts {
  if (wantsVersions(facts.vermagic) && facts.moduleLayoutCrc === undefined) {
    const advice = "name a module of that kernel (--like)";
    throw new FormatError("MODULE_CRC", `no checksum of module_layout in it: ${advice}`, { file });
  }
  return facts;
}

/** First word of a `vermagic`: what `uname -r` prints. */
export function releaseOf(facts: ModuleFacts): string {
  return facts.vermagic.slice(0, facts.vermagic.indexOf(" "));
}

function wantsVersions(vermagic: string): boolean {
  return vermagic.split(" ").includes("modversions");
}

/** Keys and values of a `.modinfo` section; of a key that stands there several times the first. */
export function modinfo(bytes: Uint8Array): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of Buffer.from(bytes).toString("latin1").split("\0")) {
    const equals = entry.indexOf("=");
    const key = entry.slice(0, Math.max(equals, 0));
    if (equals > 0 && !found.has(key)) found.set(key, entry.slice(equals + 1));
  }
  return found;
}

/** Records of `__versions`: 64 bytes, a checksum in a word and a name (struct modversion_info). */
function crcIn(bytes: Uint8Array, { is64, littleEndian }: ElfFile): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 64 <= bytes.length; at += 64) {
    const text = Buffer.from(bytes.subarray(at + (is64 ? 8 : 4), at + 64)).toString("latin1");
    if (!text.startsWith("module_layout\0")) continue;
    return is64
      ? Number(view.getBigUint64(at, littleEndian) & 0xffff_ffffn)
      : view.getUint32(at, littleEndian);
  }
  return undefined;
}

/**
 * `struct module` as the kernel's own BTF describes it.
 * @throws {FormatError} `MODULE_STRUCT` when it does not
 */
export function moduleLayout(btf: Btf): ModuleLayout {
  const problem = (text: string): FormatError =>
    new FormatError("MODULE_STRUCT", text, btf.inputName === undefined ? {} : { file: btf.inputName });
  for (let id = btf.startId; id < btf.typeCount; id++) {
    if (btf.kind(id) !== BTF_KIND_STRUCT || btf.name(id) !== "module") continue;
    const byteSize = btf.sizeOrType(id);
    for (let index = 0, count = btf.vlen(id); index < count; index++) {
      if (btf.memberName(id, index) !== "name") continue;
      const nameOffset = btf.memberBitOffset(id, index) / 8;
      const nameByteSize = arrayLength(btf, btf.memberType(id, index));
      if (nameByteSize === undefined || nameOffset + nameByteSize > byteSize || byteSize > 1 << 16) break;
      return { byteSize, nameOffset, nameByteSize };
    }
    throw problem("its struct module has no name, or no place for one");
  }
  throw problem("no struct module in its BTF: a kernel without modules");
}

function arrayLength(btf: Btf, type: TypeId): number | undefined {
  return btf.kind(type) === BTF_KIND_ARRAY ? btf.arrayLength(type) : undefined;
}

function readText(image: KernelImage, address: bigint): string | undefined {
  let text = "";
  // Byte by byte: what follows the text need not be there.
  for (let at = 0n; text.length < maximumVermagic; at++) {
    const byte = image.read(address + at, 1)[0]!;
    if (byte === 0) return text;
    text += String.fromCharCode(byte);
  }
  return undefined;
}
