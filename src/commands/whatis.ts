import { UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import type { Gaps } from "../linux/index.ts";
import { hex } from "./hex.ts";
import { resolveAddress } from "./read.ts";
import { type Candidate, candidateKinds, type Finder, Whatis } from "./whatis-finder.ts";
import { areaAt, pageAt, structPageAt, vmallocAt } from "./whatis-pages.ts";
import { perCpuAt } from "./whatis-percpu.ts";
import { slabObjectAt } from "./whatis-slab.ts";
import { moduleAt, symbolAt } from "./whatis-symbols.ts";
import { cpuStackAt, taskAt, taskStackAt } from "./whatis-tasks.ts";

/** What an address may be, as JSON has it: the narrowest thing first. */
export interface WhatisRow {
  address: string;
  candidates: Candidate[];
}

/** By what they need, for messages. */
const finders: readonly (readonly [what: string, find: Finder])[] = [
  ["symbol", symbolAt],
  ["per-CPU", perCpuAt],
  ["module", moduleAt],
  ["tasks", taskAt],
  ["tasks", taskStackAt],
  ["stacks of CPUs", cpuStackAt],
  ["slab", slabObjectAt],
  ["struct page", structPageAt],
  ["vmalloc", vmallocAt],
  ["page", pageAt],
];

const userFinders: typeof finders = [
  ["areas", areaAt],
  ["page", pageAt],
];

/**
 * What addresses are, each with what proves it; nothing is said that was not read.
 * @param pid the process whose addresses they are; without, they are the kernel's
 * @throws {UsageError}
 */
export function identifyAddresses(
  kernel: Kernel,
  gaps: Gaps,
  targets: readonly string[],
  pid?: number,
): { rows: WhatisRow[]; missing: string[] } {
  if (targets.length === 0) throw new UsageError("whatis: what address?");
  const whatis = new Whatis(kernel, gaps, pid);
  const rows = targets.map((target) => identify(whatis, resolveAddress(kernel, target)));
  return { rows, missing: targets.filter((_, index) => rows[index]!.candidates.length === 0) };
}

function identify(whatis: Whatis, address: bigint): WhatisRow {
  const found: Candidate[] = [];
  for (const [what, find] of whatis.pid === undefined ? finders : userFinders) {
    // What one of them needs and cannot read leaves the others alone.
    const candidate = whatis.gaps.column(what, () => find(whatis, address));
    if (candidate !== null && candidate !== undefined) found.push(candidate);
  }
  found.sort((left, right) => candidateKinds.indexOf(left.kind) - candidateKinds.indexOf(right.kind));
  return { address: hex(address), candidates: found };
}

export function* whatisLines(rows: readonly WhatisRow[]): Generator<string> {
  for (const { address, candidates } of rows) {
    yield `${address.slice(2)}${candidates.length === 0 ? ": nothing that is known" : ""}`;
    for (const { kind, text, start, size, evidence } of candidates) {
      yield `  ${kind}: ${text}`;
      if (start !== null && size !== null) yield `      ${start.slice(2)}, ${size} bytes`;
      for (const line of evidence) yield `      ${line}`;
    }
  }
}
