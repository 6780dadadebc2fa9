/** Boot a kernel in an emulated machine and wait until it ends; nothing is left running. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { type Architecture, bareMachine, platforms } from "./platform.ts";

export interface Machine {
  architecture: Architecture;
  vmlinuz: string;
  initramfs: string;
  /** Folder for the console's file. */
  directory: string;
  /** Mebibytes; default 1024. */
  memory?: number;
  /** Milliseconds until the machine is switched off; default 5 minutes. */
  timeout?: number;
}

/** Everything the machine wrote to its serial console until it switched itself off. */
export async function bootMachine(machine: Machine): Promise<string> {
  const { program, machine: type, processor, console } = platforms[machine.architecture];
  const output = path.join(machine.directory, "console");
  // panic=-1 restarts at once and -no-reboot turns a restart into the end. Where the host is busy, the few
  // ticks in which x86 kernels want to see their timer work may not come, and they would panic.
  const commandLine = `console=${console} panic=-1 loglevel=4 no_timer_check`;
  const child = spawn(
    program,
    [
      ...type,
      "-cpu",
      processor,
      ...bareMachine,
      ...`-smp 1 -m ${machine.memory ?? 1024} -kernel`.split(" "),
      machine.vmlinuz,
      "-initrd",
      machine.initramfs,
      "-append",
      commandLine,
      "-serial",
      `file:${output}`,
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    kill();
  }, machine.timeout ?? 300_000);
  try {
    const complaint = await new Promise<string>((resolve, reject) => {
      let stderr = "";
      child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
      child.once("error", reject);
      child.once("close", (code) => resolve(code === 0 || late ? "" : `${program}: exit ${code}: ${stderr}`));
    });
    if (complaint !== "") throw new Error(complaint);
    const text = readFileSync(output, "utf8");
    if (late) throw new Error(`the guest did not end in time; its last words:\n${text.slice(-2000)}`);
    return text;
  } finally {
    clearTimeout(timer);
    process.off("exit", kill);
  }
}
