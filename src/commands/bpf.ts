import type { Kernel } from "../kernel/index.ts";
import {
  bpfJitedLength,
  bpfLinkTarget,
  bpfProgMapIds,
  bpfProgStats,
  bpfTypeName,
  forEachBpfLink,
  forEachBpfMap,
  forEachBpfProg,
  type Gaps,
} from "../linux/index.ts";
import { hex } from "./hex.ts";
import { cell, tableLines } from "./table.ts";

/** A BPF program as JSON has it; names of members are those of `bpftool prog --json` where it has them. */
export interface BpfProgRow {
  id: number | null;
  type: string | null;
  name: string | null;
  tag: string | null;
  /** User who loaded it. */
  uid: number | null;
  /** Nanoseconds after boot. */
  loadedAt: number | null;
  /** Bytes. */
  translatedSize: number | null;
  jitedSize: number | null;
  maps: readonly number[] | null;
  /** Counted only while `kernel.bpf_stats_enabled` is set. */
  runCount: number | null;
  /** Nanoseconds. */
  runTime: number | null;
  /** Address of its machine code, or of the interpreter. */
  function: string | null;
  /** Address of the `struct bpf_prog`. */
  prog: string;
}

export interface BpfMapRow {
  id: number | null;
  type: string | null;
  name: string | null;
  /** Bytes. */
  keySize: number | null;
  valueSize: number | null;
  maxEntries: number | null;
  flags: number | null;
  /** Address of the `struct bpf_map`. */
  map: string;
}

export interface BpfLinkRow {
  id: number | null;
  type: string | null;
  /** Id of its program. */
  program: number | null;
  /** Name of a tracepoint or a device, number of a control group; null for links of other types. */
  target: string | null;
  /** Address of the `struct bpf_link`. */
  link: string;
}

/** BPF programs by id. */
export function listBpfProgs(kernel: Kernel, gaps: Gaps): { rows: BpfProgRow[] } {
  const { program } = kernel;
  const rows: BpfProgRow[] = [];
  for (const prog of gaps.walk(forEachBpfProg(program))) {
    const stats = gaps.column("statistics", () => bpfProgStats(program, prog));
    rows.push({
      id: gaps.column("id", () => prog.member("aux").member("id").number()),
      type: gaps.column("type", () => bpfTypeName(prog.member("type"), "BPF_PROG_TYPE_")),
      name: gaps.column("name", () => prog.member("aux").member("name").string()),
      tag: gaps.column("tag", () => Buffer.from(prog.member("tag").bytes()).toString("hex")),
      uid: gaps.column("uid", () => prog.member("aux").member("user").member("uid").member("val").number()),
      loadedAt: gaps.column("loadedAt", () => prog.member("aux").member("load_time").number()),
      translatedSize: gaps.column("translatedSize", () => prog.member("len").number() * 8),
      jitedSize: gaps.column("jitedSize", () => bpfJitedLength(prog)),
      maps: gaps.column("maps", () => bpfProgMapIds(prog)),
      runCount: stats === null ? null : Number(stats.count),
      runTime: stats === null ? null : Number(stats.nanoseconds),
      function: gaps.column("function", () => hex(prog.member("bpf_func").scalar() as bigint)),
      prog: hex(prog.address!),
    });
  }
  return { rows };
}

/** BPF maps by id. */
export function listBpfMaps(kernel: Kernel, gaps: Gaps): { rows: BpfMapRow[] } {
  const rows: BpfMapRow[] = [];
  for (const map of gaps.walk(forEachBpfMap(kernel.program))) {
    const number = (column: string, member: string): number | null =>
      gaps.column(column, () => map.member(member).number());
    rows.push({
      id: number("id", "id"),
      type: gaps.column("type", () => bpfTypeName(map.member("map_type"), "BPF_MAP_TYPE_")),
      name: gaps.column("name", () => map.member("name").string()),
      keySize: number("keySize", "key_size"),
      valueSize: number("valueSize", "value_size"),
      maxEntries: number("maxEntries", "max_entries"),
      flags: number("flags", "map_flags"),
      map: hex(map.address!),
    });
  }
  return { rows };
}

/** BPF links by id. */
export function listBpfLinks(kernel: Kernel, gaps: Gaps): { rows: BpfLinkRow[] } {
  const { program } = kernel;
  const rows: BpfLinkRow[] = [];
  for (const link of gaps.walk(forEachBpfLink(program))) {
    rows.push({
      id: gaps.column("id", () => link.member("id").number()),
      type: gaps.column("type", () => bpfTypeName(link.member("type"), "BPF_LINK_TYPE_")),
      program: gaps.column("program", () => {
        const prog = link.member("prog");
        return prog.isNull ? null : prog.member("aux").member("id").number();
      }),
      target: gaps.column("target", () => bpfLinkTarget(program, link)) ?? null,
      link: hex(link.address!),
    });
  }
  return { rows };
}

export function bpfProgLines(rows: readonly BpfProgRow[]): Iterable<string> {
  return tableLines(
    [
      { title: "PROG" },
      { title: "ID", align: "right" },
      { title: "TYPE" },
      { title: "TAG" },
      { title: "UID", align: "right" },
      { title: "XLATED", align: "right" },
      { title: "JITED", align: "right" },
      { title: "RUNS", align: "right" },
      { title: "MAPS" },
      { title: "NAME" },
    ],
    rows.map((row) => [
      row.prog.slice(2),
      cell(row.id),
      cell(row.type),
      cell(row.tag),
      cell(row.uid),
      cell(row.translatedSize),
      cell(row.jitedSize),
      cell(row.runCount),
      row.maps?.length === 0 ? "-" : cell(row.maps?.join(",")),
      cell(row.name),
    ]),
  );
}

export function bpfMapLines(rows: readonly BpfMapRow[]): Iterable<string> {
  return tableLines(
    [
      { title: "MAP" },
      { title: "ID", align: "right" },
      { title: "TYPE" },
      { title: "KEY", align: "right" },
      { title: "VALUE", align: "right" },
      { title: "ENTRIES", align: "right" },
      { title: "FLAGS", align: "right" },
      { title: "NAME" },
    ],
    rows.map((row) => [
      row.map.slice(2),
      cell(row.id),
      cell(row.type),
      cell(row.keySize),
      cell(row.valueSize),
      cell(row.maxEntries),
      row.flags === null ? "?" : `0x${row.flags.toString(16)}`,
      cell(row.name),
    ]),
  );
}

export function bpfLinkLines(rows: readonly BpfLinkRow[]): Iterable<string> {
  return tableLines(
    [
      { title: "LINK" },
      { title: "ID", align: "right" },
      { title: "TYPE" },
      { title: "PROG", align: "right" },
      { title: "TARGET" },
    ],
    rows.map((row) => [
      row.link.slice(2),
      cell(row.id),
      cell(row.type),
      cell(row.program),
      row.target ?? "-",
    ]),
  );
}
