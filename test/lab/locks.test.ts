/** `dwarfless locks` against what the threads of a guest said of the locks they hold and wait for. */
import { describe, expect, test } from "vitest";
import { type CrashCase, crashGuest, crashGuestMissing, lockFacts } from "../guest/crash-guests.ts";
import { dumpMissing, type GuestDump, guestDump } from "../guest/dumps.ts";
import { dumpKernelNames, dwarfless } from "./lab.ts";

interface Row {
  kind: string;
  lock: string;
  symbol: string | null;
  holder: { pid: number } | null;
  holderIs: string | null;
  readers: number | null;
  waiters: { pid: number; comm: string; state: string; wants: string | null; function: string }[];
  blocked: number;
}

interface Report {
  cycles: { tasks: { pid: number }[]; locks: string[] }[];
  roots: { pid: number; locks: string[]; blocked: number }[];
  locks: Row[];
  others: { pid: number; comm: string; function: string; kind: string | null }[];
  stacks: { pid: number; frames: { symbol: string }[] }[];
  warnings: string[];
}

describe("locks of a 6.1 guest", () => {
  const missing = (which: CrashCase): string | undefined => crashGuestMissing("6.1-amd64", which);

  test("of every kind, with who holds and who waits", async (context) => {
    context.skip(missing("locks") !== undefined, missing("locks"));
    const dump = await crashGuest("6.1-amd64", "locks");
    const report = locks(dump);
    expectFacts(dump, report);
    expect(new Set(report.locks.map(({ kind }) => kind))).toEqual(
      new Set(["mutex", "rwsem", "semaphore", "completion", "rtmutex"]),
    );
    expect(report.cycles).toEqual([]);
    // One thread holds the mutex that a writer of the rwsem waits for, and the rtmutex.
    expect(report.roots).toHaveLength(1);
    expect(report.roots[0]).toMatchObject({ blocked: 6 });
    expect(report.stacks.map(({ pid }) => pid)).toEqual([report.roots[0]!.pid]);
    const wants = report.locks.flatMap(({ kind, waiters }) =>
      kind === "rwsem" ? waiters.map((waiter) => waiter.wants) : [],
    );
    expect(wants.toSorted((left, right) => (left! < right! ? -1 : 1))).toEqual(["read", "write", "write"]);
    const read = report.locks.find(({ symbol }) => symbol === "shared [sample]");
    expect(read).toMatchObject({ holderIs: "last-reader", readers: 1 });
    expect(report.others).toEqual([]);
    expect(report.warnings).toEqual([]);
  });

  test("with two threads that wait for each other", async (context) => {
    context.skip(missing("hung-task") !== undefined, missing("hung-task"));
    const dump = await crashGuest("6.1-amd64", "hung-task");
    const report = locks(dump);
    expectFacts(dump, report);
    const pids = new Set(lockFacts(dump).map(({ pid }) => pid));
    expect(report.cycles).toHaveLength(1);
    expect(new Set(report.cycles[0]!.tasks.map(({ pid }) => pid))).toEqual(pids);
    expect(new Set(report.stacks.map(({ pid }) => pid))).toEqual(pids);
    expect(report.roots).toEqual([]);
    const text = dwarfless(["locks", dump.file("elf")]).stdout.toString();
    expect(text).toMatch(/^2 tasks wait for each other:\n {2}PID \d+ \(sample, D\) waits for mutex/);
  });
});

describe.each(["7.2-amd64", "6.12-arm64"] as const)("locks of a %s guest", (name) => {
  test("with a writer before a frozen file system", async (context) => {
    const missing = crashGuestMissing(name, "frozen");
    context.skip(missing !== undefined, missing);
    const report = locks(await crashGuest(name, "frozen"));
    expect(report.cycles).toEqual([]);
    const [system] = report.locks.filter(({ kind }) => kind === "percpu-rwsem");
    expect(system).toMatchObject({ holder: null, blocked: 4 });
    const [touch, echo] = system!.waiters.toSorted((left, right) => left.pid - right.pid);
    expect([touch, echo]).toMatchObject([
      { comm: "touch", state: "D" },
      { comm: "echo", state: "D" },
    ]);
    // Three write by one open file: who waits for the file system holds the mutex of the position.
    const [position] = report.locks.filter(({ kind }) => kind === "mutex");
    expect(position).toMatchObject({ holder: { pid: echo!.pid }, holderIs: "owner", blocked: 2 });
    expect(position!.waiters.map(({ comm, state }) => `${comm} ${state}`)).toEqual(["echo D", "echo D"]);
    expect(report.roots).toEqual([]);
  });
});

describe.each(dumpKernelNames)("locks of an idle %s guest", (name) => {
  test("have nobody who waits, and a parent that waits for its vfork is told", async (context) => {
    const missing = dumpMissing(name);
    context.skip(missing !== undefined, missing);
    const report = locks(await guestDump(name, "idle"));
    expect(report.cycles).toEqual([]);
    expect(report.roots).toEqual([]);
    expect(report.locks.map(({ kind, holder }) => ({ kind, holder }))).toEqual([
      { kind: "completion", holder: null },
    ]);
    expect(report.locks[0]!.waiters).toEqual([expect.objectContaining({ comm: "states", state: "D" })]);
  });
});

function locks(dump: GuestDump): Report {
  const result = dwarfless(["locks", dump.file("elf"), "--json"]);
  expect(result.stderr).toBe("");
  expect(result.status).toBe(0);
  return JSON.parse(result.stdout.toString()) as Report;
}

/** Every lock, holder and waiter that the guest spoke of is there, and no other. */
function expectFacts(dump: GuestDump, report: Report): void {
  const facts = lockFacts(dump);
  expect(facts.length).toBeGreaterThan(3);
  const said = facts.map(({ pid, what, kind, address }) => `${pid} ${what} ${kind} ${address}`);
  const found = report.locks.flatMap(({ kind, lock, holder, waiters }) => [
    ...(holder === null ? [] : [`${holder.pid} holds ${kind} ${lock}`]),
    ...waiters.map(({ pid }) => `${pid} waits ${kind} ${lock}`),
  ]);
  expect(found.sort()).toEqual(said.sort());
}
