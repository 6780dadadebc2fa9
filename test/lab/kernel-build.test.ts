/**
 * A kernel built with `make PAHOLE=dwarfless-pahole`, as upstream does and with all variables in its BTF
 * (scripts/lab/kernel-build.sh, which runs this at its end): both boot, and a dump of the second has the type
 * of every variable in itself. `kernel-own-variables.test.ts` is the short form.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { Btf, BTF_KIND_VAR } from "../../src/btf/index.ts";
import { judge } from "../compare/allowed.ts";
import { compareBtf } from "../compare/compare-btf.ts";
import { buildFact, builtKernel, builtKernelMissing, type BuildName } from "../guest/built-kernel.ts";
import { dumpImage, type GuestDump } from "../guest/dumps.ts";
import { elfSection } from "../guest/elf-section.ts";
import { emulatorMissing } from "../guest/platform.ts";
import { compareVariables, drgnVariables } from "./drgn-variables.ts";
import { ownPahole } from "./kbuild.ts";
import { dwarfless, kernelModules, mustRun, peers, withTemporaryDirectory } from "./lab.ts";
import type { VariableRow } from "./variable-differences.ts";

const missing = builtKernelMissing() ?? peers().reason ?? emulatorMissing("amd64");

describe.skipIf(missing !== undefined)(
  `a kernel of one's own${missing === undefined ? "" : ` (skipped: ${missing})`}`,
  () => {
    test.for(["default", "global_var"])("pahole makes the same of it: %s", async (features) => {
      await withTemporaryDirectory((directory) => {
        const of = builtKernel("default");
        const more = features === "default" ? [] : ["--btf_features=global_var"];
        const words = ["-J", ...buildFact("pahole-flags").split(" "), ...more];
        const encode = (input: string, name: string, base: string[]): [peer: Buffer, own: Buffer] => {
          const [theirs, ours] = [path.join(directory, `${name}.peer`), path.join(directory, `${name}.own`)];
          const peer = peers().pahole([...words, ...base, `--btf_encode_detached=${theirs}`, input]);
          expect([peer.status, peer.stderr]).toEqual([0, ""]);
          mustRun(ownPahole, [...words, ...base, `--btf_encode_detached=${ours}`, input]);
          return [readFileSync(theirs), readFileSync(ours)];
        };
        const [peer, own] = encode(of.vmlinux, "vmlinux", []);
        expect(judge(compareBtf({ bytes: peer }, { bytes: own })).unexplained.slice(0, 20)).toEqual([]);
        const base = path.join(directory, "vmlinux.peer");
        // All of default's is in the other too.
        for (const module of features === "default" ? [] : kernelModules(of)) {
          const [peerSplit, ownSplit] = encode(module.debug, module.name, ["--btf_base", base]);
          const split = compareBtf({ bytes: peerSplit, base: peer }, { bytes: ownSplit, base: peer });
          expect([module.name, ...judge(split).unexplained.slice(0, 20)]).toEqual([module.name]);
        }
      });
    });

    test.for<BuildName>(["default", "all-variables"])("%s: boots with our BTF, modules too", async (name) => {
      await withTemporaryDirectory(async (directory) => {
        const of = builtKernel(name);
        const dump = await boot(name, directory);
        const published = new Map(
          [...dump.said("btf-digests").matchAll(/^(\w+) {2}(\S+)$/gm)].map((match) => [match[2]!, match[1]!]),
        );
        expect(published.get("vmlinux")).toBe(digest(elfSection(of.vmlinux, ".BTF")!));
        const loaded = dump.said("modules").trim().split("\n");
        expect(loaded.length).toBeGreaterThan(3);
        const files = new Map(kernelModules(of).map((module) => [module.name, module.shipped]));
        for (const line of loaded) {
          const module = line.split(" ")[0]!;
          expect([module, published.get(module)]).toEqual([
            module,
            digest(elfSection(files.get(module)!, ".BTF")!),
          ]);
        }
        expect(dump.said("dmesg")).not.toMatch(/BPF: |Cannot find|failed to validate/);
        const check = dwarfless(["btf", "check", of.vmlinux, "--kernel", "7.2", "--load"]);
        expect([check.status, check.stderr]).toEqual([0, ""]);
      });
    });

    test("a dump of the second has every variable's type in itself", async () => {
      await withTemporaryDirectory(async (directory) => {
        const of = builtKernel("all-variables");
        const dump = await boot("all-variables", directory);
        const kallsyms = dump.said("kallsyms");
        // No sidecar of this user's is found.
        const environment = { DWARFLESS_STORE: path.join(directory, "none"), DEBUGINFOD_URLS: "" };
        const listed = dwarfless(["vars", dump.file("elf"), "--json"], { environment });
        expect(listed.stderr).toBe("");
        const { variables } = JSON.parse(listed.stdout.toString("utf8")) as { variables: VariableRow[] };
        const kernelBtf = Btf.parse(elfSection(of.vmlinux, ".BTF")!);
        const ours = variables.filter((row) => row.module === null && row.source === "btf");
        const subject = { dump: dump.file("elf"), vmlinux: of.vmlinux, directory };
        const theirs = drgnVariables(subject, kallsyms, ours);
        const { equal, reasons, unexplained } = compareVariables(theirs, ours, kallsyms);
        console.log(
          `${of.release}: ${variableNames(kernelBtf).length} described, ${ours.length} placed, ` +
            `${equal} of ${theirs.length} as drgn's, ${JSON.stringify(reasons)}`,
        );
        expect(unexplained.slice(0, 20)).toEqual([]);
        const options = dwarfless(["sys", dump.file("elf"), "-c"], { environment });
        expect([options.status, options.stderr]).toEqual([0, ""]);
        const isOption = /^(CONFIG_\w+=|# CONFIG_\w+ is not set)/;
        expect(options.stdout.toString("utf8").trim().split("\n")).toEqual(
          dump
            .said("config")
            .split("\n")
            .filter((line) => isOption.test(line)),
        );
        // What is described and has no place has no symbol of its name: strings (`__func__`) in the pool of strings.
        const named = new Set(ours.map((row) => row.name));
        const placeless = variableNames(kernelBtf).filter((own) => !named.has(own));
        const symbols = new Set([...kallsyms.matchAll(/^\S+ \S (\S+)$/gm)].map((match) => match[1]!));
        expect(placeless.filter((own) => symbols.has(own))).toEqual([]);
        expect(placeless.length).toBeLessThan(ours.length / 1000);
        expect(equal).toBeGreaterThan(5000);
        // Of modules, what has a symbol: the rest went with their init sections.
        let ofModules = 0;
        for (const module of kernelModules(of)) {
          const split = Btf.parse(elfSection(module.shipped, ".BTF")!, { base: kernelBtf });
          const described = new Set(variableNames(split));
          const lines = kallsyms.matchAll(new RegExp(`^(\\S+) \\S (\\S+)\\s+\\[${module.name}\\]$`, "gm"));
          const rows = variables.filter((row) => row.module === module.name);
          for (const [, address, symbol] of lines) {
            if (!described.has(symbol!)) continue;
            const found = rows.some(
              (row) => row.name === symbol && BigInt(row.address) === BigInt(`0x${address}`),
            );
            expect([module.name, symbol, found]).toEqual([module.name, symbol, true]);
            ofModules++;
          }
        }
        console.log(`${ofModules} variables of loaded modules`);
        expect(ofModules).toBeGreaterThan(100);
      });
    });
  },
);

/** Boot and dump one of the two into a folder of `directory`. */
async function boot(name: BuildName, directory: string): Promise<GuestDump> {
  const output = path.join(directory, name);
  mkdirSync(output);
  return await dumpImage(
    builtKernel(name),
    "cd /sys/kernel/btf; sha256sum * >/oracle/btf-digests; cd /; zcat /proc/config.gz >/oracle/config",
    output,
  );
}

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function variableNames(btf: Btf): string[] {
  const names: string[] = [];
  for (let id = btf.startId; id < btf.typeCount; id++) {
    if (btf.kind(id) === BTF_KIND_VAR) names.push(btf.name(id));
  }
  return names;
}
