import { UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import type { KernelSymbol } from "../kallsyms/index.ts";
import { hex } from "./hex.ts";
import { globPattern } from "./pattern.ts";

/** A row of `sym`. */
export interface SymbolRow {
  name: string;
  address: string;
  /** Bytes: a module's symbol's own size, else the distance to the next symbol. */
  size: number;
  kind: string;
  /** nm's letter, as /proc/kallsyms prints it. */
  letter: string;
  /** null for the kernel itself. */
  module: string | null;
  /** Bytes from the symbol to the address that was asked for; 0 for a name. */
  offset: number;
}

/** All symbols, in the order of /proc/kallsyms. */
export function* allSymbols(kernel: Kernel): Generator<SymbolRow> {
  for (const symbol of kernel.symbols.symbols()) yield rowOf(symbol, 0);
}

/**
 * Symbols of a name, of names like a pattern with `*` or `?`, or the one that an address lies in.
 * `MODULE::NAME` asks for one module's.
 * @returns none where nothing fits
 */
export function findSymbols(kernel: Kernel, query: string): SymbolRow[] {
  const address = parseAddress(query);
  if (address !== undefined) {
    const exact = kernel.symbols.at(address);
    if (exact.length > 0) return exact.map((symbol) => rowOf(symbol, 0));
    const found = kernel.symbols.find(address);
    return found === undefined ? [] : [rowOf(found.symbol, found.offset)];
  }
  const [, module, name] = /^(?:([\w-]+)::)?(.+)$/s.exec(query) ?? [undefined, undefined, query];
  if (/[*?]/.test(name!)) {
    const fits = globPattern(name!);
    const rows: SymbolRow[] = [];
    for (const symbol of kernel.symbols.symbols()) {
      if (!fits.test(symbol.name)) continue;
      if (module !== undefined && (symbol.module ?? "vmlinux") !== module) continue;
      rows.push(rowOf(symbol, 0));
    }
    return rows;
  }
  const place = module === "vmlinux" ? "" : module;
  return kernel.symbols.named(name!, place).map((symbol) => rowOf(symbol, 0));
}

/** A hexadecimal address with `0x`, or 16 digits without; undefined for other text. */
export function parseAddress(text: string): bigint | undefined {
  if (/^0[xX][0-9a-fA-F]{1,16}$/.test(text)) return BigInt(text);
  if (/^[0-9a-fA-F]{16}$/.test(text)) return BigInt(`0x${text}`);
  return undefined;
}

/** A number of bytes, decimal or hexadecimal. @throws {UsageError} */
export function parseLength(text: string): number {
  const value = /^(0[xX][0-9a-fA-F]+|\d+)$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new UsageError(`'${text}' is no number of bytes`);
}

function rowOf(symbol: KernelSymbol, offset: number): SymbolRow {
  return {
    name: symbol.name,
    address: hex(symbol.address),
    size: symbol.byteSize,
    kind: symbol.kind,
    letter: symbol.letter,
    module: symbol.module ?? null,
    offset,
  };
}

/** As /proc/kallsyms prints it, with size and offset. */
export function symbolLine(row: SymbolRow): string {
  const offset = row.offset === 0 ? "" : `+${hex(row.offset)}`;
  const module = row.module === null ? "" : `  [${row.module}]`;
  const address = row.address.slice(2).padStart(16, "0");
  return `${address} ${row.letter} ${row.name}${offset}/${hex(row.size)}  ${row.kind}${module}`;
}
