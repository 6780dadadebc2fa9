/** What processes have and share in a dump, against what the guest said of it in /proc and /sys. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ipcKinds, type IpcRow, listIpc, listNamespaces } from "../../src/commands/index.ts";
import { Kernel } from "../../src/kernel/index.ts";
import { Gaps } from "../../src/linux/index.ts";
import { busyGuest, busyGuestMissing } from "../guest/busy-guests.ts";
import type { GuestDump } from "../guest/dumps.ts";

describe.each(["6.1-amd64", "6.12-amd64", "7.2-amd64", "6.12-arm64"] as const)("%s", (name) => {
  const missing = busyGuestMissing(name);
  let dump: GuestDump;
  let kernel: Kernel;

  beforeAll(async () => {
    if (missing !== undefined) return;
    dump = await busyGuest(name);
    kernel = await Kernel.open([dump.file("elf")], { sidecar: "none" });
  });
  afterAll(() => kernel?.close());

  const said = (file: string): string[] => dump.said(file).trimEnd().split("\n");
  const check = (title: string, body: (gaps: Gaps) => void): void => {
    test(title, (context) => {
      context.skip(missing !== undefined, missing);
      const gaps = new Gaps();
      body(gaps);
      expect(gaps.diagnostics).toEqual([]);
    });
  };

  /** The guest's first process is in the namespace of most objects; others have one of their own. */
  const firstNamespace = (rows: readonly IpcRow[]): number =>
    Math.min(...rows.map(({ namespace }) => namespace!));

  check("ipc: System V", (gaps) => {
    const { rows } = listIpc(kernel, gaps, ipcKinds);
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
    const { rows } = listIpc(kernel, gaps, ["mqueue"]);
    const lines = rows.map((row) => row.kind === "mqueue" && `${row.name}:QSIZE:${row.size}`);
    expect(lines).toEqual(said("mqueue").map((line) => `dwarfless:${line.split(" ")[0]}`));
    expect(rows[0]).toMatchObject({ messages: 2, maximumMessages: 8, messageSize: 128, permissions: "0640" });
  });

  check("lsns", (gaps) => {
    const numbers = new Map<number, Set<string>>();
    const pids = said("namespaces").flatMap((line) => /^@process (\d+)/.exec(line)?.[1] ?? []);
    const { rows } = listNamespaces(kernel, gaps, []);
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

/** Of a date as rows have it; 0 for never. */
function seconds(date: string | null): number {
  return date === null ? 0 : Date.parse(date) / 1000;
}
