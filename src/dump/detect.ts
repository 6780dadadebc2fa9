/** What a file is, by its first bytes. */
export type Detected =
  | { kind: "elf" | "kdump" | "flattened" | "lime" | "avml" | "raw" }
  /** Something known that cannot be opened, and what to do about it. */
  | { kind: "refused"; what: string };

/** Bytes of a file's start that {@link detect} wants. */
export const detectByteSize = 0x1000;

interface Magic {
  offset?: number;
  bytes: string;
  detected: Detected;
}

const refused = (what: string): Detected => ({ kind: "refused", what });
const memoryOnly = "which holds devices and memory together: use `virsh dump --memory-only`";
const packed = (by: string, unpack: string): Detected =>
  refused(`compressed with ${by}: a dump is read at random places, unpack it first (${unpack})`);

/** One character per byte. */
const magics: readonly Magic[] = [
  { bytes: "\x7fELF", detected: { kind: "elf" } },
  { bytes: "KDUMP   ", detected: { kind: "kdump" } },
  { bytes: "makedumpfile\0", detected: { kind: "flattened" } },
  { bytes: "EMiL", detected: { kind: "lime" } },
  { bytes: "AVML", detected: { kind: "avml" } },
  {
    bytes: "DISKDUMP",
    detected: refused("a diskdump file of the 2.4 and 2.6 kernels, which is not supported"),
  },
  { bytes: "QEVM", detected: refused(`a QEMU migration stream, ${memoryOnly} or QEMU's dump-guest-memory`) },
  { bytes: "LibvirtQemudSave", detected: refused(`a saved guest of libvirt, ${memoryOnly}`) },
  { bytes: "LibvirtQemudPart", detected: refused(`a partly written saved guest of libvirt, ${memoryOnly}`) },
  ...["\xd2\xbe", "\xd0\xbe", "\xd3\xbe", "\xd1\xba", "\xd2\xba"].map((half) => ({
    bytes: half + half,
    detected: refused("a VMware snapshot's state: the memory is in the .vmem file beside it"),
  })),
  { bytes: "sadump\0\0", detected: refused("a Fujitsu sadump file, which is not supported") },
  { bytes: "sadump", detected: refused("a Fujitsu sadump file, which is not supported") },
  { bytes: "sadu", detected: refused("a Fujitsu sadump file, which is not supported") },
  { bytes: "PAGEDU64", detected: refused("a crash dump of Windows") },
  { bytes: "PAGEDUMP", detected: refused("a crash dump of Windows") },
  { bytes: "QFI\xfb", detected: refused("a qcow2 disk image, not a memory dump") },
  { bytes: "\x1f\x8b\x08", detected: packed("gzip", "gzip -d") },
  { bytes: "\xfd7zXZ\0", detected: packed("xz", "xz -d") },
  { bytes: "\x28\xb5\x2f\xfd", detected: packed("zstd", "zstd -d") },
  { bytes: "BZh", detected: packed("bzip2", "bzip2 -d") },
  { bytes: "\x04\x22\x4d\x18", detected: packed("lz4", "lz4 -d") },
  { bytes: "\x89LZO\0\r\n\x1a\n", detected: packed("lzop", "lzop -d") },
  { bytes: "PK\x03\x04", detected: packed("zip", "unzip") },
  { bytes: "!<arch>\n", detected: refused("a package or archive, not a memory dump") },
  { offset: 257, bytes: "ustar", detected: refused("a tar archive, not a memory dump: unpack it first") },
  { offset: 514, bytes: "HdrS", detected: refused("a kernel image (bzImage), not a memory dump") },
];

/**
 * Tell what a file is by its first {@link detectByteSize} bytes, or all when it is shorter. What nothing is
 * known of is raw memory, if it is at least a page.
 */
export function detect(head: Uint8Array): Detected {
  if (head.length === 0) return refused("an empty file");
  const text = Buffer.from(head.buffer, head.byteOffset, head.length).toString("latin1");
  const known = magics.find(({ offset = 0, bytes }) => text.startsWith(bytes, offset));
  if (known !== undefined) return known.detected;
  if (head.every((byte) => (byte >= 0x20 && byte < 0x7f) || (byte >= 9 && byte <= 13))) {
    return refused("a text file, not a memory dump");
  }
  if (head.length < detectByteSize) return refused("no known format, and smaller than a page of memory");
  return { kind: "raw" };
}
