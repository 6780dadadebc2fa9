import type { ElfFile } from "../elf/index.ts";
import { FileSource, FormatError, LimitError } from "../io/index.ts";

/** A raw BTF file beyond this is refused: its parts could not even be addressed by a kernel. */
const maximumBtfBytes = 1 << 30;

const elfMagic = [0x7f, 0x45, 0x4c, 0x46];

/** Which other formats people hand over by mistake, by their first bytes. */
const otherFormats: readonly { magic: readonly number[]; advice: string }[] = [
  { magic: [0xfd, 0x37, 0x7a, 0x58], advice: "xz-compressed file: decompress it first (xz -dk)" },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], advice: "zstd-compressed file: decompress it first (zstd -dk)" },
  { magic: [0x1f, 0x8b], advice: "gzip-compressed file: decompress it first (gzip -dk)" },
  { magic: [0x21, 0x3c, 0x61, 0x72], advice: "ar archive: extract its members first (ar x)" },
];

/** Makes the bytes that raw BTF is read into. */
export type Allocate = (byteSize: number) => Uint8Array;

const ordinaryBytes: Allocate = (byteSize) => new Uint8Array(byteSize);

/**
 * The BTF in a file: raw BTF as it stands, or the `.BTF` section of an ELF file.
 * @throws {FileError} when it cannot be read
 * @throws {FormatError} `BTF_ABSENT` for an ELF file without `.BTF`, `BTF_MAGIC` for other formats
 */
export async function readBtfFile(path: string, allocate: Allocate = ordinaryBytes): Promise<Uint8Array> {
  const source = new FileSource(path);
  try {
    const start = source.read(0, Math.min(4, source.byteSize));
    if (startsWith(start, elfMagic)) return await btfSection(await openElf(source));
    if (!startsWith(start, [0x9f, 0xeb]) && !startsWith(start, [0xeb, 0x9f])) {
      throw new FormatError("BTF_MAGIC", notBtf(start), { file: path });
    }
    if (source.byteSize > maximumBtfBytes) {
      throw new LimitError("BTF_BYTES", `0x${source.byteSize.toString(16)} bytes of BTF`, { file: path });
    }
    const bytes = allocate(source.byteSize);
    await source.load(bytes, 0);
    return bytes;
  } finally {
    source.close();
  }
}

/**
 * The distilled base that stands beside a split `.BTF` in the same ELF file; undefined where there is none.
 * @throws as {@link readBtfFile}
 */
export async function readDistilledBase(path: string): Promise<Uint8Array | undefined> {
  const source = new FileSource(path);
  try {
    if (!startsWith(source.read(0, Math.min(4, source.byteSize)), elfMagic)) return undefined;
    const elf = await openElf(source);
    const section = elf.section(".BTF.base");
    return section && (await elf.sectionBytes(section));
  } finally {
    source.close();
  }
}

/** Raw BTF, read as often, does without all of this. */
async function openElf(source: FileSource): Promise<ElfFile> {
  return (await import("../elf/index.ts")).ElfFile.open(source);
}

async function btfSection(elf: ElfFile): Promise<Uint8Array> {
  const section = elf.section(".BTF");
  if (section !== undefined) return elf.sectionBytes(section);
  const hasDwarf = elf.section(".debug_info") ?? elf.section(".zdebug_info");
  const advice = hasDwarf === undefined ? "" : ", only DWARF: encode it first (dwarfless encode)";
  throw new FormatError("BTF_ABSENT", `no .BTF section${advice}`, { file: elf.source.name });
}

function notBtf(start: Uint8Array): string {
  if (start.length === 0) return "empty file";
  const other = otherFormats.find(({ magic }) => startsWith(start, magic));
  return other?.advice ?? "neither BTF nor ELF";
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}
