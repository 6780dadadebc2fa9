/**
 * Guests of 6.1 whose stacks are worth reading: brought down in an interrupt, a work item, an NMI, a
 * module, or with code that replaces return addresses. `stackGuest("irq")` makes one, or finds it in the cache.
 */
import { copyFileSync, existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { isInstalled, mustRun, projectDirectory, withTemporaryDirectory } from "../lab/commands.ts";
import { cacheDirectory, type Kernel, kernel, type KernelName } from "../lab/kernels.ts";
import { cachedDirectory } from "./cached.ts";
import { compileProgram, guestSource, programText } from "./compile.ts";
import { emptyDisk, unpackOracle } from "./disk.ts";
import { dumpMissing, type GuestDump, openGuestDump } from "./dumps.ts";
import { architectureOf } from "./guest.ts";
import { RunningMachine } from "./machine.ts";
import { readyText, witnessText, writeWitness } from "./witness.ts";

export type StackCase =
  | "module"
  | "null"
  | "irq"
  | "softirq"
  | "workqueue"
  | "hung"
  | "nmi"
  | "kretprobe"
  | "function-graph"
  | "crowd";

export const stackCases: readonly StackCase[] = [
  "module",
  "null",
  "irq",
  "softirq",
  "workqueue",
  "hung",
  "nmi",
  "kretprobe",
  "function-graph",
];

interface Recipe {
  /** Shell commands before the module is loaded. */
  before?: string;
  /** What insmod is told; undefined: the module is not loaded. */
  mode?: string;
  /** Shell commands after the guest has written down what it knows. */
  after?: string;
  /** How it ends; default `panic`. */
  ending?: "panic" | "ready" | "nmi";
  /** Words for the kernel. */
  commandLine?: string;
  /** Mebibytes, if not the usual. */
  memory?: number;
  /** A C program of this folder that the guest has as `/NAME`. */
  program?: string;
}

const tracing = "mount -t tracefs tracing /sys/kernel/tracing";
/** A process that sleeps, and its stack as the kernel itself tells it. */
const sleepAndSay = "sleep 1000010 &\nsleep 3\necho @stack; cat /proc/$!/stack";
const recipes: Record<StackCase, Recipe> = {
  module: { mode: "module" },
  null: { mode: "null", commandLine: "oops=panic" },
  irq: { mode: "irq" },
  softirq: { mode: "softirq" },
  workqueue: { mode: "workqueue" },
  hung: {
    mode: "hung",
    after: "echo 1 >/proc/sys/kernel/hung_task_panic; echo 3 >/proc/sys/kernel/hung_task_timeout_secs",
  },
  nmi: {
    // With nothing else to do a CPU is in the kernel, and takes the interrupt on its own stack.
    after: "killall states; echo 1 >/proc/sys/kernel/unknown_nmi_panic; sleep 2; echo @inject",
    ending: "nmi",
  },
  kretprobe: {
    before: [
      tracing,
      "echo 'r:one stackcase:stackcase_sleep' >/sys/kernel/tracing/kprobe_events",
      "echo 'r:two hrtimer_nanosleep' >>/sys/kernel/tracing/kprobe_events",
      "echo 'r:three do_nanosleep' >>/sys/kernel/tracing/kprobe_events",
      "echo 1 >/sys/kernel/tracing/events/kprobes/enable",
    ].join("\n"),
    mode: "return",
    after: sleepAndSay,
    ending: "ready",
  },
  "function-graph": {
    after: [
      tracing,
      "echo hrtimer_nanosleep >/sys/kernel/tracing/set_ftrace_filter",
      "echo do_nanosleep >>/sys/kernel/tracing/set_ftrace_filter",
      "echo schedule >>/sys/kernel/tracing/set_ftrace_filter",
      "echo function_graph >/sys/kernel/tracing/current_tracer",
      sleepAndSay,
    ].join("\n"),
    ending: "ready",
  },
  /** 5000 threads more than usual. */
  crowd: { program: "crowd", after: "/crowd &\nsleep 20", ending: "ready", memory: 1024 },
};

/** Why these guests cannot be made here, or undefined when they can. */
export function stackGuestMissing(): string | undefined {
  const tools = ["make", "gcc", "apt-get", "dpkg"].filter((tool) => !isInstalled(tool));
  return dumpMissing("6.1-amd64") ?? (tools.length > 0 ? `not installed: ${tools.join(", ")}` : undefined);
}

/** The guest's dump (the module is built for 6.1 only), and in its folder the module `stackcase.ko` where it was loaded. */
export async function stackGuest(which: StackCase, name: KernelName = "6.1-amd64"): Promise<GuestDump> {
  const of = kernel(name);
  const recipe = recipes[which];
  const sources = [witnessText()];
  if (recipe.mode !== undefined) sources.push(guestSource("stackcase.c"));
  if (recipe.program !== undefined) sources.push(programText(recipe.program));
  const directory = await cachedDirectory(
    path.join(cacheDirectory, "guests", of.release),
    `stack-${which}`,
    JSON.stringify([2, recipe, sources]),
    (partial) => makeStackGuest(of, which, partial),
  );
  return openGuestDump(directory);
}

/** Compile the module for the kernel of the lab; gives its path. */
function buildModule(directory: string): string {
  const headers = mustRun("scripts/lab/headers.sh", []).stdout.toString().trim();
  copyFileSync(path.join(projectDirectory, "test/guest/stackcase.c"), path.join(directory, "stackcase.c"));
  writeFileSync(path.join(directory, "Makefile"), "obj-m := stackcase.o\n");
  mustRun("make", ["-s", "-C", headers, `M=${directory}`, "modules"]);
  return path.join(directory, "stackcase.ko");
}

async function makeStackGuest(of: Kernel, which: StackCase, output: string): Promise<void> {
  const recipe = recipes[which];
  await withTemporaryDirectory(async (directory) => {
    const disk = emptyDisk(directory, "oracle", 64);
    const module = recipe.mode === undefined ? undefined : buildModule(directory);
    // Waits until the guest has written everything down, and for what it says when it has.
    const later = [
      "while [ -d /oracle ]; do sleep 1; done",
      "sleep 3",
      recipe.before ?? "",
      ...(module === undefined ? [] : [`insmod /stackcase.ko mode=${recipe.mode}`]),
      recipe.after ?? "",
      "echo @done",
    ].join("\n");
    const machine = await RunningMachine.start({
      architecture: architectureOf(of),
      vmlinuz: of.vmlinuz,
      initramfs: writeWitness(of, directory, {
        ending: "idle",
        vmcoreinfo: true,
        prepare: "/later &",
        files: [
          { path: "later", content: { bytes: `#!/bin/sh\n${later}\n` }, executable: true },
          ...(recipe.program === undefined
            ? []
            : [
                {
                  path: recipe.program,
                  content: { file: compileProgram("amd64", recipe.program, directory) },
                  executable: true,
                },
              ]),
          ...(module === undefined ? [] : [{ path: "stackcase.ko", content: { file: module } }]),
        ],
      }),
      directory,
      memory: recipe.memory ?? 256,
      disks: [disk],
      commandLine: `panic=0 ${recipe.commandLine ?? ""}`.trim(),
    });
    try {
      const { ending = "panic" } = recipe;
      if (ending === "nmi") {
        await machine.waitFor("@inject", 180_000);
        await machine.command("inject-nmi");
      }
      await machine.waitFor(ending === "ready" ? "@done" : "end Kernel panic", 180_000);
      if (ending === "ready") await machine.waitFor(readyText, 10_000);
      await machine.command("stop");
      await machine.dump(path.join(output, "memory.elf"), "elf");
      writeFileSync(path.join(output, "console"), machine.console.replaceAll("\r", ""));
      if (module !== undefined && existsSync(module)) copyFileSync(module, path.join(output, "stackcase.ko"));
    } finally {
      await machine.stop();
    }
    unpackOracle(disk, output);
  });
  mustRun("fallocate", ["--dig-holes", path.join(output, "memory.elf")]);
}
