import { ET_CORE, ET_DYN, ET_EXEC, ET_REL, PT_LOAD, PT_NOTE } from "../elf/index.ts";
import { FormatError, LimitError, UnsupportedError, type ByteSource } from "../io/index.ts";
import { viewOf } from "./words.ts";

/** A LOAD or NOTE segment as it stands. Addresses and offsets of /proc/kcore go beyond 2^53. */
export interface CoreSegment {
  type: number;
  fileOffset: bigint;
  virtualAddress: bigint;
  physicalAddress: bigint;
  fileByteSize: bigint;
  memoryByteSize: bigint;
}

export interface CoreHeader {
  machine: number;
  littleEndian: boolean;
  /** e_ehsize: 64, but 8 where QEMU wrote it. Of no use for finding anything. */
  headerByteSize: number;
  /** LOAD and NOTE segments in the order of the table. */
  segments: CoreSegment[];
  /** Sections instead of segments, as Xen's tools write a guest. */
  sectionsOnly: boolean;
}

/** What an address is that means none. */
export const noAddress = 0xffff_ffff_ffff_ffffn;

/** More than any dump has; QEMU's paged dumps have some 200 for each 256 MiB. */
const maximumSegments = 1 << 20;
const PN_XNUM = 0xffff;

/**
 * The segments of an ELF core (gABI chapters 4 and 5). Goes by e_phoff and e_phentsize alone: e_ehsize is 8
 * in what QEMU writes.
 * @throws {UnsupportedError} for a file that is no 64-bit core
 * @throws {FormatError} when the segment table is not in the file
 */
export function readCoreHeader(source: ByteSource): CoreHeader {
  const file = source.name;
  if (source.byteSize < 64)
    throw new FormatError("DUMP_TRUNCATED", "the file ends inside its ELF header", { file });
  const head = source.read(0, 64);
  const view = viewOf(head);
  if (head[4] !== 2) {
    throw new UnsupportedError(
      "DUMP_ELF_CLASS",
      head[4] === 1 ? "ELF core of a 32-bit kernel: 64-bit kernels are supported" : `ELF class ${head[4]}`,
      { file, offset: 4 },
    );
  }
  if (head[5] !== 1 && head[5] !== 2) {
    throw new FormatError("ELF_BYTE_ORDER", `unknown byte order ${head[5]}`, { file, offset: 5 });
  }
  const littleEndian = head[5] === 1;
  const type = view.getUint16(16, littleEndian);
  if (type !== ET_CORE) throw notCore(file, type);

  const tableOffset = view.getBigUint64(32, littleEndian);
  const entryByteSize = view.getUint16(54, littleEndian);
  const count = segmentCount(source, view, littleEndian);
  const segments = readSegments(source, littleEndian, tableOffset, entryByteSize, count);
  return {
    machine: view.getUint16(18, littleEndian),
    littleEndian,
    headerByteSize: view.getUint16(52, littleEndian),
    segments,
    sectionsOnly: count === 0 && view.getUint16(60, littleEndian) > 0,
  };
}

/** e_phnum, or sh_info of section header 0 where e_phnum is full. */
function segmentCount(source: ByteSource, header: DataView, littleEndian: boolean): number {
  const count = header.getUint16(56, littleEndian);
  if (count !== PN_XNUM) return count;
  const sectionTable = Number(header.getBigUint64(40, littleEndian));
  if (sectionTable === 0) return count;
  if (!(sectionTable + 64 <= source.byteSize)) {
    throw new FormatError(
      "DUMP_TRUNCATED",
      "section header 0, which counts the segments, is not in the file",
      {
        file: source.name,
        offset: sectionTable,
      },
    );
  }
  return viewOf(source.read(sectionTable, 64)).getUint32(44, littleEndian);
}

function readSegments(
  source: ByteSource,
  littleEndian: boolean,
  tableOffset: bigint,
  entryByteSize: number,
  count: number,
): CoreSegment[] {
  const file = source.name;
  if (count === 0) return [];
  const offset = Number(tableOffset);
  if (entryByteSize < 56) {
    throw new FormatError("ELF_PHENTSIZE", `program headers of ${entryByteSize} bytes`, { file, offset: 54 });
  }
  if (count > maximumSegments) {
    throw new LimitError("DUMP_SEGMENTS", `${count} segments: at most ${maximumSegments} are supported`, {
      file,
    });
  }
  if (!(offset + count * entryByteSize <= source.byteSize)) {
    throw new FormatError("DUMP_TRUNCATED", `the file ends inside its ${count} program headers`, {
      file,
      offset,
    });
  }
  const segments: CoreSegment[] = [];
  const perRead = Math.max(1, Math.floor(0x1_0000 / entryByteSize));
  for (let first = 0; first < count; first += perRead) {
    const some = Math.min(perRead, count - first);
    const view = viewOf(source.read(offset + first * entryByteSize, some * entryByteSize));
    for (let at = 0; at < some * entryByteSize; at += entryByteSize) {
      const type = view.getUint32(at, littleEndian);
      if (type !== PT_LOAD && type !== PT_NOTE) continue;
      segments.push({
        type,
        fileOffset: view.getBigUint64(at + 8, littleEndian),
        virtualAddress: view.getBigUint64(at + 16, littleEndian),
        physicalAddress: view.getBigUint64(at + 24, littleEndian),
        fileByteSize: view.getBigUint64(at + 32, littleEndian),
        memoryByteSize: view.getBigUint64(at + 40, littleEndian),
      });
    }
  }
  return segments;
}

function notCore(file: string, type: number): UnsupportedError {
  const what =
    type === ET_EXEC || type === ET_DYN
      ? "an executable (a vmlinux, perhaps)"
      : type === ET_REL
        ? "an object file or kernel module"
        : `an ELF file of type ${type}`;
  return new UnsupportedError("DUMP_NOT_A_DUMP", `${what}, not a memory dump`, { file });
}
