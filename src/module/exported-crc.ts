import { FormatError } from "../io/index.ts";
import type { KernelImage } from "./kernel-image.ts";

/** Exported symbols of a kernel; distributions have under 20 000. */
const maximumEntries = 1 << 17;
/** Bytes from a checksum's place that a reference out of it leads, at most: a kernel image is smaller. */
const farthest = 1 << 28;

/**
 * The checksum that CONFIG_MODVERSIONS gives an exported symbol, from the kernel's own tables:
 * `__ksymtab` has a record per symbol, `__kcrctab` a checksum for each in the same order.
 *
 * A record begins with the symbol's address, as a distance from the record itself (v4.19 and later on
 * x86 and arm64: 8 bytes, since v5.4 12) or as it is (16, since v5.4 24 bytes). Which of them, the
 * two tables' sizes say. With CONFIG_MODULE_REL_CRCS (arm64 up to v5.18, 7b4537199a4a) `__kcrctab` has
 * not the checksums but the distances to them: of thousands of checksums some are large, of distances
 * none. Source: include/linux/export-internal.h, kernel/module/internal.h.
 * @returns undefined when the kernel has no checksums, or does not export the symbol
 * @throws {FormatError} `MODULE_KSYMTAB` when the tables do not fit each other
 */
export function exportedCrc(image: KernelImage, symbol: string): number | undefined {
  const wanted = image.addressOf(symbol);
  if (wanted === undefined) return undefined;
  for (const kind of ["", "_gpl"]) {
    const records = tableOf(image, `__ksymtab${kind}`);
    const checksums = tableOf(image, `__kcrctab${kind}`);
    if (records === undefined || checksums === undefined || checksums.byteSize === 0) continue;
    const count = checksums.byteSize / 4;
    const recordByteSize = records.byteSize / count;
    if (![8, 12, 16, 24].includes(recordByteSize) || count > maximumEntries) {
      throw new FormatError(
        "MODULE_KSYMTAB",
        `__ksymtab${kind} has 0x${records.byteSize.toString(16)} bytes, __kcrctab${kind} 0x${checksums.byteSize.toString(16)}: no records of a known size`,
        { file: image.name },
      );
    }
    const index = indexOf(image, records.address, recordByteSize, count, wanted);
    if (index === undefined) continue;
    return checksumAt(image, checksums, index);
  }
  return undefined;
}

function checksumAt(image: KernelImage, { address, byteSize }: Table, index: number): number {
  const bytes = image.read(address, byteSize);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const distanceAt = (at: number): number => view.getInt32(at, image.littleEndian);
  for (let at = 0; at < byteSize; at += 4)
    if (Math.abs(distanceAt(at)) >= farthest) return view.getUint32(index * 4, image.littleEndian);
  const place = address + BigInt(index * 4 + distanceAt(index * 4));
  const read = image.read(place, 4);
  return new DataView(read.buffer, read.byteOffset).getUint32(0, image.littleEndian);
}

interface Table {
  address: bigint;
  byteSize: number;
}

function indexOf(
  image: KernelImage,
  start: bigint,
  recordByteSize: number,
  count: number,
  wanted: bigint,
): number | undefined {
  const bytes = image.read(start, recordByteSize * count);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isRelative = recordByteSize < 16;
  for (let index = 0, at = 0; index < count; index++, at += recordByteSize) {
    const value = isRelative
      ? start + BigInt(at) + BigInt(view.getInt32(at, image.littleEndian))
      : view.getBigUint64(at, image.littleEndian);
    if (value === wanted) return index;
  }
  return undefined;
}

/** What the linker put between `__start_NAME` and `__stop_NAME`. */
function tableOf(image: KernelImage, name: string): Table | undefined {
  const address = image.addressOf(`__start_${name}`);
  const end = image.addressOf(`__stop_${name}`);
  if (address === undefined || end === undefined || end < address || end - address > 0x1000_0000n)
    return undefined;
  return { address, byteSize: Number(end - address) };
}
