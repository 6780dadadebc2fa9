/**
 * Memory and files of a busy guest against what the guest itself said. Counters that move are compared with
 * what it said last of all, when only the end of the process that said it was still to come.
 */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect } from "vitest";
import {
  listAreaPages,
  listFilePages,
  listFiles,
  listFileUsers,
  listFreeAreas,
  listHugePages,
  listMemory,
  listMountFiles,
  listMounts,
  listNodes,
  listSlabObjects,
  listSlabs,
  listSwaps,
  listThreads,
  listVmalloc,
  listVmstat,
  listZones,
} from "../../src/commands/index.ts";
import { busyGuest, busyGuestMissing, saidLate } from "../guest/busy-guests.ts";
import { dumpedGuest } from "./said-by-guest.ts";

/** Pages by which counters may differ: what the last process gave back, and what CPUs have not added up. */
const pagesLate = 400;

describe.each(["6.1-amd64", "6.12-amd64", "6.12-arm64", "7.2-amd64"] as const)("%s", (name) => {
  const missing = busyGuestMissing(name);
  const guest = dumpedGuest(missing, () => busyGuest(name));
  const { said, check } = guest;
  const late = (what: string): string[] => saidLate(guest.dump, what).trimEnd().split("\n");

  check("kmem -i is /proc/meminfo", (gaps) => {
    const expected = new Map(
      late("meminfo").map((line) => [line.split(":")[0]!, Number.parseInt(line.split(":")[1]!, 10)]),
    );
    const rows = listMemory(guest.kernel, gaps).rows;
    for (const { name: row, size } of rows) {
      expect(expected.has(row), row).toBe(true);
      const exact = /^(MemTotal|Swap|Huge|Commit|Percpu|Unevictable|Mlocked|Cma|Buffers|Sec)/.test(row);
      expect(
        Math.abs(size! / 1024 - expected.get(row)!),
        `${row} ${size! / 1024} ${expected.get(row)}`,
      ).toBeLessThanOrEqual(exact && row !== "Committed_AS" ? 0 : pagesLate * 4);
    }
    // What is given back at the end is free then: beyond that the two move together.
    const size = (row: string): number => rows.find((each) => each.name === row)!.size! / 1024;
    expect(
      Math.abs(
        size("MemAvailable") - size("MemFree") - (expected.get("MemAvailable")! - expected.get("MemFree")!),
      ),
    ).toBeLessThanOrEqual(512);
    expect(rows.length).toBeGreaterThan(35);
  });

  check("kmem -c is /proc/vmstat", (gaps) => {
    const rows = listVmstat(guest.kernel, gaps, []).rows;
    const expected = new Map(late("vmstat").map((line) => [line.split(" ")[0]!, Number(line.split(" ")[1])]));
    for (const name of [
      "nr_dirty_threshold",
      "nr_dirty_background_threshold",
      "nr_memmap_pages",
      "nr_memmap_boot_pages",
      "nr_unstable",
    ])
      expected.delete(name);
    expect(rows.map((row) => row.name)).toEqual([...expected.keys()]);
    let same = 0;
    for (const { name: row, kind, value } of rows) {
      const before = expected.get(row)!;
      const text = `${row}: ${value}, the guest said ${before}`;
      if (kind === "event") expect(value, text).toBeGreaterThanOrEqual(before);
      expect(Math.abs(value - before), text).toBeLessThanOrEqual(
        kind === "zone" || kind === "node" ? pagesLate : 5000,
      );
      if (value === before) same++;
    }
    expect(same).toBeGreaterThan(rows.length * 0.8);
    // Each kind counts something, so that none is read from a wrong place.
    for (const kind of ["zone", "node", "numa", "event"])
      expect(rows.filter((row) => row.kind === kind && row.value > 0).length, kind).toBeGreaterThan(1);
  });

  check("kmem -z is /proc/zoneinfo", (gaps) => {
    const rows = new Map(listZones(guest.kernel, gaps).rows.map((row) => [`${row.node} ${row.name}`, row]));
    let populated = 0;
    for (const part of late("zoneinfo")
      .join("\n")
      .split(/^(?=Node)/m)) {
      const [, node, zone] = /^Node (\d+), zone +(\w+)/.exec(part)!;
      const number = (pattern: RegExp): number => Number(pattern.exec(part)?.[1]);
      const row = rows.get(`${node} ${zone}`);
      if (number(/^ +present +(\d+)/m) === 0) {
        expect(row).toBeUndefined();
        continue;
      }
      populated++;
      expect(row).toMatchObject({
        min: number(/^ +min +(\d+)/m),
        low: number(/^ +low +(\d+)/m),
        high: number(/^ +high +(\d+)/m),
        spanned: number(/^ +spanned +(\d+)/m),
        present: number(/^ +present +(\d+)/m),
        managed: number(/^ +managed +(\d+)/m),
        startFrame: number(/^ +start_pfn: +(\d+)/m),
        protection: /protection: \((.*)\)/.exec(part)![1]!.split(", ").map(Number),
      });
      const promo = /^ +promo +(\d+)/m.exec(part)?.[1];
      if (promo !== undefined) expect(row!.promo).toBe(Number(promo));
      expect(Math.abs(row!.free! - number(/pages free +(\d+)/))).toBeLessThanOrEqual(pagesLate);
      const counters = part
        .slice(part.indexOf("protection"), part.indexOf("pagesets"))
        .split("\n")
        .slice(1, -1);
      expect(Object.keys(row!.stats!)).toEqual(counters.map((line) => line.trim().split(/ +/)[0]));
      expect(row!.pagesets!.map(({ cpu, batch }) => [cpu, batch])).toEqual(
        [...part.matchAll(/cpu: (\d+)\s+count: +\d+\s+high: +\d+\s+batch: +(\d+)/g)].map((each) => [
          Number(each[1]),
          Number(each[2]),
        ]),
      );
    }
    expect(populated).toBe(rows.size);
    expect(populated).toBeGreaterThan(0);
  });

  check("kmem -f is /proc/buddyinfo and /proc/pagetypeinfo", (gaps) => {
    const rows = new Map(
      listFreeAreas(guest.kernel, gaps).rows.map((row) => [`${row.node} ${row.zone}`, row]),
    );
    const pages = (blocks: readonly number[]): number =>
      blocks.reduce((sum, count, order) => sum + count * 2 ** order, 0);
    for (const line of late("buddyinfo")) {
      const [, node, zone, counts] = /^Node (\d+), zone +(\w+) +(.*?) *$/.exec(line)!;
      const row = rows.get(`${node} ${zone}`)!;
      expect(row.blocks, line).toHaveLength(counts!.split(/ +/).length);
      expect(Math.abs(row.pages! - pages(counts!.split(/ +/).map(Number))), line).toBeLessThanOrEqual(
        pagesLate,
      );
      // The lists are as long as the zone counts them to be.
      expect(
        row.migrateTypes!.reduce((sum, { blocks }) => sum + pages(blocks), 0),
        line,
      ).toBe(row.pages);
    }
    let types = 0;
    for (const line of late("pagetypeinfo")) {
      const match = /^Node +(\d+), zone +(\w+), type +(\w+) +([\d ]+?) *$/.exec(line);
      if (match === null) continue;
      const row = rows.get(`${match[1]} ${match[2]}`);
      const found = row?.migrateTypes!.find((each) => each.name === match[3]);
      expect(found, line).toBeDefined();
      expect(
        Math.abs(pages(found!.blocks) - pages(match[4]!.split(/ +/).map(Number))),
        line,
      ).toBeLessThanOrEqual(1100);
      types++;
    }
    expect(types).toBe([...rows.values()].reduce((sum, row) => sum + row.migrateTypes!.length, 0));
  });

  check("kmem -s is /proc/slabinfo, and -S has as many objects", (gaps) => {
    const rows = new Map(listSlabs(guest.kernel, gaps, []).rows.map((row) => [row.name, row]));
    const lines = late("slabinfo").slice(2);
    expect(rows.size).toBe(lines.length);
    let same = 0;
    for (const line of lines) {
      const fields = line.split(/ +/);
      const row = rows.get(fields[0]!)!;
      expect([row.size, row.objectsPerSlab, row.slabSize! / 4096], line).toEqual(
        fields.slice(3, 6).map(Number),
      );
      if (
        row.active === Number(fields[1]) &&
        row.objects === Number(fields[2]) &&
        row.slabs === Number(fields[14])
      )
        same++;
    }
    expect(same).toBeGreaterThan(lines.length * 0.9);
    const places = new Set<string | null>();
    for (const cache of [
      "task_struct",
      "dentry",
      "kmalloc-64",
      "kmalloc-1k",
      "filp",
      "inode_cache",
      "maple_node",
      "radix_tree_node",
    ]) {
      const row = rows.get(cache);
      if (row === undefined) continue;
      const objects = listSlabObjects(guest.kernel, gaps, [cache]).rows;
      for (const { free } of objects) places.add(free);
      expect(objects.length, cache).toBe(row.objects);
      // A slab that a CPU has set aside is full for the counts, and its own list has free objects.
      expect(objects.filter(({ free }) => free === "slab").length, cache).toBeGreaterThanOrEqual(
        row.objects! - row.active!,
      );
      expect(new Set(objects.map(({ address }) => address)).size, cache).toBe(row.objects);
    }
    // What CPUs keep for themselves is in no slab's list; since v6.18 it is in sheaves.
    expect(places.has("slab")).toBe(true);
    expect(places.has("CPU") !== places.has("sheaf")).toBe(true);
  });

  check("kmem -S has every task and file, allocated", (gaps) => {
    const allocated = (cache: string): Set<string> =>
      new Set(
        listSlabObjects(guest.kernel, gaps, [cache])
          .rows.filter(({ state }) => state === "allocated")
          .map(({ address }) => address),
      );
    const tasks = allocated("task_struct");
    const threads = listThreads(guest.kernel, gaps).rows.filter(({ pid, cpu }) => pid !== 0 || cpu !== 0);
    expect(threads.filter(({ task }) => !tasks.has(task))).toEqual([]);
    // Those of processes that have ended and are not yet forgotten come on top.
    expect(tasks.size - threads.length).toBeLessThan(12);
    const files = allocated("filp");
    const open = listFiles(guest.kernel, gaps, []).rows.filter(({ file }) => file !== null);
    expect(open.filter(({ file }) => !files.has(file!))).toEqual([]);
    expect(open.length).toBeGreaterThan(50);
  });

  check("kmem -a is /proc/vmallocinfo", (gaps) => {
    const ours = new Map<string, number>();
    for (const row of listVmalloc(guest.kernel, gaps).rows) {
      const facts = [
        ...(row.pages === 0 ? [] : [`pages=${row.pages}`]),
        ...(row.physical === null ? [] : [`phys=0x${row.physical.slice(2).padStart(16, "0")}`]),
        ...(row.kinds ?? []),
      ];
      const key = `${row.size} ${row.caller} ${facts.join(" ")}`;
      ours.set(key, (ours.get(key) ?? 0) + 1);
    }
    let compared = 0;
    for (const line of said("vmallocinfo")) {
      // The addresses there are hashed. Stacks of processes come and go; the other areas stay.
      const match = /^0x\w+-0x\w+ +(\d+) (\w+\+0x\w+)\/0x\w+ (.*)$/.exec(line);
      if (match === null || /dup_task|copy_process|alloc_thread_stack|kernel_clone/.test(line)) continue;
      const rest = match[3]!
        .replace(/ (N\d+=\d+|vpages)/g, "")
        .replace(/\[.*?\] ?/, "")
        .trim();
      const key = `${match[1]} ${match[2]} ${rest}`;
      expect(ours.get(key) ?? 0, line).toBeGreaterThan(0);
      ours.set(key, ours.get(key)! - 1);
      compared++;
    }
    expect(compared).toBeGreaterThan(10);
  });

  check(
    "swap is /proc/swaps, kmem -H is /sys/kernel/mm/hugepages, kmem -n is /sys/devices/system/node",
    (gaps) => {
      const lines = listSwaps(guest.kernel, gaps).rows.map((row) =>
        [row.name, row.type, row.size! / 1024, row.used! / 1024, row.priority].join(" "),
      );
      expect(lines).toEqual(
        late("swaps")
          .slice(1)
          .map((line) => line.split(/\s+/).join(" ")),
      );
      expect(lines).toHaveLength(2);
      const expected = new Map(
        said("hugepages").map((line) => {
          const [, pool, item, value] = /\/(hugepages-\w+)\/(\w+):(.*)$/.exec(line)!;
          return [`${pool} ${item}`, value];
        }),
      );
      const pools = listHugePages(guest.kernel, gaps).rows;
      for (const { name: pool, total, free, reserved, surplus } of pools) {
        const items = {
          nr_hugepages: total,
          free_hugepages: free,
          resv_hugepages: reserved,
          surplus_hugepages: surplus,
        };
        for (const [item, value] of Object.entries(items))
          expect(String(value), `${pool} ${item}`).toBe(expected.get(`${pool} ${item}`));
      }
      expect(pools.some(({ total, free, size }) => total! > free! && size === 2 ** 21)).toBe(true);
      for (const { node, managed } of listNodes(guest.kernel, gaps).rows) {
        const line = said("node-meminfo").find((each) => each.includes(`Node ${node} MemTotal:`))!;
        expect(managed! * 4).toBe(Number(/(\d+) kB/.exec(line)![1]));
      }
    },
  );

  check("files -p has the pages that mincore(2) says, files -c as many", (gaps) => {
    const resident = Array.from(guest.dump.said("mincore").trim()).flatMap((digit, index) =>
      digit === "1" ? [index] : [],
    );
    const { rows } = listFilePages(guest.kernel, gaps, ["/place/disk/cached"]);
    expect(
      rows.flatMap(({ index, pages }) => Array.from({ length: pages }, (_, offset) => index + offset)),
    ).toEqual(resident);
    const whole = listFilePages(guest.kernel, gaps, ["/place/with space/link"]).rows;
    expect(whole.reduce((sum, { pages }) => sum + pages, 0)).toBe(13);
    const open = listFiles(guest.kernel, gaps, []).rows;
    const cached = (file: string): number | null => open.find((row) => row.path === file)!.cached;
    expect(cached("/place/disk/cached")).toBe(resident.length);
    expect(cached("/place/with space/cached")).toBe(13);
  });

  check("fuser finds who has a file open, mapped, or as a directory", (gaps) => {
    const uses = (target: string): string[] =>
      listFileUsers(guest.kernel, gaps, [target])
        .rows.map((row) => `${row.comm} ${row.uses.join()}`)
        .sort();
    expect(uses("/place/disk/cached")).toEqual(["pages fd 3,mmap", "pages fd 3,mmap", "pages fd 3,mmap"]);
    expect(uses("/place/disk")).toEqual(["pages fd 5"]);
    expect(uses("/place/with space/cached")).toEqual(["pages fd 6", "sleep fd 7"]);
    expect(uses("/place/../place/with space")).toEqual(["sleep cwd"]);
    expect(uses("/place/bound/swapped")).toEqual(uses("/tmp/swapped"));
    expect(uses("/tmp/swapped")).toEqual(["sleep fd 8"]);
    expect(uses("/bin/pages")).toEqual(["pages exe,mmap", "pages exe,mmap", "pages exe,mmap"]);
    expect(listFileUsers(guest.kernel, gaps, ["/place/no such"]).missing).toEqual(["/place/no such"]);
  });

  check("mount has the options of /proc/mounts, and -f the files open there", (gaps) => {
    const rows = listMounts(guest.kernel, gaps, []).rows;
    let whole = 0;
    for (const [index, line] of said("mounts").entries()) {
      const { options, own, directory, type } = rows[index]!;
      const [, place, kind, expected] = line.split(" ");
      expect([directory!.replaceAll(" ", "\\040"), type]).toEqual([place, kind]);
      const common = options!.join(",");
      if (own === null) expect(`${expected},`.startsWith(`${common},`), line).toBe(true);
      else expect([...options!, ...own].join(",")).toBe(expected);
      if (own !== null && own.length > 0) whole++;
    }
    expect(rows).toHaveLength(said("mounts").length);
    expect(whole).toBeGreaterThan(5);
    const open = (place: string): string[] =>
      listMountFiles(guest.kernel, gaps, [place])
        .rows.map((row) => `${row.comm} ${row.use} ${row.path}`)
        .sort();
    expect(open("/place/with space")).toEqual([
      "pages fd /place/with space/cached",
      "sleep cwd /place/with space",
      "sleep fd /place/with space/cached",
    ]);
    expect(open("/place/disk")).toEqual([
      "pages fd /place/disk",
      ...Array.from({ length: 3 }, () => "pages fd /place/disk/cached"),
    ]);
    expect(listMountFiles(guest.kernel, gaps, ["/place"]).missing).toEqual(["/place"]);
  });

  check("vm -p has the pages of /proc/PID/pagemap", (gaps) => {
    const folder = path.join(guest.dump.directory, "said");
    let present = 0;
    let swapped = 0;
    const types = listSwaps(guest.kernel, gaps).rows.map((row) => row.name);
    const found = new Map<string, Map<bigint, string>>();
    for (const file of readdirSync(folder)) {
      const [, pid, start] = /^pagemap-(\d+)-(\w+)$/.exec(file) ?? [];
      if (pid === undefined) continue;
      let pages = found.get(pid);
      if (pages === undefined) {
        found.set(pid, (pages = new Map()));
        for (const row of listAreaPages(guest.kernel, gaps, [pid]).rows) {
          for (let done = 0; done < row.size; done += 4096) {
            const place =
              row.physical === null
                ? row.swap === null
                  ? "swap"
                  : `swap ${row.swap.device} ${row.swap.page}`
                : String(Number(row.physical) + done);
            pages.set(BigInt(row.virtual) + BigInt(done), place);
          }
        }
      }
      const bytes = readFileSync(path.join(folder, file));
      for (let at = 0; at + 8 <= bytes.length; at += 8) {
        const entry = bytes.readBigUInt64LE(at);
        const address = BigInt(`0x${start}`) + BigInt((at / 8) * 4096);
        const ours = pages.get(address);
        const value = entry & ((1n << 55n) - 1n);
        if (entry >> 63n === 1n) {
          expect(ours, `${file} 0x${address.toString(16)}`).toBe(String(value * 4096n));
          present++;
        } else if (((entry >> 62n) & 1n) === 1n) {
          // Where an architecture's releases differ in the bits, only that it is not in memory is known.
          expect(ours, `${file} 0x${address.toString(16)}`).toBe(
            name.endsWith("amd64") ? `swap ${types[Number(value & 31n)]} ${value >> 5n}` : "swap",
          );
          swapped++;
        } else expect(ours, `${file} 0x${address.toString(16)}`).toBeUndefined();
      }
    }
    expect(found.size).toBe(3);
    expect(present).toBeGreaterThan(1000);
    expect(swapped).toBeGreaterThan(3);
  });
});
