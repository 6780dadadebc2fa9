import type { LogLine } from "./log-text.ts";
import { parsePlace, parseTraceFrame, type TraceFrame } from "./place.ts";
import type { CodeBytes, Fault, LinkedModule, OopsRecord } from "./record-parts.ts";
import { dieLine, type Report } from "./reports.ts";

/** Deeper traces are damage. */
const maximumFrames = 256;
const maximumModules = 4096;

/** Read the lines of a report. What it does not say is null. */
export function readReport(report: Report): OopsRecord {
  const { title, lines, kind } = report;
  const record: OopsRecord = {
    kind,
    title: title.text.trim(),
    sequence: title.sequence,
    time: title.time ?? null,
    panicReason: null,
    fault: null,
    cpu: null,
    pid: null,
    comm: null,
    taints: null,
    release: null,
    hardware: null,
    place: null,
    link: null,
    source: null,
    registers: {},
    code: null,
    trace: [],
    modules: [],
  };
  readTitle(record);
  let inTrace = false;
  let hasTrace = false;
  let context: string | null = null;
  for (const line of lines) {
    const { text } = line;
    if (/^\s*(?:Call [Tt]race|Backtrace):/.test(text)) {
      // Later traces are those of other tasks.
      inTrace = !hasTrace;
      hasTrace = true;
      continue;
    }
    if (inTrace) {
      const mark = /^\s*<(\/?)#?([A-Z][A-Z_0-9]{0,31})>\s*$/.exec(text);
      if (mark !== null) {
        context = mark[1] === "/" ? null : mark[2]!;
        continue;
      }
      const frame = parseTraceFrame(text, context);
      if (frame !== undefined) {
        if (record.trace.length < maximumFrames) record.trace.push(frame);
        continue;
      }
    }
    readLine(record, line, hasTrace);
  }
  return record;
}

/** Names of tasks end where the next word of the format begins; they may have spaces. */
const cpuLine =
  /^CPU: (\d{1,6}) (?:UID: \d+ )?PID: (\d{1,10}) Comm: (.{1,64}?) (?:Kdump: loaded )?(?:Not tainted|Tainted: ([A-Z ]{1,64}?)) +(\d\S*) /;

function readLine(record: OopsRecord, { text }: LogLine, hasTrace: boolean): void {
  const cpu = cpuLine.exec(text);
  if (cpu !== null) {
    record.cpu ??= Number(cpu[1]);
    record.pid ??= Number(cpu[2]);
    record.comm ??= cpu[3]!;
    record.taints ??= (cpu[4] ?? "").replaceAll(" ", "");
    record.release ??= cpu[5]!;
    return;
  }
  const hardware = /^Hardware name: (.{1,256})$/.exec(text);
  if (hardware !== null) record.hardware ??= hardware[1]!.trim();
  const modules = /^Modules linked in:(.*)$/.exec(text);
  if (modules !== null && record.modules.length === 0) record.modules = readModules(modules[1]!);
  readFault(record, text);
  readHungTask(record, text);
  // What comes behind the trace are the registers of whoever was interrupted, or in user mode.
  if (hasTrace && record.kind !== "oops" && record.kind !== "bug") return;
  readPlace(record, text, hasTrace);
}

function readTitle(record: OopsRecord): void {
  const { title } = record;
  const panic = /^Kernel panic - not syncing: ?(.*)$/.exec(title);
  if (panic !== null) record.panicReason = panic[1]!;
  const bug = /^kernel BUG at (\S+:\d+)!/.exec(title);
  if (bug !== null) record.source = bug[1]!;
  // Until v6.18; later ones name CPU and task behind the place.
  const old = /^WARNING: CPU: (\d+) PID: (\d+) at (?:(\S+:\d+) )?(.*)$/.exec(title);
  if (old !== null) {
    record.cpu = Number(old[1]);
    record.pid = Number(old[2]);
    record.source = old[3] ?? null;
    record.place = parsePlace(old[4]!) ?? null;
  }
  const warning = /^WARNING: (?:.{0,256} )?(\S+:\d+) at (.*), CPU#(\d+): (.{1,64})\/(\d+)$/.exec(title);
  if (warning !== null) {
    record.source = warning[1]!;
    record.place = parsePlace(warning[2]!) ?? null;
    record.cpu = Number(warning[3]);
    record.comm = warning[4]!;
    record.pid = Number(warning[5]);
  }
  const soft = /soft lockup - CPU#(\d+) stuck for \d+s! \[(.{1,64}):(\d+)\]/.exec(title);
  if (soft !== null) {
    record.cpu = Number(soft[1]);
    record.comm = soft[2]!;
    record.pid = Number(soft[3]);
  }
  const cpu = /hard LOCKUP on cpu (\d+)/.exec(title) ?? /NMI backtrace for cpu (\d+)/.exec(title);
  if (cpu !== null) record.cpu = Number(cpu[1]);
  const hung = /^INFO: task (.{1,64}):(\d+) /.exec(title);
  if (hung !== null) {
    record.comm = hung[1]!;
    record.pid = Number(hung[2]);
  }
  const oom = /^(.{1,64}) invoked oom-killer/.exec(title);
  if (oom !== null) record.comm = oom[1]!;
}

/** Of a hung task, whose report has no line of a CPU. */
function readHungTask(record: OopsRecord, text: string): void {
  if (record.kind !== "hung-task") return;
  const taint = /^\s+(?:Not tainted|Tainted: ([A-Z ]{1,64}?)) +(\d\S*) #/.exec(text);
  if (taint === null) return;
  record.taints ??= (taint[1] ?? "").replaceAll(" ", "");
  record.release ??= taint[2]!;
}

const registerPair = /\b(R[A-Z0-9]{1,2}|x[0-9]{1,2})\s?: ?([0-9a-f]{16})\b/g;
const kernelSegment = /^RIP: (?:0010|e030|0008):(.*)$/;

function readPlace(record: OopsRecord, text: string, hasTrace: boolean): void {
  const counter = kernelSegment.exec(text) ?? /^pc : (.*)$/.exec(text);
  if (counter !== null) {
    if (Object.keys(record.registers).length > 0 || hasTrace) return;
    record.place = parsePlace(counter[1]!) ?? record.place;
    return;
  }
  const link = /^lr : (.*)$/.exec(text);
  if (link !== null) record.link ??= parsePlace(link[1]!) ?? null;
  const code = /^Code: ((?:[0-9a-f]{2,8}|<[0-9a-f]{2}>|\([0-9a-f]{8}\)| ){2,400})$/.exec(text.trim());
  // In a trace of the unwinder the code is that of user mode.
  if (code !== null && (!hasTrace || /\(/.test(text))) record.code ??= readCode(code[1]!);
  if (hasTrace) return;
  const stack = /^(?:RSP: [0-9a-f]{4}:|sp : )([0-9a-f]{16})/.exec(text);
  if (stack !== null) {
    setRegister(record, text.startsWith("RSP") ? "rsp" : "sp", stack[1]!);
    return;
  }
  if (!/^(?:R[A-Z0-9]{1,2}|x\d{1,2}\s?):/.test(text)) return;
  for (const pair of text.matchAll(registerPair)) setRegister(record, pair[1]!.toLowerCase(), pair[2]!);
}

function setRegister(record: OopsRecord, name: string, digits: string): void {
  // The first block is that of the fault; the one behind the end of the trace repeats it.
  record.registers[canonicalName(name)] ??= `0x${digits.replace(/^0+(?=.)/, "")}`;
}

/** `R08` is printed for r8. */
function canonicalName(name: string): string {
  return name.replace(/^r0(\d)$/, "r$1");
}

/** x86 prints bytes with the faulting one in `<>`, arm64 words with the faulting one in `()`. */
function readCode(text: string): CodeBytes | null {
  const bytes: string[] = [];
  let position: number | null = null;
  for (const part of text.trim().split(/ +/)) {
    const digits = part.replace(/[<>()]/g, "");
    if (digits.length !== part.length) position = bytes.length;
    if (digits.length === 8) bytes.push(...(digits.match(/../g) ?? []).toReversed());
    else if (digits.length === 2) bytes.push(digits);
    else return null;
  }
  return { bytes: bytes.join(""), position };
}

function readModules(text: string): LinkedModule[] {
  // Unloaded ones follow in brackets.
  const list = text.replace(/\[(?:permanently unloaded|last unloaded).*$/, "");
  const modules: LinkedModule[] = [];
  for (const word of list.trim().split(/\s+/)) {
    const match = /^([\w-]{1,64})(?:\(([A-Z+-]{1,32})\))?$/.exec(word);
    if (match !== null && modules.length < maximumModules) {
      modules.push({ name: match[1]!, flags: match[2] ?? "" });
    }
  }
  return modules;
}

const accessWords = { read: "read", write: "write", "instruction fetch": "execute" } as const;

function readFault(record: OopsRecord, text: string): void {
  const { kind } = record;
  if (kind !== "oops" && kind !== "bug" && kind !== "stack-overflow" && kind !== "memory-check") return;
  const address =
    /^BUG: .*?(?:address: |request (?:for address: )?at |dereference at )([0-9a-f]{8,16})\b/.exec(text) ??
    /^BUG: unable to handle page fault for address: ([0-9a-f]{8,16})\b/.exec(text) ??
    /^Unable to handle kernel .{1,80} at virtual address ([0-9a-f]{8,16})\b/.exec(text) ??
    /(?:non-canonical|maybe for) address 0x([0-9a-f]{1,16})\b/.exec(text) ??
    // %p, a hash of 32 bits and no address, in older kernels.
    /^BUG: (?:\S+ )?stack guard page was hit at ([89a-f][0-9a-f]{15})\b/.exec(text) ??
    /^(?:Read|Write) of size \d+ at addr ([0-9a-f]{8,16})\b/.exec(text);
  if (address !== null) faultOf(record).address ??= `0x${address[1]!.replace(/^0+(?=.)/, "")}`;
  const access =
    /^#PF: (supervisor|user) (read access|write access|instruction fetch) in (kernel|user) mode/.exec(text);
  if (access !== null) {
    faultOf(record).access ??= accessWords[access[2]!.replace(" access", "") as keyof typeof accessWords];
    faultOf(record).mode ??= access[3] as "kernel" | "user";
  }
  const kasan = /^(Read|Write) of size \d+ at addr /.exec(text);
  if (kasan !== null) faultOf(record).access ??= kasan[1] === "Read" ? "read" : "write";
  // arm64: the class of the exception, and whether it wrote.
  const esr = /^\s*ESR = (0x[0-9a-f]{1,16})/.exec(text);
  if (esr !== null) faultOf(record).errorCode ??= `0x${esr[1]!.slice(2).replace(/^0+(?=.)/, "")}`;
  const wnr = /\bWnR = ([01])\b/.exec(text);
  if (wnr !== null) faultOf(record).access ??= wnr[1] === "1" ? "write" : "read";
  if (/\bEC = 0x2[01]: IABT/.test(text)) faultOf(record).access ??= "execute";
  const die = dieLine.exec(text);
  if (die !== null) {
    const fault = faultOf(record);
    const what = die[1]!
      .replace(/^(?:Oops|Internal error): /, "")
      .replace(/,? (?:probably|maybe) for .*$/, "");
    fault.what ??= what;
    fault.errorCode ??= `0x${die[2]!.replace(/^0+(?=.)/, "")}`;
  }
}

function faultOf(record: OopsRecord): Fault {
  record.fault ??= { address: null, access: null, mode: null, errorCode: null, what: null };
  return record.fault;
}

/** Frames that the kernel's unwinder vouched for. */
export function sureFrames(record: OopsRecord): TraceFrame[] {
  return record.trace.filter(({ sure }) => sure);
}
