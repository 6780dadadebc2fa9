/**
 * struct, list, tree, vtop and whatis against crash on the same dump (6.1, the newest of ours that crash 9.0 opens),
 * against drgn (6.12 on arm64, 7.2), and vmalloc areas against /proc/vmallocinfo of the guest.
 */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  identifyAddresses,
  listAreas,
  listThreads,
  readWords,
  searchMemory,
  showStruct,
  translateAddresses,
  walkLinkedList,
  walkTree,
  withCaches,
  type Candidate,
  type MemberRow,
} from "../../src/commands/index.ts";
import { Kernel } from "../../src/kernel/index.ts";
import { findTask, forEachSlabCache, forEachVmapArea, Gaps } from "../../src/linux/index.ts";
import { dumpMissing, guestDump, type GuestDump } from "../guest/dumps.ts";
import { kernel as kernelOf, type KernelName, peers, withTemporaryDirectory } from "./lab.ts";

const tools = peers();
const structs = ["list_head", "task_struct", "page", "file", "sk_buff"];
const gaps = new Gaps();
/** Code of busybox, in every process of the guests. */
const userAddress = "0x401000";

interface Opened {
  dump: GuestDump;
  kernel: Kernel;
}

async function open(name: KernelName): Promise<Opened> {
  const dump = await guestDump(name, "idle");
  return { dump, kernel: await Kernel.open([dump.file("elf")], { sidecar: "none" }) };
}

const candidate = (kernel: Kernel, address: string, kind: Candidate["kind"]): Candidate | undefined =>
  identifyAddresses(kernel, gaps, [address]).rows[0]!.candidates.find((each) => each.kind === kind);

describe.each(["6.1-amd64", "6.12-amd64", "6.12-arm64", "7.2-amd64"] as const)("%s", (name) => {
  const missing = dumpMissing(name);
  let opened: Opened;
  beforeAll(async () => {
    if (missing === undefined) opened = await open(name);
  });
  afterAll(() => opened?.kernel.close());

  test("vmalloc areas are those of /proc/vmallocinfo, with their callers", (context) => {
    context.skip(missing !== undefined, missing);
    const { dump, kernel } = opened;
    const ours = new Map<string, number>();
    for (const { start, end, vm } of forEachVmapArea(kernel.program)) {
      if (vm === undefined) continue;
      const text = candidate(kernel, `0x${start.toString(16)}`, "vmalloc")!.text;
      const key = `${end - start} ${/, made by (\S+)/.exec(text)?.[1]}`;
      ours.set(key, (ours.get(key) ?? 0) + 1);
    }
    let compared = 0;
    for (const line of dump.said("vmallocinfo").trimEnd().split("\n")) {
      // The addresses there are hashed. Stacks of processes come and go, made by whatever the compiler put their
      // maker into; the other areas stay.
      const [, key] = /^0x\w+-0x\w+ +(\d+ \w+\+0x\w+)\/0x\w+/.exec(line) ?? [];
      if (key === undefined || /dup_task|copy_process|alloc_thread_stack|kernel_clone/.test(line)) continue;
      expect(ours.get(key) ?? 0, line).toBeGreaterThan(0);
      ours.set(key, ours.get(key)! - 1);
      compared++;
    }
    expect(compared).toBeGreaterThan(10);
  });

  test("per-CPU variables, tasks and their stacks are known by their addresses", (context) => {
    context.skip(missing !== undefined, missing);
    const { kernel } = opened;
    const { rows } = listThreads(kernel, gaps, { targets: ["1"], active: false, leaders: true });
    const task = BigInt(rows[0]!.task);
    const inside = `0x${(task + 8n).toString(16)}`;
    expect(candidate(kernel, inside, "task")?.text).toContain("PID 1 (init)");
    expect(candidate(kernel, inside, "slab object")?.text).toMatch(
      /^task_struct\+0x8, in use, likely struct task_struct/,
    );
    const stack = findTask(kernel.program, 1)!.member("stack").scalar() as bigint;
    expect(candidate(kernel, `0x${(stack + 64n).toString(16)}`, "stack")?.text).toContain("PID 1 (init)");
    expect(candidate(kernel, "&per_cpu(runqueues, 1)", "per-CPU")?.text).toBe("runqueues of CPU 1");
  });

  test("memory allocated for every CPU has its bounds, in the first chunk and behind it", (context) => {
    context.skip(missing !== undefined, missing);
    const { kernel } = opened;
    const places: { cpu: number; pointer: bigint; address: string; size: number }[] = [];
    for (const cache of forEachSlabCache(kernel.program)) {
      const object = cache.memberIf("cpu_sheaves") ?? cache.member("cpu_slab");
      const pointer = object.scalar() as bigint;
      if (pointer === 0n) continue;
      const size = Math.ceil(object.type.underlying.target!.underlying.byteSize / 4) * 4;
      const cpu = places.length % 2;
      const address = `0x${kernel.perCpu.address(pointer, cpu).toString(16)}`;
      places.push({ cpu, pointer, address, size });
    }
    const { rows } = identifyAddresses(
      kernel,
      gaps,
      places.map(({ address }) => address),
    );
    for (const [index, { cpu, pointer, address, size }] of places.entries()) {
      const found = rows[index]!.candidates.find(({ kind }) => kind === "per-CPU")!;
      const text = `allocated per-CPU memory of CPU ${cpu}, by the pointer 0x${pointer.toString(16)}`;
      expect(found).toMatchObject({ text, start: address, size });
    }
    expect(places.length).toBeGreaterThan(100);
    // The first chunk is not of vmalloc's. With 6.1 it is full.
    const far = rows.filter(({ candidates }) => candidates.some(({ kind }) => kind === "vmalloc"));
    if (name === "6.1-amd64") expect(far.length).toBeGreaterThan(0);
  });

  test("stacks of CPUs, and areas of a process", (context) => {
    context.skip(missing !== undefined, missing);
    const { kernel } = opened;
    const { program } = kernel;
    const isArm = name.endsWith("arm64");
    const top = isArm
      ? (program.eval("per_cpu(irq_stack_ptr, 1)").scalar() as bigint) + 0x200n
      : kernel.foundation.memory.readU64(hardirqStack(kernel));
    const inside = `0x${(top - 0x100n).toString(16)}`;
    expect(candidate(kernel, inside, "stack")?.text).toContain("irq stack of CPU 1");
    const { candidates } = identifyAddresses(kernel, gaps, [userAddress], 1).rows[0]!;
    const area = listAreas(kernel, gaps, ["1"]).rows.find(
      ({ start, end }) => BigInt(start) <= BigInt(userAddress) && BigInt(userAddress) < BigInt(end),
    )!;
    expect(candidates.map(({ kind }) => kind)).toEqual(["area", "page"]);
    expect(candidates[0]!.text).toMatch(
      new RegExp(`^${area.name!}\\+0x\\w+, ${area.access!}, of PID 1 \\(init\\)$`),
    );
    expect(candidates[0]!.start).toBe(area.start);
  });

  test("a text is found at its symbol's address, and a value where a pointer stands", (context) => {
    context.skip(missing !== undefined, missing);
    const { kernel } = opened;
    const query = { values: ["Linux version"], text: true, byteSize: 8 } as const;
    const banner = kernel.symbols.named("linux_banner")[0]!.address;
    const found = searchMemory(kernel, gaps, query).map(({ address }) => address);
    expect(found).toContain(`0x${banner.toString(16)}`);
    const list = {
      values: ["&init_task"],
      text: false,
      byteSize: 8,
      start: "init_task",
      end: "init_task+4096",
    } as const;
    const parent = kernel.program.variable("init_task").member("parent").address!;
    expect(searchMemory(kernel, gaps, list).map(({ address }) => address)).toContain(
      `0x${parent.toString(16)}`,
    );
  });
});

/** Where CPU 1 keeps the top of its stack for interrupts: from v6.2 to v6.14 in `pcpu_hot`. */
function hardirqStack(kernel: Kernel): bigint {
  const { program, perCpu, symbols } = kernel;
  const [own] = symbols.named("hardirq_stack_ptr");
  if (own !== undefined) return perCpu.address(own.address, 1);
  const hot = program.eval("&per_cpu(pcpu_hot, 1).hardirq_stack_ptr");
  return hot.scalar() as bigint;
}

describe("what crash's options ask for", () => {
  const missing = dumpMissing("6.1-amd64");

  test("memory of a process, physical memory, per-CPU structures, subtrees", async (context) => {
    context.skip(missing !== undefined, missing);
    const { kernel } = await open("6.1-amd64");
    try {
      const { rows } = listThreads(kernel, gaps, { targets: ["sleep"] });
      const found = searchMemory(kernel, gaps, {
        values: ["sleep"],
        text: true,
        byteSize: 8,
        pid: rows[0]!.pid,
      });
      const areas = listAreas(kernel, gaps, [String(rows[0]!.pid)]).rows;
      const names = found.map(({ address }) => {
        const at = BigInt(address!);
        return areas.find(({ start, end }) => BigInt(start) <= at && at < BigInt(end))?.name;
      });
      expect(listAreas(kernel, gaps, [rows[0]!.task]).rows).toEqual(areas);
      expect(listAreas(kernel, gaps, ["2"])).toEqual({
        rows: [],
        missing: ["2 (kthreadd has no address space)"],
      });
      // Its code, and its arguments.
      expect(new Set(names)).toEqual(new Set(["/bin/busybox", "[stack]"]));
      const start = 0x100_0000;
      const places = { values: ["init_task"], text: false, byteSize: 8 } as const;
      const all = searchMemory(kernel, gaps, places).map(({ physical }) => Number(physical));
      const bounded = { ...places, physical: true, start: String(start), length: start };
      const some = searchMemory(kernel, gaps, bounded).map(({ physical }) => Number(physical));
      expect(some).toEqual(all.filter((each) => each >= start && each < 2 * start));
      expect(some.length).toBeGreaterThan(1);
      const queues = showStruct(kernel, { tag: "struct", name: "rq.cpu", address: "runqueues:a" });
      expect(queues.map((row) => "text" in row && row.text)).toEqual([".cpu = (int)0", ".cpu = (int)1"]);
      const areasOf = (more: object): string[] =>
        [...walkTree(kernel, gaps, { start: "vmap_area_root", kind: "rbtree", ...more })].map(
          (row) => row.address!,
        );
      const node = kernel.program.eval("vmap_area_root.rb_node->rb_left").scalar() as bigint;
      const [whole, part] = [areasOf({}), areasOf({ start: `0x${node.toString(16)}`, isNode: true })];
      // The left half is what comes first.
      expect(part).toEqual(whole.slice(0, part.length));
      expect(part.length).toBeGreaterThan(10);
      expect(part.length).toBeLessThan(whole.length);
      const task = rows[0]!.task;
      const words = withCaches(kernel, gaps, readWords(kernel, { address: task, count: 300, bits: 64 }));
      expect(words.map(({ cache }) => cache)).toEqual(
        expect.arrayContaining([null, "task_struct", "mm_struct"]),
      );
    } finally {
      kernel.close();
    }
  });
});

describe("6.1 against crash", () => {
  const missing = dumpMissing("6.1-amd64") ?? tools.reason;
  let opened: Opened;
  let answers: Map<string, string[]>;
  const caches = ["filp", "task_struct", "kmalloc-64", "dentry"];

  beforeAll(async () => {
    if (missing !== undefined) return;
    opened = await open("6.1-amd64");
    answers = await askCrash(opened, caches);
  });
  afterAll(() => opened?.kernel.close());

  const said = (name: string): string[] => answers.get(name)!;

  test("offsets of members", (context) => {
    context.skip(missing !== undefined, missing);
    for (const name of structs) {
      const [row] = showStruct(opened.kernel, { tag: "struct", name });
      const { members } = row as { members: MemberRow[] };
      const ours = new Set(members.map((each) => `${each.offset} ${each.name}`));
      const expected = said(`struct ${name}`).flatMap((line) => {
        const match = /^ *\[(\d+)\] .*?\(?\*?(\w+)\)?(?:\[\d*\])*(?: : \d+)?(?:\(.*\))?;$/.exec(line);
        return match === null ? [] : [`${match[1]} ${match[2]}`];
      });
      expect(
        expected.filter((each) => !ours.has(each)),
        name,
      ).toEqual([]);
      expect(expected.length, name).toBeGreaterThan(1);
    }
  });

  test("free and used objects of slab caches", (context) => {
    context.skip(missing !== undefined, missing);
    for (const cache of caches) {
      let [used, free] = [0, 0];
      for (const line of said(`kmem -S ${cache}`)) {
        const match = /^ {2,3}(\[?)(f{4}[0-9a-f]{12})\]?(?: {2}.*)?$/.exec(line);
        if (match === null || / {2}f{4}.* {2,}f{4}/.test(line)) continue;
        const found = candidate(opened.kernel, `0x${match[2]}`, "slab object");
        if (found === undefined) continue;
        const isUsed = match[1] === "[";
        expect(found.start, line).toBe(`0x${match[2]}`);
        expect(found.text, line).toMatch(isUsed ? `${cache}, in use` : `${cache}, free`);
        if (isUsed) used++;
        else free++;
      }
      expect(used + free, cache).toBeGreaterThan(10);
      expect(used, cache).toBeGreaterThan(0);
      expect(free, cache).toBeGreaterThan(0);
    }
  });

  test("translations of the kernel and of a process, entry by entry", (context) => {
    context.skip(missing !== undefined, missing);
    const task = `0x${findTask(opened.kernel.program, 1)!.address!.toString(16)}`;
    for (const [name, address, pid] of [
      ["vtop kernel", task, undefined],
      ["vtop user", userAddress, 1],
    ] as const) {
      const [row] = translateAddresses(opened.kernel, gaps, [address], pid);
      const entries = said(name).flatMap((line) => {
        const match = /^ {3}(\w+): (\w+) => (\w+)/.exec(line);
        return match === null ? [] : [`${match[1]} ${match[2]} ${match[3]}`];
      });
      const ours = row!.steps.map(({ level, at, entry }) => `${level} ${at.slice(2)} ${entry.slice(2)}`);
      expect(ours.slice(-3)).toEqual(entries.slice(-3));
      const [, physical, flags] = /^\w+ +(\w+) {2}\((.*)\)$/.exec(
        // Not `STATE: TASK_RUNNING (ACTIVE)`, which is there when the process happened to run.
        said(name).find((line) => /^\w+ .*\)$/.test(line))!,
      )!;
      expect(BigInt(row!.physical!) & ~0xfffn).toBe(BigInt(`0x${physical}`));
      expect(row!.steps.at(-1)!.flags.join("|")).toBe(flags);
    }
  });

  test("lists and trees", (context) => {
    context.skip(missing !== undefined, missing);
    const { kernel } = opened;
    const entries = (rows: Iterable<{ address: string | null }>): bigint[] =>
      [...rows].map(({ address }) => BigInt(address!));
    const expected = (name: string): bigint[] =>
      said(name)
        .filter((line) => /^(?:f{4}[0-9a-f]{12}|\d{20})$/.test(line))
        .map((line) => BigInt(/^\d{20}$/.test(line) ? line : `0x${line}`));
    const modules = { start: "modules", offset: "module.list", links: "head" } as const;
    expect(entries(walkLinkedList(kernel, gaps, modules))).toEqual(expected("list modules"));
    const tasks = { start: "init_task", offset: "task_struct.tasks", links: "embedded" } as const;
    expect(entries(walkLinkedList(kernel, gaps, tasks))).toEqual(expected("list tasks"));
    const areas = { start: "vmap_area_root", kind: "rbtree", nodeOffset: "vmap_area.rb_node" } as const;
    // crash goes from the root down; the set is the same.
    expect(new Set(entries(walkTree(kernel, gaps, areas)))).toEqual(new Set(expected("tree areas")));
    const maple = { start: mmOf(kernel), kind: "maple", rootOffset: "mm_struct.mm_mt" } as const;
    expect(entries(walkTree(kernel, gaps, maple))).toEqual(expected("tree maple"));
    expect(gaps.diagnostics).toEqual([]);
  });
});

/** crash's answers, by a name for each question. */
async function askCrash({ dump, kernel }: Opened, caches: readonly string[]): Promise<Map<string, string[]>> {
  const task = findTask(kernel.program, 1)!.address!.toString(16);
  const questions: [name: string, ...commands: string[]][] = [
    ...structs.map((name): [string, string] => [`struct ${name}`, `struct -o ${name}`]),
    ...caches.map((cache): [string, string] => [`kmem -S ${cache}`, `kmem -S ${cache}`]),
    ["vtop kernel", `vtop ${task}`],
    ["vtop user", "set 1", `vtop -u ${userAddress.slice(2)}`],
    ["list modules", "list -H modules -o module.list"],
    ["list tasks", "list -h -o task_struct.tasks init_task"],
    ["tree areas", "tree -t rbtree -o vmap_area.rb_node vmap_area_root"],
    ["tree maple", `tree -t maple -r mm_struct.mm_mt ${mmOf(kernel).slice(2)}`],
  ];
  return withTemporaryDirectory((directory) => {
    const file = path.join(directory, "questions");
    const lines = questions.flatMap(([name, ...commands]) => [`gdb echo @${name}\\n`, ...commands]);
    writeFileSync(file, ["set scroll off", ...lines, "quit", ""].join("\n"));
    const { vmlinux } = kernelOf("6.1-amd64");
    const { stdout } = tools.program("crash", ["-s", "-i", file, vmlinux, dump.file("elf")]);
    const answers = new Map<string, string[]>();
    for (const part of stdout.toString("latin1").split(/^@/m).slice(1)) {
      const [name, ...rest] = part.split("\n");
      answers.set(
        name!.trim(),
        rest.map((line) => line.trimEnd()),
      );
    }
    return answers;
  });
}

function mmOf(kernel: Kernel): string {
  return `0x${(findTask(kernel.program, 1)!.member("mm").scalar() as bigint).toString(16)}`;
}

describe.each(["6.12-arm64", "7.2-amd64"] as const)("%s against drgn", (name) => {
  const missing = dumpMissing(name) ?? tools.reason;

  test("slab objects, physical addresses and struct pages", async (context) => {
    context.skip(missing !== undefined, missing);
    const { dump, kernel } = await open(name);
    try {
      const bases = ["task_struct", "files", "mm", "cred"].map((member) => {
        const task = findTask(kernel.program, 1)!;
        const address = member === "task_struct" ? task.address! : (task.member(member).scalar() as bigint);
        return address & ~0xfffn;
      });
      const addresses = bases.flatMap((base) =>
        Array.from({ length: 64 }, (_, index) => `0x${(base + BigInt(index * 64)).toString(16)}`),
      );
      const script = path.join(import.meta.dirname, "drgn-memory.py");
      const { stdout } = tools.drgn([
        "-q",
        "-c",
        dump.file("elf"),
        "-s",
        kernelOf(name).vmlinux,
        script,
        "1",
        userAddress,
        ...addresses,
      ]);
      const answer = JSON.parse(stdout.toString("utf8")) as {
        user: string;
        rows: { physical: string; page: string; cache: string | null; object: string; allocated: boolean }[];
      };
      expect(translateAddresses(kernel, gaps, [userAddress], 1)[0]!.physical).toBe(answer.user);
      const states = new Set<string>();
      for (const [index, row] of answer.rows.entries()) {
        const address = addresses[index]!;
        const [ours] = translateAddresses(kernel, gaps, [address]);
        expect([ours!.physical, ours!.page!.page], address).toEqual([row.physical, row.page]);
        const found = candidate(kernel, address, "slab object");
        expect(found?.start ?? null, address).toBe(row.cache === null ? null : row.object);
        if (row.cache === null) continue;
        expect(found!.text, address).toMatch(
          new RegExp(`^${row.cache}\\b.*, ${row.allocated ? "in use" : "free"}`),
        );
        states.add(String(row.allocated));
      }
      expect([...states].sort()).toEqual(["false", "true"]);
    } finally {
      kernel.close();
    }
  });
});
