import { FaultError, FormatError, type ByteSource } from "../io/index.ts";
import type { PhysicalMemory, PhysicalRange } from "./dump.ts";
import { Extents } from "./extents.ts";

/** What stands behind a run of memory: bytes of the file, zeros that the format implies, or bytes that the file has lost. */
export type RunKind = "bytes" | "zeros" | "truncated";

/** A run of physical memory and its place in a file. */
export interface MemoryRun {
  kind: RunKind;
  address: number;
  byteSize: number;
  /** In the file; of no meaning for zeros. */
  fileOffset: number;
}

/** `run` cut where the file ends: what is in the file, and what was promised beyond. */
export function cutAtEnd(run: MemoryRun, fileByteSize: number): MemoryRun[] {
  const inside = Math.min(run.byteSize, Math.max(0, fileByteSize - run.fileOffset));
  if (run.kind !== "bytes" || inside === run.byteSize) return [run];
  return [
    { ...run, byteSize: inside },
    {
      kind: "truncated",
      address: run.address + inside,
      byteSize: run.byteSize - inside,
      fileOffset: run.fileOffset + inside,
    },
  ];
}

const kindOrder: Record<RunKind, number> = { zeros: 0, truncated: 1, bytes: 2 };

/** Physical memory that lies in a file as it is, run by run. */
export class RunMemory implements PhysicalMemory {
  readonly ranges: readonly PhysicalRange[];
  readonly #source: ByteSource;
  readonly #runs: readonly MemoryRun[];
  readonly #extents: Extents;

  /** Runs may overlap: those are aliases, so bytes win over zeros. */
  constructor(source: ByteSource, runs: readonly MemoryRun[]) {
    this.#source = source;
    this.#runs = runs.toSorted((a, b) => kindOrder[a.kind] - kindOrder[b.kind]);
    this.#extents = Extents.layOver(
      Float64Array.from(this.#runs, (run) => run.address),
      Float64Array.from(this.#runs, (run) => run.byteSize),
    );
    this.ranges = this.#extents.merged((owner) => this.#runs[owner]!.kind !== "truncated");
  }

  readInto(target: Uint8Array, address: number): void {
    const extents = this.#extents;
    let done = 0;
    while (done < target.length) {
      const here = address + done;
      const index = extents.find(here);
      if (index < 0) throw new FaultError("absent", here, "physical");
      const run = this.#runs[extents.owner[index]!]!;
      if (run.kind === "truncated") throw new FaultError("truncated", here, "physical");
      const count = Math.min(target.length - done, extents.end[index]! - here);
      const part = count === target.length ? target : target.subarray(done, done + count);
      if (run.kind === "zeros") part.fill(0);
      else this.#readPart(part, run.fileOffset + (here - run.address), here);
      done += count;
    }
  }

  #readPart(part: Uint8Array, fileOffset: number, address: number): void {
    try {
      this.#source.readInto(part, fileOffset);
    } catch (error) {
      throw truncationAt(error, address - fileOffset);
    }
  }
}

/** The fault for a source's "truncated" error, where its offset plus `shift` is the address; other errors as they are. */
export function truncationAt(error: unknown, shift: number): unknown {
  if (!isTruncation(error)) return error;
  return new FaultError("truncated", (error.location.offset ?? 0) + shift, "physical");
}

/** True for a source's word that it has no more. */
export function isTruncation(error: unknown): error is FormatError {
  return error instanceof FormatError && error.code === "TRUNCATED";
}
