/** Commands over processes, control groups, IPC and settings in a dump whose very pages that they read are damaged. */
import { expect, test } from "vitest";
import {
  cgroupLines,
  ipcKinds,
  ipcLines,
  listCgroups,
  listIpc,
  listNamespaces,
  listSignals,
  listSysctls,
  listThreads,
  namespaceLines,
  signalLines,
  sysctlLines,
  threadLines,
} from "../../src/commands/index.ts";
import { openDumpSources } from "../../src/dump/index.ts";
import { FileSource, isDwarflessError } from "../../src/io/index.ts";
import { Kernel } from "../../src/kernel/index.ts";
import { Gaps } from "../../src/linux/index.ts";
import { randomNumbers } from "../build/mutate.ts";
import { PatchedSource } from "../build/patched-source.ts";
import { busyGuest, busyGuestMissing } from "../guest/busy-guests.ts";

const details = { times: true, arguments: true, limits: true, parents: true, children: true, group: true };

const commands: Record<string, (kernel: Kernel, gaps: Gaps) => Iterable<string>> = {
  ps: (kernel, gaps) =>
    threadLines(listThreads(kernel, gaps, details).rows, { lastRun: true, policies: true }),
  cgroup: (kernel, gaps) => cgroupLines(listCgroups(kernel, gaps, []).rows),
  ipc: (kernel, gaps) => ipcLines(listIpc(kernel, gaps, ipcKinds).rows),
  sig: (kernel, gaps) => signalLines(listSignals(kernel, gaps, []).rows),
  lsns: (kernel, gaps) => namespaceLines(listNamespaces(kernel, gaps, []).rows),
  sysctl: (kernel, gaps) => sysctlLines(listSysctls(kernel, gaps, []).rows),
};

/** Where a dump was read. */
class RecordingSource extends PatchedSource {
  readonly pages = new Set<number>();

  override readInto(target: Uint8Array, offset: number): void {
    for (let at = offset; at < offset + target.length; at += 4096) this.pages.add(Math.floor(at / 4096));
    super.readInto(target, offset);
  }
}

function linesOf(lines: Iterable<string>): number {
  return [...lines].length;
}

const count = Number(process.env["DWARFLESS_HOSTILE"] ?? 6);

test(`${count} dumps with 1500 bytes changed in what the commands read`, async (context) => {
  const missing = busyGuestMissing("6.1-amd64");
  context.skip(missing !== undefined, missing);
  const file = new FileSource((await busyGuest("6.1-amd64")).file("elf"));
  try {
    const recording = new RecordingSource(file, []);
    const sound = await Kernel.over(await openDumpSources([recording]), { sidecar: "none" });
    recording.pages.clear();
    for (const command of Object.values(commands)) linesOf(command(sound, new Gaps()));
    sound.close();
    const pages = [...recording.pages];
    expect(pages.length).toBeGreaterThan(100);
    const failures: string[] = [];
    let warned = 0;
    let slowest = 0;
    for (let seed = 0; seed < count; seed++) {
      const random = randomNumbers(seed);
      const patches = Array.from({ length: 1500 }, () => ({
        offset: pages[random(pages.length)]! * 4096 + random(4096),
        byte: random(256),
      }));
      let kernel: Kernel;
      try {
        kernel = await Kernel.over(await openDumpSources([new PatchedSource(file, patches)]), {
          sidecar: "none",
          deadline: Date.now() + 3000,
        });
      } catch (error) {
        if (!isDwarflessError(error)) throw error;
        continue;
      }
      for (const [name, command] of Object.entries(commands)) {
        const started = performance.now();
        const gaps = new Gaps();
        try {
          linesOf(command(kernel, gaps));
        } catch (error) {
          if (!isDwarflessError(error)) failures.push(`${seed} ${name}: ${(error as Error).stack}`);
        }
        warned += gaps.diagnostics.length;
        slowest = Math.max(slowest, performance.now() - started);
      }
      kernel.close();
    }
    console.log(`${pages.length} pages, ${warned} warnings, slowest ${Math.round(slowest)} ms`);
    expect(failures.slice(0, 5)).toEqual([]);
    // Damage was met, and said.
    expect(warned).toBeGreaterThan(0);
    expect(slowest).toBeLessThan(20_000);
  } finally {
    file.close();
  }
}, 600_000);
