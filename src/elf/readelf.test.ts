import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { FileSource } from "../io/index.ts";
import { ElfFile, loadDebugSection } from "./index.ts";

/** Objects of many targets, made when clang and readelf are there; readelf is the second opinion. */
const targets = [
  ["x86_64-linux-gnu"],
  ["x86_64-linux-gnu", "-gz=zlib"],
  ["i386-linux-gnu"],
  ["aarch64-linux-gnu"],
  ["aarch64_be-linux-gnu"],
  ["riscv64-linux-gnu", "-mrelax"],
  ["riscv32-linux-gnu", "-mrelax"],
  ["arm-linux-gnueabi"],
  ["armeb-linux-gnueabi"],
  ["s390x-linux-gnu"],
  ["powerpc64le-linux-gnu"],
  ["powerpc64-linux-gnu"],
  ["powerpc-linux-gnu"],
  ["mips64-linux-gnuabi64"],
  ["mips64el-linux-gnuabi64"],
  ["mips-linux-gnu"],
  ["mipsel-linux-gnu"],
];

const code = `
struct node { struct node *next; int value; char name[12]; };
static int counter; extern int absent __attribute__((weak)); int big[100] = {1};
struct node head = { &head, 3, "head" };
static inline int helper(int a) { return a * counter + big[a & 7]; }
int __attribute__((section(".text.cold"))) cold(int a) { return helper(a) + helper(a + 1); }
int work(struct node *n, int a) {
  int sum = 0;
  for (int i = 0; i < a; i++) { sum += helper(i) + n->value; n = n->next; }
  return (a > 3 ? cold(a) : 0) + sum + (&absent ? absent : 0);
}
`;

const folder = mkdtempSync(join(tmpdir(), "dwarfless-readelf-"));
afterAll(() => rmSync(folder, { recursive: true }));

function run(command: string, args: string[]): string {
  const { stdout, status } = spawnSync(command, args, { maxBuffer: 1 << 28, encoding: "latin1" });
  return status === null ? "" : stdout;
}

const missing = ["clang", "readelf"].filter((command) => run(command, ["--version"]) === "");

describe.skipIf(missing.length > 0)(
  `equals readelf (needs clang and readelf, missing: ${missing.join(" ") || "none"})`,
  () => {
    test.for(targets.flatMap((target) => [4, 5].map((version) => ({ target: target.join(" "), version }))))(
      "$target, DWARF $version",
      async ({ target, version }, { skip }) => {
        const [triple, ...options] = target.split(" ");
        const source = join(folder, "input.c");
        const object = join(folder, "input.o");
        writeFileSync(source, code);
        const common = [`-gdwarf-${version}`, "-O2", "-ffunction-sections", "-c", source, "-o", object];
        const made = spawnSync("clang", [`--target=${triple}`, ...options, ...common], { encoding: "utf8" });
        if (made.stderr.includes("No available targets are compatible")) skip(`this clang has no ${triple}`);
        expect(made.stderr).toBe("");

        const file = new FileSource(object);
        const elf = ElfFile.open(file);
        expect(symbolsOf(elf)).toEqual(symbolsByReadelf(object));
        // readelf takes every section to be at 0.
        elf.syntheticAddresses = () => new Float64Array(elf.sections.length);
        let compared = 0;
        for (const { name } of elf.sections) {
          // By name: MIPS has a section type of its own for them.
          if (!name.startsWith(".debug_")) continue;
          const section = (await loadDebugSection(elf, name, { inMemory: true }))!;
          expect(`${name} ${Buffer.from(section.bytes!).toString("hex")}`).toBe(
            `${name} ${dump(object, name)}`,
          );
          compared++;
        }
        file.close();
        expect(compared).toBeGreaterThan(4);
      },
    );
  },
);

function symbolsOf(elf: ElfFile): string[] {
  const symbols = elf.symbolTable()!;
  return Array.from({ length: symbols.length }, (_, i) =>
    [symbols.value(i), symbols.byteSize(i), symbols.sectionIndex[i]! >>> 0].join(" "),
  );
}

/** Value, size and section of each line such as "  5: 00000010    12 FUNC  GLOBAL DEFAULT    3 work". */
function symbolsByReadelf(object: string): string[] {
  const reserved = new Map([
    ["UND", "0"],
    ["ABS", String(0xffff_fff1)],
    ["COM", String(0xffff_fff2)],
  ]);
  return Array.from(
    run("readelf", ["-sW", object]).matchAll(
      /^ *\d+: ([0-9a-f]+) +(\d+|0x[0-9a-f]+) +\w+ +\w+ +\w+ +(?:\[.*\] +)?(\w+) .*$/gm,
    ),
    ([, value, size, section]) =>
      [BigInt(`0x${value}`), BigInt(size!), reserved.get(section!) ?? section].join(" "),
  );
}

/** Relocated and decompressed contents in hexadecimal, from lines such as "  0x00000010 00112233 44      .text". */
function dump(object: string, section: string): string {
  return Array.from(
    run("readelf", ["-z", "-R", section, object]).matchAll(/^ {2}0x[0-9a-f]{8} (.{36})/gm),
    ([, hex]) => hex!.replaceAll(" ", ""),
  ).join("");
}
