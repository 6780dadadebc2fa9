/** What went wrong, or `none`, or `unknown` where the dump does not let one tell. */
export type VerdictClass =
  | "null-pointer"
  | "bad-pointer"
  | "use-after-free"
  | "stack-overflow"
  | "bug"
  | "warning"
  | "hung-task"
  | "soft-lockup"
  | "hard-lockup"
  | "rcu-stall"
  | "out-of-memory"
  | "sysrq"
  | "machine-check"
  | "nmi"
  | "exception"
  | "panic"
  | "none"
  | "unknown";

/** Where it happened. */
export type CrashContext = "process" | "softirq" | "interrupt" | "nmi";

/** `certain`: the kernel says so; `likely`: it follows from what is there; `possible`: something speaks for it. */
export type Confidence = "certain" | "likely" | "possible";

/** Something that a verdict rests on. */
export type Evidence =
  | {
      kind: "log";
      /** Of the message, or number of the line. */
      sequence: number;
      /** Seconds since boot. */
      time: number | null;
      text: string;
    }
  | {
      kind: "memory";
      /** `"0x…"`; null where it has no one address. */
      address: string | null;
      text: string;
    };

/** A member that may lie at a bad address. */
export interface MemberCandidate {
  /** With its tag: `struct file`. */
  struct: string;
  /** From the struct down: `f_path.dentry`. */
  member: string;
  /** Bytes from the start of the struct. */
  offset: number;
  /** Register that held the pointer to the struct; null where that is not known. */
  register: string | null;
  /** Why this struct: what the register held. */
  how: string;
  /** True where the code shows that the register held such a pointer. */
  proved: boolean;
}

/** Who may have done it. */
export interface Suspect {
  kind: "module" | "function" | "taint";
  name: string;
  reason: string;
}

export interface Verdict {
  class: VerdictClass;
  /** One sentence. */
  summary: string;
  context: CrashContext | null;
  confidence: Confidence;
  evidence: Evidence[];
  /** For NULL and bad pointers, the best first. */
  members: MemberCandidate[];
  suspects: Suspect[];
}
