import type { OrcVersion } from "./entry.ts";

/** What a kernel shows of its ORC format; whatever is known. */
export interface OrcEvidence {
  /** The 20 bytes of `__start_orc_header`, which kernels since v6.4 (and v6.3.10) have. */
  headerHash?: Uint8Array | undefined;
  /** Whether the kernel's `struct orc_entry` has these members. */
  members?: { end: boolean; signal: boolean } | undefined;
  /** The u16 of flags in the variable `orc_fp_entry`, whose contents are the same in every kernel. */
  framePointerFlags?: number | undefined;
  /** The release, which is asked last: distributors move formats between releases. */
  release?: string | undefined;
}

/** SHA-1 of the definition of the format, as `orc_hash.sh` of the kernel puts it into the image. */
const versionOfHash: ReadonlyMap<string, OrcVersion> = new Map([
  ["db84aed4103b31dd51e017f8f79783ca985c2c51", 2],
  ["fe5d32bf581bd63b2ca9a5c65ba5a625eab3fe24", 3],
  ["137c36ad7627c4dd55932176bb0ecdbd5041fc82", 4],
]);

/** The register that `orc_fp_entry` finds the frame pointer by is the previous stack pointer: 1, or 8 since v7.1. */
const framePointerRegisterBefore4 = 1;
const framePointerRegisterSince4 = 8;

/** The version of a kernel's ORC format by its content; undefined when nothing says. */
export function orcVersionOf(evidence: OrcEvidence): OrcVersion | undefined {
  const { headerHash, members, framePointerFlags, release } = evidence;
  if (headerHash !== undefined) {
    const known = versionOfHash.get(Buffer.from(headerHash).toString("hex"));
    if (known !== undefined) return known;
  }
  const framePointerRegister = framePointerFlags === undefined ? undefined : (framePointerFlags >> 4) & 15;
  if (members?.end === true) return members.signal ? 2 : 1;
  if (framePointerRegister === framePointerRegisterSince4) return 4;
  if (members?.signal === true && framePointerRegister === framePointerRegisterBefore4) return 3;
  if (framePointerFlags !== undefined && framePointerRegister === framePointerRegisterBefore4) {
    // Calls are type 0 in versions 1 and 2, and 2 in version 3.
    if (((framePointerFlags >> 8) & 7) === 2) return 3;
  }
  return release === undefined ? undefined : versionOfRelease(release);
}

function versionOfRelease(release: string): OrcVersion | undefined {
  const match = /^(\d+)\.(\d+)/.exec(release);
  if (match === null) return undefined;
  const number = Number(match[1]) * 1000 + Number(match[2]);
  if (number < 4014) return undefined;
  if (number < 6003) return 1;
  if (number < 6004) return 2;
  return number < 7001 ? 3 : 4;
}
