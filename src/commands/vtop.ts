import { FaultError, UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import {
  compoundHead,
  findTask,
  forEachVma,
  type Gaps,
  type PageState,
  pageState,
  pfnToPage,
  vmaAccess,
  vmaName,
} from "../linux/index.ts";
import type { KernelObject } from "../program/index.ts";
import { hex } from "./hex.ts";
import { resolveAddress } from "./read.ts";
import { taskRoot } from "./tasks.ts";
import { memoryOfProcess } from "./process-memory.ts";

/** The translation of an address as JSON has it. */
export interface TranslationRow {
  address: string;
  /** null where nothing is mapped. */
  physical: string | null;
  /** Bytes of the page or block that maps it. */
  pageSize: number | null;
  /** Why there is no physical address. */
  problem: string | null;
  /** The page tables, from the top one on. */
  steps: { level: string; at: string; entry: string; flags: readonly string[] }[];
  page: PageRow | null;
  /** Of a process: what it has there. */
  area: { start: string; end: string; access: string; name: string } | null;
}

/** A `struct page` as JSON has it. */
export interface PageRow extends PageState {
  page: string;
  /** Page frame number. */
  frame: number;
  /** First page of its compound page; null for a page that is none's tail. */
  head: string | null;
}

/** How addresses become physical ones: of the kernel, or of a process by PID. @throws {UsageError} */
export function translateAddresses(
  kernel: Kernel,
  gaps: Gaps,
  targets: readonly string[],
  pid?: number,
): TranslationRow[] {
  if (targets.length === 0) throw new UsageError("vtop: of what address?");
  const memory = pid === undefined ? kernel.foundation.memory : memoryOfProcess(kernel, pid);
  const { halfBit } = memory.translation.architecture;
  return targets.map((target): TranslationRow => {
    const address = resolveAddress(kernel, target);
    if (((address >> BigInt(halfBit)) & 1n) === (pid === undefined ? 0n : 1n)) {
      const whose = pid === undefined ? "the kernel: -c PID says of what process" : "a process";
      throw new UsageError(`${hex(address)} is no address of ${whose}`);
    }
    const trace = memory.trace(address);
    const { physicalAddress: physical } = trace;
    return {
      address: hex(address),
      physical: physical === undefined ? null : hex(physical),
      pageSize: trace.pageByteSize ?? null,
      problem: trace.problem ?? null,
      steps: trace.steps.map(({ level, physicalAddress, entry, flags }) => ({
        level,
        at: hex(physicalAddress),
        entry: hex(entry),
        flags,
      })),
      page: physical === undefined ? null : gaps.column("page", () => pageRow(kernel, physical)),
      area: pid === undefined ? null : gaps.column("area", () => areaOf(kernel, pid, address)),
    };
  });
}

/** What is known of the page of a physical address; null where no `struct page` is. @throws {FaultError} {@link LookupError} */
export function pageRow({ program }: Kernel, physical: number): PageRow | null {
  const frame = Math.floor(physical / program.memory.pageByteSize);
  const page = pfnToPage(program, frame);
  if (page === undefined) return null;
  let head: KernelObject;
  try {
    head = compoundHead(page);
  } catch (error) {
    // Memory of devices has no struct page.
    if (error instanceof FaultError && error.reason === "unmapped") return null;
    throw error;
  }
  const state = pageState(program, head);
  return {
    page: hex(page.address!),
    frame,
    head: head.address === page.address ? null : hex(head.address!),
    ...state,
  };
}

function areaOf(kernel: Kernel, pid: number, address: bigint): TranslationRow["area"] {
  const task = findTask(kernel.program, pid)!;
  for (const area of forEachVma(task.member("mm").dereference())) {
    const bound = (name: string): bigint => area.member(name).scalar() as bigint;
    if (address < bound("vm_start") || address >= bound("vm_end")) continue;
    return {
      start: hex(bound("vm_start")),
      end: hex(bound("vm_end")),
      access: vmaAccess(area),
      name: nameOf(kernel, task, area),
    };
  }
  return null;
}

function nameOf({ program }: Kernel, task: KernelObject, area: KernelObject): string {
  return vmaName(program, area, taskRoot(task));
}

export function* translationLines(rows: readonly TranslationRow[]): Generator<string> {
  for (const [index, row] of rows.entries()) {
    if (index > 0) yield "";
    yield "VIRTUAL           PHYSICAL";
    yield `${row.address.slice(2).padEnd(16)}  ${row.physical === null ? `(not mapped: ${row.problem})` : row.physical.slice(2)}`;
    yield "";
    for (const { level, at, entry, flags } of row.steps) {
      const names = flags.length === 0 ? "" : `  (${flags.join("|")})`;
      yield `${level.padStart(4)}: ${at.slice(2).padStart(12)} => ${entry.slice(2).padStart(16)}${names}`;
    }
    if (row.pageSize !== null)
      yield `PAGE: ${hex(Number(row.physical) - (Number(row.physical) % row.pageSize)).slice(2)}  (${row.pageSize / 1024} KiB)`;
    if (row.area !== null) {
      const { start, end, access, name } = row.area;
      yield `AREA: ${start.slice(2)}-${end.slice(2)} ${access} ${name}`.trimEnd();
    }
    if (row.page !== null) yield `page: ${pageText(row.page)}`;
  }
}

/** A page in one line. */
export function pageText({ page, frame, head, flags, type, references, mapping }: PageRow): string {
  const facts = [
    `struct page ${page.slice(2)}`,
    `frame ${hex(frame)}`,
    ...(head === null ? [] : [`tail of ${head.slice(2)}`]),
    ...(type === undefined ? [] : [type]),
    ...(mapping === undefined ? [] : [mapping === "file" ? "of a file" : "anonymous"]),
    `${references} references`,
    `flags ${flags.length === 0 ? "none" : flags.join("|")}`,
  ];
  return facts.join(", ");
}
