import { describe, expect, test } from "vitest";
import type { MemoryFacts } from "./facts.ts";
import { judge, type Judgement } from "./judge.ts";
import { parseLogText } from "./log-text.ts";

const cpu = (more = ""): string =>
  `CPU: 1 PID: 42 Comm: some task Tainted: G           OE      6.1.0-9-test #1 ${more}`;
const registers = [
  "RSP: 0018:ffffc90000123d58 EFLAGS: 00000246",
  "RAX: 0000000000000000 RBX: ffff888003f0e000 RCX: 0000000000000001",
  "R08: 0000000000000010 R09: ffff888003f0e010 R10: 0000000000000000",
  "CR2: 0000000000000018 CR3: 0000000002e20000 CR4: 0000000000751ea0",
];
const trace = (...frames: string[]): string[] => [
  "Call Trace:",
  " <TASK>",
  ...frames.map((each) => ` ${each}`),
  " </TASK>",
];
const entered = [
  "do_syscall_64+0x5d/0x90",
  "? exc_page_fault+0x1/0x2",
  "entry_SYSCALL_64_after_hwframe+0x6e/0xd8",
];
const fatal = "Kernel panic - not syncing: Fatal exception";

function x86Oops(title: readonly string[], place = "eat_it+0x15/0x40 [pantry]"): string[] {
  return [
    ...title,
    cpu(),
    "Hardware name: Test Machine, BIOS 1.0",
    `RIP: 0010:${place}`,
    "Code: 00 00 0f 1f 44 00 00 48 89 f8 <48> 8b 40 18 c3",
    ...registers,
    ...trace("cook+0x5/0x10 [pantry]", "vfs_write+0x10/0x20", ...entered),
    "RIP: 0033:0x4cefc9",
    "RAX: ffffffffffffffda RBX: 0000000000000001 RCX: 00000000004cefc9",
    "Modules linked in: pantry(OE+) loop [last unloaded: gone]",
    "---[ end trace 0000000000000000 ]---",
    fatal,
  ];
}

const arm64Registers = [
  "pstate: 60400005 (nZCv daif +PAN -UAO -TCO -DIT -SSBS BTYPE=--)",
  "pc : eat_it+0x8/0x20 [pantry]",
  "lr : cook+0x14/0x20 [pantry]",
  "sp : ffff800082d5bc10",
  "x29: ffff800082d5bc10 x28: ffff0000c1a2b3c0 x27: 0000000000000000",
  "x2 : 0000000000000000 x1 : ffff0000c1a2b3c0 x0 : 0000000000000018",
];
const arm64Oops = [
  "Unable to handle kernel NULL pointer dereference at virtual address 0000000000000018",
  "Mem abort info:",
  "  ESR = 0x0000000096000044",
  "  EC = 0x25: DABT (current EL), IL = 32 bits",
  "  CM = 0, WnR = 1, TnD = 0, TagAccess = 0",
  "Internal error: Oops: 0000000096000044 [#1] SMP",
  "Modules linked in: pantry(O) loop",
  "CPU: 0 UID: 0 PID: 7 Comm: kworker/0:1 Tainted: G           O       6.12.0-test #1",
  "Tainted: [O]=OOT_MODULE",
  "Hardware name: linux,dummy-virt (DT)",
  ...arm64Registers,
  "Call trace:",
  " eat_it+0x8/0x20 [pantry] (P)",
  " process_one_work+0x1a0/0x3a0",
  " kthread+0x110/0x120",
  " ret_from_fork+0x10/0x20",
  "Code: 910003fd f9400c00 d65f03c0 (f9000c1f)",
  "---[ end trace 0000000000000000 ]---",
  "Kernel panic - not syncing: Oops: Fatal exception",
];

function judged(lines: readonly string[], memory?: MemoryFacts): Judgement {
  const stamped = lines.map((line, index) => `[    1.${String(index).padStart(6, "0")}] ${line}`);
  return judge(parseLogText(stamped.join("\n")), { memory });
}

const lock = "__mutex_lock.constprop.0+0x1/0x700";
const cases: readonly [name: string, kind: string, context: string | null, lines: readonly string[]][] = [
  [
    "NULL",
    "null-pointer",
    "process",
    x86Oops([
      "BUG: kernel NULL pointer dereference, address: 0000000000000018",
      "#PF: supervisor read access in kernel mode",
      "#PF: error_code(0x0000) - not-present page",
      "Oops: 0000 [#1] PREEMPT SMP NOPTI",
    ]),
  ],
  [
    "NULL, older words",
    "null-pointer",
    "process",
    x86Oops([
      "BUG: unable to handle kernel NULL pointer dereference at 0000000000000018",
      "Oops: 0000 [#1] SMP",
    ]),
  ],
  [
    "NULL function",
    "null-pointer",
    "process",
    x86Oops(
      [
        "BUG: kernel NULL pointer dereference, address: 0000000000000000",
        "#PF: supervisor instruction fetch in kernel mode",
        "#PF: error_code(0x0010) - not-present page",
        "Oops: 0010 [#1] PREEMPT SMP NOPTI",
      ],
      "0x0",
    ),
  ],
  ["NULL, arm64", "null-pointer", "process", arm64Oops],
  [
    "unmapped",
    "bad-pointer",
    "process",
    x86Oops([
      "BUG: unable to handle page fault for address: ffffc90000abc000",
      "#PF: supervisor write access in kernel mode",
      "Oops: 0002 [#1] PREEMPT SMP NOPTI",
    ]),
  ],
  [
    "non-canonical",
    "bad-pointer",
    "process",
    x86Oops([
      "Oops: general protection fault, probably for non-canonical address 0x1c463ac9793fd3b5: 0000 [#1] SMP NOPTI",
    ]),
  ],
  [
    "error pointer",
    "bad-pointer",
    "process",
    x86Oops(["BUG: unable to handle page fault for address: fffffffffffffff4", "Oops: 0000 [#1] SMP"]),
  ],
  [
    "poison",
    "use-after-free",
    "process",
    x86Oops([
      "general protection fault, probably for non-canonical address 0x6b6b6b6b6b6b6b83: 0000 [#1] PREEMPT SMP NOPTI",
    ]),
  ],
  [
    "list poison",
    "use-after-free",
    "process",
    x86Oops([
      "general protection fault, probably for non-canonical address 0xdead000000000108: 0000 [#1] SMP NOPTI",
    ]),
  ],
  [
    "KASAN",
    "use-after-free",
    null,
    [
      "BUG: KASAN: slab-use-after-free in eat_it+0x1/0x2 [pantry]",
      "Read of size 8 at addr ffff888003f0e018 by task some/42",
      fatal.replace("Fatal exception", "kasan.fault=panic set ..."),
    ],
  ],
  [
    "guard page",
    "stack-overflow",
    "process",
    x86Oops([
      "BUG: TASK stack guard page was hit at ffffc90000123ff8 (stack is ffffc90000124000..ffffc90000128000)",
      "Oops: stack guard page: 0000 [#1] SMP NOPTI",
    ]),
  ],
  [
    "stack, arm64",
    "stack-overflow",
    "process",
    [
      "Insufficient stack space to handle exception!",
      "ESR: 0x0000000096000047 -- DABT (current EL)",
      "Task stack:     [0xffff800082d58000..0xffff800082d5c000]",
      ...arm64Registers,
      "Kernel panic - not syncing: kernel stack overflow",
      "CPU: 0 UID: 0 PID: 7 Comm: deep Not tainted 6.12.0-test #1",
      "Call trace:",
      " eat_it+0x8/0x20 [pantry]",
      " invoke_syscall+0x60/0xe0",
    ],
  ],
  [
    "stack end",
    "stack-overflow",
    "process",
    [
      "Kernel panic - not syncing: corrupted stack end detected inside scheduler",
      cpu(),
      ...trace("panic+0x1/0x2", "__schedule+0x1/0x2", "schedule+0x1/0x2", "eat_it+0x1/0x2", ...entered),
    ],
  ],
  [
    "BUG",
    "bug",
    "process",
    [
      "------------[ cut here ]------------",
      "kernel BUG at mm/pantry.c:80!",
      ...x86Oops(["invalid opcode: 0000 [#1] PREEMPT SMP NOPTI"]),
    ],
  ],
  [
    "BUG, arm64",
    "bug",
    "process",
    [
      "kernel BUG at mm/pantry.c:80!",
      "Internal error: Oops - BUG: 00000000f2000800 [#1] SMP",
      ...arm64Oops.slice(6),
    ],
  ],
  [
    "WARNING",
    "warning",
    "process",
    [
      "------------[ cut here ]------------",
      "WARNING: CPU: 1 PID: 42 at mm/pantry.c:81 eat_it+0x15/0x40 [pantry]",
      cpu(),
      "RIP: 0010:eat_it+0x15/0x40 [pantry]",
      ...trace("cook+0x5/0x10", ...entered),
      "Kernel panic - not syncing: kernel: panic_on_warn set ...",
    ],
  ],
  [
    "WARNING, newer words",
    "warning",
    "process",
    [
      "------------[ cut here ]------------",
      "WARNING: mm/pantry.c:81 at eat_it+0x15/0x40 [pantry], CPU#1: some task/42",
      cpu(),
      ...trace("cook+0x5/0x10", ...entered),
      "---[ end trace 0000000000000000 ]---",
    ],
  ],
  [
    "hung task",
    "hung-task",
    "process",
    [
      "INFO: task some:42 blocked for more than 120 seconds.",
      "      Tainted: G           OE      6.1.0-9-test #1",
      "task:some            state:D stack:0     pid:42    ppid:2      flags:0x00004000",
      ...trace(
        "__schedule+0x1/0x2",
        "schedule+0x1/0x2",
        lock,
        "eat_it+0x1/0x2 [pantry]",
        "kthread+0xda/0x100",
      ),
      "Kernel panic - not syncing: hung_task: blocked tasks",
    ],
  ],
  [
    "soft lockup",
    "soft-lockup",
    "process",
    [
      "watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [some task:42]",
      cpu(),
      "RIP: 0010:eat_it+0x15/0x40 [pantry]",
      ...registers,
      ...trace("kthread+0xda/0x100"),
      "Kernel panic - not syncing: softlockup: hung tasks",
    ],
  ],
  [
    "hard lockup",
    "hard-lockup",
    "process",
    [
      "watchdog: CPU0: Watchdog detected hard LOCKUP on cpu 1",
      cpu(),
      "RIP: 0010:eat_it+0x15/0x40 [pantry]",
      ...registers,
      ...trace("kthread+0xda/0x100"),
      "Kernel panic - not syncing: Hard LOCKUP",
    ],
  ],
  [
    "RCU stall",
    "rcu-stall",
    "process",
    [
      "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
      "rcu: \t1-....: (5250 ticks this GP) idle=b9ec/1/0x4000000000000000",
      "\t(detected by 0, t=5252 jiffies, g=-827, q=14 ncpus=2)",
      "Sending NMI from CPU 0 to CPUs 1:",
      "NMI backtrace for cpu 1",
      cpu(),
      "RIP: 0010:eat_it+0x15/0x40 [pantry]",
      ...registers,
      ...trace("kthread+0xda/0x100"),
      "Kernel panic - not syncing: RCU Stall",
    ],
  ],
  [
    "out of memory",
    "out-of-memory",
    "process",
    [
      "some task invoked oom-killer: gfp_mask=0x140dca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0",
      cpu(),
      ...trace("dump_header+0x1/0x2", "out_of_memory+0x1/0x2", ...entered),
      "Mem-Info:",
      "Kernel panic - not syncing: Out of memory: system-wide panic_on_oom is enabled",
    ],
  ],
  [
    "sysrq",
    "sysrq",
    "process",
    [
      "sysrq: Trigger a crash",
      "Kernel panic - not syncing: sysrq triggered crash",
      cpu(),
      ...trace("panic+0x1/0x2", "sysrq_handle_crash+0x16/0x20", "vfs_write+0x10/0x20", ...entered),
    ],
  ],
  [
    "machine check",
    "machine-check",
    null,
    [
      "mce: [Hardware Error]: CPU 1: Machine Check Exception: 5 Bank 4: b200000000070f0f",
      "mce: [Hardware Error]: TSC 1234",
      "Kernel panic - not syncing: Fatal machine check",
    ],
  ],
  [
    "NMI",
    "nmi",
    "nmi",
    [
      "Uhhuh. NMI received for unknown reason 21 on CPU 0.",
      "Kernel panic - not syncing: NMI: Not continuing",
    ],
  ],
  ["division", "exception", "process", x86Oops(["divide error: 0000 [#1] PREEMPT SMP NOPTI"])],
  [
    "panic in an interrupt",
    "panic",
    "interrupt",
    [
      "Kernel panic - not syncing: no way out",
      cpu(),
      "Call Trace:",
      " <IRQ>",
      " panic+0x1/0x2",
      " eat_it+0x1/0x2 [pantry]",
      " __hrtimer_run_queues+0x1/0x2",
      " sysvec_apic_timer_interrupt+0x1/0x2",
      " </IRQ>",
      " <TASK>",
      " do_idle+0x1/0x2",
      " </TASK>",
    ],
  ],
  [
    "panic in a softirq",
    "panic",
    "softirq",
    [
      "Kernel panic - not syncing: no way out",
      cpu(),
      "Call Trace:",
      " <IRQ>",
      " panic+0x1/0x2",
      " eat_it+0x1/0x2 [pantry]",
      " __do_softirq+0x1/0x2",
      " sysvec_apic_timer_interrupt+0x1/0x2",
      " </IRQ>",
    ],
  ],
  ["nothing", "none", null, ["Freeing unused kernel memory", "random: crng init done"]],
];

describe.each(cases)("%s", (_name, kind, context, lines) => {
  test(`is ${kind}`, () => {
    const { verdict, hash } = judged(lines);
    expect([verdict.class, verdict.context]).toEqual([kind, context]);
    expect(verdict.evidence.length > 0).toBe(kind !== "none");
    expect(hash === null).toBe(kind === "none");
    for (const each of verdict.evidence) {
      if (each.kind === "log") expect(lines.map((line) => line.trim())).toContain(each.text);
    }
  });
});

test("reads what an oops of x86-64 says, and nothing of the registers of user mode", () => {
  const { record } = judged(cases[0]![3]);
  expect(record).toMatchObject({
    kind: "oops",
    panicReason: "Fatal exception",
    fault: { address: "0x18", access: "read", mode: "kernel", errorCode: "0x0", what: "Oops" },
    cpu: 1,
    pid: 42,
    comm: "some task",
    taints: "GOE",
    release: "6.1.0-9-test",
    hardware: "Test Machine, BIOS 1.0",
    place: { symbol: "eat_it", offset: 0x15, size: 0x40, module: "pantry" },
    registers: { rax: "0x0", rbx: "0xffff888003f0e000", r8: "0x10", rsp: "0xffffc90000123d58" },
    code: { bytes: "00000f1f44000048 89f8488b4018c3".replace(" ", ""), position: 10 },
    modules: [
      { name: "pantry", flags: "OE+" },
      { name: "loop", flags: "" },
    ],
    others: { oops: 1, panic: 1 },
  });
  expect(record!.trace.map(({ symbol, sure, context }) => [symbol, sure, context])).toEqual([
    ["cook", true, "TASK"],
    ["vfs_write", true, "TASK"],
    ["do_syscall_64", true, "TASK"],
    ["exc_page_fault", false, "TASK"],
    ["entry_SYSCALL_64_after_hwframe", true, "TASK"],
  ]);
});

test("reads what an oops of arm64 says", () => {
  const { record } = judged(arm64Oops);
  expect(record).toMatchObject({
    fault: { address: "0x18", access: "write", errorCode: "0x96000044" },
    pid: 7,
    comm: "kworker/0:1",
    taints: "GO",
    place: { symbol: "eat_it", offset: 8 },
    link: { symbol: "cook", offset: 0x14 },
    registers: { x0: "0x18", x1: "0xffff0000c1a2b3c0", sp: "0xffff800082d5bc10" },
    code: { bytes: "fd030091000c40f9c0035fd61f0c00f9", position: 12 },
  });
});

test("the task of a stalled CPU comes from its own backtrace", () => {
  const { record } = judged(cases.find(([name]) => name === "RCU stall")![3]);
  expect(record).toMatchObject({ kind: "rcu-stall", cpu: 1, pid: 42, place: { symbol: "eat_it" } });
});

test("suspects are the module of the trace, the first telling function, and taints", () => {
  const { suspects } = judged(cases[0]![3]).verdict;
  expect(suspects.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    "module pantry",
    "function eat_it",
    "taint O",
    "taint E",
  ]);
});

test("the hash is the same with other offsets, addresses, sizes and copies of a function", () => {
  const lines = cases[0]![3];
  const rebuilt = lines.map((line) =>
    line.replace("eat_it+0x15/0x40", "eat_it.isra.0+0x25/0x50").replace("cook+0x5/0x10", "cook.cold+0x7/0x9"),
  );
  expect(judged(rebuilt).hash).toBe(judged(lines).hash);
  expect(judged(lines.map((line) => line.replace("eat_it", "drink_it"))).hash).not.toBe(judged(lines).hash);
  expect(judged(cases[4]![3]).hash).not.toBe(judged(lines).hash);
});

test("the oops before a panic is its cause, not one behind it or a warning before it", () => {
  const warning = cases.find(([name]) => name === "WARNING, newer words")![3];
  const lines = [...warning, ...cases[0]![3], ...cases.find(([name]) => name === "soft lockup")![3]];
  expect(judged(lines).verdict.class).toBe("null-pointer");
});

test("lines of other CPUs within a report are not its own, where callers tell", () => {
  const text = [
    "[    1.0][   T42] BUG: kernel NULL pointer dereference, address: 0000000000000018",
    "[    1.1][    C0] CPU: 0 PID: 1 Comm: other Not tainted 6.1.0-9-test #1 x",
    "[    1.2][   T42] CPU: 1 PID: 42 Comm: mine Not tainted 6.1.0-9-test #1 x",
    "[    1.3][   T42] RIP: 0010:eat_it+0x15/0x40",
  ].join("\n");
  expect(judge(parseLogText(text)).record).toMatchObject({
    comm: "mine",
    cpu: 1,
    place: { symbol: "eat_it" },
  });
});

test("the last boot of a log counts", () => {
  const lines = [...cases[0]![3], "Linux version 6.1.0-9-test (gcc) #1", "random: crng init done"];
  expect(judged(lines).verdict.class).toBe("none");
});

describe("with memory", () => {
  const memory: MemoryFacts = {
    panicked: false,
    stackOverrun: () => [],
    blockedTasks: () => ({ evidence: [], deadlock: undefined }),
    freedObjects: () => [],
  };
  const proof = { kind: "memory" as const, address: "0xffff888003f0e000", text: "proof" };

  test("a log without trouble and no panic is nothing wrong; a panic without a word is unknown", () => {
    expect(judged(["hello"], memory).verdict).toMatchObject({ class: "none", confidence: "certain" });
    expect(judged(["hello"], { ...memory, panicked: true }).verdict.class).toBe("unknown");
    expect(judge(undefined, { memory }).verdict.class).toBe("unknown");
    const partial = judge(parseLogText("hello"), { memory, isLogPartial: true }).verdict;
    expect(partial).toMatchObject({ class: "none", confidence: "likely" });
  });

  test("a bad pointer out of a free object is a use after free", () => {
    const bad = cases.find(([name]) => name === "non-canonical")![3];
    const { verdict } = judged(bad, { ...memory, panicked: true, freedObjects: () => [proof] });
    expect(verdict).toMatchObject({ class: "use-after-free", confidence: "likely" });
    expect(verdict.evidence).toContainEqual(proof);
  });

  test("an overwritten end of the stack is an overflow, where the kernel panicked", () => {
    const overrun = { ...memory, stackOverrun: () => [proof] };
    expect(judged(cases[0]![3], { ...overrun, panicked: true }).verdict.class).toBe("stack-overflow");
    expect(judged(cases[0]![3], overrun).verdict.class).toBe("null-pointer");
  });

  test("the kernel ran on only where memory says so", () => {
    const stuck = cases.find(([name]) => name === "soft lockup")![3].slice(0, -1);
    const summary = (facts?: MemoryFacts): string => judged(stuck, facts).verdict.summary;
    expect(
      [summary(), summary(memory), summary({ ...memory, panicked: true })].map((each) =>
        each.endsWith("ran on"),
      ),
    ).toEqual([false, true, false]);
  });

  test("a deadlock is named", () => {
    const hung = cases.find(([name]) => name === "hung task")![3];
    const blocked = {
      ...memory,
      blockedTasks: () => ({ evidence: [proof], deadlock: "a (PID 1) and b (PID 2)" }),
    };
    expect(judged(hung, blocked).verdict.summary).toContain("deadlock of a (PID 1) and b (PID 2)");
  });
});

test("hostile text ends, without an exception", () => {
  const all = cases.flatMap(([, , , lines]) => lines).join("\n");
  for (let index = 0; index < 300; index++) {
    const at = (index * 7919) % all.length;
    const text = `${all.slice(at)}${all.slice(0, at).replaceAll(/[0-9]/g, "f")}${" ".repeat(index)}`;
    expect(judge(parseLogText(text)).verdict.class).toEqual(expect.any(String));
  }
  const started = performance.now();
  judge(parseLogText(`${"WARNING: ".repeat(100_000)}\n${"Call Trace: ".repeat(100_000)}\n`.repeat(4)));
  expect(performance.now() - started).toBeLessThan(5000);
});
