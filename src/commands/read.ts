import { FaultError, UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { hex } from "./hex.ts";
import { parseAddress } from "./sym.ts";

/** More than this is better copied by `--raw`. */
const maximumHexBytes = 1 << 24;
const maximumRawBytes = 1 << 30;

/** Bytes of memory, with what of them is not there. */
export interface MemoryBytes {
  address: bigint;
  bytes: Uint8Array;
  /** Runs without an answer, ascending; their bytes mean nothing. */
  faults: readonly { offset: number; byteSize: number; error: FaultError }[];
}

/**
 * An address: hexadecimal, a symbol's name with or without `+offset`, or a C expression whose value is
 * a pointer, a number or something in memory.
 * @throws {UsageError}
 */
export function resolveAddress(kernel: Kernel, text: string): bigint {
  const plain = parseAddress(text) ?? (/^\d+$/.test(text) ? BigInt(text) : undefined);
  if (plain !== undefined) return plain;
  const [, name, offset] = /^([A-Za-z_.$][\w.$]*)(?:\+(0[xX][0-9a-fA-F]+|\d+))?$/.exec(text) ?? [];
  if (name !== undefined) {
    const symbols = kernel.symbols.named(name);
    const places = new Set(symbols.map(({ address }) => address));
    if (places.size > 1) throw new UsageError(`${places.size} symbols are called ${name}: give an address`);
    if (symbols[0]?.kind === "percpu") throw perCpu(name);
    if (symbols.length > 0) return symbols[0]!.address + BigInt(offset ?? 0);
  }
  const object = kernel.program.eval(text);
  const { kind } = object.type.underlying;
  if (kind === "pointer" || kind === "int") return BigInt.asUintN(64, BigInt(object.value()));
  if (object.isPerCpu) throw perCpu(text);
  if (object.address !== undefined) return object.address;
  throw new UsageError(`'${text}' is no address`);
}

/** Since v6.15 the addresses of such symbols are mapped, and hold something else. */
function perCpu(text: string): UsageError {
  return new UsageError(`'${text}' is of every CPU: say of which, as in &per_cpu(${text}, 0)`);
}

/** Read virtual or physical memory; holes are noted and never filled. */
export function readMemory(
  kernel: Kernel,
  address: bigint,
  byteSize: number,
  options: { physical?: boolean; raw?: boolean } = {},
): MemoryBytes {
  const limit = options.raw === true ? maximumRawBytes : maximumHexBytes;
  if (byteSize > limit) throw new UsageError(`at most ${hex(limit)} bytes at once`);
  if (options.physical === true && address >= 1n << 52n) {
    throw new UsageError(`${hex(address)} is no physical address`);
  }
  const { memory } = kernel.foundation;
  const read = (target: Uint8Array, offset: number): void => {
    if (options.physical === true) kernel.dump.readInto(target, Number(address) + offset);
    else memory.readInto(target, address + BigInt(offset));
  };
  const bytes = new Uint8Array(byteSize);
  const faults: { offset: number; byteSize: number; error: FaultError }[] = [];
  // What is there or not comes in pages; 4 KiB is the smallest of all.
  for (let offset = 0; offset < byteSize;) {
    const here = address + BigInt(offset);
    const step = Math.min(4096 - Number(here & 0xfffn), byteSize - offset);
    try {
      read(bytes.subarray(offset, offset + step), offset);
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      const last = faults.at(-1);
      if (
        last !== undefined &&
        last.offset + last.byteSize === offset &&
        last.error.reason === error.reason
      ) {
        last.byteSize += step;
      } else faults.push({ offset, byteSize: step, error });
    }
    offset += step;
  }
  return { address, bytes, faults };
}

/** Sixteen bytes a line, as hexdump -C lays them out; `--` for a byte that is not there. */
export function* hexLines({ address, bytes, faults }: MemoryBytes): Generator<string> {
  // Faults ascend as the lines do: those that lie behind are not looked at again.
  let next = 0;
  const missing = (offset: number): boolean => {
    while (next < faults.length && offset >= faults[next]!.offset + faults[next]!.byteSize) next++;
    return next < faults.length && offset >= faults[next]!.offset;
  };
  for (let line = 0; line < bytes.length; line += 16) {
    const count = Math.min(16, bytes.length - line);
    const absent =
      faults.length === 0 ? undefined : Array.from({ length: count }, (_, i) => missing(line + i));
    let numbers = "";
    let text = "";
    for (let i = 0; i < 16; i++) {
      if (i === 8) numbers += " ";
      if (i >= count) {
        numbers += "   ";
        continue;
      }
      const byte = bytes[line + i]!;
      const gone = absent?.[i] === true;
      numbers += gone ? " --" : ` ${byte.toString(16).padStart(2, "0")}`;
      text += gone || byte < 0x20 || byte > 0x7e ? "." : String.fromCharCode(byte);
    }
    const place = BigInt.asUintN(64, address + BigInt(line))
      .toString(16)
      .padStart(16, "0");
    yield `${place} ${numbers}  |${text}|`;
  }
}
