/**
 * What the commands print, field by field against drgn 0.3 and, of the kernels that it opens (6.1, 6.12 on amd64), crash 9: one
 * session of each a dump. Whatever differs has to be explained below; docs/peers.md has the same table.
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { Kernel } from "../../src/kernel/index.ts";
import { Gaps } from "../../src/linux/index.ts";
import { dumpMissing, guestDump } from "../guest/dumps.ts";
import { crashFacts, crashQuestions } from "./crash-facts.ts";
import { type KernelName, kernel as kernelOf, peers, withTemporaryDirectory } from "./lab.ts";
import { type Facts, ownFacts } from "./own-facts.ts";

interface Difference {
  /** Peer, section, key and field, with spaces between them. */
  where: string;
  /** Undefined where there is no such row or field. */
  ours: string | undefined;
  theirs: string | undefined;
}

interface Explanation {
  where: RegExp;
  fits(ours: string | undefined, theirs: string | undefined): boolean;
  why: string;
}

const absentThere = (_ours: string | undefined, theirs: string | undefined): boolean => theirs === undefined;

const explanations: readonly Explanation[] = [
  {
    where: /^crash ps \w+ ppid$/,
    fits: (ours, theirs) => ours === "1" && theirs === "0",
    why: "idle tasks of the other CPUs were forked by process 1, which crash does not show",
  },
  {
    where: /^(crash|drgn) files \d+ \d+ path$/,
    fits: (ours, theirs) => /^(?:socket|pipe|anon_inode):/.test(ours!) && !theirs!.startsWith("/"),
    why: "what has no path: the names of /proc/PID/fd here, those of its file system or protocol there",
  },
  {
    where: /^(crash|drgn) files \d+ \d+ path$/,
    fits: (ours, theirs) => ours === `${theirs} (deleted)`,
    why: "a file that was deleted is marked so here, as in /proc/PID/fd",
  },
  {
    where: /^crash files \d+ \d+ type$/,
    fits: (ours, theirs) => ["pipe fifo", "anonymous UNKN"].includes(`${ours} ${theirs}`),
    why: "pipes and anonymous inodes are kinds of their own here",
  },
  {
    where: /^(crash|drgn) (?:files \d+ \d+ path|vm \d+ \w+ name)$/,
    fits: (ours, theirs) => ours === "/memfd:shared (deleted)" && /^memfd:shared$|^\[tmpfs\]$/.test(theirs!),
    why: "memory of memfd_create, named here as in /proc/PID/maps",
  },
  {
    where: /^drgn log \d+ line$/,
    fits: (ours, theirs) => ours!.replace(/^\[ *[\d.]+\] /, "") === theirs,
    why: "further lines of one record have its time here, as dmesg prints them",
  },
  {
    where: /^crash log \d+ line$/,
    fits: (ours, theirs) => ours!.replace(/^\[ *[\d.]+\] +/, "") === theirs!.trimStart(),
    why: "further lines of one record have its time here, as dmesg prints them; blanks there",
  },
  {
    where: /^drgn mount \w+$/,
    fits: (ours, theirs) => ours === undefined && theirs!.includes('"type":"nullfs"'),
    why: "the root of all mounts of 7.2, which no process sees: not in /proc/mounts",
  },
  {
    where: /^crash kmem Committed_AS pages$/,
    fits: (ours, theirs) => Number(theirs) < Number(ours),
    why: "crash leaves out what the CPUs have not added to the sum yet",
  },
  {
    where: /^(?:crash|drgn) kmem /,
    fits: absentThere,
    why: "items of /proc/meminfo that the peer does not sum up",
  },
  {
    where: /^crash sys machine memory$/,
    fits: (ours, theirs) =>
      Number(ours) < Number.parseFloat(theirs!) * 2 ** 20 && Number(ours) > 200 * 2 ** 20,
    why: "MemTotal here; all of RAM there, with what the kernel kept for itself at boot",
  },
  {
    where: /^crash sys machine uptime$/,
    fits: (ours, theirs) => Number(theirs) > Number(ours),
    why: "crash counts ticks, which begin before zero on kernels that are younger than it",
  },
  {
    where: /^crash timer \w+$/,
    fits: absentThere,
    why: "crash knows two timer wheels a CPU; since 6.10 there are three",
  },
  {
    where: /^crash disk loop\d$/,
    fits: absentThere,
    why: "crash leaves out disks without a request queue of their own",
  },
  {
    where: /^crash socket \w+$/,
    fits: absentThere,
    why: "sockets without a descriptor: not accepted yet, waiting for their end, the kernel's own",
  },
  {
    where: /^crash bt \w+ frames$/,
    fits: (ours) => ours === "",
    why: "it ran in user mode; what crash finds on its stack was left there earlier",
  },
  {
    where: /^crash bt \w+ frames$/,
    fits: (ours, theirs) =>
      theirs !== "" && ours!.replace(/\.(?:isra|part|constprop|cold)\.\d+/g, "").endsWith(theirs!),
    why: "crash takes suffixes of the compiler from names, and leaves out a function that has no frame yet",
  },
  {
    where: /^crash sym /,
    fits: (ours) => ours === undefined,
    why: "crash takes suffixes of the compiler from names",
  },
];

const used = new Set<Explanation>();
const tools = peers();
const names: readonly KernelName[] = ["6.1-amd64", "6.12-amd64", "6.12-arm64", "7.2-amd64"];
/** Those that crash 9.0 opens: not 7.2, and of arm64 only one built for it. */
const ofCrash: readonly KernelName[] = ["6.1-amd64", "6.12-amd64"];
const missing = names.map(dumpMissing).find((reason) => reason !== undefined) ?? tools.reason;

describe.each(names)("%s", (name) => {
  const reason = dumpMissing(name) ?? tools.reason;

  test("what differs from drgn and crash is explained", async (context) => {
    context.skip(reason !== undefined, reason);
    const dump = await guestDump(name, "idle");
    const file = dump.file("elf");
    const kernel = await Kernel.open([file], { sidecar: "none" });
    try {
      const gaps = new Gaps();
      const own = ownFacts(kernel, gaps);
      expect(gaps.diagnostics).toEqual([]);
      const { vmlinux } = kernelOf(name);
      const drgn = await askDrgn(file, vmlinux);
      // The ELF file has more: names of files, local labels, tables of exports. The guest's own list decides.
      const listed = new Set(
        Array.from(dump.said("kallsyms").matchAll(/^\w+ . (\S+)/gm), ([, each]) => each!),
      );
      drgn["sym"] = Object.fromEntries(Object.entries(drgn["sym"]!).filter(([each]) => listed.has(each)));
      const others: [peer: string, facts: Facts][] = [["drgn", drgn]];
      if (ofCrash.includes(name)) others.push(["crash", await askCrash(file, vmlinux)]);
      for (const [peer, facts] of others) {
        const { differences, same } = compare(peer, own, facts);
        const unexplained = differences.filter((each) => !isExplained(each));
        expect(unexplained.map(({ where, ours, theirs }) => `${where}: ${ours}, not ${theirs}`)).toEqual([]);
        console.log(`${name} ${peer}: ${same} fields agree, ${differences.length} differ`);
        expect(same).toBeGreaterThan(2000);
      }
    } finally {
      kernel.close();
    }
  });
});

test("every explanation is of a difference that there is", (context) => {
  context.skip(missing !== undefined, missing);
  expect(explanations.filter((each) => !used.has(each)).map(({ why }) => why)).toEqual([]);
});

function isExplained({ where, ours, theirs }: Difference): boolean {
  const explanation = explanations.find((each) => each.where.test(where) && each.fits(ours, theirs));
  if (explanation !== undefined) used.add(explanation);
  return explanation !== undefined;
}

/** Every field that the peer has, and every row of its sections that only one of the two has. */
function compare(peer: string, own: Facts, others: Facts): { differences: Difference[]; same: number } {
  const differences: Difference[] = [];
  let same = 0;
  for (const [section, rows] of Object.entries(others)) {
    const ours = own[section] ?? {};
    for (const key of new Set([...Object.keys(rows), ...Object.keys(ours)])) {
      const where = `${peer} ${section} ${key}`;
      const row = rows[key];
      if (row === undefined || ours[key] === undefined) {
        // Of symbols the peers are asked for some.
        if (row === undefined && section.startsWith("sym")) continue;
        const text = (fields: object | undefined): string | undefined => fields && JSON.stringify(fields);
        differences.push({ where, ours: text(ours[key]), theirs: text(row) });
        continue;
      }
      for (const [field, theirs] of Object.entries(row)) {
        if (ours[key][field] === theirs) same++;
        else differences.push({ where: `${where} ${field}`, ours: ours[key][field], theirs });
      }
    }
  }
  return { differences, same };
}

function askDrgn(dump: string, vmlinux: string): Promise<Facts> {
  return withTemporaryDirectory((directory) => {
    const out = path.join(directory, "facts.json");
    const script = path.join(import.meta.dirname, "drgn-facts.py");
    tools.drgn(["-q", "-c", dump, "-s", vmlinux, script, out]);
    return JSON.parse(readFileSync(out, "utf8")) as Facts;
  });
}

function askCrash(dump: string, vmlinux: string): Promise<Facts> {
  return withTemporaryDirectory((directory) => {
    const file = path.join(directory, "questions");
    writeFileSync(file, crashQuestions());
    const { stdout } = tools.program("crash", ["-s", "-i", file, vmlinux, dump]);
    return crashFacts(stdout.toString("latin1"));
  });
}
