/**
 * libbpf's own tests of BTF, from the kernel's sources as Debian ships them, run as they are against
 * this library: `libbpf/libbpf.c` stands in for libbpf and asks here for what it is asked to do.
 * Nothing of them is in this repository.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, type TestContext } from "vitest";
import { elfSection } from "../guest/elf-section.ts";
import { dwarfless, isInstalled, kernel, kernelMissing, mustRun, projectDirectory, run } from "./lab.ts";
import { answerAsLibbpf, definitions } from "./libbpf/answers.ts";
import { converse, type Findings, parseFindings } from "./libbpf/conversation.ts";
import { Btf } from "../../src/btf/index.ts";

interface Source {
  /** In prog_tests, without its suffix. */
  name: string;
  /** C: what is run of it. */
  body: string;
  /** Cases it had in 7.2: fewer would mean that we do not read what there is. */
  atLeast: number;
  /** Cases that are not run, and why. */
  leftOut: Readonly<Record<string, string>>;
}

/** Whether a map can be made of the types is nothing that BTF alone decides: answered as the table wants it. */
const tables = `
static int map_answer;
int bpf_map_create(enum bpf_map_type type, const char *name, __u32 key, __u32 value, __u32 entries,
                   const struct bpf_map_create_opts *options) { return map_answer; }
void run_tests(void) {
  int i;
  for (i = 1; i <= ARRAY_SIZE(raw_tests); i++) {
    raw_tests[i - 1].err_str = NULL; /* the wording of the kernel's log */
    map_answer = raw_tests[i - 1].map_create_err ? -1 : 1 << 20;
    do_test_raw(i);
  }
  for (i = 1; i <= ARRAY_SIZE(dedup_tests); i++)
    do_test_dedup(i);
}`;

const printsData = "prints values of a process's memory, not types";
const valueTests = ["int", "float", "char", "typedef", "enum", "struct", "var", "string", "datasec"];

const sources: readonly Source[] = [
  {
    name: "btf",
    body: tables,
    atLeast: 190,
    leftOut: {
      "struct test repeated fields count overflow":
        "counts what only programs for BPF have (timers, locks, kptrs), which no kernel or module does",
    },
  },
  { name: "btf_split", body: "void run_tests(void) { test_btf_split(); }", atLeast: 2, leftOut: {} },
  {
    name: "btf_dedup_split",
    body: "void run_tests(void) { test_btf_dedup_split(); }",
    atLeast: 5,
    leftOut: { split_module: "is about the module bpf_testmod, which no Debian kernel has" },
  },
  { name: "btf_distill", body: "void run_tests(void) { test_btf_distill(); }", atLeast: 8, leftOut: {} },
  {
    name: "btf_endian",
    body: 'void run_tests(void) { test__start_subtest("btf_endian"); test_btf_endian(); }',
    atLeast: 1,
    leftOut: {},
  },
  {
    name: "btf_dump",
    body: "void run_tests(void) { test_btf_dump(); }",
    atLeast: 18,
    leftOut: {
      "btf_dump: incremental": "adds to a BTF that was printed in part; here a header is printed whole",
      ...Object.fromEntries(valueTests.map((what) => [`btf_dump: ${what}_data`, printsData])),
    },
  },
];

/** The first clang whose BTF has enumerations of 64 bits. */
const clangWithEnum64 = 15;

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), "dwarfless-libbpf-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe.each(sources)("$name", (source) => {
  test("passes, as it is", { timeout: 300_000 }, async (context) => {
    const tools = path.join(selftests(context), "tools");
    const leftOut: Record<string, string> = { ...source.leftOut };
    if (source.name === "btf_dump" && clangVersion() < clangWithEnum64)
      leftOut["btf_dump: syntax"] = "needs enumerations of 64 bits, which this clang writes no BTF for";
    const findings = await runSource(source, tools, Object.keys(leftOut), context);
    expect(findings.failed).toEqual([]);
    expect(findings.leftOut.toSorted()).toEqual(Object.keys(leftOut).toSorted());
    const { length } = findings.passed;
    expect(length + findings.leftOut.length).toBeGreaterThanOrEqual(source.atLeast);
    console.log(`${source.name}: ${length} cases passed, ${findings.leftOut.length} left out`);
  });
});

/** The order of types is that of the DWARF, so what is compared is one definition with another. */
describe("C of what is encoded here, from clang's DWARF", () => {
  const names = ["syntax", "ordering", "padding", "packing", "bitfields", "multidim", "namespacing"];
  test.for(names)("%s", (name, context) => {
    const programs = path.join(selftests(context), "tools/testing/selftests/bpf/progs");
    const file = `btf_dump_test_case_${name}`;
    const object = path.join(directory, `${file}.dwarf.o`);
    const encoded = path.join(directory, `${file}.btf`);
    mustRun("clang", ["-g", "-O2", "-w", "-c", "-o", object, path.join(programs, `${file}.c`)]);
    const { status, stderr } = dwarfless(["encode", object, "-o", encoded]);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    const expected = expectedOutput(readFileSync(path.join(programs, `${file}.c`), "utf8"));
    const printed = definitions(Btf.parse(readFileSync(encoded)));
    expect(blocks(printed)).toEqual(blocks(expected));
    expect(blocks(expected).length).toBeGreaterThan(1);
  });
});

async function runSource(
  source: Source,
  tools: string,
  leftOut: readonly string[],
  context: TestContext,
): Promise<Findings> {
  const bpf = path.join(tools, "testing/selftests/bpf");
  const main = path.join(directory, `${source.name}.c`);
  writeFileSync(main, `#include "prog_tests/${source.name}.c"\n${source.body}\n`);
  const executable = path.join(directory, source.name);
  const folders = [bpf, `${bpf}/prog_tests`, `${tools}/lib`, `${tools}/include`, `${tools}/include/uapi`];
  const flags = ["-w", "-D_GNU_SOURCE", ...folders.map((folder) => `-I${folder}`)];
  const standIn = path.join(projectDirectory, "test/lab/libbpf/libbpf.c");
  // What loads programs and makes maps is never called, and need not be there.
  flags.push("-static", "-Wl,--unresolved-symbols=ignore-all", "-o", executable);
  mustRun("gcc", [...flags, main, standIn, `${bpf}/btf_helpers.c`]);
  const output = await converse(executable, bpf, leftOut, (question) =>
    answerAsLibbpf(question, {
      object(file) {
        const name = path.basename(file, ".bpf.o");
        const compiled = path.join(directory, `${name}.o`);
        const program = path.join(bpf, "progs", `${name}.c`);
        mustRun("clang", ["-target", "bpf", "-g", "-O2", "-w", "-c", "-o", compiled, program]);
        return elfSection(compiled, ".BTF")!;
      },
      vmlinux() {
        const missing = kernelMissing("7.2-amd64");
        if (missing !== undefined) context.skip(missing);
        return elfSection(kernel("7.2-amd64").vmlinux, ".BTF")!;
      },
    }),
  );
  return parseFindings(output);
}

/** The kernel's sources. */
function selftests(context: TestContext): string {
  if (process.arch !== "x64") context.skip("the stand-in for libbpf is made for amd64");
  for (const program of ["gcc", "clang"]) if (!isInstalled(program)) context.skip(`no ${program}`);
  const result = run(path.join(projectDirectory, "scripts/lab/selftests.sh"), []);
  if (result.status !== 0) context.skip(`scripts/lab/selftests.sh: ${result.stderr.trim().slice(-200)}`);
  return result.stdout.toString("utf8").trim();
}

function clangVersion(): number {
  const text = mustRun("clang", ["--version"]).stdout.toString("utf8");
  return Number(/version (\d+)/.exec(text)?.[1]);
}

/** What a case expects, between marks; most of it as comments, each line after a star. */
function expectedOutput(source: string): string {
  const lines: string[] = [];
  let isWithin = false;
  for (const line of source.split("\n")) {
    if (line.includes("START-EXPECTED-OUTPUT")) isWithin = true;
    else if (line.includes("END-EXPECTED-OUTPUT")) isWithin = false;
    else if (isWithin && !/\/\*|\*\//.test(line)) lines.push(line.replace(/^[ \t]*\*/, ""));
  }
  return lines.join("\n");
}

/** Definitions, whose order does not matter. */
function blocks(text: string): string[] {
  return text
    .split("\n\n")
    .map((block) => block.trim())
    .filter((block) => block !== "")
    .toSorted();
}
