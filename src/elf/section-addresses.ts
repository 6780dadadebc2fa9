import { FormatError } from "../io/index.ts";
import { SHF_ALLOC } from "./constants.ts";
import type { ElfSection } from "./tables.ts";

/** Where the first section goes; 0 and small numbers stay free for "no address". */
const firstAddress = 0x1_0000;

/**
 * Synthetic addresses for a relocatable file, whose own sh_addr mean nothing: the allocated sections
 * one after another in index order, 0 for all others.
 *
 * At least one byte stays unused after each, so that an end address (a `DW_AT_high_pc`, a symbol
 * behind the last byte) and an empty section name exactly one section too.
 *
 * @throws {FormatError} when they do not fit the address space of the class.
 */
export function assignAddresses(sections: readonly ElfSection[], is64: boolean, file: string): Float64Array {
  const addresses = new Float64Array(sections.length);
  const limit = is64 ? Number.MAX_SAFE_INTEGER : 0xffff_ffff;
  let next = firstAddress;
  for (const section of sections) {
    if ((section.flags & SHF_ALLOC) === 0) continue;
    const alignment = Math.max(section.alignment, 1);
    const address = Math.ceil(next / alignment) * alignment;
    next = address + section.byteSize + 1;
    if (!(next <= limit)) {
      throw new FormatError(
        "ELF_ADDRESS_SPACE",
        `allocated sections up to ${section.index} do not fit the address space`,
        {
          file,
          section: section.name,
        },
      );
    }
    addresses[section.index] = address;
  }
  return addresses;
}
