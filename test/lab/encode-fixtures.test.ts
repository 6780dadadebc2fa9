/** Small compiled files for every rule of the encoding: compilers, DWARF versions, containers, machines. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { judge, type AllowedDifference } from "../compare/allowed.ts";
import { encodeFile } from "../../src/encode/index.ts";
import { compareBtf } from "../compare/compare-btf.ts";
import { buildProgram } from "../fixtures/build.ts";
import { programNamed, programs, type Program } from "../fixtures/programs.ts";
import { targets, variants, type Variant } from "../fixtures/variants.ts";
import { mapParallel, peerEncode } from "./encoding.ts";
import { isInstalled, peers, withTemporaryDirectory } from "./lab.ts";
import { namesOf } from "../compare/names-of.ts";

interface Case {
  program: Program;
  compiler: string;
  dwarf: number;
  flags: readonly string[];
  variant?: Variant;
}

const optimizations = ["-O0", "-O2"];

describe.for(["gcc", "clang"] as const)("%s", (compiler) => {
  test.for(programs.filter((program) => program.compilers.includes(compiler)))(
    "$name, DWARF 2 to 5",
    async (program, context) => {
      skipWithout(context.skip, [compiler]);
      const cases = [2, 3, 4, 5].flatMap((dwarf) =>
        optimizations.map((level): Case => ({ program, compiler, dwarf, flags: [level] })),
      );
      expect(await failuresOf(cases)).toEqual([]);
    },
  );

  test.for(variants.filter((variant) => (variant.compilers ?? [compiler]).includes(compiler)))(
    "$name",
    async (variant, context) => {
      skipWithout(context.skip, [compiler, ...(variant.needs ?? [])]);
      const cases = (variant.programs ?? []).flatMap((name) =>
        (variant.dwarf ?? [4, 5]).map((dwarf): Case => ({
          program: programNamed(name),
          compiler,
          dwarf,
          flags: ["-O2"],
          variant,
        })),
      );
      expect(await failuresOf(cases)).toEqual([]);
    },
  );
});

describe("other machines", () => {
  const wide = new Set(["bitfields", "scalars"]);
  test.for(targets)("%s", async ([triple, ...flags], context) => {
    skipWithout(context.skip, ["clang"]);
    const is32 = /^(i386|arm-|riscv32|mips-|powerpc-)/.test(triple);
    const single = programs.filter(({ units, peerFails, name }) => {
      return units.length === 1 && peerFails === undefined && !(is32 && wide.has(name));
    });
    const cases = single.flatMap((program) =>
      [4, 5].map((dwarf): Case => ({
        program,
        compiler: "clang",
        dwarf,
        flags: [`--target=${triple}`, ...flags, "-O2"],
      })),
    );
    expect(await failuresOf(cases)).toEqual([]);
  });
});

function skipWithout(skip: (condition: boolean, note?: string) => void, needed: readonly string[]): void {
  skip(!peers().available, peers().reason);
  const missing = needed.find((name) => !isInstalled(name));
  skip(missing !== undefined, `${missing} is not installed (scripts/setup-system.sh)`);
}

/** What is wrong with the cases, one line each. */
async function failuresOf(cases: readonly Case[]): Promise<string[]> {
  return withTemporaryDirectory(async (directory) => {
    const lines = await mapParallel([...cases.entries()], 2, async ([i, one]) => {
      const title = `${one.program.name} DWARF ${one.dwarf} ${one.flags.join(" ")}`;
      try {
        return (await failuresOfOne(one, path.join(directory, String(i)))).map((line) => `${title}: ${line}`);
      } catch (error) {
        return [`${title}: ${(error as Error).message}`];
      }
    });
    return lines.flat();
  });
}

async function failuresOfOne(one: Case, directory: string): Promise<string[]> {
  const { program, compiler, dwarf, variant } = one;
  const flags = [`-gdwarf-${dwarf}`, ...one.flags];
  const input = await buildProgram(program, compiler, flags, variant, path.join(directory, "own"));
  // Here and not in a process: starting one takes longer than all the rest.
  const { btf: own } = await encodeFile(input, { jobs: 1, variables: "all" });
  if (own === undefined) return ["no BTF"];
  if (program.peerFails?.dwarf.includes(dwarf) === true) {
    const names = namesOf(own);
    return program.peerFails.kinds.filter((kind) => !names.has(kind)).map((kind) => `lacks ${kind}`);
  }
  const plain = variant?.reference === "plain";
  const peerInput = plain
    ? await buildProgram(program, compiler, flags, undefined, path.join(directory, "plain"))
    : input;
  const peer = await peerEncode(peerInput, path.join(directory, "peer.btf"), "global_var");
  const rows: readonly AllowedDifference[] = [...(program.allowed ?? []), ...(variant?.allowed ?? [])];
  return judge(compareBtf({ bytes: readFileSync(peer) }, { bytes: own }), rows).unexplained.slice(0, 8);
}
