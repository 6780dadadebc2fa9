import type { Dump, PhysicalRange } from "../dump/index.ts";
import { FaultError, FormatError } from "../io/index.ts";
import { findVmcoreinfo, tryVmcoreinfo, Vmcoreinfo } from "../memory/index.ts";
import type { Type } from "../program/index.ts";
import type { Foundation } from "./foundation.ts";
import { StructReader } from "./struct-reader.ts";

/** Longest look at the memory that was set aside for a capture kernel, in milliseconds. */
const maximumLook = 1000;
/** ELFCORE_ADDR_MAX: this kernel captures no other (include/linux/crash_dump.h). */
const noCoreHeader = 0xffff_ffff_ffff_ffffn;
/** Segments of the core that a capture kernel is told of: one per run of memory, and its notes. */
const maximumSegments = 4096;
const PT_NOTE = 4;
const noteHeaderByteSize = 24;
const maximumNote = 0x1_0000;

/**
 * Kernels that this one itself knows to be in its memory: the one that it captures, and the one that was
 * to capture it, if that has run. Nothing else is read: memory may be large, and this is asked by people.
 * Of a dump whose kernel was found by a search, the search has found the others.
 */
export function otherKernels(
  dump: Dump,
  foundation: Foundation,
  findStruct: (name: string) => Type | undefined,
): readonly string[] {
  if (foundation.rung !== "note") return foundation.others;
  const infos = [...capturedKernel(dump, foundation), ...captureKernel(dump, foundation, findStruct)];
  return tryVmcoreinfo(dump, infos)
    .filter(({ check }) => check.ok)
    .map(({ info }) => {
      const offset = info.kernelOffset === undefined ? "" : `, moved by 0x${info.kernelOffset.toString(16)}`;
      return `Linux version ${info.osRelease ?? "unknown"}${offset}`;
    });
}

/** `elfcorehdr_addr`: physical address of an ELF core that describes the kernel that crashed. */
function capturedKernel(dump: Dump, { memory, symbols }: Foundation): Vmcoreinfo[] {
  const variable = symbols.addressOf("elfcorehdr_addr");
  if (variable === undefined) return [];
  try {
    const at = memory.readU64(variable);
    if (at === noCoreHeader || at >= 1n << 52n) return [];
    const header = readPhysical(dump, Number(at), 64);
    const view = new DataView(header.buffer);
    if (Buffer.from(header.subarray(0, 4)).toString("latin1") !== "\x7fELF") return [];
    const count = Math.min(view.getUint16(56, true), maximumSegments);
    const table = Number(at) + Number(view.getBigUint64(32, true));
    const infos: Vmcoreinfo[] = [];
    for (let index = 0; index < count; index++) {
      const segment = new DataView(readPhysical(dump, table + index * 56, 56).buffer);
      if (segment.getUint32(0, true) !== PT_NOTE) continue;
      // Notes of CPUs come first, that of VMCOREINFO last; each is a segment, its offset an address.
      const place = Number(segment.getBigUint64(8, true));
      const byteSize = Math.min(Number(segment.getBigUint64(32, true)), maximumNote);
      const bytes = Buffer.from(readPhysical(dump, place, byteSize));
      if (bytes.toString("latin1", 12, 22) !== "VMCOREINFO") continue;
      infos.push(new Vmcoreinfo(bytes.toString("latin1", noteHeaderByteSize)));
    }
    return infos;
  } catch (error) {
    if (error instanceof FaultError || error instanceof FormatError) return [];
    throw error;
  }
}

/** `crashk_res` (struct resource): memory set aside for a capture kernel, which keeps a VMCOREINFO once it runs. */
function captureKernel(
  dump: Dump,
  { memory, symbols, vmcoreinfo }: Foundation,
  findStruct: (name: string) => Type | undefined,
): Vmcoreinfo[] {
  const variable = symbols.addressOf("crashk_res");
  const type = findStruct("resource");
  if (variable === undefined || type === undefined) return [];
  const reader = new StructReader(memory, type);
  if (!reader.has("start") || !reader.has("end")) return [];
  try {
    const start = reader.unsigned(variable, "start");
    const end = reader.unsigned(variable, "end") + 1n;
    if (start === 0n || end <= start || end > 1n << 52n) return [];
    const ranges = within(dump.ranges, Number(start), Number(end));
    const { candidates } = findVmcoreinfo(dump, { ranges, deadline: Date.now() + maximumLook });
    return candidates.map(({ info }) => info).filter(({ text }) => text !== vmcoreinfo?.text);
  } catch (error) {
    if (error instanceof FaultError) return [];
    throw error;
  }
}

function within(ranges: readonly PhysicalRange[], from: number, to: number): PhysicalRange[] {
  return ranges.flatMap(({ start, byteSize }) => {
    const first = Math.max(start, from);
    const last = Math.min(start + byteSize, to);
    return first < last ? [{ start: first, byteSize: last - first }] : [];
  });
}

function readPhysical(dump: Dump, address: number, byteSize: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(byteSize);
  dump.readInto(bytes, address);
  return bytes;
}
