/**
 * `dwarfless triage` on guests that came down, each in a way of its own: the verdict, and what it rests on.
 * That nothing is wrong with guests that run, and that a damaged dump ends in a report all the same.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { findLocks, triage } from "../../src/commands/index.ts";
import { openDumpSources } from "../../src/dump/index.ts";
import { type ByteSource, FileSource, isDwarflessError } from "../../src/io/index.ts";
import { Kernel } from "../../src/kernel/index.ts";
import { Gaps } from "../../src/linux/index.ts";
import { randomNumbers } from "../build/mutate.ts";
import { type Patch, PatchedSource } from "../build/patched-source.ts";
import { type CrashCase, crashGuest, crashGuestMissing } from "../guest/crash-guests.ts";
import { dumpMissing, guestDump, type GuestDump } from "../guest/dumps.ts";
import { dumpKernelNames, dwarfless, type KernelName } from "./lab.ts";

interface Report {
  kernel: { release: string; panicked: boolean };
  verdict: {
    class: string;
    summary: string;
    context: string | null;
    confidence: string;
    evidence: { kind: "log" | "memory"; text: string }[];
    members: { struct: string; member: string; offset: number }[];
    suspects: { kind: string; name: string }[];
  };
  record: { comm: string | null; trace: { symbol: string | null }[] } | null;
  stack: { panicked: boolean; frames: { pc: string; symbol: string | null }[] } | null;
  hash: string | null;
  unread: string[];
}

interface Expected {
  class: string;
  context: string;
  /** The kernel's own words among the evidence. */
  words?: RegExp;
  /** A fact of memory among the evidence. */
  fact?: RegExp;
  suspect?: string;
}

const expected: Record<Exclude<CrashCase, "locks" | "null-pointer-again">, Expected> = {
  "null-pointer": {
    class: "null-pointer",
    context: "process",
    words: /NULL pointer dereference, address: 0000000000000028/,
    fact: /struct file\.f_op at offset 40/,
    suspect: "vfs_fsync",
  },
  "use-after-free": {
    class: "use-after-free",
    context: "process",
    words: /general protection fault/,
    fact: /of slab cache kmalloc-256; that object is free/,
    suspect: "sample_pick",
  },
  "use-after-free-poisoned": {
    class: "use-after-free",
    context: "process",
    words: /general protection fault/,
    fact: /0x6b6b6b6b6b6b6b83/,
    suspect: "sample_pick",
  },
  "stack-overflow": {
    class: "stack-overflow",
    context: "process",
    words: /stack guard page was hit/,
    suspect: "sample_three",
  },
  bug: { class: "bug", context: "process", words: /kernel BUG at/, suspect: "sample_four" },
  "hung-task": {
    class: "hung-task",
    context: "process",
    words: /blocked for more than 3 seconds/,
    fact: /waits for mutex .*; held by sample/,
  },
  "soft-lockup": {
    class: "soft-lockup",
    context: "process",
    words: /soft lockup - CPU#\d stuck/,
    suspect: "sample_keep",
  },
  "rcu-stall": {
    class: "rcu-stall",
    context: "process",
    words: /rcu_preempt .*stall/,
    suspect: "sample_keep",
  },
  interrupt: {
    class: "null-pointer",
    context: "interrupt",
    words: /NULL pointer dereference/,
    suspect: "sample_eight",
  },
  "out-of-memory": {
    class: "out-of-memory",
    context: "process",
    words: /Out of memory: system-wide panic_on_oom is enabled/,
  },
  frozen: {
    class: "hung-task",
    context: "process",
    words: /task (touch|echo):\d+ blocked for more than 3 seconds/,
  },
};

/** Kernels for which there is no module here can come down in these ways. */
const withoutModule = ["out-of-memory", "frozen"] as const;
const all: readonly (readonly [KernelName, keyof typeof expected])[] = [
  ...(Object.keys(expected) as (keyof typeof expected)[])
    .filter((which) => which !== "frozen")
    .map((which) => ["6.1-amd64", which] as const),
  ...withoutModule.flatMap((which) => [["7.2-amd64", which] as const, ["6.12-arm64", which] as const]),
];

/** Two at a time: each takes half a minute to make, and there are two processors. */
beforeAll(async () => {
  const queue: (readonly [KernelName, CrashCase])[] = [
    ...all,
    ["6.1-amd64", "null-pointer-again"],
    ["6.1-amd64", "locks"],
  ];
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      if (crashGuestMissing(...next) === undefined) await crashGuest(...next);
    }
  };
  await Promise.all([work(), work()]);
});

test.for(all)("%s: %s", async ([name, which], context) => {
  const missing = crashGuestMissing(name, which);
  context.skip(missing !== undefined, missing);
  const dump = await crashGuest(name, which);
  const report = triaged(dump);
  const { verdict } = report;
  const wanted = expected[which];
  expect(verdict).toMatchObject({ class: wanted.class, context: wanted.context });
  expect(report.kernel.panicked).toBe(true);
  expect(report.stack?.panicked).toBe(true);
  expect(report.hash).toMatch(/^[0-9a-f]{16}$/);
  expect(report.unread).toEqual([]);
  const texts = (kind: string): string[] =>
    verdict.evidence.filter((each) => each.kind === kind).map(({ text }) => text);
  // What is quoted stands on the console as it is quoted, but for a line that the panic cut into.
  const console = dump.console.replaceAll(/^\[ *[\d.]+\] /gm, "");
  const cut = texts("log").filter((text) => !console.includes(text));
  expect(cut.filter((text) => !console.includes(`\n${text.slice(0, 8)}`))).toEqual([]);
  expect(cut.length).toBeLessThan(2);
  if (wanted.words !== undefined) expect(texts("log").join("\n")).toMatch(wanted.words);
  if (wanted.fact !== undefined) expect(texts("memory").join("\n")).toMatch(wanted.fact);
  if (wanted.suspect !== undefined)
    expect(verdict.suspects.map((each) => each.name)).toContain(wanted.suspect);
});

describe("the hash of a crash", () => {
  test("is that of the same crash of a kernel that was loaded somewhere else", async (context) => {
    const missing = crashGuestMissing("6.1-amd64", "null-pointer");
    context.skip(missing !== undefined, missing);
    const [one, two] = [
      triaged(await crashGuest("6.1-amd64", "null-pointer")),
      triaged(await crashGuest("6.1-amd64", "null-pointer-again")),
    ];
    const places = (report: Report): string[] => report.stack!.frames.map(({ pc }) => pc);
    expect(places(one)).not.toEqual(places(two));
    expect(two.hash).toBe(one.hash);
  });

  test("differs between crashes of other causes", async (context) => {
    const missing = crashGuestMissing("6.1-amd64", "bug");
    context.skip(missing !== undefined, missing);
    const hashes = new Set<string | null>();
    const cases = all.filter(([name]) => name === "6.1-amd64");
    for (const [name, which] of cases) hashes.add(triaged(await crashGuest(name, which)).hash);
    // Of the use after free there are two, with and without poison: one cause.
    expect(hashes.size).toBe(cases.length - 1);
  });
});

describe.each(dumpKernelNames)("%s", (name) => {
  const missing = dumpMissing(name);

  test("nothing is wrong with a guest that runs", async (context) => {
    context.skip(missing !== undefined, missing);
    const report = triaged(await guestDump(name, "idle"));
    expect(report.verdict).toMatchObject({ class: "none", evidence: [], suspects: [], members: [] });
    expect(report.kernel.panicked).toBe(false);
    expect(report).toMatchObject({ hash: null, record: null, stack: null, unread: [] });
  });

  test("a crash that was asked for is one", async (context) => {
    context.skip(missing !== undefined, missing);
    const { verdict, kernel } = triaged(await guestDump(name, "panic"));
    expect(verdict).toMatchObject({ class: "sysrq", confidence: "certain" });
    expect(verdict.evidence.map(({ text }) => text)).toContain("sysrq: Trigger a crash");
    expect(kernel.panicked).toBe(true);
  });
});

/** Damaged dumps; `DWARFLESS_TRIAGE_ROUNDS=500` for as many. */
const rounds = Number(process.env["DWARFLESS_TRIAGE_ROUNDS"] ?? 24);
const flipsEach = 500;
const deadline = 5000;

describe.each(["null-pointer", "hung-task"] as const)("the dump of a 6.1 guest: %s", (which) => {
  test(`with ${flipsEach} bytes changed, or cut off: ends in time with a report`, async (context) => {
    const missing = crashGuestMissing("6.1-amd64", which);
    context.skip(missing !== undefined, missing);
    const file = new FileSource((await crashGuest("6.1-amd64", which)).file("elf"));
    const classes: Record<string, number> = {};
    let slowest = 0;
    const failures: string[] = [];
    try {
      for (let seed = 0; seed < rounds / 2; seed++) {
        const started = Date.now();
        let outcome: string;
        try {
          outcome = await triageDamaged(damage(file, seed), started + deadline);
        } catch (error) {
          if (!isDwarflessError(error)) failures.push(`seed ${seed}: ${String((error as Error).stack)}`);
          outcome = isCut(seed) ? "cut off, refused" : "refused";
        }
        classes[outcome] = (classes[outcome] ?? 0) + 1;
        slowest = Math.max(slowest, Date.now() - started);
      }
    } finally {
      file.close();
    }
    console.log(`${which}: ${JSON.stringify(classes)}, slowest ${slowest} ms`);
    expect(failures).toEqual([]);
    // The machine may be busy; without an end it would be hours.
    expect(slowest).toBeLessThan(6 * deadline);
    // A table that all else is found by may be hit, once in a while.
    expect(classes["refused"] ?? 0).toBeLessThan(rounds / 10);
    expect(classes[which] ?? 0).toBeGreaterThan(rounds / 4);
  });
});

const reports = new Map<string, Report>();

/** What triage says of a dump; asked once. */
function triaged(dump: GuestDump): Report {
  const known = reports.get(dump.directory);
  if (known !== undefined) return known;
  const result = dwarfless(["triage", dump.file("elf"), "--json"]);
  expect(result.stderr).toBe("");
  expect(result.status).toBe(0);
  const report = JSON.parse(result.stdout.toString()) as Report;
  reports.set(dump.directory, report);
  return report;
}

async function triageDamaged(source: ByteSource, until: number): Promise<string> {
  const kernel = await Kernel.over(await openDumpSources([source]), { sidecar: "none", deadline: until });
  try {
    const report = triage(kernel, until);
    JSON.stringify(report);
    try {
      findLocks(kernel, new Gaps(), { deadline: until });
    } catch (error) {
      // One wrong byte in the kernel's BTF, and there are no types.
      if (!isDwarflessError(error)) throw error;
    }
    return report.verdict.class;
  } finally {
    kernel.close();
  }
}

/** A dump with changed bytes, or every sixth time without its end. Most of a dump is zeros that nothing looks at. */
function damage(file: FileSource, seed: number): ByteSource {
  const random = randomNumbers(seed);
  const anywhere = (): number => Math.floor((random(1 << 30) / (1 << 30)) * file.byteSize);
  if (isCut(seed)) return new PatchedSource(file, [], anywhere());
  const patches = Array.from({ length: flipsEach }, (): Patch => {
    const offset = anywhere();
    return { offset, byte: file.read(offset, 1)[0]! ^ (1 << random(8)) };
  });
  return new PatchedSource(file, patches);
}

function isCut(seed: number): boolean {
  return seed % 6 === 5;
}
