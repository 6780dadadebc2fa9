import { FormatError, type ByteSource } from "../io/index.ts";
import { headerFields, readWord, viewOf, type ElfLayout } from "./layout.ts";

/** The ELF header, as it stands in the file (counts not yet extended by section 0). */
export interface ElfHeader extends ElfLayout {
  /** ET_ constant. */
  readonly type: number;
  /** EM_ constant. */
  readonly machine: number;
  /** e_flags */
  readonly flags: number;
  readonly segmentTableOffset: number;
  readonly segmentEntrySize: number;
  readonly segmentCount: number;
  readonly sectionTableOffset: number;
  readonly sectionEntrySize: number;
  readonly sectionCount: number;
  readonly sectionNamesIndex: number;
}

/** @throws {FormatError} when the file is not ELF, or of a class or byte order that does not exist. */
export function readHeader(source: ByteSource): ElfHeader {
  if (source.byteSize < 20) throw notElf(source);
  const identity = source.read(0, 20);
  if (identity[0] !== 0x7f || identity[1] !== 0x45 || identity[2] !== 0x4c || identity[3] !== 0x46) {
    throw notElf(source);
  }
  const fileClass = identity[4]!;
  const dataEncoding = identity[5]!;
  if (fileClass !== 1 && fileClass !== 2) throw broken(source, 4, "ELF_CLASS", `unknown class ${fileClass}`);
  if (dataEncoding !== 1 && dataEncoding !== 2) {
    throw broken(source, 5, "ELF_BYTE_ORDER", `unknown byte order ${dataEncoding}`);
  }
  if (identity[6] !== 1) throw broken(source, 6, "ELF_VERSION", `unknown version ${identity[6]}`);

  const is64 = fileClass === 2;
  const littleEndian = dataEncoding === 1;
  const layout = { is64, littleEndian };
  const fields = headerFields(is64);
  if (source.byteSize < fields.byteSize) {
    throw broken(source, 0, "ELF_TRUNCATED", `file ends inside the ELF header at ${source.byteSize} bytes`);
  }
  const view = viewOf(source.read(0, fields.byteSize));
  return {
    is64,
    littleEndian,
    type: view.getUint16(16, littleEndian),
    machine: view.getUint16(18, littleEndian),
    flags: view.getUint32(fields.e_flags, littleEndian),
    segmentTableOffset: readWord(view, fields.e_phoff, layout),
    segmentEntrySize: view.getUint16(fields.e_phentsize, littleEndian),
    segmentCount: view.getUint16(fields.e_phnum, littleEndian),
    sectionTableOffset: readWord(view, fields.e_shoff, layout),
    sectionEntrySize: view.getUint16(fields.e_shentsize, littleEndian),
    sectionCount: view.getUint16(fields.e_shnum, littleEndian),
    sectionNamesIndex: view.getUint16(fields.e_shstrndx, littleEndian),
  };
}

function notElf(source: ByteSource): FormatError {
  return new FormatError("ELF_MAGIC", "not an ELF file", { file: source.name });
}

function broken(source: ByteSource, offset: number, code: string, problem: string): FormatError {
  return new FormatError(code, problem, { file: source.name, offset });
}
