import { FormatError } from "../io/index.ts";
import { SHN_LORESERVE, SHN_XINDEX, SYMBOL_NO_SECTION } from "./constants.ts";
import { symbolFields, viewOf, type ElfLayout } from "./layout.ts";
import { stringAt } from "./strings.ts";

/** The bytes a symbol table is made of. */
export interface SymbolTableParts {
  layout: ElfLayout;
  /** Contents of the symbol section, whole records. */
  records: Uint8Array;
  /** Contents of the string table it links to. */
  strings: Uint8Array;
  /** Contents of its SHT_SYMTAB_SHNDX section, if it has one. */
  extendedIndexes: Uint8Array | undefined;
  /** Number of sections in the file; greater indexes name none. */
  sectionCount: number;
  /** For messages. */
  file: string;
  section: string;
}

/** Symbols as columns; row 0 is the null symbol. Addresses and sizes are split in 32-bit halves. */
export class SymbolTable {
  readonly length: number;
  readonly valueLow: Uint32Array;
  readonly valueHigh: Uint32Array;
  /** Bytes. */
  readonly sizeLow: Uint32Array;
  readonly sizeHigh: Uint32Array;
  /** st_info: type in the low, binding in the high four bits. See {@link SymbolTable.type}. */
  readonly info: Uint8Array;
  /** st_other: visibility in the low two bits. */
  readonly other: Uint8Array;
  /**
   * Section of the symbol: SHN_UNDEF (0), a section index below the file's section count, or a
   * reserved value of at least 0xffff_ff00, among them SYMBOL_ABS, SYMBOL_COMMON, SYMBOL_NO_SECTION.
   */
  readonly sectionIndex: Uint32Array;
  /** Offset in {@link SymbolTable.strings}; may lie outside in a broken file. */
  readonly nameOffset: Uint32Array;
  readonly strings: Uint8Array;
  readonly #file: string;
  readonly #section: string;

  constructor(parts: SymbolTableParts) {
    const { layout, records, extendedIndexes, sectionCount } = parts;
    const { is64, littleEndian } = layout;
    const fields = symbolFields(is64);
    const length = Math.floor(records.length / fields.byteSize);
    this.length = length;
    this.strings = parts.strings;
    this.#file = parts.file;
    this.#section = parts.section;
    const valueLow = (this.valueLow = new Uint32Array(length));
    const valueHigh = (this.valueHigh = new Uint32Array(length));
    const sizeLow = (this.sizeLow = new Uint32Array(length));
    const sizeHigh = (this.sizeHigh = new Uint32Array(length));
    const info = (this.info = new Uint8Array(length));
    const other = (this.other = new Uint8Array(length));
    const sectionIndex = (this.sectionIndex = new Uint32Array(length));
    const nameOffset = (this.nameOffset = new Uint32Array(length));

    const view = viewOf(records);
    const extended = extendedIndexes === undefined ? undefined : viewOf(extendedIndexes);
    const extendedLength = extended === undefined ? 0 : Math.floor(extended.byteLength / 4);
    const low = is64 && !littleEndian ? 4 : 0;
    const high = is64 && littleEndian ? 4 : 0;
    for (let i = 0, at = 0; i < length; i++, at += fields.byteSize) {
      nameOffset[i] = view.getUint32(at + fields.st_name, littleEndian);
      info[i] = view.getUint8(at + fields.st_info);
      other[i] = view.getUint8(at + fields.st_other);
      valueLow[i] = view.getUint32(at + fields.st_value + low, littleEndian);
      sizeLow[i] = view.getUint32(at + fields.st_size + low, littleEndian);
      if (is64) {
        valueHigh[i] = view.getUint32(at + fields.st_value + high, littleEndian);
        sizeHigh[i] = view.getUint32(at + fields.st_size + high, littleEndian);
      }
      let index = view.getUint16(at + fields.st_shndx, littleEndian);
      if (index === SHN_XINDEX) {
        index = i < extendedLength ? extended!.getUint32(i * 4, littleEndian) : SYMBOL_NO_SECTION;
        if (index >= sectionCount) index = SYMBOL_NO_SECTION;
      } else if (index >= SHN_LORESERVE) {
        index += 0xffff_0000;
      } else if (index >= sectionCount) {
        index = SYMBOL_NO_SECTION;
      }
      sectionIndex[i] = index;
    }
  }

  /** STT_ constant of symbol `i`. */
  type(i: number): number {
    return this.info[i]! & 0xf;
  }

  /** STB_ constant of symbol `i`. */
  binding(i: number): number {
    return this.info[i]! >> 4;
  }

  /** st_value: an address, in ET_REL an offset in the symbol's section. */
  value(i: number): bigint {
    return (BigInt(this.valueHigh[i]!) << 32n) | BigInt(this.valueLow[i]!);
  }

  /** st_size in bytes. */
  byteSize(i: number): bigint {
    return (BigInt(this.sizeHigh[i]!) << 32n) | BigInt(this.sizeLow[i]!);
  }

  /** @throws {FormatError} when the name does not lie in the string table. */
  name(i: number): string {
    const offset = this.nameOffset[i]!;
    if (offset === 0) return "";
    const name = stringAt(this.strings, offset);
    if (name === undefined) {
      throw new FormatError("ELF_SYMBOL_NAME", `symbol ${i} has no name that ends in the string table`, {
        file: this.#file,
        section: this.#section,
        offset,
      });
    }
    return name;
  }
}
