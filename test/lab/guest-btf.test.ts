/** Real kernels judge our BTF: through bpf(2), and as BTF of a module they load. */
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test, type TestContext } from "vitest";
import { compileLoader, parseVerdicts, type Verdict } from "../guest/btfload.ts";
import { compilerMissing } from "../guest/compile.ts";
import { elfSection, plainModule } from "../guest/elf-section.ts";
import { architectureOf, type GuestResult, runInGuest } from "../guest/guest.ts";
import type { InitramfsEntry } from "../guest/initramfs.ts";
import { emulatorMissing } from "../guest/platform.ts";
import { replaceSections } from "../../src/elf/index.ts";
import { ownVmlinux, peerVmlinux } from "./encoding.ts";
import {
  dwarfless,
  type Kernel,
  kernel,
  kernelMissing,
  kernelModules,
  kernelNames,
  peers,
  withTemporaryDirectory,
} from "./lab.ts";

/** In every one of the kernels, without dependencies, with global variables of their own. */
const modules = ["fs/binfmt_misc", "fs/configfs/configfs", "fs/fat/fat"];
const selections = ["percpu", "all"] as const;
/** The module encoded in place, twice; and as the kernel's package ships it, with the second's BTF put in. */
const variants = [...selections, "shipped"] as const;

interface Findings {
  verdicts: Map<string, Verdict>;
  /** `.BTF` sections as written, by `MODULE.VARIANT`. */
  written: Map<string, Buffer>;
  /** The kernel's own BTF in the file it was encoded over. */
  shipped: Buffer;
  guest: GuestResult;
}

describe.each(kernelNames)("%s", (name) => {
  let findings: Promise<Findings> | undefined;
  const ask = async (context: TestContext): Promise<Findings> => {
    const missing = kernelMissing(name);
    if (missing !== undefined) context.skip(missing);
    const architecture = architectureOf(kernel(name));
    const reason = emulatorMissing(architecture) ?? compilerMissing(architecture);
    if (reason !== undefined) context.skip(reason);
    return (findings ??= examine(kernel(name)));
  };

  test("takes the BTF of its own vmlinux, by default and with all variables", async (context) => {
    const { verdicts } = await ask(context);
    expect(verdicts.get("ours.percpu")).toEqual({ accepted: true, errno: 0, log: [] });
    expect(verdicts.get("ours.all")).toEqual({ accepted: true, errno: 0, log: [] });
  });

  test("refuses damaged BTF, so its word means something", async (context) => {
    const { verdicts } = await ask(context);
    expect(verdicts.get("damaged")).toMatchObject({ accepted: false, errno: 22 });
  });

  test("refuses pahole's BTF with global variables", async (context) => {
    const { verdicts } = await ask(context);
    const verdict = verdicts.get("peer.all");
    if (verdict === undefined) return context.skip(peers().reason ?? "pahole was not asked");
    const version = peers().pahole(["--version"]).stdout.toString("utf8").trim();
    if (verdict.accepted && version !== "v1.32") context.skip(`pahole ${version} has the fault no more`);
    expect(verdict).toMatchObject({ accepted: false, errno: 22 });
    expect(verdict.log.at(-1)).toMatch(/Invalid offset$/);
  });

  test("has the BTF that the modules were encoded over", async (context) => {
    const { guest, shipped } = await ask(context);
    expect(guest.files.get("vmlinux.compared")?.toString()).toBe("same\n");
    expect(shipped.length).toBeGreaterThan(1_000_000);
  });

  test.for(variants)(
    "loads modules with our BTF and shows it byte for byte: %s",
    async (variant, context) => {
      const { guest, written } = await ask(context);
      for (const module of modules) {
        const key = `${path.basename(module)}.${variant}`;
        expect(guest.notes).toContain(`insmod ${key} 0`);
        // A kernel that dislikes the BTF of a module loads it without: only the file proves it.
        expect(guest.files.get(key)?.equals(written.get(key)!), `/sys/kernel/btf of ${key}`).toBe(true);
      }
    },
  );

  test("says nothing about BTF in its log", async (context) => {
    const { guest } = await ask(context);
    expect(guest.kernelLog).toContain("Linux version");
    expect(guest.kernelLog.split("\n").filter((line) => /BTF|BPF:/.test(line))).toEqual([]);
  });
});

/** Encode everything, boot once, and ask the kernel about all of it. */
function examine(of: Kernel): Promise<Findings> {
  return withTemporaryDirectory(async (directory) => {
    const file = (name: string): string => path.join(directory, name);
    const shipped = elfSection(of.vmlinux, ".BTF");
    if (shipped === undefined) throw new Error(`${of.vmlinux}: no .BTF section`);
    writeFileSync(file("shipped"), shipped);

    const blobs = ["ours.percpu", "ours.all", "damaged"];
    copyFileSync((await ownVmlinux(of, "default")).btf, file("ours.percpu"));
    copyFileSync((await ownVmlinux(of, "global_var")).btf, file("ours.all"));
    writeFileSync(file("damaged"), readFileSync(file("ours.all")).subarray(0, -1));
    if (peers().available) {
      copyFileSync(await peerVmlinux(of, "global_var"), file("peer.all"));
      blobs.push("peer.all");
    }

    const written = new Map<string, Buffer>();
    const shippedModules = new Map(kernelModules(of).map((module) => [module.path, module.shipped]));
    for (const module of modules) {
      const stem = path.basename(module);
      for (const selection of selections) {
        const target = file(`${stem}.${selection}.ko`);
        copyFileSync(path.join(of.debugModules, `${module}.ko`), target);
        encode([target, "--in-place", "--base", file("shipped"), `--vars=${selection}`]);
        written.set(`${stem}.${selection}`, elfSection(target, ".BTF")!);
      }
      const target = file(`${stem}.shipped.ko`);
      const bytes = written.get(`${stem}.all`)!;
      writeFileSync(target, plainModule(shippedModules.get(module)!));
      // Drops the signature as well: a kernel refuses a module whose signature does not fit.
      replaceSections(target, [{ name: ".BTF", bytes }]);
      written.set(`${stem}.shipped`, bytes);
    }

    const loader = compileLoader(architectureOf(of), directory);
    const entries: InitramfsEntry[] = [{ path: "btfload", content: { file: loader }, executable: true }];
    for (const name of [...blobs, "shipped", ...moduleKeys.map((key) => `${key}.ko`)]) {
      entries.push({ path: name, content: { file: file(name) } });
    }
    const guest = await runInGuest(of, entries, guestScript(blobs), { memory: 1536, timeout: 600_000 });
    const verdicts = parseVerdicts(guest.files.get("verdicts")?.toString("utf8") ?? "");
    return { verdicts, written, shipped, guest };
  });
}

const moduleKeys = modules.flatMap((module) =>
  variants.map((variant) => `${path.basename(module)}.${variant}`),
);

function guestScript(blobs: readonly string[]): string {
  return `
/btfload ${blobs.join(" ")} >/tmp/verdicts
emit verdicts /tmp/verdicts
cmp /shipped /sys/kernel/btf/vmlinux >/tmp/compared 2>&1 && echo same >/tmp/compared
emit vmlinux.compared /tmp/compared
for key in ${moduleKeys.join(" ")}; do
  insmod $key.ko
  note insmod $key $?
  emit $key /sys/kernel/btf/\${key%%.*}
  rmmod \${key%%.*}
done
`;
}

function encode(argv: readonly string[]): void {
  const result = dwarfless(["encode", ...argv]);
  if (result.status !== 0)
    throw new Error(`encode ${argv.join(" ")}: exit ${result.status}: ${result.stderr}`);
}
