/**
 * Variables of loaded modules, with sidecars of the modules: drgn, with the modules' DWARF, knows no
 * other, at no other address, of no other size or type. And where the kernel says that sections are.
 */
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, type TestContext } from "vitest";
import { dumpMissing, guestDump, type GuestDump } from "../guest/dumps.ts";
import { dumpKernelNames, dwarfless, kernel, kernelModules, peers } from "./lab.ts";
import { explainVariable, type PeerVariable, type VariableRow } from "./variable-differences.ts";

/** Of those that the guest has: with variables of all kinds. */
const modules = ["binfmt_misc", "bridge", "dm_mod", "fat", "loop", "nf_conntrack", "virtio_blk", "x_tables"];

describe.each(dumpKernelNames)("variables of modules of %s", (name) => {
  const missing = dumpMissing(name);
  const directory = mkdtempSync(path.join(tmpdir(), "dwarfless-modules-"));
  const file = (entry: string): string => path.join(directory, entry);
  const environment = { DWARFLESS_STORE: file("store") };
  let dump: GuestDump;
  /** Modules with DWARF. */
  let files: string[];
  let ours: VariableRow[];

  beforeAll(async () => {
    if (missing !== undefined) return;
    dump = await guestDump(name, "idle");
    files = kernelModules(kernel(name))
      .filter((module) => modules.includes(module.name))
      .map(({ debug }) => debug);
    must(["store", "add", ...files, "--base", kernel(name).vmlinux]);
    ours = modulesOf(["vars", dump.file("elf")]);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test("are drgn's, by name, address, size and type", (context) => {
    skipWithout(context, missing ?? peers().reason);
    const symbols = dump.said("kallsyms").matchAll(/^\S+ [abdrvw] (\S+)\t\[/gim);
    const names = new Set([...[...symbols].map((match) => match[1]!), ...ours.map((row) => row.name)]);
    const inModules = new Set(
      [...dump.said("kallsyms").matchAll(/^(\S+) \S \S+\t\[/gm)].map(([, at]) => `0x${at}`),
    );
    const byName = new Map<string, VariableRow[]>();
    for (const row of ours) {
      const same = byName.get(row.name) ?? [];
      byName.set(row.name, [...same, { ...row, type: multiplied(row.type) }]);
    }
    let equal = 0;
    const unexplained: string[] = [];
    for (const peer of drgn([...names])) {
      // Of several variables of a name drgn may take the kernel's.
      if (peer.address !== null && !inModules.has(`0x${BigInt(peer.address).toString(16)}`)) continue;
      const reason = explainVariable(
        { ...peer, type: multiplied(peer.type) },
        byName.get(peer.name) ?? [],
        () => [],
      );
      if (reason === "equal") equal++;
      else if (reason === undefined) unexplained.push(JSON.stringify([peer, byName.get(peer.name)]));
    }
    console.log(`${name}: ${ours.length} variables of ${files.length} modules, ${equal} equal drgn's`);
    expect(unexplained.slice(0, 20)).toEqual([]);
    expect(equal).toBeGreaterThan(250);
  });

  test("lie in sections where the kernel says that those are", (context) => {
    skipWithout(context, missing);
    const sections = new Map<string, Map<string, bigint>>();
    for (const [, module, section, address] of dump
      .said("module-sections")
      .matchAll(/^\/sys\/module\/([^/]+)\/sections\/([^:]+):(0x[0-9a-f]+)$/gm)) {
      const own = sections.get(module!) ?? new Map<string, bigint>();
      sections.set(module!, own.set(section!.replace(/[^A-Za-z0-9_.]/g, "_"), BigInt(address!)));
    }
    const wrong = ours.filter(({ module, section, address, size, perCpu }) => {
      if (perCpu) return false;
      const own = sections.get(module!);
      const start = own?.get(section ?? "");
      if (own === undefined || start === undefined || BigInt(address) < start) return true;
      return [...own.values()].some((at) => at > start && at < BigInt(address) + BigInt(size));
    });
    expect(wrong.slice(0, 10)).toEqual([]);
    expect(ours.length).toBeGreaterThan(400);
    expect(new Set(ours.map(({ module }) => module)).size).toBeGreaterThanOrEqual(modules.length);
  });

  // What does not depend on the kernel: once.
  const testOnce = name === dumpKernelNames[0] ? test : (): void => {};

  testOnce("are the same from one file with all of them, and absent without", (context) => {
    skipWithout(context, missing);
    const folder = mkdtempSync(file("ko-"));
    for (const each of files) symlinkSync(each, path.join(folder, path.basename(each)));
    must(["store", "add", kernel(name).vmlinux, "--modules", folder, "--store", file("all")]);
    const options = ["--sidecar", file("all")];
    expect(modulesOf(["vars", dump.file("elf"), ...options])).toEqual(ours);
    const { stdout } = must(["eval", dump.file("elf"), "max_loop", ...options]);
    expect(stdout.toString()).toBe("(int)8\n");
    expect(modulesOf(["vars", dump.file("elf"), "--sidecar", "none"]).length).toBeLessThan(50);
  });

  testOnce("of another build of a module are named and not used", (context) => {
    skipWithout(context, missing);
    const loop = ours.find(({ module }) => module === "loop")!;
    const list = JSON.parse(must(["store", "list", "--json"]).stdout.toString()) as {
      sidecars: { path: string; modules: { name: string }[] }[];
    };
    const { path: stored } = list.sidecars.find(({ modules }) => modules[0]!.name === "loop")!;
    const bytes = readFileSync(stored);
    bytes[bytes.length - 20]! ^= 1;
    writeFileSync(stored, bytes);
    const { stdout, stderr } = must(["vars", dump.file("elf"), "max_loop", "--json"], [1]);
    expect(stdout.toString()).toBe("");
    expect(stderr).toMatch(
      /^dwarfless: \S+: damaged sidecar: [^\n]*: not used\ndwarfless: [^\n]*no variable|unknown/,
    );
    expect(modulesOf(["vars", dump.file("elf")]).length).toBeLessThan(ours.length);
    expect(loop.source).toBe("sidecar");
  });

  function modulesOf(argv: readonly string[]): VariableRow[] {
    const { variables } = JSON.parse(must([...argv, "--json"]).stdout.toString()) as {
      variables: VariableRow[];
    };
    return variables.filter(({ module }) => module !== null);
  }

  function must(
    argv: readonly string[],
    allowed: readonly number[] = [0],
  ): { stdout: Buffer; stderr: string } {
    const result = dwarfless(argv, { environment });
    if (!allowed.includes(result.status))
      throw new Error(`${argv.join(" ")}: exit ${result.status}: ${result.stderr}`);
    return result;
  }

  function drgn(names: readonly string[]): PeerVariable[] {
    writeFileSync(file("names"), names.join("\n"));
    const script = path.join(import.meta.dirname, "drgn-variables.py");
    const debug = [kernel(name).vmlinux, ...files].flatMap((each) => ["-s", each]);
    const argv = ["-c", dump.file("elf"), ...debug, "-q", script, "list", file("names"), file("rows")];
    const result = peers().drgn(argv);
    if (result.status !== 0) throw new Error(`drgn: ${result.stderr}`);
    const lines = readFileSync(file("rows"), "utf8").trimEnd().split("\n");
    return lines.map((line) => {
      const [own, address, size, type] = JSON.parse(line) as [string, string | null, number | null, string];
      return { name: own, address, size, type };
    });
  }

  function skipWithout(context: TestContext, reason: string | undefined): void {
    context.skip(reason !== undefined, reason);
  }
});

/** Dimensions of an array as one: older kernels' own BTF has them so, and what is split from it follows. */
function multiplied(type: string): string {
  return type.replace(
    /(?:\[\d+\])+/,
    (all) => `[${[...all.matchAll(/\d+/g)].reduce((product, [n]) => product * Number(n), 1)}]`,
  );
}
