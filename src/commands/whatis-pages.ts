import { inRun } from "../arch/index.ts";
import {
  compoundHead,
  findTask,
  forEachVma,
  forEachVmapArea,
  pageToPfn,
  pfnToPage,
  vmaAccess,
  vmaName,
  vmapKinds,
} from "../linux/index.ts";
import { hex } from "./hex.ts";
import { memberText } from "./likely-struct.ts";
import { taskRoot } from "./tasks.ts";
import { pageText } from "./vtop.ts";
import { type Candidate, taskText, type Whatis } from "./whatis-finder.ts";

/** The `struct page` that an address is in. */
export function structPageAt({ kernel }: Whatis, address: bigint): Candidate | undefined {
  const { program } = kernel;
  const type = program.type("struct page");
  const first = pfnToPage(program, 0)?.address;
  if (first === undefined) return undefined;
  const size = BigInt(type.byteSize);
  const start = address - (BigInt.asUintN(64, address - first) % size);
  const frame = pageToPfn(program, start);
  const { pageByteSize } = program.memory;
  if (frame === undefined) return undefined;
  const physical = frame * pageByteSize;
  const isMemory = kernel.dump.ranges.some(
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

/** The area that vmalloc() and the like gave out, that an address is in. */
export function vmallocAt({ kernel, gaps, direct }: Whatis, address: bigint): Candidate | undefined {
  // The direct map lies elsewhere, and most addresses are of it.
  if (direct !== undefined && inRun(direct, address)) return undefined;
  const { program } = kernel;
  for (const { object, start, end, vm } of gaps.walk(forEachVmapArea(program))) {
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

/** The page of physical memory that an address is of. */
export function pageAt(whatis: Whatis, address: bigint): Candidate | undefined {
  const page = whatis.pageOf(address);
  if (page === undefined) return undefined;
  const { pageByteSize, translation } = whatis.memory;
  const size = BigInt(pageByteSize);
  return {
    kind: "page",
    text: `page of physical memory ${hex(page.frame * pageByteSize)}${page.type === undefined ? "" : `, ${page.type}`}`,
    start: hex((address / size) * size),
    size: pageByteSize,
    evidence: [`page tables (${translation.how})`, pageText(page)],
  };
}

/** The area of a process's address space that an address is in. */
export function areaAt({ kernel, pid, tasks }: Whatis, address: bigint): Candidate | undefined {
  const { program } = kernel;
  const task = findTask(program, pid!)!;
  const mm = task.member("mm").dereference();
  for (const area of forEachVma(mm)) {
    const [start, end] = ["vm_start", "vm_end"].map((name) => area.member(name).scalar() as bigint);
    if (address < start! || address >= end!) continue;
    const who = tasks.find((each) => each.pid === pid);
    const name = vmaName(program, area, taskRoot(task));
    return {
      kind: "area",
      text: `${name === "" ? "anonymous memory" : name}+${hex(address - start!)}, ${vmaAccess(area)}, of ${who === undefined ? `PID ${pid}` : taskText(who)}`,
      start: hex(start!),
      size: Number(end! - start!),
      evidence: [
        `struct vm_area_struct ${hex(area.address!).slice(2)} of mm_struct ${hex(mm.address!).slice(2)}: ${hex(start!)} to ${hex(end!)}`,
      ],
    };
  }
  return undefined;
}
