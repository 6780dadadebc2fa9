import type { KernelObject, Program } from "../program/index.ts";
import { forEachPossibleCpu } from "./cpumask.ts";
import { idrForEachEntry } from "./idr.ts";
import { perCpuPtr } from "./percpu.ts";
import { objectAt } from "./walk.ts";

/** More maps or subprograms than one program may have. */
const maximumParts = 1024;

/** `bpf_prog_for_each`: loaded BPF programs by id (`prog_idr`, kernel/bpf/syscall.c). @throws {BrokenLinkError} */
export function* forEachBpfProg(program: Program): Generator<KernelObject, undefined> {
  for (const { object } of idrForEachEntry("struct bpf_prog", program.variable("prog_idr"))) yield object;
}

/** `bpf_map_for_each`: BPF maps by id (`map_idr`). @throws {BrokenLinkError} */
export function* forEachBpfMap(program: Program): Generator<KernelObject, undefined> {
  for (const { object } of idrForEachEntry("struct bpf_map", program.variable("map_idr"))) yield object;
}

/** `bpf_link_for_each`: BPF links by id (`link_idr`, since v5.8). @throws {BrokenLinkError} */
export function* forEachBpfLink(program: Program): Generator<KernelObject, undefined> {
  for (const { object } of idrForEachEntry("struct bpf_link", program.variable("link_idr"))) yield object;
}

/** Name of an enumerator without what all of its enum begin with, in lower case: `xdp` of BPF_PROG_TYPE_XDP. */
export function bpfTypeName(type: KernelObject, prefix: string): string {
  const name = type.type.underlying.enumeratorName(BigInt(type.scalar()));
  return name === undefined ? String(type.number()) : name.replace(prefix, "").toLowerCase();
}

/** Ids of the maps a `struct bpf_prog` uses. @throws {FaultError} */
export function bpfProgMapIds(prog: KernelObject): number[] {
  const aux = prog.member("aux");
  const count = Math.min(aux.member("used_map_cnt").number(), maximumParts);
  const maps = count === 0 ? undefined : aux.member("used_maps").read();
  return Array.from({ length: count }, (_, index) => maps!.index(index).member("id").number());
}

/** Bytes of machine code of a `struct bpf_prog` and its subprograms, as bpf(2) reports them. @throws {FaultError} */
export function bpfJitedLength(prog: KernelObject): number {
  const aux = prog.member("aux");
  const count = Math.min(aux.member("func_cnt").number(), maximumParts);
  if (count === 0) return prog.member("jited_len").number();
  const functions = aux.member("func").read();
  let byteSize = 0;
  for (let index = 0; index < count; index++) byteSize += functions.index(index).member("jited_len").number();
  return byteSize;
}

/**
 * How often a `struct bpf_prog` ran and how long in nanoseconds, where `kernel.bpf_stats_enabled` has it counted.
 * @throws {FaultError}
 */
export function bpfProgStats(program: Program, prog: KernelObject): { count: bigint; nanoseconds: bigint } {
  const stats = prog.member("stats");
  let [count, nanoseconds] = [0n, 0n];
  if (stats.isNull) return { count, nanoseconds };
  for (const cpu of forEachPossibleCpu(program)) {
    const own = perCpuPtr(program, stats, cpu);
    // Numbers, or structs of one number.
    count += program.memory.readU64(own.member("cnt").address!);
    nanoseconds += program.memory.readU64(own.member("nsecs").address!);
  }
  return { count, nanoseconds };
}

/**
 * What a `struct bpf_link` attaches its program to: the name of a tracepoint or a device, the number of a
 * control group; undefined for links of other types.
 * @throws {FaultError}; {@link LookupError}
 */
export function bpfLinkTarget(program: Program, link: KernelObject): string | undefined {
  const outer = (type: string): KernelObject =>
    objectAt(program, type, link.containerOf(type, "link").scalar() as bigint);
  switch (bpfTypeName(link.member("type"), "BPF_LINK_TYPE_")) {
    case "raw_tracepoint": {
      const raw = outer("struct bpf_raw_tp_link");
      return raw.member("btp").member("tp").member("name").string(256);
    }
    case "xdp": {
      const device = outer("struct bpf_xdp_link").member("dev");
      return device.isNull ? undefined : device.member("name").string(16);
    }
    case "cgroup": {
      const group = outer("struct bpf_cgroup_link").member("cgroup");
      return group.isNull ? undefined : String(group.member("kn").member("id").number());
    }
    default:
      return undefined;
  }
}
