import { FormatError, UnsupportedError, type Location } from "../io/index.ts";
import { EM_MIPS, ET_REL, SHF_COMPRESSED, SHT_CREL, SHT_REL, SHT_RELA, SYMBOL_COMMON } from "./constants.ts";
import type { ElfFile } from "./elf-file.ts";
import { viewOf } from "./layout.ts";
import { combineInPlace } from "./relocation-differences.ts";
import * as types from "./relocation-types.ts";
import type { ElfSection } from "./tables.ts";

/** Relocation records read at a time; keeps the memory for millions of them small. */
const recordsPerRead = 1 << 15;

/** The relocation sections that change `section`; only a relocatable file has any that are not yet applied. */
export function relocationSectionsOf(elf: ElfFile, section: ElfSection): ElfSection[] {
  if (elf.type !== ET_REL) return [];
  return elf.sections.filter(
    ({ type, info, byteSize }) =>
      (type === SHT_RELA || type === SHT_REL || type === SHT_CREL) && info === section.index && byteSize > 0,
  );
}

/**
 * Apply the relocations of a `.debug_*` section of a relocatable file to its (decompressed) bytes.
 * S is the address of the symbol's section ({@link ElfFile.sectionAddress}) plus the symbol's value.
 * @throws {FormatError} on a record that names no symbol or lies outside the section.
 * @throws {UnsupportedError} on an unknown machine or relocation type.
 */
export function relocate(elf: ElfFile, section: ElfSection, target: Uint8Array): void {
  const relocations = relocationSectionsOf(elf, section);
  const total = relocations.reduce((sum, { byteSize }) => sum + byteSize, 0);
  if (total > elf.source.byteSize) {
    throw new FormatError("ELF_RELOCATIONS", "its relocation sections overlap", locationOf(elf, section));
  }
  for (const relocation of relocations) applyRelocations(elf, relocation, section, target);
}

function applyRelocations(
  elf: ElfFile,
  relocations: ElfSection,
  section: ElfSection,
  target: Uint8Array,
): void {
  const { is64, littleEndian } = elf;
  const location = locationOf(elf, relocations);
  const operations = types.relocationOperations(elf.machine);
  if (operations === undefined) {
    throw new UnsupportedError("ELF_MACHINE", `no relocations known for machine ${elf.machine}`, location);
  }
  if (relocations.type === SHT_CREL || (relocations.flags & SHF_COMPRESSED) !== 0) {
    throw new UnsupportedError(
      "ELF_RELOCATIONS",
      "compressed relocations: SHT_REL and SHT_RELA are supported",
      location,
    );
  }
  const hasAddends = relocations.type === SHT_RELA;
  const recordSize = (is64 ? 16 : 8) + (hasAddends ? (is64 ? 8 : 4) : 0);
  if (relocations.entryByteSize !== recordSize) {
    throw new FormatError("ELF_RELOCATIONS", `relocations of ${relocations.entryByteSize} bytes`, location);
  }
  const symbols = symbolAddresses(elf, relocations);
  const applier = new Applier(
    target,
    littleEndian,
    symbols,
    operations,
    elf.machine === EM_MIPS && is64,
    is64,
  );
  const count = Math.floor(relocations.byteSize / recordSize);
  for (let first = 0; first < count; first += recordsPerRead) {
    const byteSize = Math.min(recordsPerRead, count - first) * recordSize;
    const records = elf.source.read(relocations.offset + first * recordSize, byteSize);
    const failed = applier.apply(viewOf(records), recordSize, hasAddends);
    if (failed < 0) continue;
    const record = viewOf(records.subarray(failed, failed + recordSize));
    throw applier.problem(record, { ...location, offset: first * recordSize + failed }, section.name);
  }
}

/** Address and plain value of each symbol, in 32-bit halves. */
interface SymbolAddresses {
  length: number;
  low: Uint32Array;
  high: Uint32Array;
  valueLow: Uint32Array;
  valueHigh: Uint32Array;
}

function symbolAddresses(elf: ElfFile, relocations: ElfSection): SymbolAddresses {
  const section = elf.sections[relocations.link];
  if (section === undefined) {
    throw new FormatError(
      "ELF_RELOCATIONS",
      `its symbol table, section ${relocations.link}, is none`,
      locationOf(elf, relocations),
    );
  }
  // Link 0 stands for "no symbols": every record then names symbol 0.
  if (section.index === 0) {
    const zero = new Uint32Array(1);
    return { length: 1, low: zero, high: zero, valueLow: zero, valueHigh: zero };
  }
  const { length, valueLow, valueHigh, sectionIndex } = elf.symbolTableOf(section);
  const bases = elf.syntheticAddresses();
  const low = new Uint32Array(length);
  const high = new Uint32Array(length);
  for (let i = 0; i < length; i++) {
    const index = sectionIndex[i]!;
    // The value of a common symbol is its alignment; its address is unknown, as an undefined one's.
    if (index === SYMBOL_COMMON) continue;
    const base = index < bases.length ? bases[index]! : 0;
    const sum = (base % 0x1_0000_0000) + valueLow[i]!;
    low[i] = sum;
    high[i] = Math.floor(base / 0x1_0000_0000) + valueHigh[i]! + (sum > 0xffff_ffff ? 1 : 0);
  }
  return { length, low, high, valueLow, valueHigh };
}

/** The loop over records, with what it needs at hand. */
class Applier {
  readonly #target: DataView;
  readonly #littleEndian: boolean;
  readonly #symbols: SymbolAddresses;
  readonly #operations: Uint8Array;
  readonly #mips64: boolean;
  readonly #is64: boolean;

  constructor(
    target: Uint8Array,
    littleEndian: boolean,
    symbols: SymbolAddresses,
    operations: Uint8Array,
    mips64: boolean,
    is64: boolean,
  ) {
    this.#target = viewOf(target);
    this.#littleEndian = littleEndian;
    this.#symbols = symbols;
    this.#operations = operations;
    this.#mips64 = mips64;
    this.#is64 = is64;
  }

  /**
   * Apply whole records; the offset of the first that cannot be applied, or -1.
   *
   * Hot: one pass without allocation. Record layouts (gABI, "Relocation"):
   * 32-bit: r_offset 4, r_info 4 (symbol 24 bits, type 8), r_addend 4
   * 64-bit: r_offset 8, r_info 8 (symbol 32 bits, type 32), r_addend 8
   * MIPS 64: in place of r_info symbol 4, second symbol 1, three types 1 each, in that order.
   */
  apply(records: DataView, recordSize: number, hasAddends: boolean): number {
    const target = this.#target;
    const little = this.#littleEndian;
    const operations = this.#operations;
    const is64 = this.#is64;
    const mips64 = this.#mips64;
    const { length, low, high, valueLow, valueHigh } = this.#symbols;
    const limit = target.byteLength;
    const lowWord = is64 && !little ? 4 : 0;
    const highWord = is64 && little ? 4 : 0;
    const end = records.byteLength;
    for (let at = 0; at < end; at += recordSize) {
      const offset = records.getUint32(at + lowWord, little);
      if (is64 && records.getUint32(at + highWord, little) !== 0) return at;
      let type: number;
      let symbol: number;
      if (!is64) {
        const info = records.getUint32(at + 4, little);
        type = info & 0xff;
        symbol = info >>> 8;
      } else if (mips64) {
        // The second and third type would act on the first one's result.
        type = records.getUint32(at + 12, false);
        symbol = records.getUint32(at + 8, little);
      } else {
        type = records.getUint32(at + 8 + lowWord, little);
        symbol = records.getUint32(at + 8 + highWord, little);
      }
      if (type >= operations.length || symbol >= length) return at;
      const operation = operations[type]!;
      if (operation === types.OP_NONE) continue;
      if (offset + types.operationSizes[operation]! > limit || operation === types.OP_UNKNOWN) return at;

      let sumLow: number;
      let sumHigh: number;
      if (operation === types.OP_TLS64 || operation === types.OP_TLS32) {
        sumLow = valueLow[symbol]!;
        sumHigh = valueHigh[symbol]!;
      } else {
        sumLow = low[symbol]!;
        sumHigh = high[symbol]!;
      }
      if (hasAddends) {
        if (is64) {
          sumLow += records.getUint32(at + 16 + lowWord, little);
          sumHigh += records.getUint32(at + 16 + highWord, little);
        } else {
          sumLow += records.getUint32(at + 8, little);
        }
      } else {
        switch (types.operationSizes[operation]!) {
          case 8:
            sumLow += target.getUint32(little ? offset : offset + 4, little);
            sumHigh += target.getUint32(little ? offset + 4 : offset, little);
            break;
          case 4:
            sumLow += target.getUint32(offset, little);
            break;
          case 2:
            sumLow += target.getUint16(offset, little);
            break;
          case 1:
            sumLow += target.getUint8(offset);
            break;
        }
      }
      if (sumLow > 0xffff_ffff) {
        sumLow -= 0x1_0000_0000;
        sumHigh++;
      }

      switch (operation) {
        case types.OP_SET64:
        case types.OP_TLS64:
          target.setUint32(little ? offset : offset + 4, sumLow, little);
          target.setUint32(little ? offset + 4 : offset, sumHigh, little);
          break;
        case types.OP_SET32:
        case types.OP_TLS32:
          target.setUint32(offset, sumLow, little);
          break;
        case types.OP_SET16:
          target.setUint16(offset, sumLow, little);
          break;
        case types.OP_SET8:
          target.setUint8(offset, sumLow);
          break;
        case types.OP_PC64:
          if (sumLow < offset) sumHigh--;
          target.setUint32(little ? offset : offset + 4, sumLow - offset, little);
          target.setUint32(little ? offset + 4 : offset, sumHigh, little);
          break;
        case types.OP_PC32:
          target.setUint32(offset, sumLow - offset, little);
          break;
        case types.OP_PC16:
          target.setUint16(offset, sumLow - offset, little);
          break;
        case types.OP_PC8:
          target.setUint8(offset, sumLow - offset);
          break;
        default:
          if (!combineInPlace(target, offset, operation, sumLow, sumHigh, little)) return at;
      }
    }
    return -1;
  }

  /** Why `record` could not be applied. */
  problem(record: DataView, location: Location, targetName: string): FormatError {
    const little = this.#littleEndian;
    const layout64 = this.#is64;
    const info = layout64 ? record.getBigUint64(8, little) : BigInt(record.getUint32(4, little));
    const offset = layout64 ? record.getBigUint64(0, little) : BigInt(record.getUint32(0, little));
    const mipsType = this.#mips64 ? record.getUint32(12, false) : undefined;
    const type = mipsType ?? Number(layout64 ? info & 0xffff_ffffn : info & 0xffn);
    const symbol = this.#mips64 ? record.getUint32(8, little) : Number(layout64 ? info >> 32n : info >> 8n);
    const operation = type < this.#operations.length ? this.#operations[type]! : types.OP_UNKNOWN;
    const where = `at ${targetName}+0x${offset.toString(16)}`;
    if (operation === types.OP_UNKNOWN) {
      return new UnsupportedError(
        "ELF_RELOCATION_TYPE",
        `unknown relocation type ${type} ${where}`,
        location,
      );
    }
    if (symbol >= this.#symbols.length) {
      return new FormatError(
        "ELF_RELOCATION_SYMBOL",
        `relocation by symbol ${symbol} of ${this.#symbols.length} ${where}`,
        location,
      );
    }
    return new FormatError(
      "ELF_RELOCATION_OFFSET",
      `relocation ${where} reaches beyond its 0x${this.#target.byteLength.toString(16)} bytes`,
      location,
    );
  }
}

function locationOf(elf: ElfFile, section: ElfSection): Location {
  return { file: elf.source.name, section: section.name };
}
