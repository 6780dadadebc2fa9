/**
 * Every kind of dump, opened with nothing but the dump: `info` says what the guest was, and `sym`
 * has exactly the symbols that the guest's own /proc/kallsyms had.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { guestDump, type GuestDump } from "../guest/dumps.ts";
import { caseMissing, dumpCases } from "./dump-cases.ts";
import { guestBuildId, guestModules, guestSymbols, saidKernelOffset } from "./guest-facts.ts";
import { dwarfless, kernel } from "./lab.ts";

/** The part of `info --json` that a guest can be asked for. */
interface Info {
  dump: { format: string; flattened: boolean; memory: number };
  kernel: { release: string; banner: string; architecture: string; buildId: string; kernelOffset: string };
  rung: string;
  otherKernels: string[];
  kallsyms: { symbols: number };
  btf: { kernel: { types: number }; modules: number; modulesWithBtf: number };
  cpus: { present: string; online: string };
  panic: { cpu: number } | null;
  warnings: string[];
}

interface SymbolRow {
  name: string;
  address: string;
  letter: string;
  module: string | null;
}

describe.each(dumpCases)("$kernel $kind", (dumpCase) => {
  const missing = caseMissing(dumpCase);
  let dump: GuestDump;

  beforeAll(async () => {
    if (missing === undefined) dump = await guestDump(dumpCase.kernel, dumpCase.kind);
  });

  test.for(dumpCase.files)("$formats", (file, context) => {
    context.skip(missing !== undefined, missing);
    const files = file.formats.map((format) => dump.file(format));
    const panicCpu = /CPU: (\d+) .*PID: \d+ Comm: init/.exec(dump.console)?.[1];

    const info = answer<Info>(["info", ...files]);
    expect(info).toMatchObject({
      dump: { format: file.container, flattened: file.flattened ?? false },
      kernel: {
        release: kernel(dumpCase.kernel).release,
        banner: dump.said("version").trim(),
        architecture: dumpCase.kernel.endsWith("-arm64") ? "aarch64" : "x86-64",
        buildId: guestBuildId(dump),
      },
      rung: file.rung,
      cpus: { present: "0-1", online: dumpCase.kind === "panic" ? panicCpu : "0-1" },
      panic: dumpCase.panicked ? { cpu: Number(panicCpu) } : null,
      warnings: (file.warnings ?? []).map((text) => expect.stringMatching(text) as unknown),
    });
    expect(info.otherKernels).toHaveLength(file.otherKernels ?? 0);
    const modules = guestModules(dump);
    expect(info.btf).toMatchObject({ modules: modules.size, modulesWithBtf: modules.size });
    expect(info.btf.kernel.types).toBeGreaterThan(90_000);
    const offset = dumpCase.kind === "nokaslr" ? 0n : saidKernelOffset(dump);
    if (offset !== undefined) expect(BigInt(info.kernel.kernelOffset)).toBe(offset);

    const expected = guestSymbols(dump);
    expect(info.kallsyms.symbols).toBe(expected.length);
    const { symbols } = answer<{ symbols: SymbolRow[] }>(["sym", ...files, "--all"]);
    const actual = symbols.map(line).sort();
    expect(actual.length).toBe(expected.length);
    expect(differences(actual, expected)).toEqual([]);
  });
});

function answer<T>(argv: readonly string[]): T {
  const { status, stdout, stderr } = dwarfless([...argv, "--json", "--sidecar", "none"]);
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout.toString("utf8")) as T;
}

/** As guestSymbols has it. */
function line({ name, address, letter, module }: SymbolRow): string {
  const own = module === null ? "" : ` [${module}]`;
  return `${address.slice(2).padStart(16, "0")} ${letter} ${name}${own}`;
}

/** The first places where two sorted lists differ: a list of 190,000 lines shows nobody anything. */
function differences(actual: readonly string[], expected: readonly string[]): string[] {
  const found: string[] = [];
  for (let index = 0; index < expected.length && found.length < 10; index++) {
    if (actual[index] !== expected[index]) found.push(`${actual[index]} is not ${expected[index]}`);
  }
  return found;
}
