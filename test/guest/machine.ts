/**
 * A guest that goes on running while the host talks to it: over its serial console, and to the
 * emulator itself in QMP (docs/interop/qmp-spec of QEMU) to stop it and to dump its memory.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, rmSync } from "node:fs";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { writeLime } from "./lime.ts";
import { type Architecture, bareMachine, platforms } from "./platform.ts";

export interface MachineOptions {
  architecture: Architecture;
  vmlinuz: string;
  initramfs: string;
  /** Where the emulator runs. */
  directory: string;
  /** Mebibytes. */
  memory: number;
  /** `-cpu` instead of the architecture's, or features in addition to it: `,la57=off`. */
  processor?: string;
  /** Words for the kernel's command line, beside `console=`. */
  commandLine?: string;
  /** Give the guest the device by which it tells the emulator where its VMCOREINFO is. */
  vmcoreinfo?: boolean;
  /** More words for the emulator: `-smp 4 -numa ...`. */
  words?: readonly string[];
  /** Raw images the guest sees as `/dev/vda`, `/dev/vdb` and so on. */
  disks?: readonly string[];
}

/** `raw`: memory from address 0 on, as on amd64 machines. `lime`: made of an ELF dump. */
export type DumpFormat = "elf" | "elf-paging" | "kdump-zlib" | "raw" | "lime";

/** A machine with two processors, started. Always `stop` it. */
export class RunningMachine {
  /** Everything the guest wrote to its console so far. */
  console = "";
  readonly #child: ChildProcess;
  readonly #replies: ((reply: QmpReply) => void)[] = [];
  #serial: Socket | undefined;
  #complaint = "";
  #input = "";

  readonly #memory: number;

  private constructor(child: ChildProcess, memory: number) {
    this.#memory = memory;
    this.#child = child;
    child.once("error", (error) => (this.#complaint += error.message));
    child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.#complaint += text));
    child.stdout!.setEncoding("utf8").on("data", (text: string) => this.#receive(text));
    process.once("exit", this.#kill);
  }

  static async start(options: MachineOptions): Promise<RunningMachine> {
    const platform = platforms[options.architecture];
    // Over TCP, which gathers bytes: of a local socket a few hundred fill the room, and then the emulator drops some.
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const connected = once(server, "connection") as Promise<[Socket]>;
    const { port } = server.address() as AddressInfo;
    const own = options.processor ?? "";
    const processor = own === "" || own.startsWith(",") ? platform.processor + own : own;
    const argv = [
      ...platform.machine,
      "-cpu",
      processor,
      ...bareMachine,
      ...`-smp 2 -m ${options.memory} -qmp stdio`.split(" "),
      ...(options.words ?? []),
      "-kernel",
      options.vmlinuz,
      "-initrd",
      options.initramfs,
      "-append",
      `console=${platform.console} ${options.commandLine ?? ""}`,
      // The machine starts when it is connected: no word of it is lost.
      "-chardev",
      `socket,id=serial,host=127.0.0.1,port=${port}`,
      "-serial",
      "chardev:serial",
    ];
    if (options.vmcoreinfo !== false) argv.push("-device", "vmcoreinfo");
    for (const [index, file] of (options.disks ?? []).entries()) {
      argv.push("-drive", `file=${file},format=raw,if=none,cache=unsafe,id=disk${index}`);
      argv.push("-device", `virtio-blk-pci,drive=disk${index}`);
    }
    const machine = new RunningMachine(
      spawn(platform.program, argv, { stdio: ["pipe", "pipe", "pipe"], cwd: options.directory }),
      options.memory,
    );
    try {
      void connected.then(([socket]) => (machine.#serial = socket));
      await machine.#until(() => machine.#serial !== undefined, 20_000, "the emulator did not start");
      const serial = machine.#serial!;
      serial.setEncoding("utf8").on("data", (text: string) => (machine.console += text));
      serial.on("error", (error) => (machine.#complaint += error.message));
      await machine.command("qmp_capabilities");
      return machine;
    } catch (error) {
      await machine.stop();
      throw error;
    } finally {
      server.close();
    }
  }

  /** Wait until the console shows `text`. Throws after `timeout` milliseconds, or when the machine or its kernel ends first. */
  async waitFor(text: string, timeout: number): Promise<void> {
    const panic = "end Kernel panic";
    const failure = `the guest did not come to "${text}"`;
    await this.#until(() => this.console.includes(text) || this.console.includes(panic), timeout, failure);
    if (!this.console.includes(text)) throw new Error(`${failure}: ${this.console.slice(-4000)}`);
  }

  /** Type a line on the guest's console. */
  type(line: string): void {
    this.#serial?.write(`${line}\n`);
  }

  /** One QMP command; throws with the emulator's own words when it refuses. */
  async command(execute: string, argument: Record<string, unknown> = {}): Promise<unknown> {
    const reply = await new Promise<QmpReply>((resolve, reject) => {
      this.#replies.push(resolve);
      this.#child.once("close", () => reject(new Error(`the emulator ended: ${this.#complaint}`)));
      this.#child.stdin!.write(`${JSON.stringify({ execute, arguments: argument })}\n`);
    });
    if (reply.error !== undefined) throw new Error(`${execute}: ${reply.error.desc}`);
    return reply.return;
  }

  /** Dump the guest's memory to `file`, which must not be there. Stop the machine before, or it runs on during it. */
  async dump(file: string, format: DumpFormat): Promise<void> {
    if (format === "lime") {
      const elf = `${file}.elf`;
      await this.dump(elf, "elf");
      writeLime(elf, file);
      rmSync(elf);
      return;
    }
    if (format === "raw") {
      await this.command("pmemsave", { val: 0, size: this.#memory * 2 ** 20, filename: file });
      return;
    }
    const kdump = format.startsWith("kdump") ? { format } : {};
    await this.command("dump-guest-memory", {
      protocol: `file:${file}`,
      paging: format === "elf-paging",
      ...kdump,
    });
    chmodSync(file, 0o644);
  }

  /** Switch the machine off; it is gone when this returns. */
  async stop(): Promise<void> {
    process.off("exit", this.#kill);
    this.#serial?.destroy();
    if (this.#ended()) return;
    const closed = new Promise((resolve) => this.#child.once("close", resolve));
    this.#kill();
    await closed;
  }

  readonly #kill = (): void => void this.#child.kill("SIGKILL");

  #ended(): boolean {
    return this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async #until(condition: () => boolean, timeout: number, failure: string): Promise<void> {
    const deadline = Date.now() + timeout;
    while (!condition()) {
      const ended = this.#ended();
      if (!ended && Date.now() < deadline) await delay(20);
      // What was written last may still be on its way.
      else if (ended) await delay(100);
      if (condition()) return;
      if (ended || Date.now() >= deadline)
        throw new Error(
          `${failure}${ended ? " (it ended)" : ""}: ${this.#complaint}${this.console.slice(-2000)}`,
        );
    }
  }

  #receive(text: string): void {
    this.#input += text;
    for (let end = this.#input.indexOf("\n"); end >= 0; end = this.#input.indexOf("\n")) {
      const message = JSON.parse(this.#input.slice(0, end)) as QmpReply;
      this.#input = this.#input.slice(end + 1);
      // The greeting and events are neither.
      if ("return" in message || "error" in message) this.#replies.shift()?.(message);
    }
  }
}

interface QmpReply {
  return?: unknown;
  error?: { class: string; desc: string };
}
