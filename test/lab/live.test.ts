/** The running kernel through /proc/kcore: in a guest that carries Node and the built program. */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { runInGuest } from "../guest/guest.ts";
import type { InitramfsEntry } from "../guest/initramfs.ts";
import { emulatorMissing } from "../guest/platform.ts";
import { projectDirectory } from "./commands.ts";
import { kernel, kernelMissing, type KernelName } from "./kernels.ts";

/** Node and the libraries that the loader finds for it, at the same places. */
function nodeEntries(): InitramfsEntry[] {
  const listed = execFileSync("ldd", [process.execPath], { encoding: "utf8" });
  const libraries = [...listed.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map((match) => match[1]!);
  const entry = (file: string, to = file): InitramfsEntry => ({
    path: to.slice(1),
    content: { file },
    executable: true,
  });
  return [entry(process.execPath, "/bin/node"), ...libraries.map((library) => entry(library))];
}

function programEntries(): InitramfsEntry[] {
  const dist = path.join(projectDirectory, "dist");
  const files = readdirSync(dist, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile() && /\.(js|json|cache)$/.test(each.name))
    .map((each) => path.join(each.parentPath, each.name));
  return [
    { path: "dwarfless/package.json", content: { bytes: '{"type":"module"}' } },
    ...files.map((file): InitramfsEntry => ({
      path: `dwarfless/dist/${path.relative(dist, file)}`,
      content: { file },
    })),
  ];
}

const names = ["init_task", "schedule", "linux_banner", "jiffies_64"];

const script = `
run() { node /dwarfless/dist/cli/dwarfless.js "$@"; }
run info /proc/kcore --json >/tmp/info 2>/tmp/errors || note "info failed: $(cat /tmp/errors)"
emit info /tmp/info
run sym /proc/kcore ${names.join(" ")} >/tmp/sym 2>/tmp/errors || note "sym failed: $(cat /tmp/errors)"
emit sym /tmp/sym
sleep 1000 &
printf '%s\\n' init_task.comm 'init_task.pid' 'nr_cpu_ids' | run debug >/tmp/debug 2>/tmp/errors || note "debug failed: $(cat /tmp/errors)"
emit debug /tmp/debug
run eval /proc/kcore saved_command_line '*(struct module *)((char *)modules.next - offsetof(struct module, list))' >/tmp/eval 2>/tmp/errors || note "eval failed: $(cat /tmp/errors)"
emit eval /tmp/eval
grep -E ' (${names.join("|")})$' /proc/kallsyms >/tmp/kallsyms
emit kallsyms /tmp/kallsyms
emit cmdline /proc/cmdline
uname -r >/tmp/release
emit release /tmp/release
`;

// With five levels of page tables, as here, positions in /proc/kcore are beyond 2^53.
test("reads a live 7.2-amd64", async (context) => {
  const name: KernelName = "7.2-amd64";
  const missing = kernelMissing(name) ?? emulatorMissing("amd64");
  if (missing !== undefined) return context.skip(missing);
  const entries = [...nodeEntries(), ...programEntries()];
  const { files, notes } = await runInGuest(kernel(name), entries, script, {
    memory: 1024,
    timeout: 300_000,
  });
  expect(notes).toEqual([]);
  const text = (file: string): string => files.get(file)!.toString("utf8");
  const info = JSON.parse(text("info")) as {
    dump: { format: string };
    kernel: { release: string };
    rung: string;
  };
  expect(info.dump.format).toBe("kcore");
  expect(info.rung).toBe("note");
  expect(info.kernel.release).toBe(text("release").trim());
  const wanted = text("kallsyms")
    .trim()
    .split("\n")
    .map((line) => line.split(" ").slice(0, 3).join(" "));
  const found = text("sym")
    .trim()
    .split("\n")
    .map((line) => line.replace(/\/0x.*$/, ""));
  expect(found.toSorted()).toEqual(wanted.toSorted());
  expect(text("debug").split("\n").slice(0, 2)).toEqual(['(char [16])"swapper/0"', "(pid_t)0"]);
  expect(text("eval")).toContain(`"${text("cmdline").trim()}"`);
});
