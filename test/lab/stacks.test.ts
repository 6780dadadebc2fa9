/**
 * Stacks without DWARF: every task's against drgn's with full DWARF, and those of kernels that came
 * down against what they printed on their consoles.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { dumpMissing, guestDump, type GuestDump } from "../guest/dumps.ts";
import { stackCases, stackGuest, stackGuestMissing } from "../guest/stack-guests.ts";
import { dumpKernelNames, dwarfless, kernel, peers } from "./lab.ts";
import {
  compareStack,
  consoleTrace,
  type PeerStack,
  ownTrace,
  type StackRow,
  stackText,
  withoutPrinting,
} from "./stack-traces.ts";

describe.each(dumpKernelNames)("stacks of %s", (name) => {
  const missing = dumpMissing(name);

  test.for(["idle", "panic"] as const)("of every task are drgn's, %s guest", async (kind, context) => {
    const reason = missing ?? peers().reason;
    context.skip(reason !== undefined, reason);
    const file = (await guestDump(name, kind)).file("elf");
    const started = performance.now();
    const ours = bt([file, "--all"]);
    const seconds = (performance.now() - started) / 1000;
    const peer = drgnStacks(file, [kernel(name).vmlinux]);
    const counts = expectAllOfDrgn(ours, peer.tasks);
    const ratio = (seconds / peer.seconds).toFixed(2);
    console.log(
      `${name} ${kind}: ${JSON.stringify(Object.fromEntries(counts))}, ${seconds.toFixed(2)} s, ${ratio} of drgn's`,
    );
  });

  test("the panic is what the console shows", async (context) => {
    context.skip(missing !== undefined, missing);
    const dump = await guestDump(name, "panic");
    const [stack] = bt([dump.file("elf")]);
    expect(stack).toMatchObject({ comm: "init", panicked: true, running: true });
    expectPrinted(stack!, consoleTrace(dump.console, /^Kernel panic - not syncing/));
  });
});

describe("a 6.1 guest that crashed into kdump", () => {
  const missing = dumpMissing("6.1-amd64") ?? peers().reason;

  test("every stack is drgn's, from the registers that the crashing kernel kept", async (context) => {
    context.skip(missing !== undefined, missing);
    const dump = await guestDump("6.1-amd64", "kdump");
    const ours = bt([dump.file("vmcore"), "--all"]);
    expectAllOfDrgn(ours, drgnStacks(dump.file("vmcore"), [kernel("6.1-amd64").vmlinux]).tasks);
    const [panicked] = bt([dump.file("vmcore")]);
    expect(stackText(panicked!)[0]).toMatch(/^__crash_kexec\+/);
    // Without user memory and free pages the stacks are the same.
    for (const format of ["zlib-d31", "lzo-d31", "flattened-d31", "both-raw"]) {
      expect(bt([dump.file(format), "--all"])).toEqual(ours);
    }
  });
});

describe.each(["6.12-amd64", "7.2-amd64", "6.12-arm64"] as const)("traced functions of %s", (name) => {
  const missing = dumpMissing(name);

  test("have the callers that the guest itself sees", async (context) => {
    context.skip(missing !== undefined, missing);
    const dump = await stackGuest("function-graph", name);
    expectTraced(dump, bt([dump.file("elf"), "--all"]));
  });
});

describe("a 6.1 guest with 5000 threads", () => {
  const missing = stackGuestMissing();

  test("every stack is whole", async (context) => {
    context.skip(missing !== undefined, missing);
    const file = (await stackGuest("crowd")).file("elf");
    const crowd = bt([file, "--all"]).filter(({ comm }) => comm === "crowd");
    const functions = new Set(crowd.map((row) => stackText(row).join(" ")));
    expect(crowd.length).toBe(5001);
    expect([...functions].every((each) => each.endsWith("entry_SYSCALL_64_after_hwframe+0x6e"))).toBe(true);
    expect(functions.size).toBeLessThan(20);
  });
});

describe.each(stackCases)("a 6.1 guest: %s", (which) => {
  const missing = stackGuestMissing();

  test("every stack is whole, and the one printed is there", async (context) => {
    context.skip(missing !== undefined, missing);
    const dump = await stackGuest(which);
    const file = dump.file("elf");
    const all = bt([file, "--all"]);
    const problems = all.flatMap(({ pid, comm, frames }) =>
      frames
        .filter(({ kind }) => kind === "broken" || kind === "guess")
        .map((frame) => ({ pid, comm, ...frame })),
    );
    expect(problems).toEqual([]);
    if (which === "kretprobe" || which === "function-graph") {
      expectTraced(dump, all);
      return;
    }
    if (peers().available) {
      const module = path.join(dump.directory, "stackcase.ko");
      const symbols = [kernel("6.1-amd64").vmlinux, ...(existsSync(module) ? [module] : [])];
      expectAllOfDrgn(all, drgnStacks(file, symbols).tasks);
    }
    const panicked = all.find((row) => row.panicked);
    const printed = consoleTrace(
      dump.console,
      which === "null" ? /^BUG: kernel NULL/ : /^Kernel panic - not syncing/,
    );
    expectPrinted(panicked!, printed);
    if (which === "hung") {
      const hung = all.find(({ comm }) => comm === "stackcase");
      expectPrinted(hung!, consoleTrace(dump.console, /^task:stackcase/));
    }
  });
});

/** A process that sleeps in traced functions; drgn 0.3 does not know their callers, the guest does. */
function expectTraced(dump: GuestDump, all: readonly StackRow[]): void {
  const printed = ownTrace(dump.console, "@stack");
  const sleeping = all.filter(({ comm }) => comm === "sleep").at(-1)!;
  expect(printed.length).toBeGreaterThan(3);
  expect(stackText(sleeping).slice(-printed.length)).toEqual(printed);
  expect(sleeping.frames.filter(({ through }) => through !== undefined).length).toBeGreaterThan(1);
}

/** Every task that drgn has is ours too, with its stack; how many there are by verdict. */
function expectAllOfDrgn(ours: readonly StackRow[], theirs: readonly PeerStack[]): Map<string, number> {
  const byTask = new Map(ours.map((row) => [row.task, row]));
  const counts = new Map<string, number>();
  const different: unknown[] = [];
  for (const peer of theirs) {
    const own = byTask.get(peer.task);
    const verdict = own && compareStack(own, peer);
    if (verdict === undefined) different.push({ own: own && [own.pid, own.comm, stackText(own)], peer });
    else counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  }
  expect(different).toEqual([]);
  expect(ours.length).toBe(theirs.length);
  return counts;
}

/** A trace that a kernel printed is the outer part of the stack: what printed it has gone on since. */
function expectPrinted(stack: StackRow, printed: readonly string[]): void {
  const expected = withoutPrinting(printed);
  expect(expected.length).toBeGreaterThanOrEqual(3);
  const own = stackText(stack);
  expect(own.slice(-expected.length)).toEqual(expected);
}

function bt(argv: readonly string[]): StackRow[] {
  const { status, stdout, stderr } = dwarfless(["bt", ...argv, "--json"]);
  expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: "" });
  return (JSON.parse(stdout.toString()) as { stacks: StackRow[] }).stacks;
}

function drgnStacks(file: string, symbols: readonly string[]): { seconds: number; tasks: PeerStack[] } {
  const directory = mkdtempSync(path.join(tmpdir(), "dwarfless-stacks-"));
  try {
    const out = path.join(directory, "stacks");
    const script = path.join(import.meta.dirname, "drgn-stacks.py");
    const started = performance.now();
    const files = symbols.flatMap((each) => ["-s", each]);
    const { status, stderr } = peers().drgn(["-c", file, ...files, "-q", script, out]);
    expect({ status, stderr: stderr.toString() }).toMatchObject({ status: 0 });
    const seconds = (performance.now() - started) / 1000;
    return { ...(JSON.parse(readFileSync(out, "utf8")) as { tasks: PeerStack[] }), seconds };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
