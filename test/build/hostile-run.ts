/** Runs an encode over many broken files and says what went wrong beside typed errors. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Btf } from "../../src/btf/index.ts";
import { encodeFile } from "../../src/encode/index.ts";
import type { EncodeOptions } from "../../src/encode/options.ts";
import { isDwarflessError } from "../../src/io/index.ts";
import type { Mutation } from "./mutate.ts";

export interface HostileOutcome {
  encoded: number;
  refused: number;
  /** Codes of the errors, with how often they came. */
  codes: Record<string, number>;
  /** Anything but BTF that can be read, or a typed error of one line. */
  failures: string[];
  /** Of the slowest case. */
  slowest: { milliseconds: number; text: string };
}

export interface HostileCase {
  mutation: Mutation;
  options?: EncodeOptions;
  /** Parsed base of `options.base`, when it is sound. */
  base?: Btf;
}

export async function runHostile(cases: Iterable<HostileCase>): Promise<HostileOutcome> {
  const folder = mkdtempSync(path.join(tmpdir(), "dwarfless-hostile-"));
  const file = path.join(folder, "input");
  const outcome: HostileOutcome = {
    encoded: 0,
    refused: 0,
    codes: {},
    failures: [],
    slowest: { milliseconds: 0, text: "" },
  };
  try {
    for (const each of cases) {
      writeFileSync(file, each.mutation.bytes);
      const start = performance.now();
      await runCase(file, each, outcome);
      const milliseconds = performance.now() - start;
      if (milliseconds > outcome.slowest.milliseconds)
        outcome.slowest = { milliseconds, text: each.mutation.text };
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return outcome;
}

async function runCase(file: string, { mutation, options, base }: HostileCase, outcome: HostileOutcome) {
  const fail = (what: string, error: unknown): void => {
    outcome.failures.push(
      `${mutation.text}: ${what}: ${error instanceof Error ? error.stack : String(error)}`,
    );
  };
  let btf: Uint8Array | undefined;
  try {
    btf = (await encodeFile(file, { jobs: 1, ...options })).btf;
  } catch (error) {
    if (!isDwarflessError(error)) return fail("an error of no type", error);
    if (error.message.includes("\n")) fail("a message of several lines", error);
    outcome.refused++;
    outcome.codes[error.code] = (outcome.codes[error.code] ?? 0) + 1;
    return;
  }
  outcome.encoded++;
  if (btf === undefined) return;
  try {
    Btf.parse(btf, base === undefined ? {} : { base });
  } catch (error) {
    fail("BTF that cannot be read", error);
  }
}
