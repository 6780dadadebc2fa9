import { LimitError } from "../io/index.ts";
import type { ListedSymbols } from "./listed-symbols.ts";
import { decodeModuleSymbols, lastNameOffset, moduleSymbolByteSize } from "./module-symbols.ts";
import type { VirtualReader } from "./read.ts";
import { viewOf } from "./read.ts";

/** Members of `struct mod_kallsyms`, and of the module's exports. */
export interface ModuleTables {
  module: string;
  symtab: bigint;
  /** num_symtab */
  count: number;
  strtab: bigint;
  /** Since v5.2. */
  typetab: bigint | undefined;
  /** Where letters are when there is no typetab. */
  lettersIn?: "size" | "info";
  /** `syms` and `num_syms` of `struct module`; entryByteSize is the size of `struct kernel_symbol`. */
  exports?: { address: bigint; count: number; entryByteSize: number } | undefined;
}

/**
 * Read a module's symbols from memory.
 * @throws {FaultError} when a part of the tables is not to be had.
 * @throws {FormatError} `MODULE_SYMBOLS`; {@link LimitError} for counts no module has.
 */
export function readModuleSymbols(memory: VirtualReader, tables: ModuleTables): ListedSymbols {
  const { module, count } = tables;
  if (!(count >= 0 && count <= maximumModuleSymbolCount)) throw tooMuch(module, `${count} symbols`);
  const symbols = new Uint8Array(count * moduleSymbolByteSize);
  memory.readInto(symbols, tables.symtab);
  let letters: Uint8Array | undefined;
  if (tables.typetab !== undefined) {
    letters = new Uint8Array(count);
    memory.readInto(letters, tables.typetab);
  }
  return decodeModuleSymbols({
    module,
    symbols,
    strings: readStrings(memory, tables, lastNameOffset(symbols, memory.littleEndian)),
    letters,
    ...(tables.lettersIn === undefined ? {} : { lettersIn: tables.lettersIn }),
    littleEndian: memory.littleEndian,
    exports: readExports(memory, tables),
  });
}

/** Debian's largest module has 20 000 symbols. */
const maximumModuleSymbolCount = 2_000_000;
const maximumStringsByteSize = 128 << 20;
const maximumExportCount = 100_000;
const maximumExportName = 512;

/** From strtab to the end of the name at `lastOffset`; the kernel does not note the table's size. */
function readStrings(memory: VirtualReader, tables: ModuleTables, lastOffset: number): Uint8Array {
  if (lastOffset > maximumStringsByteSize) throw tooMuch(tables.module, `a name at ${lastOffset}`);
  const tail = readText(memory, tables.strtab + BigInt(lastOffset), maximumExportName);
  const strings = new Uint8Array(lastOffset + tail.length + 1);
  memory.readInto(strings.subarray(0, lastOffset), tables.strtab);
  strings.set(tail, lastOffset);
  return strings;
}

/**
 * The exported symbols by name. An entry is value, name and namespace: 32-bit distances from
 * themselves (12 bytes, 8 before v5.4) where the architecture has PREL32 relocations, else pointers.
 */
function readExports(memory: VirtualReader, tables: ModuleTables): Map<string, bigint> | undefined {
  const { exports } = tables;
  if (exports === undefined) return undefined;
  const { address, count, entryByteSize } = exports;
  if (!(count >= 0 && count <= maximumExportCount && entryByteSize >= 8 && entryByteSize <= 64)) {
    throw tooMuch(tables.module, `${count} exports of ${entryByteSize} bytes`);
  }
  const relative = entryByteSize < 16;
  const bytes = new Uint8Array(count * entryByteSize);
  memory.readInto(bytes, address);
  const view = viewOf(bytes);
  const result = new Map<string, bigint>();
  for (let at = 0; at < bytes.length; at += entryByteSize) {
    const field = (offset: number): bigint =>
      relative
        ? address + BigInt(at + offset + view.getInt32(at + offset, memory.littleEndian))
        : view.getBigUint64(at + 2 * offset, memory.littleEndian);
    const name = readText(memory, field(4), maximumExportName);
    result.set(Buffer.from(name).toString("latin1"), BigInt.asUintN(64, field(0)));
  }
  return result;
}

/** Bytes up to a NUL, in steps that end with pages so that nothing beyond the text must be readable. */
function readText(memory: VirtualReader, address: bigint, maximum: number): Uint8Array {
  const bytes = new Uint8Array(maximum);
  let length = 0;
  while (length < maximum) {
    const step = Math.min(64 - Number((address + BigInt(length)) & 63n), maximum - length);
    const part = bytes.subarray(length, length + step);
    memory.readInto(part, address + BigInt(length));
    const end = part.indexOf(0);
    if (end >= 0) return bytes.subarray(0, length + end);
    length += step;
  }
  return bytes;
}

function tooMuch(module: string, what: string): LimitError {
  return new LimitError("MODULE_SYMBOLS_LIMIT", `${what}: not believed`, {
    section: `symbols of module ${module}`,
  });
}
