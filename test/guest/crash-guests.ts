/**
 * Guests that come down, each in a way of its own, with the settings by which users make a kernel stop
 * there. `crashGuest("6.1-amd64", "hung-task")` makes one, or finds it in the cache. Names are the test's
 * alone: in the guest everything is called `sample` and has a number.
 */
import { copyFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { isInstalled, mustRun, projectDirectory, run, withTemporaryDirectory } from "../lab/commands.ts";
import { cacheDirectory, type Kernel, kernel, type KernelName } from "../lab/kernels.ts";
import { cachedDirectory } from "./cached.ts";
import { guestSource } from "./compile.ts";
import { dumpMissing, type GuestDump, openGuestDump } from "./dumps.ts";
import { architectureOf, busybox } from "./guest.ts";
import { type InitramfsEntry, writeInitramfs } from "./initramfs.ts";
import { RunningMachine } from "./machine.ts";
import { moduleClosure } from "./module-closure.ts";
import { readyText } from "./witness.ts";

interface Recipe {
  /** What `sample.c` is told; undefined: the module is not there, and the guest can be of any kernel. */
  step?: number;
  /** Shell commands before the module is loaded. */
  before?: string;
  /** Shell commands after that. */
  after?: string;
  /** Words for the kernel. */
  commandLine?: string;
  /** Modules of the kernel that are loaded first. */
  modules?: readonly string[];
  /** True where the guest does not come down, but waits to be dumped. */
  stays?: boolean;
}

const hungTask =
  "echo 1 >/proc/sys/kernel/hung_task_panic; echo 3 >/proc/sys/kernel/hung_task_timeout_secs; echo 1 >/proc/sys/kernel/hung_task_check_interval_secs";

export type CrashCase =
  | "null-pointer"
  | "null-pointer-again"
  | "use-after-free"
  | "use-after-free-poisoned"
  | "stack-overflow"
  | "bug"
  | "hung-task"
  | "soft-lockup"
  | "rcu-stall"
  | "interrupt"
  | "out-of-memory"
  | "frozen"
  | "locks";

const recipes: Record<CrashCase, Recipe> = {
  "null-pointer": { step: 1, commandLine: "oops=panic" },
  /** The same again: loaded somewhere else. */
  "null-pointer-again": { step: 1, before: "sleep 1", commandLine: "oops=panic" },
  "use-after-free": { step: 2, commandLine: "oops=panic" },
  "use-after-free-poisoned": { step: 2, commandLine: "oops=panic slub_debug=P" },
  "stack-overflow": { step: 3 },
  bug: { step: 4, before: "echo 1 >/proc/sys/kernel/panic_on_oops" },
  "hung-task": { step: 5, after: hungTask },
  "soft-lockup": {
    step: 6,
    before: "echo 3 >/proc/sys/kernel/watchdog_thresh; echo 1 >/proc/sys/kernel/softlockup_panic",
  },
  "rcu-stall": {
    step: 7,
    before: [
      "echo 4 >/sys/module/rcupdate/parameters/rcu_cpu_stall_timeout",
      "echo 1 >/proc/sys/kernel/panic_on_rcu_stall",
    ].join("\n"),
    commandLine: "nowatchdog",
  },
  interrupt: { step: 8 },
  "out-of-memory": { before: "echo 1 >/proc/sys/vm/panic_on_oom; tail /dev/zero" },
  /**
   * A frozen file system, and who writes there: needs no module of ours. Of those that share an open file
   * the first waits for the file system, and holds the mutex of the file's position.
   */
  frozen: {
    modules: ["loop"],
    before: [
      "truncate -s 4M /disk; mke2fs -F /disk >/dev/null; losetup /dev/loop0 /disk",
      "mkdir /place; mount -t ext4 /dev/loop0 /place || echo @failed mount",
      "exec 3>/place/shared",
      "fsfreeze --freeze /place || echo @failed fsfreeze",
      "touch /place/name &",
      "for number in 1 2 3; do /bin/echo $number >&3 & done",
    ].join("\n"),
    after: hungTask,
  },
  /** One waiter and more for every kind of lock. */
  locks: { step: 9, stays: true },
};

/** Changed when dumps made before no longer do for a reason that the key does not cover. */
const recipeVersion = 2;
const memoryMebibytes = 192;

/** Why this guest cannot be made here, or undefined when it can. */
export function crashGuestMissing(name: KernelName, which: CrashCase): string | undefined {
  const tools = ["make", "gcc", "apt-get", "dpkg"].filter((tool) => !isInstalled(tool));
  const needsModule = recipes[which].step !== undefined;
  return (
    dumpMissing(name) ?? (needsModule && tools.length > 0 ? `not installed: ${tools.join(", ")}` : undefined)
  );
}

/** The guest's dump, `elf`, and its console. What the module says of locks is in {@link lockFacts}. */
export async function crashGuest(name: KernelName, which: CrashCase): Promise<GuestDump> {
  const of = kernel(name);
  const recipe = recipes[which];
  const sources = [initScript(recipe), ...(recipe.step === undefined ? [] : [guestSource("sample.c")])];
  const directory = await cachedDirectory(
    path.join(cacheDirectory, "guests", of.release),
    `crash-${which}`,
    JSON.stringify([recipeVersion, memoryMebibytes, recipe, sources]),
    (partial) => makeCrashGuest(of, recipe, partial),
  );
  return openGuestDump(directory);
}

/** What a thread of the module said: that it holds, or is about to wait for, a lock. */
export interface LockFact {
  pid: number;
  what: "holds" | "waits";
  kind: string;
  /** Of the lock. */
  address: string;
}

/** Everything that the threads of steps 5 and 9 said of locks. */
export function lockFacts(dump: GuestDump): LockFact[] {
  const lines = dump.console.matchAll(/sample: pid (\d+) (holds|waits) (\w+) ([0-9a-f]+)/g);
  return [...lines].map(([, pid, what, kind, address]) => ({
    pid: Number(pid),
    what: what as LockFact["what"],
    kind: kind!,
    address: `0x${BigInt(`0x${address!}`).toString(16)}`,
  }));
}

function initScript({ before = "", step, after = "", stays = false }: Recipe): string {
  return `#!/bin/sh
/bin/busybox mkdir -p /proc /sys /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox --install -s /bin
for name in $(cat /modules/order); do insmod /modules/$name.ko || echo "@failed insmod $name"; done
sleep 1000001 &
${before}
${step === undefined ? "" : `insmod /sample.ko step=${step}`}
${after}
${stays ? `sleep 2\necho "${readyText}"` : ""}
sleep 1000002
`;
}

/** Compile the module for the 6.1 kernel of the lab; gives its path. */
function buildModule(directory: string): string {
  const headers = mustRun("scripts/lab/headers.sh", []).stdout.toString().trim();
  copyFileSync(path.join(projectDirectory, "test/guest/sample.c"), path.join(directory, "sample.c"));
  writeFileSync(path.join(directory, "Makefile"), "obj-m := sample.o\n");
  mustRun("make", ["-s", "-C", headers, `M=${directory}`, "modules"]);
  return path.join(directory, "sample.ko");
}

async function makeCrashGuest(of: Kernel, recipe: Recipe, output: string): Promise<void> {
  const architecture = architectureOf(of);
  await withTemporaryDirectory(async (directory) => {
    const loaded = moduleClosure(of, [...(recipe.modules ?? []), "qemu_fw_cfg"]);
    const entries: InitramfsEntry[] = [
      { path: "dev/console", content: { console: true } },
      { path: "bin/busybox", content: { file: busybox(architecture) }, executable: true },
      { path: "bin/sh", content: { linkTo: "busybox" } },
      ...loaded.map(({ name, bytes }) => ({ path: `modules/${name}.ko`, content: { bytes } })),
      { path: "modules/order", content: { bytes: loaded.map(({ name }) => name).join(" ") } },
      { path: "init", content: { bytes: initScript(recipe) }, executable: true },
    ];
    if (recipe.step !== undefined) {
      entries.push({ path: "sample.ko", content: { file: buildModule(directory) } });
    }
    const initramfs = path.join(directory, "initramfs");
    writeInitramfs(initramfs, entries);
    const machine = await RunningMachine.start({
      architecture,
      vmlinuz: of.vmlinuz,
      initramfs,
      directory,
      memory: memoryMebibytes,
      vmcoreinfo: true,
      commandLine: `panic=0 ${recipe.commandLine ?? ""}`.trim(),
    });
    try {
      await machine.waitFor(recipe.stays === true ? readyText : "end Kernel panic", 240_000);
      await machine.command("stop");
      await machine.dump(path.join(output, "memory.elf"), "elf");
      writeFileSync(path.join(output, "console"), machine.console.replaceAll("\r", ""));
    } finally {
      await machine.stop();
    }
  });
  // Most of the memory is zeros; where the file system cannot do without them they stay.
  run("fallocate", ["--dig-holes", path.join(output, "memory.elf")]);
}
