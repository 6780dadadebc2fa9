import type { Dump } from "../dump/index.ts";
import { type Diagnostic, FormatError } from "../io/index.ts";
import type { SymbolList } from "../kallsyms/index.ts";
import { AddressSpace, type Translation, virtualReaderOf, type Vmcoreinfo } from "../memory/index.ts";

/** Where the facts come from that everything else stands on. */
export type Rung = "note" | "scan" | "bare";

/** A kernel's address space and symbols, and how they were come by. */
export interface Foundation {
  /**
   * `note`: the dump's VMCOREINFO; `scan`: a VMCOREINFO found in memory; `bare`: none, the symbol
   * tables and page tables themselves were found in memory.
   */
  rung: Rung;
  vmcoreinfo: Vmcoreinfo | undefined;
  memory: AddressSpace;
  symbols: SymbolList;
  /** How the symbols were come by. */
  symbolsFrom: "VMCOREINFO" | "scan" | "/proc/kallsyms";
  /** How addresses are written in the kernel's tables, or `text`. */
  symbolEncoding: string;
  /** The kernel's banner, `Linux version …`, on one line. */
  banner: string;
  /** What was looked at to believe all this, for people. */
  checks: readonly string[];
  /** Other kernels whose remains are in this memory. */
  others: readonly string[];
}

/** `uname -r` of a kernel, by its VMCOREINFO or else its banner. */
export function releaseOf({ vmcoreinfo, banner }: Foundation): string | undefined {
  return vmcoreinfo?.osRelease ?? /^Linux version (\S+)/.exec(banner)?.[1];
}

export interface LadderOptions {
  /** When to give up searching memory, as `Date.now()` counts; never by default. */
  deadline?: number;
  diagnostics: Diagnostic[];
}

/** The kernel's address space, kept honest about memory that changes. */
export function kernelSpace(dump: Dump, translation: Translation): AddressSpace {
  const virtual = virtualReaderOf(dump);
  return new AddressSpace(dump, translation, { frozen: dump.frozen, ...(virtual && { virtual }) });
}

/**
 * The text of `linux_banner`.
 * @throws {FormatError} `BANNER` when it is none, or of another release
 */
export function readBanner(memory: AddressSpace, symbols: SymbolList, release?: string): string {
  const address = symbols.addressOf("linux_banner");
  if (address === undefined) throw new FormatError("BANNER", "no symbol linux_banner");
  const text = memory.readCString(address, 1024).trimEnd();
  const start = `Linux version ${release === undefined ? "" : `${release} `}`;
  if (text.startsWith(start)) return text;
  throw new FormatError("BANNER", `linux_banner is ${JSON.stringify(text.slice(0, 60))}`);
}
