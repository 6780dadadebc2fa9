/** BTF of program objects and of 32-bit and big-endian machines: dumped as bpftool does, merged as its linker does. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, expect, test } from "vitest";
import { Btf, cHeader, jsonText, mergeBtf, rawLines } from "../../src/btf/index.ts";
import { readBtfFile } from "../../src/sidecar/index.ts";
import { isInstalled, mustRun } from "./commands.ts";
import { peers, withTemporaryDirectory } from "./lab.ts";

const types = `
enum color { RED, GREEN = 5, BLUE = -1 };
enum big { HUGE = 0x1234567890ULL };
struct inner { int a:3; unsigned b:5; char c; };
struct node {
  struct node *next; struct inner in[3]; enum color color; union { long l; void *p; };
  const volatile int *cv; int (*cb)(struct node *, ...); double d; char flex[];
};
struct ctx { int x; long y; };
`;
const program = `${types}
int counter; enum big value;
struct { int (*type)[2]; int (*max_entries)[16]; struct node *key; } map __attribute__((section(".maps"), used));
extern int other(struct ctx *c) __attribute__((weak));
static __attribute__((noinline)) int helper(struct node *n, int v) { return n->in[1].c + v + counter; }
__attribute__((section("tp/x"))) int one(struct ctx *c) {
  struct node n = {}; counter += c->x; n.color = GREEN; return helper(&n, c->y) + other(c);
}
`;
const second = `struct node { struct node *next; long extra; }; struct ctx { int x; long y; };
int total; struct node last;
__attribute__((section("tp/y"))) int two(struct ctx *c) { struct node n = {}; total += c->y; return (long)n.next; }
__attribute__((section("tp/y"))) int other(struct ctx *c) { return c->x; }
`;
const plain = `${types}
struct node *nodes; long offset; enum color paint; enum big value;
int norm(struct ctx *c, long y) { return c->x + y; }
`;

const missing = ["clang", "gcc"].find((tool) => !isInstalled(tool));
let reason: string | undefined;
beforeAll(() => {
  reason = missing === undefined ? peers().reason : `no ${missing}`;
});

function bpftool(file: string, ...options: string[]): string {
  const { stdout, stderr } = peers().bpftool([
    ...options.slice(1),
    "btf",
    "dump",
    "file",
    file,
    ...options[0]!.split(" "),
  ]);
  expect(stderr).toBe("");
  return stdout.toString("latin1");
}

async function expectSame(file: string): Promise<void> {
  const btf = Btf.parse(await readBtfFile(file));
  expect(btf.typeCount).toBeGreaterThan(15);
  expect(`${rawLines(btf).join("\n")}\n`, "raw").toBe(bpftool(file, "format raw"));
  expect(cHeader(btf), "C").toBe(bpftool(file, "format c"));
  expect(jsonText(btf), "JSON").toBe(bpftool(file, "format raw", "-j"));
}

test.for(["bpfel", "bpfeb"])("programs of clang -target %s", async (target, context) => {
  context.skip(reason !== undefined, reason ?? "");
  await withTemporaryDirectory(async (directory) => {
    const source = path.join(directory, "program.c");
    writeFileSync(source, program);
    for (const level of ["-O0", "-O2"]) {
      const file = path.join(directory, `program${level}.o`);
      mustRun("clang", ["-target", target, "-g", level, "-c", source, "-o", file]);
      await expectSame(file);
    }
  });
});

// 32-bit little endian, 64-bit, and both of big endian; clang writes DWARF for them, pahole BTF.
test.for(["armv7-linux-gnueabi", "aarch64-linux-gnu", "powerpc-linux-gnu", "s390x-linux-gnu"])(
  "objects of %s",
  async (target, context) => {
    context.skip(reason !== undefined, reason ?? "");
    await withTemporaryDirectory(async (directory) => {
      const source = path.join(directory, "plain.c");
      const file = path.join(directory, "plain.o");
      writeFileSync(source, plain);
      mustRun("clang", ["-target", target, "-g", "-c", source, "-o", file]);
      expect(peers().pahole(["-J", file]).status).toBe(0);
      await expectSame(file);
    });
  },
);

test.for(["-m32", "-m64"])("objects of gcc -gbtf %s", async (mode, context) => {
  context.skip(reason !== undefined, reason ?? "");
  await withTemporaryDirectory(async (directory) => {
    const source = path.join(directory, "plain.c");
    const file = path.join(directory, "plain.o");
    writeFileSync(source, plain);
    mustRun("gcc", [mode, "-gbtf", "-c", source, "-o", file]);
    await expectSame(file);
  });
});

test("merged types are those of bpftool gen object", async (context) => {
  context.skip(reason !== undefined, reason ?? "");
  await withTemporaryDirectory(async (directory) => {
    const inputs: Btf[] = [];
    const objects: string[] = [];
    for (const [name, text] of Object.entries({ program, second })) {
      const file = path.join(directory, `${name}.o`);
      writeFileSync(path.join(directory, `${name}.c`), text);
      mustRun("clang", [
        "-target",
        "bpfel",
        "-g",
        "-O2",
        "-c",
        path.join(directory, `${name}.c`),
        "-o",
        file,
      ]);
      objects.push(file);
      inputs.push(Btf.parse(await readBtfFile(file)));
    }
    const linked = path.join(directory, "linked.o");
    expect(peers().bpftool(["gen", "object", linked, ...objects]).stderr).toBe("");
    // The linker also lays out sections and binds what is declared to what is defined; the types are the same.
    const merged = Btf.parse(mergeBtf(inputs));
    expect(cHeader(merged)).toContain("struct node___2 {");
    expect(cHeader(merged)).toBe(bpftool(linked, "format c"));
  });
});
