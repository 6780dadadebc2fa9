import type { ElfFile } from "../elf/index.ts";
import { FormatError } from "../io/index.ts";

/** A linked kernel whose bytes can be read by address: a `vmlinux`, or the memory of a dump. */
export interface KernelImage {
  /** For messages. */
  readonly name: string;
  /** ELF e_machine. */
  readonly machine: number;
  /** ELF e_flags. */
  readonly flags: number;
  readonly is64: boolean;
  readonly littleEndian: boolean;
  /** The address of a symbol; undefined where there is none, or several of that name. */
  addressOf(symbol: string): bigint | undefined;
  /** @throws {DwarflessError} when not all of it is there */
  read(address: bigint, byteSize: number): Uint8Array;
}

const SHF_ALLOC = 2;
const SHT_NOBITS = 8;

/** A `vmlinux` with a symbol table. @throws {FormatError} `MODULE_SYMBOLS` without one */
export function elfImage(elf: ElfFile): KernelImage {
  const { name } = elf.source;
  const table = elf.symbolTable();
  if (table === undefined) throw new FormatError("MODULE_SYMBOLS", "no symbol table", { file: name });
  const sections = elf.sections.filter(({ flags, type }) => (flags & SHF_ALLOC) !== 0 && type !== SHT_NOBITS);
  return {
    name,
    machine: elf.machine,
    flags: elf.flags,
    is64: elf.is64,
    littleEndian: elf.littleEndian,
    addressOf: (symbol) => {
      const wanted = Buffer.from(`${symbol}\0`, "latin1");
      const strings = Buffer.from(table.strings.buffer, table.strings.byteOffset, table.strings.byteLength);
      let found: bigint | undefined;
      for (let i = 1; i < table.length; i++) {
        const at = table.nameOffset[i]!;
        if (at + wanted.length > strings.length || table.sectionIndex[i] === 0) continue;
        if (strings[at] !== wanted[0] || strings.compare(wanted, 0, wanted.length, at, at + wanted.length))
          continue;
        if (found !== undefined && found !== table.value(i)) return undefined;
        found = table.value(i);
      }
      return found;
    },
    read: (address, byteSize) => {
      for (const section of sections) {
        const offset = address - section.address;
        if (offset < 0n || offset + BigInt(byteSize) > BigInt(section.byteSize)) continue;
        return elf.source.read(section.offset + Number(offset), byteSize);
      }
      const place = `0x${address.toString(16)}`;
      throw new FormatError("MODULE_ADDRESS", `${byteSize} bytes at ${place} are in no section`, {
        file: name,
      });
    },
  };
}
