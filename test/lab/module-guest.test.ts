/**
 * The extra module in real kernels: loaded, published byte for byte, unloaded without a trace, refused
 * by another kernel; and what a dump of such a kernel then says of its variables with no file given.
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test, type TestContext } from "vitest";
import { Btf, BTF_KIND_DATASEC, BTF_KIND_VAR, BtfBuilder } from "../../src/btf/index.ts";
import { emptyDisk, unpackOracle } from "../guest/disk.ts";
import { dumpMissing } from "../guest/dumps.ts";
import { elfSection } from "../guest/elf-section.ts";
import { architectureOf } from "../guest/guest.ts";
import { RunningMachine } from "../guest/machine.ts";
import { programTree } from "../guest/program-tree.ts";
import { readyText, writeWitness } from "../guest/witness.ts";
import {
  dumpKernelNames,
  dwarfless,
  type Kernel,
  kernel,
  type KernelName,
  peers,
  withTemporaryDirectory,
} from "./lab.ts";

/** What one guest, and one dump of it, said. */
interface Findings {
  /** Of `dwarfless module --json`. */
  written: { name: string; kernel: string; buildId: string; variables: number; byteSize: number };
  /** Of the BTF in the module. */
  digest: string;
  /** Lines that the guest wrote down. */
  steps: string[];
  /** Of `modinfo`, before it is loaded. */
  information: string;
  /** What bpftool read while it was loaded; undefined where there is none for that processor. */
  bpftoolSaid: string | undefined;
  log: string;
  printk: string;
  /** Of `vars --json`. */
  variables: { name: string; type: string; source: string; module: string | null }[];
  /** Of `eval`. */
  values: string[];
  /** Lines of `bpftool btf dump`; undefined without it. */
  dumped: string | undefined;
  kernelBtf: Btf;
  split: Buffer;
}

const expressions = ["console_printk", "init_uts_ns.name.nodename", "panic_timeout", "slab_caches.next != 0"];

describe.each(dumpKernelNames)("%s", (name) => {
  let findings: Promise<Findings> | undefined;
  const ask = (context: TestContext): Promise<Findings> => {
    const missing = dumpMissing(name) ?? dumpMissing(otherKernel(name));
    if (missing !== undefined) context.skip(missing);
    return (findings ??= examine(kernel(name)));
  };

  test("takes the module, publishes its bytes, and forgets it", async (context) => {
    const { written, digest, steps } = await ask(context);
    expect(written).toMatchObject({ name: "vmlinux_vars", kernel: kernel(name).release });
    expect(written.variables).toBeGreaterThan(20_000);
    expect(steps).toEqual([
      "insmod 0",
      `published ${digest}`,
      "rmmod 0",
      "left 0 0 0",
      "refused 1 0",
      "again 0",
    ]);
  });

  test("says of it only that it is out of tree and unsigned", async (context) => {
    const { log } = await ask(context);
    const about = log.split("\n").filter((line) => line.includes("vmlinux_vars"));
    expect(about.length).toBeGreaterThan(0);
    for (const line of about)
      expect(line).toMatch(/out-of-tree module taints|signature and\/or required key/);
    expect(
      log.split("\n").filter((line) => /BPF:|failed to validate module \[vmlinux_vars/.test(line)),
    ).toEqual([]);
  });

  test("repeats no named type of the kernel", async (context) => {
    const { split, kernelBtf } = await ask(context);
    const btf = Btf.parse(split, { base: kernelBtf });
    const own: number[] = [];
    for (let id = btf.startId; id < btf.typeCount; id++) {
      if (btf.kind(id) !== BTF_KIND_VAR && btf.kind(id) !== BTF_KIND_DATASEC) own.push(id);
    }
    // Arrays that only the size of a symbol closes, and what few such the base cannot have.
    expect(own.map((id) => btf.name(id)).join("")).toBe("");
    expect(own.length).toBeLessThan(20);
  });

  test("bpftool reads what was published", async (context) => {
    const { dumped, written } = await ask(context);
    if (dumped === undefined) return context.skip(peers().reason ?? "no bpftool");
    expect(dumped.split("\n").filter((line) => / VAR '/.test(line)).length).toBe(written.variables);
    expect(dumped).toMatch(/VAR 'console_printk' type_id=\d+, linkage=global/);
  });

  test("modinfo in the guest shows kernel, build id and the number of variables", async (context) => {
    const { written, information } = await ask(context);
    const facts = new Map(information.split("\n").map((line) => line.split(/:\s+/) as [string, string]));
    const { kernel: release, buildId, variables } = written;
    expect(Object.fromEntries(facts)).toMatchObject({
      kernel: release,
      build_id: buildId,
      variables: String(variables),
      description: `BTF of ${variables} variables of Linux ${release}`,
    });
  });

  test("bpftool in the guest reads it from /sys/kernel/btf", async (context) => {
    const { written, bpftoolSaid } = await ask(context);
    if (bpftoolSaid === undefined) return context.skip(peers().reason ?? "bpftool is fetched for amd64 only");
    const [variable, count, ...errors] = bpftoolSaid.trim().split("\n");
    expect(variable).toMatch(/^\[\d+\] VAR 'console_printk' type_id=\d+, linkage=global$/);
    expect([count, ...errors]).toEqual([String(written.variables)]);
  });

  test("a dump then has all variables, with no file given", async (context) => {
    const { variables, values, printk } = await ask(context);
    const fromModule = variables.filter(({ source }) => source === "module");
    expect(fromModule.length).toBeGreaterThan(12_000);
    const found = variables.find((variable) => variable.name === "console_printk")!;
    expect(found).toMatchObject({ type: "int [4]", source: "module" });
    expect(values[0]!.match(/\d+/g)!.slice(-4)).toEqual(printk.trim().split(/\s+/));
    expect(values[1]).toContain("dwarfless-guest");
    expect(values[3]).toMatch(/true|1/);
  });
});

/** A kernel of the same architecture where there is one: its module is refused for what it says, not for its machine. */
function otherKernel(name: Kernel["name"]): KernelName {
  return name === "6.1-amd64" ? "6.12-amd64" : "6.1-amd64";
}

function examine(of: Kernel): Promise<Findings> {
  return withTemporaryDirectory(async (directory) => {
    const module = path.join(directory, "vmlinux_vars.ko");
    const other = path.join(directory, "other.ko");
    const written = JSON.parse(must(["module", of.vmlinux, "-o", module, "--json"])) as Findings["written"];
    const split = elfSection(module, ".BTF")!;
    const kernelBtf = Btf.parse(elfSection(of.vmlinux, ".BTF")!);
    writeOther(kernel(otherKernel(of.name)), directory, other);

    const hasBpftool = architectureOf(of) === "amd64" && peers().available;
    const disk = emptyDisk(directory, "oracle", 64);
    const machine = await RunningMachine.start({
      architecture: architectureOf(of),
      vmlinuz: of.vmlinuz,
      initramfs: writeWitness(of, directory, {
        ending: "idle",
        vmcoreinfo: true,
        prepare,
        files: [
          { path: "vmlinux_vars.ko", content: { file: module } },
          { path: "other.ko", content: { file: other } },
          ...(hasBpftool ? programTree(peers().root, "bpftool") : []),
        ],
      }),
      directory,
      memory: 256,
      disks: [disk],
      commandLine: "panic=0",
    });
    const dump = path.join(directory, "memory.elf");
    try {
      await machine.waitFor(readyText, 240_000);
      await machine.command("stop");
      await machine.dump(dump, "elf");
    } finally {
      await machine.stop();
    }
    unpackOracle(disk, directory);
    const said = (name: string): string => readFileSync(path.join(directory, "said", name), "utf8");
    const rows = JSON.parse(must(["vars", dump, "--json"])) as { variables: Findings["variables"] };
    const { values } = JSON.parse(must(["eval", dump, ...expressions, "--json"])) as {
      values: { text: string }[];
    };
    return {
      written,
      digest: createHash("sha256").update(split).digest("hex"),
      steps: said("vars-steps").trim().split("\n"),
      information: said("modinfo"),
      bpftoolSaid: hasBpftool ? said("bpftool") : undefined,
      log: said("dmesg"),
      printk: said("printk"),
      variables: rows.variables,
      values: values.map(({ text }) => text),
      dumped: bpftoolDump(of, split, directory),
      kernelBtf,
      split,
    };
  });
}

/** In the guest, before it is dumped. */
const prepare = `
steps=/oracle/vars-steps
count() { grep -c $1 $2; }
modules=/lib/modules/$(uname -r)
mkdir -p $modules
ln -s /vmlinux_vars.ko $modules/vmlinux_vars.ko
echo vmlinux_vars.ko: >$modules/modules.dep
for key in kernel build_id variables description; do echo "$key: $(modinfo -F $key vmlinux_vars)"; done >/oracle/modinfo
insmod /vmlinux_vars.ko; echo insmod $? >$steps
echo published $(sha256sum </sys/kernel/btf/vmlinux_vars | cut -d ' ' -f 1) >>$steps
[ -x /bin/bpftool ] && bpftool -B /sys/kernel/btf/vmlinux btf dump file /sys/kernel/btf/vmlinux_vars 2>&1 |
  awk "/ VAR '/ { n++ } / VAR 'console_printk'|^[^\\[\t]/ { print } END { print n }" >/oracle/bpftool
rmmod vmlinux_vars; echo rmmod $? >>$steps
echo left $(count vmlinux_vars /proc/modules) $(ls /sys/kernel/btf | grep -c vmlinux_vars) $(ls /sys/module | grep -c vmlinux_vars) >>$steps
insmod /other.ko 2>/dev/null; refused=$?
echo refused $((refused != 0)) $(count other_vars /proc/modules) >>$steps
insmod /vmlinux_vars.ko; echo again $? >>$steps
cat /proc/sys/kernel/printk >/oracle/printk
`;

/** A module for another kernel, with one variable. */
function writeOther(of: Kernel, directory: string, output: string): void {
  const base = Btf.parse(elfSection(of.vmlinux, ".BTF")!);
  const builder = new BtfBuilder({ base });
  const variable = builder.addVar("some_variable", integerOf(base));
  builder.addDatasec(".data", 4, [{ type: variable, offset: 0, byteSize: 4 }]);
  const vars = path.join(directory, "other.btf");
  writeFileSync(vars, builder.finish());
  must(["module", of.vmlinux, "--vars", vars, "--name", "other_vars", "-o", output]);
}

function integerOf(btf: Btf): number {
  for (let id = 1; id < btf.typeCount; id++) if (btf.kind(id) === 1 && btf.name(id) === "int") return id;
  throw new Error("no int");
}

function bpftoolDump(of: Kernel, split: Buffer, directory: string): string | undefined {
  if (!peers().available) return undefined;
  const file = path.join(directory, "split.btf");
  writeFileSync(file, split);
  const result = peers().bpftool(["-B", of.vmlinux, "btf", "dump", "file", file]);
  if (result.status !== 0) throw new Error(`bpftool: ${result.stderr}`);
  return result.stdout.toString("utf8");
}

function must(argv: readonly string[]): string {
  const result = dwarfless(argv);
  if (result.status !== 0) throw new Error(`${argv.join(" ")}: exit ${result.status}: ${result.stderr}`);
  return result.stdout.toString("utf8");
}
