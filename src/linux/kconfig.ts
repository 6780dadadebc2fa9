import { gunzip } from "../compress/index.ts";
import { DwarflessError, FormatError } from "../io/index.ts";
import type { Program } from "../program/index.ts";

/** Configurations of 7.2 have 300 KB, and 70 KB packed. */
const maximumByteSize = 16 * 2 ** 20;
const maximumPackedByteSize = 4 * 2 ** 20;

/** What stands around the packed text (kernel/configs.c). */
const startMark = Buffer.from("IKCFG_ST", "latin1");
const endMark = Buffer.from("IKCFG_ED", "latin1");

/**
 * The kernel's configuration as /proc/config.gz has it, of a kernel with CONFIG_IKCONFIG: in itself, or in the
 * module `configs` while that is loaded.
 * @throws {DwarflessError} `LOOKUP` where it is in neither; {@link FormatError}; {@link FaultError}
 */
export function kconfigText(program: Program): string {
  const packed = packedConfig(program);
  return Buffer.from(gunzip(packed, maximumByteSize)).toString("utf8");
}

/**
 * Options of {@link kconfigText} by name, values as they stand there: `y`, `m`, numbers, strings with their quotes;
 * `n` for what `is not set`.
 */
export function getKconfig(program: Program): Map<string, string> {
  const options = new Map<string, string>();
  for (const line of kconfigText(program).split("\n")) {
    const [, unset, name, value] = /^(?:# (CONFIG_\w+) is not set|(CONFIG_\w+)=(.*))$/.exec(line) ?? [];
    if (unset !== undefined) options.set(unset, "n");
    else if (name !== undefined) options.set(name, value!);
  }
  return options;
}

function packedConfig(program: Program): Uint8Array {
  const { memory, symbolizer } = program;
  const start = symbolizer.find("kernel_config_data");
  if (start === undefined) {
    throw new DwarflessError("LOOKUP", "the kernel's configuration is not in memory (CONFIG_IKCONFIG)");
  }
  const { address, module } = start;
  // Before v5.1 the symbol was an array with both marks in it.
  if (startMark.equals(memory.read(address, startMark.length))) {
    return markedConfig(program, address + BigInt(startMark.length));
  }
  const end = symbolizer.find("kernel_config_data_end", module)?.address ?? 0n;
  const byteSize = end - address;
  if (byteSize <= 0n || byteSize > maximumPackedByteSize) throw noEnd(address);
  return memory.read(address, Number(byteSize));
}

/** What stands before the second mark; read page by page, as nothing may be behind the last. */
function markedConfig(program: Program, start: bigint): Uint8Array {
  const { memory } = program;
  const pageByteSize = BigInt(memory.pageByteSize);
  const pages: Uint8Array[] = [];
  let found = Buffer.alloc(0);
  for (let at = start, byteSize = 0; byteSize <= maximumPackedByteSize;) {
    const page = memory.read(at, Number(pageByteSize - (at % pageByteSize)));
    pages.push(page);
    at += BigInt(page.length);
    byteSize += page.length;
    // The mark may lie on two pages.
    found = Buffer.concat([found.subarray(-endMark.length), page]);
    const index = found.indexOf(endMark);
    if (index >= 0) return Buffer.concat(pages).subarray(0, byteSize - found.length + index);
  }
  throw noEnd(start);
}

function noEnd(address: bigint): FormatError {
  return new FormatError("KCONFIG", `the kernel's configuration at 0x${address.toString(16)} has no end`);
}
