import type { LinearRun } from "../arch/index.ts";
import { DwarflessError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { directMap, type Gaps, type Task, TaskReader } from "../linux/index.ts";
import type { AddressSpace } from "../memory/index.ts";
import { memoryOfProcess } from "./process-memory.ts";
import { type PageRow, pageRow } from "./vtop.ts";

/** Kinds by how much they say, where two things are equally small. */
export const candidateKinds = [
  "task",
  "stack",
  "symbol",
  "per-CPU",
  "slab object",
  "struct page",
  "module",
  "area",
  "vmalloc",
  "page",
] as const;

export type CandidateKind = (typeof candidateKinds)[number];

export interface Candidate {
  kind: CandidateKind;
  /** In words. */
  text: string;
  /** First address and bytes of the thing; null where it has no bounds. */
  start: string | null;
  size: number | null;
  /** Of a slab object its cache. */
  cache?: string;
  /** What was read to say so. */
  evidence: string[];
}

/** Says what an address is, if it is a thing of its kind. @throws {DwarflessError} for what it needs and cannot read */
export type Finder = (whatis: Whatis, address: bigint) => Candidate | undefined;

/** What finders share: read once for all addresses. */
export class Whatis {
  readonly kernel: Kernel;
  readonly gaps: Gaps;
  /** Of the process whose addresses are asked for. */
  readonly pid: number | undefined;
  /** Where addresses are: of the kernel, or of that process. */
  readonly memory: AddressSpace;
  readonly direct: LinearRun | undefined;
  #tasks: Task[] | undefined;

  /** @throws {UsageError} for a process that has no memory */
  constructor(kernel: Kernel, gaps: Gaps, pid?: number) {
    this.kernel = kernel;
    this.gaps = gaps;
    this.pid = pid;
    this.memory = pid === undefined ? kernel.foundation.memory : memoryOfProcess(kernel, pid);
    this.direct = gaps.column("direct map", () => directMap(kernel)) ?? undefined;
  }

  get tasks(): readonly Task[] {
    if (this.#tasks === undefined) {
      const diagnostics: Parameters<TaskReader["all"]>[0] = [];
      this.#tasks = this.gaps.diagnosed(new TaskReader(this.kernel).all(diagnostics), diagnostics);
    }
    return this.#tasks;
  }

  /** The page that an address lies in; undefined where nothing is mapped there, which is no gap in the dump. */
  pageOf(address: bigint): PageRow | undefined {
    let physical: number;
    try {
      physical = this.memory.translate(address);
    } catch (error) {
      if (error instanceof DwarflessError) return undefined;
      throw error;
    }
    return pageRow(this.kernel, physical) ?? undefined;
  }
}

export function taskText({ pid, comm }: Task): string {
  return `PID ${pid} (${comm})`;
}
