/**
 * With a sidecar that `encode --split-vars` made, dwarfless knows every variable that drgn with
 * full DWARF knows by name, at the same address, of the same size and type; and their values are
 * what drgn reads.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, type TestContext } from "vitest";
import { dumpMissing, guestDump, type GuestDump } from "../guest/dumps.ts";
import { askDrgn, compareVariables, type DrgnSubject, drgnVariables } from "./drgn-variables.ts";
import { dumpKernelNames, dwarfless, kernel, peers } from "./lab.ts";
import type { PeerVariable, VariableRow } from "./variable-differences.ts";
import { chooseSample } from "./variable-sample.ts";

const sampleSize = 2000;

describe.each(dumpKernelNames)("variables of %s", (name) => {
  const missing = dumpMissing(name) ?? peers().reason;
  const directory = mkdtempSync(path.join(tmpdir(), "dwarfless-variables-"));
  const file = (entry: string): string => path.join(directory, entry);
  let dump: GuestDump;
  let ours: VariableRow[];
  let theirs: PeerVariable[];

  beforeAll(async () => {
    if (missing !== undefined) return;
    const { vmlinux } = kernel(name);
    dump = await guestDump(name, "idle");
    must(["encode", vmlinux, "-o", file("default.btf"), "--split-vars", file("variables.btf")]);
    ours = answer<{ variables: VariableRow[] }>(["vars", dump.file("elf")]).variables.filter(
      ({ module }) => module === null,
    );
    theirs = drgnVariables(subject(), dump.said("kallsyms"), ours);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test("are drgn's, by name, address, size and type", (context) => {
    skipWithout(context);
    const { equal, reasons, unexplained } = compareVariables(theirs, ours, dump.said("kallsyms"));
    console.log(`${name}: ${equal} equal, ${JSON.stringify(reasons)}`);
    expect(unexplained.slice(0, 20)).toEqual([]);
    expect(equal).toBeGreaterThan(name.endsWith("-arm64") ? 15_000 : 20_000);
  });

  test(`hold what drgn reads, ${sampleSize} of them`, (context) => {
    skipWithout(context);
    const sample = chooseSample(ours, theirs, sampleSize);
    expect(sample.length).toBeGreaterThan(0.9 * sampleSize);
    const expected = askDrgn(subject(), "values", sample) as [string, unknown, string][];
    const places = new Map(ours.map((row) => [row.name, BigInt(row.address)]));
    const expressions = sample.map((own) => own.replace(/^(.*)@(\d+)$/, "per_cpu($1, $2)"));
    const { values } = answer<{ values: { value?: unknown; error?: string }[] }>([
      "eval",
      dump.file("elf"),
      ...expressions,
    ]);
    let others = 0;
    const different = expected.flatMap(([own, value, address], index) => {
      // Asked again, drgn may take another variable of the name.
      if (places.get(own.replace(/@\d+$/, "")) !== BigInt(address)) return (others++, []);
      const actual = values[index]!.error ?? comparable(values[index]!.value);
      const peer = comparable(value);
      return JSON.stringify(actual) === JSON.stringify(peer) ? [] : [{ own, actual, peer }];
    });
    console.log(`${name}: ${expected.length - others} values compared`);
    expect(others).toBeLessThan(sample.length / 100);
    expect(different.slice(0, 10)).toEqual([]);
  });

  function skipWithout(context: TestContext): void {
    context.skip(missing !== undefined, missing);
  }

  function answer<T>(argv: readonly string[]): T {
    const { stdout } = must([...argv, "--sidecar", file("variables.btf"), "--json"]);
    return JSON.parse(stdout.toString("utf8")) as T;
  }

  function subject(): DrgnSubject {
    return { dump: dump.file("elf"), vmlinux: kernel(name).vmlinux, directory };
  }
});

/** 1 is the answer where one of several things was not found: the rows say which. */
function must(argv: readonly string[]): { stdout: Buffer } {
  const result = dwarfless(argv);
  if (![0, 1].includes(result.status)) throw new Error(result.stderr);
  return result;
}

/**
 * What both sides can say in one way. Why something is absent is told in other words by others;
 * dimensions of an array are one in the BTF of older kernels; and there an array without a length
 * is one of none.
 */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) {
    const elements = value.map(comparable);
    return elements.every(Array.isArray) ? elements.flat() : elements;
  }
  if (value === null) return [];
  if (typeof value !== "object") return value;
  if ("absent" in value) return { absent: true };
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, comparable(member)]));
}
