/**
 * What bpftrace makes of the extra module, in a guest. Its libraries have 270 MB, so it is fetched only when
 * somebody asks: `scripts/lab/bpftrace.sh`. docs/sidecars.md says what came of it.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { dumpMissing } from "../guest/dumps.ts";
import { runInGuest } from "../guest/guest.ts";
import { programTree } from "../guest/program-tree.ts";
import { cacheDirectory, dwarfless, kernel, withTemporaryDirectory } from "./lab.ts";

const root = path.join(cacheDirectory, "bpftrace");
const byAddress = `printf("%s %d\\n", ((struct task_struct *)kaddr("init_task"))->comm, ((int32 *)kaddr("console_printk"))[3])`;

test("bpftrace reads variables by address, with types that are named, and knows no VAR", async (context) => {
  const missing = dumpMissing("6.12-amd64");
  if (missing !== undefined) context.skip(missing);
  if (!existsSync(path.join(root, "complete")))
    context.skip("no bpftrace (scripts/lab/bpftrace.sh fetches it)");
  const of = kernel("6.12-amd64");
  await withTemporaryDirectory(async (directory) => {
    const module = path.join(directory, "vmlinux_vars.ko");
    const made = dwarfless(["module", of.vmlinux, "-o", module]);
    expect(made.stderr).toBe("");
    const files = [...programTree(root, "bpftrace"), { path: "vmlinux_vars.ko", content: { file: module } }];
    const script = `
export HOME=/tmp
mount -t tracefs tracefs /sys/kernel/tracing
ln -s /proc/self/fd /dev/fd
ask() { bpftrace -e "BEGIN { $2; exit(); }" >/tmp/$1 2>&1; note $1 $?; emit $1 /tmp/$1; }
ask without '${byAddress}'
insmod /vmlinux_vars.ko
note insmod $?
ask with '${byAddress}'
ask bare 'print(console_printk)'
`;
    const { notes, files: said } = await runInGuest(of, files, script, { memory: 2560, timeout: 1_500_000 });
    expect(notes).toEqual(["without 0", "insmod 0", "with 0", "bare 1"]);
    for (const name of ["without", "with"]) expect(said.get(name)?.toString()).toContain("swapper/0 7\n");
    expect(said.get("bare")?.toString()).toContain("Unknown identifier: 'console_printk'");
  });
}, 1_800_000);
