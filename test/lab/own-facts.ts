/** What the commands print of a dump as text by section, row and field: the form in which peers' answers are compared with it. */
import {
  allSymbols,
  findStacks,
  listAreas,
  listDevices,
  listDisks,
  listFiles,
  listIrqs,
  listLog,
  listMemory,
  listModules,
  listMounts,
  listNetdevs,
  listRunqueues,
  listSlabs,
  listSockets,
  listThreads,
  listTimers,
  logLines,
  stackRow,
  systemInfo,
} from "../../src/commands/index.ts";
import type { Kernel } from "../../src/kernel/index.ts";
import type { Gaps } from "../../src/linux/index.ts";

/** Fields of a row, by their names. */
export type Fields = Record<string, string>;
/** Rows of a section by what names them; addresses are hexadecimal without 0x. */
export type Section = Record<string, Fields>;
export type Facts = Record<string, Section>;

type Value = string | number | boolean | null | undefined;

/** The facts of all sections; what a section gives twice under one name stands once. */
export function ownFacts(kernel: Kernel, gaps: Gaps): Facts {
  const facts: Facts = {};
  const add = (section: string, key: string, fields: Record<string, Value>): void => {
    const texts = Object.entries(fields).flatMap(([name, value]) =>
      value === null || value === undefined ? [] : [[name, String(value)]],
    );
    (facts[section] ??= {})[key] = Object.fromEntries(texts) as Fields;
  };
  const threads = listThreads(kernel, gaps).rows;
  for (const row of threads) {
    add("ps", bare(row.task)!, {
      ...pick(row, ["pid", "tgid", "ppid", "cpu", "state", "comm", "active", "kernel"]),
      vsz: kib(row.virtualSize),
      rss: kib(row.residentSize),
    });
  }
  for (const row of listModules(kernel, gaps, []).rows) {
    add("mod", row.name, {
      ...pick(row, ["size", "refcount", "state"]),
      module: bare(row.module),
      address: bare(row.address),
      uses: row.uses && [...row.uses].sort().join(","),
    });
  }
  for (const row of listMounts(kernel, gaps, []).rows) {
    const superBlock = bare(row.superBlock);
    add("mount", bare(row.mount)!, { ...pick(row, ["device", "directory", "type", "id"]), superBlock });
  }
  // The threads of a process share what it has, and peers list each.
  const users = threads.filter(({ virtualSize }) => virtualSize !== null).map(({ pid }) => String(pid));
  for (const row of listFiles(kernel, gaps, users).rows) {
    add("files", `${row.pid} ${row.fd ?? row.use}`, {
      ...pick(row, ["path", "inode", "position", "type"]),
      file: bare(row.file),
    });
  }
  for (const row of listNetdevs(kernel, gaps)) {
    add("net", bare(row.device)!, {
      ...pick(row, ["name", "index", "mtu", "hardware"]),
      addresses: row.addresses?.map((each) => each.replace(/\/\d+$/, "")).join(", "),
    });
  }
  for (const row of listSockets(kernel, gaps))
    add("socket", bare(row.sock)!, pick(row, ["protocol", "local"]));
  [...listLog(kernel, gaps)]
    .flatMap((record) => [...logLines(record)])
    .forEach((line, index) => add("log", String(index), { line: line.trimEnd() }));
  for (const row of listAreas(kernel, gaps, users).rows) {
    add("vm", `${row.pid} ${bare(row.area)}`, {
      ...pick(row, ["access", "name", "offset"]),
      start: bare(row.start),
      end: bare(row.end),
    });
  }
  for (const { name, pages } of listMemory(kernel, gaps).rows) add("kmem", name, { pages });
  for (const row of listSlabs(kernel, gaps, []).rows)
    add("slab", row.name!, { ...pick(row, ["objectSize", "size"]), cache: bare(row.cache) });
  for (const row of listIrqs(kernel, gaps, []).rows) {
    const counts = Object.entries(row.counts ?? {}).map(([cpu, count]) => [`cpu${cpu}`, count]);
    add("irq", String(row.irq), {
      ...(Object.fromEntries(counts) as Record<string, number>),
      ...pick(row, ["chip", "flow"]),
      actions: row.actions?.join(", "),
      descriptor: bare(row.descriptor),
    });
  }
  for (const row of listTimers(kernel, gaps).rows) {
    add("timer", bare(row.timer)!, {
      cpu: row.cpu,
      expires: BigInt.asIntN(64, BigInt(row.expires)).toString(),
      remaining: row.remaining,
      function: row.function?.replace(/ \[\w+\]$/, ""),
    });
  }
  for (const row of listRunqueues(kernel, gaps).rows) {
    add("runq", String(row.cpu), {
      ...pick(row, ["running", "switches"]),
      runqueue: bare(row.runqueue),
      current: bare(row.current?.task),
      queued: row.queued
        .map(({ pid }) => pid)
        .sort((left, right) => left - right)
        .join(","),
    });
  }
  const info = systemInfo(kernel, gaps);
  add("sys", "machine", {
    ...pick(info, ["nodeName", "release", "version", "machine", "commandLine", "memory"]),
    cpus: info.cpus.onlineCount,
    load: info.loadAverage?.map((each) => each.toFixed(2)).join(" "),
    uptime: info.uptime === null ? null : Math.floor(info.uptime),
    date: info.date?.replace(/\.\d+Z$/, "Z"),
    tasks: threads.length,
  });
  const ranges = new Map<number, number>();
  for (const row of listDevices(kernel, gaps).rows) {
    const { kind, major } = row;
    if (kind === "block") add("dev", `block ${major}`, pick(row, ["name"]));
    else {
      const index = ranges.get(major) ?? 0;
      ranges.set(major, index + 1);
      add("dev", `character ${major} #${index}`, pick(row, ["name", "firstMinor", "minorCount"]));
    }
  }
  for (const row of listDisks(kernel, gaps).rows) {
    add("disk", row.name!, {
      ...pick(row, ["major", "minor", "size"]),
      disk: bare(row.disk),
      device: bare(row.device),
    });
  }
  for (const row of allSymbols(kernel)) {
    const section = row.module === null ? "sym" : `sym ${row.module}`;
    add(section, row.name, { address: bare(row.address) });
  }
  const { stacks, found } = findStacks(kernel, { all: true });
  for (const each of found) {
    const row = stackRow(stacks, each, {});
    // Registers of user mode are no frame of the kernel's.
    const frames = row.frames.filter(({ kind }) => kind !== "user");
    add("bt", bare(row.task)!, {
      frames: frames.map(({ symbol, pc }) => `${symbol ?? "?"} ${bare(pc)}`).join("\n"),
    });
  }
  return facts;
}

function bare(address: string | null | undefined): string | undefined {
  return address?.replace(/^0x/, "");
}

function kib(bytes: number | null): number | undefined {
  return bytes === null ? undefined : bytes / 1024;
}

function pick<T extends object, K extends keyof T & string>(
  row: T,
  names: readonly K[],
): Record<K, T[K] & Value> {
  return Object.fromEntries(names.map((name) => [name, row[name]])) as Record<K, T[K] & Value>;
}
