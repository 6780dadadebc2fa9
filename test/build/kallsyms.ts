/** Makes the symbol tables of a kernel from a list of symbols, as every release since 4.19 lays them out. */
import type { AddressEncoding, KallsymsAddresses } from "../../src/kallsyms/index.ts";

export interface BuildSymbol {
  address: bigint;
  letter: string;
  name: string;
}

/**
 * - `4.19`: addresses first, markers and count of 8 bytes
 * - `4.20`: addresses first
 * - `6.2`: addresses first, the order by name between markers and tokens
 * - `6.4`: addresses behind the tokens
 * - `7.0`: that, and labels at multiples of 4
 */
export type KallsymsLayout = "4.19" | "4.20" | "6.2" | "6.4" | "7.0";

export interface KallsymsOptions {
  layout: KallsymsLayout;
  encoding: AddressEncoding;
  /** Lengths above 127 take two bytes (since 6.1). */
  longLengths: boolean;
  /** Virtual address of the first byte; a multiple of 4096. */
  address: bigint;
  /** kallsyms_relative_base. */
  relativeBase?: bigint;
  littleEndian?: boolean;
  /** Bytes of something else before the tables. */
  leadByteSize?: number;
}

export interface BuiltKallsyms {
  bytes: Uint8Array;
  at: KallsymsAddresses;
  /** Virtual address of every label, also those VMCOREINFO never has. */
  labels: ReadonlyMap<string, bigint>;
}

/** The tables for symbols that ascend by address. */
export function buildKallsyms(symbols: readonly BuildSymbol[], options: KallsymsOptions): BuiltKallsyms {
  const littleEndian = options.littleEndian ?? true;
  const output = new Output(littleEndian, options.leadByteSize ?? 0);
  const labels = new Map<string, bigint>();
  const alignment = options.layout === "7.0" ? 4 : 8;
  const label = (name: string): void => {
    output.align(alignment);
    labels.set(name, options.address + BigInt(output.length));
  };
  const tokens = chooseTokens(symbols);
  const writeAddresses = (): void => writeAddressTables(symbols, options, output, label);
  const writeNames = (): void => {
    label("kallsyms_num_syms");
    if (options.layout === "4.19") output.u64(BigInt(symbols.length));
    else output.u32(symbols.length);
    label("kallsyms_names");
    const start = output.length;
    const markers: number[] = [];
    for (const [i, symbol] of symbols.entries()) {
      if (i % 256 === 0) markers.push(output.length - start);
      const codes = tokens.compress(symbol.letter + symbol.name);
      if (options.longLengths && codes.length > 0x7f) {
        output.u8((codes.length & 0x7f) | 0x80);
        output.u8(codes.length >> 7);
      } else {
        if (codes.length > 0xff) throw new RangeError(`${symbol.name}: ${codes.length} tokens`);
        output.u8(codes.length);
      }
      for (const code of codes) output.u8(code);
    }
    label("kallsyms_markers");
    for (const marker of markers) {
      if (options.layout === "4.19") output.u64(BigInt(marker));
      else output.u32(marker);
    }
  };
  const writeSequence = (): void => {
    label("kallsyms_seqs_of_names");
    const order = symbols.map((_, i) => i);
    order.sort((a, b) =>
      symbols[a]!.name < symbols[b]!.name ? -1 : symbols[a]!.name > symbols[b]!.name ? 1 : a - b,
    );
    for (const i of order) for (const shift of [16, 8, 0]) output.u8((i >> shift) & 0xff);
  };
  const writeTokens = (): void => {
    label("kallsyms_token_table");
    const starts: number[] = [];
    const start = output.length;
    for (const text of tokens.texts) {
      starts.push(output.length - start);
      for (const character of text) output.u8(character.charCodeAt(0));
      output.u8(0);
    }
    label("kallsyms_token_index");
    for (const offset of starts) output.u16(offset);
  };
  const addressesFirst = options.layout !== "6.4" && options.layout !== "7.0";
  if (addressesFirst) writeAddresses();
  writeNames();
  if (options.layout === "6.2") writeSequence();
  writeTokens();
  if (!addressesFirst) {
    writeAddresses();
    writeSequence();
  }
  output.align(8);
  const at: KallsymsAddresses = {
    names: labels.get("kallsyms_names")!,
    countOfSymbols: labels.get("kallsyms_num_syms")!,
    tokenTable: labels.get("kallsyms_token_table")!,
    tokenIndex: labels.get("kallsyms_token_index")!,
    offsets: labels.get("kallsyms_offsets"),
    relativeBase: labels.get("kallsyms_relative_base"),
    addresses: labels.get("kallsyms_addresses"),
  };
  return { bytes: output.finish(), at, labels };
}

function writeAddressTables(
  symbols: readonly BuildSymbol[],
  options: KallsymsOptions,
  output: Output,
  label: (name: string) => void,
): void {
  const { encoding } = options;
  if (encoding === "absolute") {
    label("kallsyms_addresses");
    for (const { address } of symbols) output.u64(address);
    return;
  }
  label("kallsyms_offsets");
  const table = options.address + BigInt(output.length);
  const base = options.relativeBase ?? 0n;
  for (const [i, { address }] of symbols.entries()) {
    if (encoding === "base-relative") output.u32(Number(address - base));
    else if (encoding === "place-relative") output.u32(Number(BigInt.asUintN(32, address - table)) - 4 * i);
    else output.u32(address < 1n << 31n ? Number(address) : Number(base - 1n - address));
  }
  if (encoding === "place-relative") return;
  // A 64-bit number, aligned as such whatever the labels are.
  output.align(8);
  label("kallsyms_relative_base");
  output.u64(base);
}

interface Tokens {
  texts: string[];
  compress(text: string): number[];
}

/** Characters stand for themselves; numbers of unused ones stand for the most frequent pieces of names. */
function chooseTokens(symbols: readonly BuildSymbol[]): Tokens {
  const used = new Set<string>("0123456789");
  const pieces = new Map<string, number>();
  for (const { letter, name } of symbols) {
    const text = letter + name;
    for (const character of text) used.add(character);
    for (const length of [2, 3, 5, 8]) {
      for (let i = 0; i + length <= Math.min(text.length, 64); i++) {
        const piece = text.slice(i, i + length);
        pieces.set(piece, (pieces.get(piece) ?? 0) + length - 1);
      }
    }
  }
  const frequent = [...pieces].filter(([, gain]) => gain > 8).sort((a, b) => b[1] - a[1]);
  const texts: string[] = [];
  const codes = new Map<string, number>();
  let next = 0;
  for (let code = 0; code < 256; code++) {
    const character = String.fromCharCode(code);
    const text = used.has(character) ? character : (frequent[next++]?.[0] ?? "");
    texts.push(text);
    if (text !== "") codes.set(text, code);
  }
  return {
    texts,
    compress: (text) => {
      const result: number[] = [];
      for (let i = 0; i < text.length;) {
        const length = [8, 5, 3, 2, 1].find((n) => codes.has(text.slice(i, i + n)))!;
        const piece = text.slice(i, i + length);
        result.push(codes.get(piece)!);
        i += piece.length;
      }
      return result;
    },
  };
}

/** Bytes that grow. */
class Output {
  length = 0;
  #bytes = new Uint8Array(1 << 16);
  readonly #littleEndian: boolean;

  constructor(littleEndian: boolean, leadByteSize: number) {
    this.#littleEndian = littleEndian;
    this.#room(leadByteSize);
    this.#bytes.fill(0xcc, 0, leadByteSize);
    this.length = leadByteSize;
  }

  align(alignment: number): void {
    while (this.length % alignment !== 0) this.u8(0);
  }

  u8(value: number): void {
    this.#room(1);
    this.#bytes[this.length++] = value;
  }

  u16(value: number): void {
    this.#view(2).setUint16(this.length, value, this.#littleEndian);
    this.length += 2;
  }

  u32(value: number): void {
    this.#view(4).setUint32(this.length, value, this.#littleEndian);
    this.length += 4;
  }

  u64(value: bigint): void {
    this.#view(8).setBigUint64(this.length, value, this.#littleEndian);
    this.length += 8;
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }

  #view(byteSize: number): DataView {
    this.#room(byteSize);
    return new DataView(this.#bytes.buffer);
  }

  #room(byteSize: number): void {
    if (this.length + byteSize <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * (this.length + byteSize));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
