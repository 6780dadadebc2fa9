import { expect, test } from "vitest";
import { MockMemory } from "../../test/build/mock-program.ts";
import { Btf, BtfBuilder } from "../btf/index.ts";
import { parseProcKallsyms } from "../kallsyms/index.ts";
import { PerCpuArea } from "./per-cpu.ts";
import { VariableTable } from "./variables.ts";

type Entry = readonly [name: string, offset: number];

function btfOf(entries: readonly Entry[], base?: Btf): Btf {
  const builder = new BtfBuilder(base === undefined ? {} : { base });
  const int = builder.addInt("int", 4);
  builder.addDatasec(
    ".data",
    0x1000,
    entries.map(([name, offset]) => ({ type: builder.addVar(name, int), offset, byteSize: 4 })),
  );
  return Btf.parse(builder.finish(), base === undefined ? {} : { base });
}

function tableOf(kallsyms: string, parts: { btf?: Entry[]; module?: Entry[] }): VariableTable {
  const { kernel, modules } = parseProcKallsyms(kallsyms);
  const base = btfOf(parts.btf ?? []);
  return new VariableTable({
    memory: new MockMemory(),
    symbols: kernel,
    btf: base,
    sidecar: undefined,
    modules:
      parts.module === undefined
        ? []
        : [{ name: "m", btf: btfOf(parts.module, base), symbols: () => modules[0], isPerCpu: () => false }],
    perCpu: new PerCpuArea(new MockMemory(), kernel),
    findType: () => undefined,
    enumerator: () => undefined,
  });
}

const text = "ffffffff81000000 T _stext\n";

test("a module's variable does not pass for the kernel's of the same name", () => {
  const table = tableOf(
    `${text}ffffffff82000000 d debug\nffffffffc0000010 d debug\t[m]\nffffffffc0000018 d level\t[m]\n`,
    {
      module: [
        ["debug", 0],
        ["level", 8],
      ],
    },
  );
  expect(table.findAll("debug").map(({ address, module }) => [address, module])).toEqual([
    [0xffff_ffff_c000_0010n, "m"],
  ]);
});

test("a module that has none of the symbols carries the types of the kernel's variables", () => {
  const table = tableOf(
    `${text}ffffffff82000000 d one\nffffffff82000008 d two\nffffffffc0000010 t init\t[m]\n`,
    {
      module: [
        ["one", 0],
        ["two", 8],
      ],
    },
  );
  expect(table.findAll("two")).toMatchObject([
    { address: 0xffff_ffff_8200_0008n, module: undefined, source: "module" },
  ]);
});

test("of several the one that other files see is meant, else none", () => {
  const symbols =
    "ffffffff82000000 D one\nffffffff82000008 d one\nffffffff82000010 d two\nffffffff82000018 d two\n";
  const entries = [0, 8, 16, 24].map((offset): Entry => [offset < 16 ? "one" : "two", offset]);
  const table = tableOf(`${text}${symbols}ffffffff82000020 d three\nffffffff82000028 d four\n`, {
    btf: [...entries, ["three", 32], ["four", 40]],
  });
  expect(table.find("one")?.address).toBe(0xffff_ffff_8200_0000n);
  expect(table.findAll("two")).toHaveLength(2);
  expect(() => table.find("two")).toThrowError(
    expect.objectContaining({
      code: "AMBIGUOUS",
      choices: ["two@0xffffffff82000010", "two@0xffffffff82000018"],
    }),
  );
  expect(table.find("absent")).toBeUndefined();
});
