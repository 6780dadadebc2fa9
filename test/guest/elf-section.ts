/**
 * The few facts about 64-bit little-endian ELF files that preparing a guest needs. Kept apart
 * from src/elf on purpose: what dwarfless wrote is looked at with other eyes.
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { mustRun } from "../lab/commands.ts";

/** Bytes of the section of this name in a file, or undefined. Reads no more of the file than it must. */
export function elfSection(file: string, name: string): Buffer | undefined {
  const descriptor = openSync(file, "r");
  try {
    return findSection(file, name, (offset, length) => {
      const bytes = Buffer.alloc(Math.min(length, Math.max(0, fstatSync(descriptor).size - offset)));
      readSync(descriptor, bytes, 0, bytes.length, offset);
      return bytes;
    });
  } finally {
    closeSync(descriptor);
  }
}

/** The same of a file in memory. */
export function elfSectionOf(file: Buffer, name: string): Buffer | undefined {
  return findSection("ELF file", name, (offset, length) => file.subarray(offset, offset + length));
}

/** Put `bytes` over the start of a section of a file; throws when they do not fit. */
export function overwriteSection(file: string, name: string, bytes: Uint8Array): void {
  const descriptor = openSync(file, "r+");
  try {
    let place: [offset: number, length: number] | undefined;
    const section = findSection(file, name, (offset, length) => {
      place = [offset, length];
      const part = Buffer.alloc(length);
      readSync(descriptor, part, 0, length, offset);
      return part;
    });
    // The section is what was read last.
    if (section === undefined || place === undefined) throw new Error(`${file}: no section ${name}`);
    if (bytes.length > place[1]) throw new Error(`${file}: ${name} has room for ${place[1]} bytes`);
    writeSync(descriptor, bytes, 0, bytes.length, place[0]);
  } finally {
    closeSync(descriptor);
  }
}

function findSection(
  file: string,
  name: string,
  read: (offset: number, length: number) => Buffer,
): Buffer | undefined {
  const header = read(0, 64);
  if (header.readUInt32BE(0) !== 0x7f454c46 || header.readUInt16BE(4) !== 0x0201) {
    throw new Error(`${file}: not a 64-bit little-endian ELF file`);
  }
  // e_shoff, then e_shentsize, e_shnum, e_shstrndx
  const table = read(Number(header.readBigUInt64LE(40)), header.readUInt16LE(60) * 64);
  // sh_offset, sh_size
  const content = (at: number): [number, number] => [
    Number(table.readBigUInt64LE(at + 24)),
    Number(table.readBigUInt64LE(at + 32)),
  ];
  const names = read(...content(header.readUInt16LE(62) * 64));
  for (let at = 0; at < table.length; at += 64) {
    const start = table.readUInt32LE(at);
    if (names.toString("latin1", start, names.indexOf(0, start)) === name) return read(...content(at));
  }
  return undefined;
}

/** A module as shipped, decompressed; a signature behind the ELF file stays. */
export function plainModule(shipped: string): Buffer {
  return shipped.endsWith(".xz") ? mustRun("xz", ["-dc", shipped]).stdout : readFileSync(shipped);
}
