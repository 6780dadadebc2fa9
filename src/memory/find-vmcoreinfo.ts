import type { PhysicalMemory } from "../dump/dump.ts";
import { FaultError } from "../io/index.ts";
import { scanPhysical, type ScanOptions, type ScanResult } from "./scan.ts";
import { Vmcoreinfo } from "./vmcoreinfo.ts";

/** A VMCOREINFO found in memory; stale copies of other kernels and boots look the same. */
export interface VmcoreinfoCandidate {
  /** Where its text starts; of several equal copies the first. */
  physicalAddress: number;
  /** As an ELF note, which is what a kernel hands to who dumps it, or its bare text, from which it makes that. */
  form: "note" | "text";
  /** Places of the same text. */
  copies: number;
  info: Vmcoreinfo;
}

export interface VmcoreinfoScan extends ScanResult {
  candidates: VmcoreinfoCandidate[];
}

const pageByteSize = 4096;
/** Kernels give their text one page, which may be of 64 KiB. */
const maximumTextSize = 0x1_0000;
const maximumCandidates = 64;
/** n_namesz 11, and the name padded to 12 bytes behind n_descsz and n_type, which is 0. */
const noteName = "VMCOREINFO\0\0";
const noteHeaderByteSize = 24;
const textStart = "OSRELEASE=";

/** Find VMCOREINFO at the starts of pages, where kernels keep both of its forms. Different texts only. */
export function findVmcoreinfo(memory: PhysicalMemory, options: ScanOptions = {}): VmcoreinfoScan {
  const candidates: VmcoreinfoCandidate[] = [];
  const scan = scanPhysical(memory, { ...options, overlapByteSize: 0 }, (bytes, address, ownByteSize) => {
    const first = (pageByteSize - (address % pageByteSize)) % pageByteSize;
    for (let at = first; at + 64 <= ownByteSize; at += pageByteSize) {
      // One byte decides for nearly all pages: a note starts with 11, a text with "O".
      const byte = bytes[at];
      if (byte !== 11 && byte !== 0x4f) continue;
      const found = candidateAt(memory, bytes, at, address + at);
      if (found === undefined) continue;
      const same = candidates.find((each) => each.info.text === found.info.text);
      if (same !== undefined) same.copies++;
      else candidates.push(found);
      if (candidates.length >= maximumCandidates) return true;
    }
    return false;
  });
  return { ...scan, candidates };
}

function candidateAt(
  memory: PhysicalMemory,
  bytes: Buffer,
  at: number,
  address: number,
): VmcoreinfoCandidate | undefined {
  let byteSize = maximumTextSize;
  let start = 0;
  if (bytes[at] === 11) {
    if (bytes.readUInt32LE(at) !== 11 || bytes.readUInt32LE(at + 8) !== 0) return undefined;
    if (bytes.toString("latin1", at + 12, at + noteHeaderByteSize) !== noteName) return undefined;
    byteSize = bytes.readUInt32LE(at + 4);
    if (byteSize === 0 || byteSize > maximumTextSize) return undefined;
    start = noteHeaderByteSize;
  }
  if (bytes.toString("latin1", at + start, at + start + textStart.length) !== textStart) return undefined;
  const info = new Vmcoreinfo(readText(memory, address + start, byteSize));
  // The words also stand in format strings and in files; a kernel's own text says more.
  if (info.osRelease === undefined || info.pageSize === undefined || info.symbol("_stext") === undefined)
    return undefined;
  return { physicalAddress: address + start, form: start === 0 ? "text" : "note", copies: 1, info };
}

/** Text up to a NUL, `maximum` or the first page that is missing. */
function readText(memory: PhysicalMemory, address: number, maximum: number): string {
  let text = "";
  while (text.length < maximum) {
    const here = address + text.length;
    const bytes = Buffer.alloc(Math.min(maximum - text.length, pageByteSize - (here % pageByteSize)));
    try {
      memory.readInto(bytes, here);
    } catch (error) {
      if (error instanceof FaultError) return text;
      throw error;
    }
    const end = bytes.indexOf(0);
    if (end >= 0) return text + bytes.toString("latin1", 0, end);
    text += bytes.toString("latin1");
  }
  return text;
}
