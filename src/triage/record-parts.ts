import type { Place, TraceFrame } from "./place.ts";
import type { ReportKind } from "./reports.ts";

/** What the kernel was doing when an exception came. */
export interface Fault {
  /** `"0x…"`; null where it was not printed. */
  address: string | null;
  access: "read" | "write" | "execute" | null;
  mode: "kernel" | "user" | null;
  /** As printed, hexadecimal. */
  errorCode: string | null;
  /** The exception's name, as printed. */
  what: string | null;
}

/** A module of `Modules linked in:`. */
export interface LinkedModule {
  name: string;
  /** Letters in brackets: taints, `+` loading, `-` unloading. */
  flags: string;
}

/** Code around the instruction that faulted. */
export interface CodeBytes {
  /** Bytes in order of addresses, two hexadecimal digits each. */
  bytes: string;
  /** Where the marked instruction starts, in bytes; null where none is marked. */
  position: number | null;
}

/** What a report says. */
export interface OopsRecord {
  kind: ReportKind;
  title: string;
  sequence: number;
  time: number | null;
  /** What `panic` was called with; null without a panic. */
  panicReason: string | null;
  fault: Fault | null;
  cpu: number | null;
  pid: number | null;
  comm: string | null;
  /** Letters without spaces; empty for `Not tainted`, null where nothing says. */
  taints: string | null;
  release: string | null;
  hardware: string | null;
  /** Where it happened: RIP or pc, or the place of a BUG or WARNING. */
  place: Place | null;
  /** The caller by arm64's link register. */
  link: Place | null;
  /** File and line of a BUG or WARNING. */
  source: string | null;
  /** By names of the architecture in lower case: `rax`, `x0`, `sp`; values `"0x…"`. */
  registers: Record<string, string>;
  code: CodeBytes | null;
  trace: TraceFrame[];
  modules: LinkedModule[];
}
