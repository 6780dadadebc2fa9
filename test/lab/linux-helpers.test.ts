/**
 * What the kernel in a dump keeps, against what the guest itself printed from /proc just before. What
 * moved while it wrote that down (the process that wrote, counters, timers of the tick) is left out.
 */
import path from "node:path";
import { describe, expect } from "vitest";
import {
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
  listSlabs,
  listSockets,
  listThreads,
  listTimers,
  logLines,
  machineInfo,
  systemInfo,
} from "../../src/commands/index.ts";
import { guestDump, type GuestDump, openGuestDump } from "../guest/dumps.ts";
import { caseMissing, dumpCases } from "./dump-cases.ts";
import { dumpedGuest } from "./said-by-guest.ts";

/** Other guests' dumps, one's own: folders as `scripts/lab/dump.sh` makes them, with `:` between. */
const folders = (process.env["DWARFLESS_LAB_DUMPS"] ?? "").split(":").filter(Boolean);

const cases =
  folders.length > 0
    ? folders.map((folder) => ({
        title: path.basename(folder),
        missing: undefined,
        open: async (): Promise<GuestDump> => openGuestDump(folder),
      }))
    : dumpCases
        .filter(({ kind }) => kind === "idle" || kind === "panic")
        .map((dumpCase) => ({
          title: `${dumpCase.kernel} ${dumpCase.kind}`,
          missing: caseMissing(dumpCase),
          open: () => guestDump(dumpCase.kernel, dumpCase.kind),
        }));

describe.each(cases)("$title", ({ missing, open }) => {
  const guest = dumpedGuest(missing, open);
  const { said, check } = guest;

  check("log", (gaps) => {
    const lines = [...listLog(guest.kernel, gaps)].flatMap((record) => [...logLines(record)]);
    const expected = said("dmesg");
    expect(lines.slice(0, expected.length)).toEqual(expected);
  });

  check("ps", (gaps) => {
    const threads = new Map(listThreads(guest.kernel, gaps).rows.map((row) => [row.pid, row]));
    for (const line of said("threads")) {
      const [, pid, name, state, ppid, rest] = /^(\d+) \((.*)\) (\S) (\d+) (.*)$/.exec(line)!;
      const row = threads.get(Number(pid))!;
      // Of its own threads the kernel knows a longer name.
      expect(row.kernel ? name!.startsWith(row.comm) : name === row.comm, line).toBe(true);
      expect(row.ppid, line).toBe(Number(ppid));
      const virtualSize = Number(rest!.split(" ")[18]);
      expect(row.virtualSize ?? 0, line).toBe(virtualSize);
      if (state === "S" && !row.kernel && row.pid !== 1) expect(row.state, line).toBe(state);
    }
    // What began since: at most the writer and what it started.
    expect(threads.size - said("threads").length).toBeLessThan(8);
  });

  check("mod", (gaps) => {
    const lines = listModules(guest.kernel, gaps, []).rows.map((row) => {
      const uses = row.uses!.length === 0 ? "-" : `${row.uses!.join(",")},`;
      return `${row.name} ${row.size} ${row.refcount} ${uses} ${row.state} ${row.address}`;
    });
    expect(lines).toEqual(said("modules").map((line) => line.replace(/ \([A-Z]+\)$/, "")));
  });

  check("mount", (gaps) => {
    const rows = listMounts(guest.kernel, gaps, []).rows;
    const expected = said("mounts").map((line) => line.split(" "));
    expect(rows.map((row) => [row.device, row.directory, row.type])).toEqual(
      expected.map((fields) => fields.slice(0, 3)),
    );
    // The options that all file systems have come first.
    for (const [index, { options }] of rows.entries())
      expect(`${expected[index]![3]},`.startsWith(`${options!.join(",")},`)).toBe(true);
  });

  check("files", (gaps) => {
    const paths = new Map(
      listFiles(guest.kernel, gaps, []).rows.map((row) => [`${row.pid} ${row.fd}`, row.path]),
    );
    for (const [pid, lines] of byProcess(said("descriptors"))) {
      // The first process is the one that wrote this, through descriptors of its own.
      if (pid === 1) continue;
      for (const line of lines) {
        const match = / (\d+) -> (.*)$/.exec(line);
        if (match !== null) expect(paths.get(`${pid} ${match[1]}`), line).toBe(match[2]);
      }
    }
  });

  check("vm", (gaps) => {
    for (const [pid, expected] of byProcess(said("maps"))) {
      const lines = listAreas(guest.kernel, gaps, [String(pid)]).rows.map((row) => {
        const address = (text: string): string => text.slice(2).padStart(8, "0");
        const device = [row.device?.major ?? 0, row.device?.minor ?? 0].map((part) =>
          part.toString(16).padStart(2, "0"),
        );
        const place = `${row.access} ${row.offset!.toString(16).padStart(8, "0")} ${device.join(":")}`;
        return `${address(row.start)}-${address(row.end)} ${place} ${row.inode ?? 0} ${row.name}`.trim();
      });
      expect(lines).toEqual(expected.map((line) => line.replace(/ +/g, " ").trim()));
    }
  });

  check("net", (gaps) => {
    const rows = listSockets(guest.kernel, gaps);
    const inodes = (protocol: string): number[] =>
      rows.filter((row) => row.protocol === protocol).map(({ inode }) => inode!);
    for (const protocol of ["tcp", "tcp6", "udp"]) {
      const fields = said(`net-${protocol}`)
        .slice(1)
        .map((line) => line.trim().split(/ +/));
      const expected = fields.map((each) => Number(each[9]));
      expect(inodes(protocol).sort(ascending), protocol).toEqual(expected.sort(ascending));
    }
    const names = said("net-unix")
      .slice(1)
      .map((line) => line.trim().split(/ +/));
    const unix = rows.filter(({ protocol }) => protocol === "unix");
    expect(unix.map(({ inode, local }) => `${inode} ${local}`).sort()).toEqual(
      names.map((each) => `${each[6]} ${each[7] ?? ""}`).sort(),
    );
    const devices = said("net-dev").slice(2);
    expect(listNetdevs(guest.kernel, gaps).map(({ name }) => name)).toEqual(
      devices.map((line) => line.split(":")[0]!.trim()),
    );
  });

  check("irq", (gaps) => {
    const rows = new Map(listIrqs(guest.kernel, gaps, []).rows.map((row) => [row.irq, row]));
    for (const line of said("interrupts")) {
      const match = /^ *(\d+): +(\d+) +(\d+) /.exec(line);
      if (match === null) continue;
      const row = rows.get(Number(match[1]))!;
      expect(line.endsWith(` ${row.actions!.join(", ")}`), line).toBe(true);
      // Counts only grow.
      for (const cpu of ["0", "1"])
        expect(row.counts![cpu]).toBeGreaterThanOrEqual(Number(match[2 + Number(cpu)]));
    }
  });

  check("kmem", (gaps) => {
    const memory = new Map(listMemory(guest.kernel, gaps).rows.map((row) => [row.name, row.size! / 1024]));
    const expected = new Map(
      said("meminfo").map((line) => {
        const [name, value] = line.split(":");
        return [name!, Number.parseInt(value!, 10)];
      }),
    );
    for (const name of ["MemTotal", "SwapTotal", "SwapFree", "Unevictable", "Mlocked"])
      expect(memory.get(name), name).toBe(expected.get(name));
    const caches = new Map(listSlabs(guest.kernel, gaps, []).rows.map((row) => [row.name, row]));
    const lines = said("slabinfo").slice(2);
    expect(caches.size).toBe(lines.length);
    let same = 0;
    for (const line of lines) {
      const fields = line.split(/ +/);
      const row = caches.get(fields[0]!)!;
      expect(row.size, line).toBe(Number(fields[3]));
      if (row.active === Number(fields[1]) && row.slabs === Number(fields[14])) same++;
    }
    expect(same).toBeGreaterThan(lines.length * 0.75);
  });

  check("timer", (gaps) => {
    const timers = new Set(
      listTimers(guest.kernel, gaps).rows.map((row) => `${row.cpu} ${row.function} ${BigInt(row.expires)}`),
    );
    let place = { cpu: "", name: "" };
    for (const line of said("timer_list")) {
      place.cpu = /^cpu: (\d+)/.exec(line)?.[1] ?? place.cpu;
      place = { cpu: place.cpu, name: /^ #\d+: <\w+>, (\w+)/.exec(line)?.[1] ?? place.name };
      const expires = /^ # expires at \d+-(\d+) /.exec(line)?.[1];
      // Those of sleeping processes are far away; the others go off and are armed again.
      if (expires !== undefined && place.name === "hrtimer_wakeup")
        expect(timers.has(`${place.cpu} ${place.name} ${expires}`), `${place.name} ${line}`).toBe(true);
    }
  });

  check("dev", (gaps) => {
    const rows = listDevices(guest.kernel, gaps).rows;
    const lines = rows.map(({ kind, major, name }) => `${kind} ${major} ${name}`);
    let kind = "";
    const expected: string[] = [];
    for (const line of said("devices")) {
      if (line.endsWith(" devices:")) kind = line.split(" ")[0]!.toLowerCase();
      else if (line !== "") expected.push(`${kind} ${line.trim()}`);
    }
    // A driver with several ranges of one number is listed once for each.
    expect(lines).toEqual(expected);
    const disks = new Map(listDisks(guest.kernel, gaps).rows.map((row) => [row.name, row]));
    for (const line of said("partitions").slice(2)) {
      const [major, minor, blocks, name] = line.trim().split(/ +/);
      const size = Number(blocks) * 1024;
      expect(disks.get(name!)).toMatchObject({ major: Number(major), minor: Number(minor), size });
    }
  });

  check("sys", (gaps) => {
    const info = systemInfo(guest.kernel, gaps);
    expect(info.commandLine).toBe(guest.dump.said("cmdline").trim());
    expect(guest.dump.said("version")).toContain(`Linux version ${info.release} `);
    const uptime = Number.parseFloat(guest.dump.said("uptime"));
    expect(info.uptime).toBeGreaterThanOrEqual(uptime - 0.1);
    expect(info.uptime! - uptime).toBeLessThan(120);
  });

  check("mach", (gaps) => {
    const info = machineInfo(guest.kernel, gaps);
    const stated = (name: string): string[] =>
      said("cpuinfo").flatMap((line) =>
        line.split(/\s*:/, 1)[0] === name ? [line.replace(/^.*?: ?/, "")] : [],
      );
    expect(info.cpus.present).toBe(`0-${stated("processor").length - 1}`);
    expect(info.processors).toHaveLength(1);
    const { vendor, name, family, model, stepping, variant } = info.processors![0]!;
    if (info.machine === "x86_64") {
      expect([vendor]).toEqual(stated("vendor_id").slice(0, 1));
      expect([name]).toEqual(stated("model name").slice(0, 1));
      const numbers = ["cpu family", "model", "stepping"].map((each) => Number(stated(each)[0]));
      expect([family, model, stepping]).toEqual(numbers);
      expect((info.clock! / 1000).toFixed(3)).toBe(stated("cpu MHz")[0]);
    } else {
      const numbers = ["implementer", "part", "variant", "revision"].map((each) =>
        Number(stated(`CPU ${each}`)[0]),
      );
      expect([Number(vendor), model, variant, stepping]).toEqual(numbers);
      expect(info.model).toBe(/Machine model: (.*)/.exec(guest.dump.said("dmesg"))![1]);
    }
    // Jiffies start five minutes before they wrap at 32 bits. Clocks of guests are not right to the second, and
    // other kernels have an HZ of 100, 300 or 1000.
    const jiffies =
      Number(BigInt(guest.kernel.program.variable("jiffies_64").scalar()) - 2n ** 32n) + 300 * info.hz!;
    const { uptime } = systemInfo(guest.kernel, gaps);
    expect(Math.abs(jiffies / info.hz! / uptime! - 1)).toBeLessThan(0.1);
  });
});

function ascending(left: number, right: number): number {
  return left - right;
}

/** Lines after each `@process PID`. */
function byProcess(lines: readonly string[]): Map<number, string[]> {
  const found = new Map<number, string[]>();
  let current: string[] = [];
  for (const line of lines) {
    const pid = /^@process (\d+)/.exec(line)?.[1];
    if (pid !== undefined) found.set(Number(pid), (current = []));
    else current.push(line);
  }
  return found;
}
