/** The dumps that the end-to-end tests open, and what is known of each beforehand. */
import { type DumpKind, dumpMissing } from "../guest/dumps.ts";
import type { KernelName } from "./kernels.ts";
import { peers } from "./peers.ts";

/** One dump of a guest: its files, and what `info` must say of their format. */
export interface DumpFile {
  /** Formats of {@link GuestDump.file}: one, or the parts of a split dump in order. */
  formats: readonly string[];
  /** The container, as `info` names it. */
  container: "elf" | "kdump" | "lime" | "raw";
  flattened?: true;
  /** Where VMCOREINFO comes from. */
  rung: "note" | "scan";
  /** Kernels in the memory besides the one that is opened; none unless given. */
  otherKernels?: number;
  /** What `info` must warn of; nothing else. */
  warnings?: readonly RegExp[];
}

/** The guest that was dumped. */
export interface DumpCase {
  kernel: KernelName;
  kind: DumpKind;
  files: readonly DumpFile[];
  /** The kernel had panicked, which stops all processors but one; those that kexec stops stay online. */
  panicked: boolean;
}

const elf: DumpFile = { formats: ["elf"], container: "elf", rung: "note" };
const flattenedKdump: DumpFile = {
  formats: ["kdump-zlib"],
  container: "kdump",
  flattened: true,
  rung: "note",
};
const emulated: readonly DumpFile[] = [elf, flattenedKdump];

const makedumpfile = ["zlib", "zlib-d31", "lzo-d31", "snappy-d31", "zstd-d31", "plain-d31"];
const captured: readonly DumpFile[] = [
  { formats: ["vmcore"], container: "elf", rung: "note" },
  { formats: ["elf-d31"], container: "elf", rung: "note", warnings: [/excluded pages look alike/] },
  ...makedumpfile.map((format): DumpFile => ({ formats: [format], container: "kdump", rung: "note" })),
  { formats: ["flattened-d31"], container: "kdump", flattened: true, rung: "note" },
  { formats: ["split-1", "split-2"], container: "kdump", rung: "note" },
  // Two kernels in one memory: the one that crashed is wanted, and only without the note it must be chosen.
  { formats: ["both"], container: "elf", rung: "note", otherKernels: 1 },
  { formats: ["both-raw"], container: "raw", rung: "scan", otherKernels: 1 },
];

export const dumpCases: readonly DumpCase[] = [
  ...(["6.1-amd64", "6.12-amd64", "7.2-amd64", "6.12-arm64"] as const).flatMap((kernel): DumpCase[] => [
    { kernel, kind: "idle", files: emulated, panicked: false },
    { kernel, kind: "panic", files: emulated, panicked: true },
  ]),
  {
    kernel: "6.1-amd64",
    kind: "no-note",
    files: [
      { ...elf, rung: "scan" },
      { formats: ["raw"], container: "raw", rung: "scan" },
      { formats: ["lime"], container: "lime", rung: "scan" },
    ],
    panicked: false,
  },
  {
    kernel: "6.1-amd64",
    kind: "nokaslr",
    files: [elf, { ...elf, formats: ["elf-paging"] }],
    panicked: false,
  },
  { kernel: "7.2-amd64", kind: "pti", files: [elf], panicked: false },
  { kernel: "6.1-amd64", kind: "kdump", files: captured, panicked: true },
];

/** Why this guest's dumps cannot be made here, or undefined when they can. */
export function caseMissing({ kernel, kind }: DumpCase): string | undefined {
  return dumpMissing(kernel) ?? (kind === "kdump" ? peers().reason : undefined);
}
