import { inRun, type LinearRun } from "../arch/index.ts";
import { DwarflessError, UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import {
  compoundHead,
  directMap,
  directMapAddress,
  forEachSlabCache,
  forEachVmapArea,
  freePlaceOf,
  type Gaps,
  pfnToPage,
  pageToPfn,
  slabObject,
  type SlabPlace,
  type Task,
  TaskReader,
  vmapKinds,
} from "../linux/index.ts";
import type { Type, VariableSource } from "../program/index.ts";
import { threadByteSize } from "../stack/index.ts";
import { hex } from "./hex.ts";
import { likelyStruct, memberText } from "./likely-struct.ts";
import { resolveAddress } from "./read.ts";
import { type PageRow, pageRow, pageText } from "./vtop.ts";

/** What an address may be, as JSON has it: the narrowest thing first. */
export interface WhatisRow {
  address: string;
  candidates: Candidate[];
}

export type CandidateKind =
  "task" | "stack" | "symbol" | "per-CPU" | "slab object" | "struct page" | "module" | "vmalloc" | "page";

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

/** Kinds by how much they say, where two things are equally small. */
const rank: readonly CandidateKind[] = [
  "task",
  "stack",
  "symbol",
  "per-CPU",
  "slab object",
  "struct page",
  "module",
  "vmalloc",
  "page",
];

/** Where a variable's type comes from. */
const sourceTexts: Readonly<Record<VariableSource, string>> = {
  btf: "the kernel's BTF",
  module: "the module's BTF",
  sidecar: "a sidecar",
  declared: "by convention, as the kernel's headers declare it",
};

/** What addresses are, each with what proves it; nothing is said that was not read. @throws {UsageError} */
export function identifyAddresses(
  kernel: Kernel,
  gaps: Gaps,
  targets: readonly string[],
): { rows: WhatisRow[]; missing: string[] } {
  if (targets.length === 0) throw new UsageError("whatis: what address?");
  const identifier = new Identifier(kernel, gaps);
  const rows = targets.map((target) => identifier.identify(resolveAddress(kernel, target)));
  return { rows, missing: targets.filter((_, index) => rows[index]!.candidates.length === 0) };
}

class Identifier {
  readonly #kernel: Kernel;
  readonly #gaps: Gaps;
  readonly #direct: LinearRun | undefined;
  #tasks: Task[] | undefined;
  #taskByteSize: number | undefined;

  constructor(kernel: Kernel, gaps: Gaps) {
    this.#kernel = kernel;
    this.#gaps = gaps;
    this.#direct = gaps.column("direct map", () => directMap(kernel)) ?? undefined;
  }

  identify(address: bigint): WhatisRow {
    const found: Candidate[] = [];
    const finders: readonly (readonly [string, (address: bigint) => Candidate | undefined])[] = [
      ["symbol", (each) => this.#symbol(each)],
      ["per-CPU", (each) => this.#perCpu(each)],
      ["module", (each) => this.#module(each)],
      ["tasks", (each) => this.#task(each)],
      ["tasks", (each) => this.#stack(each)],
      ["slab", (each) => this.#slabObject(each)],
      ["struct page", (each) => this.#structPage(each)],
      ["vmalloc", (each) => this.#vmalloc(each)],
      ["page", (each) => this.#page(each)],
    ];
    for (const [what, find] of finders) {
      // What one of them needs and cannot read leaves the others alone.
      const candidate = this.#gaps.column(what, () => find(address));
      if (candidate !== null && candidate !== undefined) found.push(candidate);
    }
    found.sort((left, right) => rank.indexOf(left.kind) - rank.indexOf(right.kind));
    return { address: hex(address), candidates: found };
  }

  #symbol(address: bigint): Candidate | undefined {
    const { program, symbols } = this.#kernel;
    const at = program.symbolizer.symbolAt(address);
    if (at === undefined) return undefined;
    const full = symbols.find(address);
    const place = at.module === undefined ? "" : ` [${at.module}]`;
    const offset = at.offset === 0n ? "" : `+${hex(at.offset)}`;
    const variable = program.variables.find(at.name, at.module);
    const type = variable?.address === address - at.offset ? `, ${variable.type.typeName()}` : "";
    return {
      kind: "symbol",
      text: `${at.name}${offset}${place}${type}`,
      start: hex(address - at.offset),
      size: full === undefined ? null : full.symbol.byteSize,
      evidence: [
        `kallsyms: ${hex(address - at.offset).slice(2)} ${full?.symbol.letter ?? "?"} ${at.name}`,
        ...(type === "" ? [] : [`its type: ${sourceTexts[variable!.source]}`]),
      ],
    };
  }

  #perCpu(address: bigint): Candidate | undefined {
    const { perCpu, symbols, modules, foundation } = this.#kernel;
    const unit = foundation.symbols.addressOf("pcpu_unit_size");
    const unitByteSize = unit === undefined ? undefined : BigInt(foundation.memory.readU32(unit));
    for (const cpu of perCpu.possibleCpus) {
      const offset = perCpu.offset(cpu);
      // CONFIG_SMP=n: the variables are ordinary ones.
      if (offset === 0n) continue;
      const linked = BigInt.asUintN(64, address - offset);
      const evidence = [`__per_cpu_offset[${cpu}] = ${hex(offset)}`];
      const module = modules.find(
        ({ perCpu: own }) =>
          own !== undefined && linked >= own.address && linked < own.address + BigInt(own.byteSize),
      );
      if (perCpu.contains(linked) || module !== undefined) {
        const at = module === undefined ? this.#linkedPerCpu(linked) : symbols.find(linked);
        if (at === undefined) continue;
        const { name, module: owner } = at.symbol;
        const place = owner === undefined ? "" : ` [${owner}]`;
        return {
          kind: "per-CPU",
          text: `${name}${at.offset === 0 ? "" : `+${hex(at.offset)}`}${place} of CPU ${cpu}`,
          start: hex(address - BigInt(at.offset)),
          size: null,
          evidence: [...evidence, `kallsyms: ${hex(linked - BigInt(at.offset)).slice(2)} ${name}`],
        };
      }
      const start = perCpu.start;
      if (unitByteSize !== undefined && linked >= start && linked < start + unitByteSize) {
        return {
          kind: "per-CPU",
          text: `allocated per-CPU memory of CPU ${cpu}, by the pointer ${hex(linked)}`,
          start: null,
          size: null,
          evidence: [...evidence, `the unit of CPU ${cpu} has ${unitByteSize} bytes (pcpu_unit_size)`],
        };
      }
    }
    return undefined;
  }

  /** The kernel's per-CPU symbol at a linked address, which before v6.15 is no address but a small number. */
  #linkedPerCpu(
    linked: bigint,
  ): { symbol: { name: string; module?: undefined }; offset: number } | undefined {
    const { symbols } = this.#kernel.foundation;
    const nearest = symbols.find(linked);
    return nearest && { symbol: { name: symbols.name(nearest.index) }, offset: nearest.offset };
  }

  #module(address: bigint): Candidate | undefined {
    for (const { name, address: of, regions } of this.#kernel.modules) {
      for (const { kind, address: start, byteSize } of regions) {
        if (address < start || address >= start + BigInt(byteSize)) continue;
        return {
          kind: "module",
          text: `${name}+${hex(address - start)}, in its ${kind}`,
          start: hex(start),
          size: byteSize,
          evidence: [
            `struct module ${hex(of).slice(2)}: ${kind} at ${hex(start).slice(2)}, ${byteSize} bytes`,
          ],
        };
      }
    }
    return undefined;
  }

  #allTasks(): Task[] {
    const diagnostics: Parameters<TaskReader["all"]>[0] = [];
    this.#tasks ??= this.#gaps.diagnosed(new TaskReader(this.#kernel).all(diagnostics), diagnostics);
    return this.#tasks;
  }

  #task(address: bigint): Candidate | undefined {
    const type = this.#kernel.program.type("struct task_struct");
    this.#taskByteSize ??= this.#sizeOfTasks(type);
    const size = BigInt(this.#taskByteSize);
    const task = this.#allTasks().find((each) => address >= each.address && address < each.address + size);
    if (task === undefined) return undefined;
    return {
      kind: "task",
      text: `struct task_struct${memberText(type, Number(address - task.address))} of ${taskText(task)}`,
      start: hex(task.address),
      size: Number(size),
      evidence: [`in the kernel's list of tasks: ${hex(task.address).slice(2)}`],
    };
  }

  /** Tasks are smaller than their struct where its end is for more than this machine's processors have. */
  #sizeOfTasks(type: Type): number {
    const { program } = this.#kernel;
    for (const cache of this.#gaps.walk(forEachSlabCache(program))) {
      if (cache.member("name").string(64) !== "task_struct") continue;
      return Math.min(type.byteSize, cache.member("object_size").number());
    }
    return type.byteSize;
  }

  #stack(address: bigint): Candidate | undefined {
    const size = threadByteSize(this.#kernel);
    const task = this.#allTasks().find(
      ({ stack }) => stack !== 0n && address >= stack && address < stack + size,
    );
    if (task === undefined) return undefined;
    return {
      kind: "stack",
      text: `stack of ${taskText(task)}, ${hex(task.stack + size - address)} below its top`,
      start: hex(task.stack),
      size: Number(size),
      evidence: [`task_struct ${hex(task.address).slice(2)}: stack = ${hex(task.stack)}`],
    };
  }

  #slabObject(address: bigint): Candidate | undefined {
    const place = this.#slabPlace(address);
    if (place === undefined) return undefined;
    const { program } = this.#kernel;
    const { cache, object, slab, index } = place;
    const name = cache.member("name").string(256);
    const size = cache.member("object_size").number();
    const offset = address - object;
    const isInside = offset >= 0n && offset < BigInt(size);
    const free = this.#gaps.column("free lists", () => freePlaceOf(program, place) ?? "none");
    const state =
      free === null
        ? "free or not is not known"
        : free === "none"
          ? "in use"
          : `free, in the list of a ${free}`;
    const likely = likelyStruct(program, name, size);
    const member = likely === undefined || !isInside ? "" : memberText(likely.type, Number(offset));
    const what = likely === undefined ? "" : `, likely ${likely.type.typeName()}${member}`;
    return {
      kind: "slab object",
      text: `${name}${offset > 0n ? `+${hex(offset)}` : ""}${isInside ? "" : " (beside the payload)"}, ${state}${what}`,
      start: hex(object),
      size,
      cache: name,
      evidence: [
        `struct slab ${hex(slab.address!).slice(2)}: slab_cache = ${hex(cache.address!)}, object ${index} of ${slab.member("objects").number()}`,
        `kmem_cache.name = "${name}", object_size = ${size}`,
        ...(free === "none" ? ["it is in no free list of the slab, the CPUs and their sheaves"] : []),
        ...(likely === undefined ? [] : [likely.why]),
      ],
    };
  }

  /** The slab is proved by its page's type, and by where page tables put its first byte. */
  #slabPlace(address: bigint): SlabPlace | undefined {
    const { program, foundation } = this.#kernel;
    const direct = this.#direct;
    if (direct === undefined || !inRun(direct, address)) return undefined;
    const page = this.#pageOf(address);
    if (page === undefined || page.type !== "slab") return undefined;
    const head = page.head ?? page.page;
    const frame = pageToPfn(program, BigInt(head));
    if (frame === undefined) return undefined;
    const start = directMapAddress(direct, frame * foundation.memory.pageByteSize);
    if (
      start === undefined ||
      foundation.memory.translate(start) !== frame * foundation.memory.pageByteSize
    ) {
      return undefined;
    }
    return slabObject(program, BigInt(head), start, address);
  }

  #structPage(address: bigint): Candidate | undefined {
    const { program } = this.#kernel;
    const type = program.type("struct page");
    const first = pfnToPage(program, 0)?.address;
    if (first === undefined) return undefined;
    const size = BigInt(type.byteSize);
    const start = address - (BigInt.asUintN(64, address - first) % size);
    const frame = pageToPfn(program, start);
    const { pageByteSize } = program.memory;
    if (frame === undefined) return undefined;
    const physical = frame * pageByteSize;
    const isMemory = this.#kernel.dump.ranges.some(
      (range) => physical >= range.start && physical < range.start + range.byteSize,
    );
    if (!isMemory) return undefined;
    const head = compoundHead(program.object(start, type));
    const member = memberText(type, Number(address - start));
    return {
      kind: "struct page",
      text: `struct page${member} of frame ${hex(frame)}, physical ${hex(physical)}`,
      start: hex(start),
      size: type.byteSize,
      evidence: [
        `mem_section: the struct page of frame 0 is at ${hex(first)}`,
        ...(head.address === start ? [] : [`its compound page begins at ${hex(head.address!)}`]),
      ],
    };
  }

  #vmalloc(address: bigint): Candidate | undefined {
    // The direct map lies elsewhere, and most addresses are of it.
    if (this.#direct !== undefined && inRun(this.#direct, address)) return undefined;
    const { program } = this.#kernel;
    for (const { object, start, end, vm } of this.#gaps.walk(forEachVmapArea(program))) {
      if (address < start || address >= end) continue;
      const evidence = [`struct vmap_area ${hex(object.address!).slice(2)}: ${hex(start)} to ${hex(end)}`];
      if (vm === undefined) {
        return {
          kind: "vmalloc",
          text: "area without a vm_struct",
          start: hex(start),
          size: Number(end - start),
          evidence,
        };
      }
      const caller = vm.member("caller").scalar() as bigint;
      const at = program.symbolizer.symbolAt(caller);
      const who =
        at === undefined
          ? hex(caller)
          : `${at.name}+${hex(at.offset)}${at.module === undefined ? "" : ` [${at.module}]`}`;
      const kinds = vmapKinds(vm);
      return {
        kind: "vmalloc",
        text: `${kinds.length === 0 ? "area" : kinds.join(", ")}+${hex(address - start)} of ${end - start} bytes${caller === 0n ? "" : `, made by ${who}`}`,
        start: hex(start),
        size: Number(end - start),
        evidence: [...evidence, `struct vm_struct ${hex(vm.address!).slice(2)}: caller = ${hex(caller)}`],
      };
    }
    return undefined;
  }

  #pageOf(address: bigint): PageRow | undefined {
    const { memory } = this.#kernel.foundation;
    let physical: number;
    try {
      physical = memory.translate(address);
    } catch (error) {
      // An address that nothing is mapped at has no page, which is no gap in the dump.
      if (error instanceof DwarflessError) return undefined;
      throw error;
    }
    return pageRow(this.#kernel, physical) ?? undefined;
  }

  #page(address: bigint): Candidate | undefined {
    const page = this.#pageOf(address);
    if (page === undefined) return undefined;
    const { pageByteSize, translation } = this.#kernel.foundation.memory;
    const size = BigInt(pageByteSize);
    return {
      kind: "page",
      text: `page of physical memory ${hex(page.frame * pageByteSize)}${page.type === undefined ? "" : `, ${page.type}`}`,
      start: hex((address / size) * size),
      size: pageByteSize,
      evidence: [`page tables (${translation.how})`, pageText(page)],
    };
  }
}

function taskText({ pid, comm }: Task): string {
  return `PID ${pid} (${comm})`;
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
