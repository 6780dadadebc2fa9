import { placeText } from "../triage/index.ts";
import type { FrameRow, StackRow } from "./bt.ts";
import type { Judgement, RecordRow, Evidence, TraceFrame } from "../triage/index.ts";
import type { TriageReport } from "./triage.ts";

/** A heading and what stands under it: what text, Markdown and HTML are made of. */
export interface Section {
  title: string;
  /** Names and values. */
  facts?: readonly (readonly [name: string, value: string])[];
  /** Lines of equal width. */
  lines?: readonly string[];
}

/** Frames of a stack or trace that are shown; the others are counted. */
const shownFrames = 40;

/** What triage says, section by section; the verdict first. */
export function triageSections(report: TriageReport): Section[] {
  return [
    ...judgementSections(report),
    ...(report.stack === null ? [] : [stackSection(report.stack)]),
    { title: "Kernel and machine", facts: machineFacts(report) },
    ...(report.unread.length === 0 ? [] : [{ title: "Not read", lines: report.unread }]),
  ];
}

/** What a log alone says, section by section. */
export function judgementSections({ verdict, record, hash }: Judgement): Section[] {
  const sections: Section[] = [
    {
      title: "Verdict",
      facts: [
        ["class", verdict.class],
        ["what", verdict.summary],
        ["confidence", verdict.confidence],
        ...(verdict.context === null ? [] : [["in", verdict.context] as const]),
        ...(hash === null ? [] : [["hash", hash] as const]),
      ],
    },
  ];
  if (verdict.evidence.length > 0)
    sections.push({ title: "Evidence", lines: verdict.evidence.map(evidenceText) });
  if (verdict.suspects.length > 0) {
    sections.push({
      title: "Suspects",
      lines: verdict.suspects.map(({ kind, name, reason }) => `${kind} ${name}: ${reason}`),
    });
  }
  if (record !== null) sections.push(...recordSections(record));
  return sections;
}

function evidenceText(evidence: Evidence): string {
  if (evidence.kind === "memory") return `memory   ${evidence.text}`;
  const time = evidence.time === null ? "" : ` [${evidence.time.toFixed(6).padStart(12)}]`;
  return `log ${String(evidence.sequence).padStart(4)}${time} ${evidence.text}`;
}

function recordSections(record: RecordRow): Section[] {
  const facts: (readonly [string, string])[] = [["report", record.title]];
  if (record.panicReason !== null) facts.push(["panic", record.panicReason]);
  if (record.place !== null) facts.push(["at", placeText(record.place)]);
  if (record.source !== null) facts.push(["source", record.source]);
  const { fault } = record;
  if (fault !== null && fault.address !== null) {
    facts.push(["address", [fault.address, fault.access ?? ""].join(" ").trim()]);
  }
  if (record.pid !== null || record.comm !== null) {
    facts.push(["task", `${record.comm ?? "?"} (PID ${record.pid ?? "?"})`]);
  }
  if (record.cpu !== null) facts.push(["cpu", String(record.cpu)]);
  if (record.taints !== null) facts.push(["tainted", record.taints === "" ? "no" : record.taints]);
  const others = Object.entries(record.others).map(([kind, count]) => `${count} ${kind}`);
  facts.push(["reports", others.join(", ")]);
  const sections: Section[] = [{ title: "Report in the log", facts }];
  if (record.trace.length > 0) {
    sections.push({ title: "Call trace of the report", lines: shown(record.trace, traceText) });
  }
  return sections;
}

function traceText(frame: TraceFrame): string {
  return `${frame.sure ? " " : "?"} ${placeText(frame)}${frame.context === null ? "" : `  <${frame.context}>`}`;
}

function stackSection(stack: StackRow): Section {
  const cpu = stack.cpu === null ? "" : `, CPU ${stack.cpu}`;
  const title = `Stack of ${stack.comm} (PID ${stack.pid}${cpu})`;
  if (stack.frames.length === 0) return { title, lines: [stack.absence ?? "no frames"] };
  return { title, lines: shown(stack.frames, frameText) };
}

function frameText(frame: FrameRow): string {
  if (frame.kind === "user") return `  user mode at ${frame.pc}`;
  if (frame.kind === "broken") return `  ${frame.problem ?? "the walk ends"}`;
  const module = frame.module === null ? "" : ` [${frame.module}]`;
  const known = (frame.arguments ?? []).filter(({ value }) => value !== null);
  const args =
    known.length === 0 ? "" : ` (${known.map(({ name, value }) => `${name}=${value ?? "?"}`).join(", ")})`;
  const name = frame.symbol === null ? frame.pc : `${frame.symbol}+0x${(frame.offset ?? 0).toString(16)}`;
  return `${frame.kind === "guess" ? "?" : " "} ${name}${module}${args}`;
}

function shown<Item>(items: readonly Item[], text: (item: Item) => string): string[] {
  const lines = items.slice(0, shownFrames).map(text);
  if (items.length > shownFrames) lines.push(`  … and ${items.length - shownFrames} more`);
  return lines;
}

function machineFacts({ kernel, machine, memory }: TriageReport): (readonly [string, string])[] {
  const facts: (readonly [string, string | null])[] = [
    ["kernel", [kernel.release ?? "?", kernel.architecture ?? ""].join(" ").trim()],
    ["version", kernel.version],
    ["build id", kernel.buildId],
    ["hardware", machine.hardware],
    ["node", machine.nodeName],
    [
      "cpus",
      machine.cpus.online === "" ? null : `online ${machine.cpus.online}, present ${machine.cpus.present}`,
    ],
    ["date", machine.date],
    ["uptime", machine.uptime === null ? null : `${machine.uptime.toFixed(0)} s`],
    ["load average", machine.loadAverage?.map((each) => each.toFixed(2)).join(", ") ?? null],
    ["threads", machine.threads === null ? null : String(machine.threads)],
    ["memory", memory === null ? null : memoryText(memory)],
    ["command line", machine.commandLine],
    ["tainted", machine.taints === "" ? "no" : machine.taints],
  ];
  return facts.filter((fact): fact is readonly [string, string] => fact[1] !== null);
}

function memoryText(memory: NonNullable<TriageReport["memory"]>): string {
  const mib = (bytes: number | null): string =>
    bytes === null ? "?" : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  const swap =
    memory.swapTotal === null || memory.swapTotal === 0
      ? "no swap"
      : `swap ${mib(memory.swapTotal)}, ${mib(memory.swapFree)} free`;
  return `${mib(memory.total)}, ${mib(memory.free)} free, ${mib(memory.cached)} cached, ${mib(memory.slab)} slab, ${swap}`;
}

/** Sections as text. */
export function* sectionLines(sections: readonly Section[]): Generator<string> {
  let first = true;
  for (const { title, facts = [], lines = [] } of sections) {
    if (!first) yield "";
    first = false;
    yield title.toUpperCase();
    const width = Math.max(0, ...facts.map(([name]) => name.length));
    for (const [name, value] of facts) yield `  ${name.padEnd(width)}  ${value}`;
    for (const line of lines) yield `  ${line}`;
  }
}
