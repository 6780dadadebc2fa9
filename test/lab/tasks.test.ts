/** What processes have and share in a dump, against what the guest said of it in /proc and /sys. */
import { describe, expect } from "vitest";
import {
  ipcKinds,
  type IpcRow,
  listCgroups,
  listIpc,
  listNamespaces,
  listSignals,
  listSysctls,
  listThreads,
} from "../../src/commands/index.ts";
import { Gaps } from "../../src/linux/index.ts";
import { busyGuest, busyGuestMissing } from "../guest/busy-guests.ts";
import { dumpedGuest } from "./said-by-guest.ts";

describe.each(["6.1-amd64", "6.12-amd64", "7.2-amd64", "6.12-arm64"] as const)("%s", (name) => {
  const missing = busyGuestMissing(name);
  const guest = dumpedGuest(missing, () => busyGuest(name));
  const { said, check } = guest;

  /** The guest's first process is in the namespace of most objects; others have one of their own. */
  const firstNamespace = (rows: readonly IpcRow[]): number =>
    Math.min(...rows.map(({ namespace }) => namespace!));

  check("ipc: System V", (gaps) => {
    const { rows } = listIpc(guest.kernel, gaps, ipcKinds);
    const own = rows.filter(({ namespace }) => namespace === firstNamespace(rows));
    const lines = own.flatMap((row): string[] => {
      if (row.kind === "mqueue") return [];
      const who = [row.uid, row.gid, row.creatorUid, row.creatorGid];
      const head = [Number(row.key), row.id];
      if (row.kind === "shm") {
        const mode = `${row.isRemoved! ? "1" : ""}${row.permissions!.slice(1)}`;
        const pids = [row.creatorPid, row.lastPid, row.attaches];
        const times = [row.attached, row.detached, row.changed].map(seconds);
        return [
          ["shm", ...head, mode, row.size, ...pids, ...who, ...times, row.residentSize, row.swappedSize].join(
            " ",
          ),
        ];
      }
      const mode = row.permissions!.slice(1);
      if (row.kind === "sem") {
        const times = [row.used, row.changed].map(seconds);
        return [["sem", ...head, mode, row.values!.length, ...who, ...times].join(" ")];
      }
      const times = [row.sent, row.received, row.changed].map(seconds);
      const pids = [row.senderPid, row.receiverPid];
      return [["msg", ...head, mode, row.size, row.messages, ...pids, ...who, ...times].join(" ")];
    });
    const expected = ["shm", "sem", "msg"].flatMap((kind) =>
      said(`sysvipc-${kind}`)
        .slice(1)
        .map((line) => `${kind} ${line.trim().replace(/ +/g, " ")}`),
    );
    expect(lines).toEqual(expected);
    expect(lines.length).toBe(7);
    // The process of busy.c took two of seven, and a child waits for the first of all.
    const sets = rows.filter((row) => row.kind === "sem");
    expect(sets.map(({ values }) => values)).toEqual([
      [0, 5, 0, 4242],
      [0, 5, 0, 4242],
    ]);
    const waiters = rows.flatMap((row) => ("waiters" in row ? row.waiters : []));
    expect(waiters.map(({ comm }) => comm)).toEqual(["busy", "busy", "busy", "busy"]);
  });

  check("ipc: POSIX", (gaps) => {
    const { rows } = listIpc(guest.kernel, gaps, ["mqueue"]);
    const lines = rows.map((row) => row.kind === "mqueue" && `${row.name}:QSIZE:${row.size}`);
    expect(lines).toEqual(said("mqueue").map((line) => `dwarfless:${line.split(" ")[0]}`));
    expect(rows[0]).toMatchObject({ messages: 2, maximumMessages: 8, messageSize: 128, permissions: "0640" });
  });

  check("cgroup", (gaps) => {
    const rows = new Map(
      listCgroups(guest.kernel, gaps, [])
        .rows.filter(({ hierarchy, isDead }) => hierarchy === 0 && !isDead!)
        .map((row) => [row.path, row]),
    );
    /** Lines of the files of each group. */
    const groups = new Map<string, Map<string, string[]>>();
    for (const line of said("cgroup-files")) {
      const [, path, file, text] = /^\/mnt(\/.*?)?\/([^/:]+):(.*)$/.exec(line)!;
      const files = groups.get(path ?? "/") ?? new Map<string, string[]>();
      groups.set(path ?? "/", files.set(file!, [...(files.get(file!) ?? []), text!]));
    }
    expect([...rows.keys()].sort()).toEqual([...groups.keys()].sort());
    for (const [path, files] of groups) {
      const row = rows.get(path)!;
      const line = (file: string): string | undefined => files.get(file)?.[0];
      const item = (file: string, name: string): number | undefined => {
        const found = files.get(file)?.find((each) => each.startsWith(`${name} `));
        return found === undefined ? undefined : Number(found.split(" ")[1]);
      };
      const words = (text = ""): string[] => text.split(" ").filter(Boolean);
      const limit = (text: string | undefined): number | string | undefined =>
        text === undefined || text === "max" ? text : Number(text);
      expect(row.controllers, path).toEqual(words(line("cgroup.controllers")));
      expect(row.subtreeControl, path).toEqual(words(line("cgroup.subtree_control")));
      expect(row.type ?? undefined, path).toBe(line("cgroup.type"));
      if (line("cgroup.events") !== undefined) {
        expect(Number(row.isPopulated), path).toBe(item("cgroup.events", "populated"));
        expect(Number(row.isFrozen), path).toBe(item("cgroup.events", "frozen"));
      }
      // In the root there is what wrote this down, and was not before and after.
      if (path !== "/") {
        const threads = (files.get("cgroup.threads") ?? []).map(Number);
        expect(row.threads, path).toEqual(threads.sort((left, right) => left - right));
      }
      // Of what was swapped out, pages may go and come until the dump.
      if (path !== "/swapped") expect(row.memory?.current, path).toBe(limit(line("memory.current")));
      expect(row.memory?.maximum, path).toBe(limit(line("memory.max")));
      expect(row.memory?.high ?? undefined, path).toBe(limit(line("memory.high")));
      expect(row.memory?.low ?? undefined, path).toBe(limit(line("memory.low")));
      expect(row.memory?.minimum ?? undefined, path).toBe(limit(line("memory.min")));
      expect(row.memory?.oomKills ?? undefined, path).toBe(item("memory.events", "oom_kill"));
      expect(row.pids?.current, path).toBe(limit(line("pids.current")));
      expect(row.pids?.maximum, path).toBe(limit(line("pids.max")));
      expect(row.cpu?.weight ?? undefined, path).toBe(limit(line("cpu.weight")));
      const quota = row.cpu === null ? undefined : `${row.cpu.quota} ${row.cpu.period}`;
      expect(quota, path).toBe(line("cpu.max"));
      expect(row.cpus === null ? undefined : ranges(row.cpus), path).toBe(line("cpuset.cpus.effective"));
    }
    expect(rows.get("/outer/middle")).toMatchObject({
      memory: { high: 32 << 20 },
      cpu: { quota: 20_000, weight: 50 },
    });
  });

  check("cgroup of a process", (gaps) => {
    const lines = said("task-cgroups").map((line) => /^\/proc\/(\d+)\/cgroup:(\d+):(.*):(.*)$/.exec(line)!);
    const pid = lines.find(([, , , , path]) => path === "/domain")![1]!;
    const own = lines.filter((each) => each[1] === pid);
    const { rows } = listCgroups(guest.kernel, gaps, [pid]);
    expect(rows.map(({ hierarchy, path }) => `${hierarchy}:${path}`).sort()).toEqual(
      own.map(([, , hierarchy, , path]) => `${hierarchy}:${path}`).sort(),
    );
    expect(rows.find(({ controllers }) => controllers!.join() === "freezer")!.path).toBe("/");
  });

  /** What /proc/PID/task/TID/status says, by TID; of processes, and those that are there in the dump. */
  const statuses = (): Map<number, Map<string, string>> => {
    const found = new Map<number, Map<string, string>>();
    for (const line of said("task-status")) {
      const match = /task\/(\d+)\/status:(\w+):\s*(.*)$/.exec(line);
      if (match === null) continue;
      const pid = Number(match[1]);
      found.set(pid, (found.get(pid) ?? new Map<string, string>()).set(match[2]!, match[3]!));
    }
    const there = new Set(listThreads(guest.kernel, new Gaps()).rows.map(({ pid }) => pid));
    // The first process wrote this down, and others for it.
    for (const pid of found.keys()) if (pid === 1 || !there.has(pid)) found.delete(pid);
    return found;
  };

  check("sig", (gaps) => {
    const expected = statuses();
    const { rows } = listSignals(guest.kernel, gaps, [...expected.keys()].map(String));
    expect(rows.length).toBe(expected.size);
    for (const row of rows) {
      const status = expected.get(row.pid)!;
      // /proc has nothing of what has ended.
      if (row.actions === null) continue;
      const names = (key: string): string[] => signalsIn(BigInt(`0x${status.get(key)!}`));
      expect(row.blocked, row.comm).toEqual(names("SigBlk"));
      expect(row.pending, row.comm).toEqual(names("SigPnd"));
      expect(row.sharedPending, row.comm).toEqual(names("ShdPnd"));
      const actions = (ignored: boolean): string[] =>
        row.actions!.filter(({ handler }) => (handler === "ignore") === ignored).map(({ signal }) => signal);
      expect(actions(true), row.comm).toEqual(names("SigIgn"));
      expect(actions(false), row.comm).toEqual(names("SigCgt"));
    }
    const sent = rows.find(({ queued }) => queued.length === 6)!;
    expect(sent.queued.filter(({ to }) => to === "process").map(({ code }) => code)).toEqual([0, -1, -1, -1]);
    expect(sent.queued.at(-1)).toMatchObject({ signal: "SIGRTMIN+3", pid: 1, uid: 2 });
    expect(sent.actions).toContainEqual({
      signal: "SIGUSR2",
      handler: expect.stringMatching(/^0x[0-9a-f]{6}$/) as string,
      flags: ["SA_SIGINFO", "SA_RESTART"],
      mask: ["SIGHUP", "SIGTERM"],
    });
  });

  check("ps: owners, policies, times", (gaps) => {
    const rows = new Map(listThreads(guest.kernel, gaps, { times: true }).rows.map((row) => [row.pid, row]));
    const owners = statuses();
    for (const [pid, status] of owners) {
      expect(rows.get(pid)!.uid, status.get("Name")).toBe(Number(status.get("Uid")!.split("\t")[1]));
    }
    expect([...rows.values()].filter(({ uid }) => uid === 65_534)).toMatchObject([
      { nice: 7, comm: "sleep" },
    ]);
    const policies = new Set<string>();
    let still = 0;
    for (const line of said("threads")) {
      const [, pid, , state, rest] = /^(\d+) \((.*)\) (\S) (.*)$/.exec(line)!;
      const row = rows.get(Number(pid));
      if (row === undefined || !owners.has(row.pid)) continue;
      // Fields of proc_pid_stat(5), the first of which here is the fourth.
      const field = (number: number): number => Number(rest!.split(" ")[number - 4]);
      expect(row.nice, line).toBe(field(19));
      expect(row.realtimePriority, line).toBe(field(40));
      expect(row.policy, line).toBe(["NORMAL", "FIFO", "RR", "BATCH", "ISO", "IDLE"][field(41)]);
      policies.add(row.policy!);
      expect(ticks(row.times!.startedAfter), line).toBe(field(22));
      // Who sleeps for ever has not run since.
      if (state !== "S" || row.kernel || !["sleep", "busy"].includes(row.comm)) continue;
      expect([ticks(row.times!.user), ticks(row.times!.system)], line).toEqual([field(14), field(15)]);
      still++;
    }
    expect([...policies].sort()).toEqual(["BATCH", "FIFO", "NORMAL"]);
    expect(still).toBeGreaterThan(20);
    const measured = said("schedstat").flatMap((line) => {
      const [, pid, run, waited] = /^\/proc\/(\d+)\/schedstat:(\d+) (\d+) /.exec(line)!;
      const row = rows.get(Number(pid));
      return row?.comm === "sleep" ? [[row, Number(run), Number(waited)] as const] : [];
    });
    expect(measured.length).toBeGreaterThan(10);
    for (const [row, run, waited] of measured) {
      expect(Math.round(row.times!.run! * 1e9), row.comm).toBe(run);
      expect(Math.round(row.times!.waited! * 1e9), row.comm).toBe(waited);
    }
  });

  check("ps: arguments, environment, limits, relatives", (gaps) => {
    const query = { arguments: true, limits: true, parents: true, children: true, group: true };
    const rows = new Map(listThreads(guest.kernel, gaps, query).rows.map((row) => [row.pid, row]));
    const words = new Map<number, { args: string[]; environment: string[] }>();
    let own = { args: [] as string[], environment: [] as string[] };
    let into = own.args;
    for (const line of said("arguments")) {
      const pid = /^@process (\d+)/.exec(line)?.[1];
      if (pid !== undefined) {
        words.set(Number(pid), (own = { args: [], environment: [] }));
        into = own.args;
      } else if (line === "@environment") into = own.environment;
      else into.push(line);
    }
    let checked = 0;
    for (const [pid, expected] of words) {
      const row = rows.get(pid);
      if (row === undefined || pid === 1) continue;
      expect(row.arguments, row.comm).toEqual(expected.args);
      expect(row.environment, row.comm).toEqual(expected.environment);
      checked++;
    }
    expect(checked).toBeGreaterThan(20);
    const titles = new Map(
      Object.entries({ "Max open files": "NOFILE", "Max core file size": "CORE", "Max stack size": "STACK" }),
    );
    let limits = 0;
    for (const line of said("limits")) {
      const [, pid, title, soft, hard] = /^\/proc\/(\d+)\/limits:(.*?) {2,}(\S+) +(\S+)/.exec(line)!;
      const name = titles.get(title!);
      const found = rows.get(Number(pid))?.limits;
      if (name === undefined || found === null || found === undefined || pid === "1") continue;
      const { soft: ownSoft, hard: ownHard } = found[`RLIMIT_${name}`]!;
      expect([String(ownSoft), String(ownHard)], line).toEqual([soft, hard]);
      limits++;
    }
    expect(limits).toBeGreaterThan(100);
    const changed = [...rows.values()].filter(({ limits }) => limits?.["RLIMIT_NOFILE"]?.soft === 77);
    expect(changed).toMatchObject([{ comm: "sleep", parents: [{ pid: 1, comm: "init" }], children: [] }]);
    const states = [...rows.values()].find(({ group }) => group!.some(({ comm }) => comm === "t-futex"))!;
    expect(states.group!.map(({ comm }) => comm)).toEqual(["states", "t-poll", "t-sleep", "t-futex"]);
    expect(rows.get(1)!.children!.map(({ pid }) => pid)).toContain(states.pid);
  });

  check("sysctl", (gaps) => {
    const rows = new Map(listSysctls(guest.kernel, gaps, []).rows.map((row) => [row.name, row]));
    const expected = new Map<string, string>();
    for (const line of said("sysctl")) {
      const [, path, value] = /^\/proc\/sys\/([^:]*):(.*)$/.exec(line)!;
      // A file system of its own.
      if (path!.startsWith("fs/binfmt_misc/")) continue;
      const name = path!.replace(/[./]/g, (character) => (character === "." ? "/" : "."));
      const before = expected.get(name);
      expected.set(name, before === undefined ? value! : `${before}\n${value}`);
    }
    let checked = 0;
    for (const [name, value] of expected) {
      const row = rows.get(name);
      expect(row, name).toBeDefined();
      if (row!.value === null) continue;
      expect(row!.value, `${name} ${row!.handler}`).toBe(value);
      checked++;
    }
    expect(checked).toBeGreaterThan(500);
  });

  check("lsns", (gaps) => {
    const numbers = new Map<number, Set<string>>();
    const pids = said("namespaces").flatMap((line) => /^@process (\d+)/.exec(line)?.[1] ?? []);
    const { rows } = listNamespaces(guest.kernel, gaps, []);
    for (const { type, number, pids: inside } of rows) {
      for (const pid of inside) {
        if (!numbers.has(pid)) numbers.set(pid, new Set());
        numbers.get(pid)!.add(`${type}:[${number}]`);
      }
    }
    let pid = 0;
    let checked = 0;
    for (const line of said("namespaces")) {
      pid = Number(/^@process (\d+)/.exec(line)?.[1] ?? pid);
      const [, type, target] = / (\w+) -> (\w+:\[\d+\])$/.exec(line) ?? [];
      // What wrote this down was there only then.
      if (type === undefined || type.endsWith("_for_children") || !numbers.has(pid)) continue;
      expect([...numbers.get(pid)!], `${pid} ${type}`).toContain(target);
      checked++;
    }
    expect(checked).toBeGreaterThan(pids.length * 5);
  });
});

/** Numbers as the kernel writes a mask: `0-2,5`. */
function ranges(numbers: readonly number[]): string {
  const found: number[][] = [];
  for (const number of numbers) {
    const last = found.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else found.push([number, number]);
  }
  return found.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(",");
}

/** Names of the signals in a mask, by the numbers that signal(7) gives them. */
function signalsIn(mask: bigint): string[] {
  const names =
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS 32 33 RTMIN".split(
      " ",
    );
  for (let number = 35; number < 64; number++) names.push(`RTMIN+${number - 34}`);
  names.push("RTMAX");
  return names.filter((_, index) => ((mask >> BigInt(index)) & 1n) === 1n).map((name) => `SIG${name}`);
}

/** Seconds in the hundredths that /proc counts in. */
function ticks(seconds: number | null): number {
  return Math.floor(Math.round(seconds! * 1e9) / 1e7);
}

/** Of a date as rows have it; 0 for never. */
function seconds(date: string | null): number {
  return date === null ? 0 : Date.parse(date) / 1000;
}
