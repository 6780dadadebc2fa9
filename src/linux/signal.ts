import type { KernelObject } from "../program/index.ts";
import { listForEachEntry } from "./list.ts";

/** Signals 1 to 31 (include/uapi/asm-generic/signal.h). */
const names: readonly string[] =
  "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS".split(
    " ",
  );
const lastSignal = 64;
/** The C library keeps the first two real-time signals for itself. */
const firstRealtime = 34;

/** `SIGKILL`, `SIGRTMIN+3`, … */
export function signalName(signal: number): string {
  const name = names[signal - 1];
  if (name !== undefined) return `SIG${name}`;
  if (signal === lastSignal) return "SIGRTMAX";
  if (signal < firstRealtime) return `SIG${signal}`;
  return signal === firstRealtime ? "SIGRTMIN" : `SIGRTMIN+${signal - firstRealtime}`;
}

/** Signals in a `sigset_t`, ascending. @throws {FaultError} */
export function signalsOf(set: KernelObject): number[] {
  const mask = BigInt.asUintN(64, set.member("sig").index(0).scalar() as bigint);
  return Array.from({ length: lastSignal }, (_, index) => index + 1).filter(
    (signal) => ((mask >> BigInt(signal - 1)) & 1n) === 1n,
  );
}

/** What a process does on a signal. */
export interface SignalAction {
  signal: number;
  /** Address of its function; `SIG_DFL` and `SIG_IGN` for those. */
  handler: bigint | "SIG_DFL" | "SIG_IGN";
  flags: bigint;
  /** Signals that wait while the function runs. */
  mask: number[];
}

/** Actions of a `struct sighand_struct`, by signal. @throws {FaultError} */
export function signalActions(sighand: KernelObject): SignalAction[] {
  const actions = sighand.member("action").read();
  return Array.from({ length: lastSignal }, (_, index) => {
    const action = actions.index(index).member("sa");
    const handler = action.member("sa_handler").scalar() as bigint;
    return {
      signal: index + 1,
      handler: handler === 0n ? "SIG_DFL" : handler === 1n ? "SIG_IGN" : handler,
      flags: action.member("sa_flags").scalar() as bigint,
      mask: signalsOf(action.member("sa_mask")),
    };
  });
}

/** A signal in the queue, and who sent it where it says so. */
export interface QueuedSignal {
  signal: number;
  /** `si_code`: 0 by kill(2), -1 by sigqueue(3), -6 by tkill(2), above 0 by the kernel. */
  code: number;
  /** Of the sender, as the receiver sees it. */
  pid: number | undefined;
  uid: number | undefined;
}

/** SI_USER, SI_QUEUE, SI_TKILL: with the sender. */
const codesOfUsers: ReadonlySet<number> = new Set([0, -1, -6]);

/** The queue of a `struct sigpending`; a signal that did not fit is in its set only. @throws {BrokenLinkError} */
export function* queuedSignals(pending: KernelObject): Generator<QueuedSignal, undefined> {
  for (const entry of listForEachEntry("struct sigqueue", pending.member("list"), "list")) {
    const info = entry.member("info");
    const code = info.member("si_code").number();
    const isByUser = codesOfUsers.has(code);
    yield {
      signal: info.member("si_signo").number(),
      code,
      pid: isByUser ? info.subobject("_sifields._kill._pid").number() : undefined,
      uid: isByUser ? info.subobject("_sifields._kill._uid").number() : undefined,
    };
  }
}
