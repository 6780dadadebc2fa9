import { describe, expect, test } from "vitest";
import { isDwarflessError } from "../io/index.ts";
import { parseProcKallsyms } from "./proc-kallsyms.ts";
import { SymbolTable } from "./symbol-table.ts";

const text = `0000000000000000 A fixed_percpu_data
0000000000031980 A runqueues
ffffffff81000000 T _stext
ffffffff81000010 t helper
ffffffff81000010 t alias
ffffffff81000200 t helper
ffffffff81001000 T _etext
ffffffff82000000 B _end
ffffffffc04d8000 t max_loop_param_set_int\t[loop]
ffffffffc04d8020 t helper\t[loop]
ffffffffc04d9000 t $x\t[loop]
ffffffffc0600000 t bpf_prog_6deef7357e7b4530\t[bpf]
ffffffffc04d8100 t late\t[loop]
`;

function listing(table: SymbolTable): string {
  let result = "";
  for (const { address, letter, name, module } of table.symbols()) {
    const suffix = module === undefined ? "" : `\t[${module}]`;
    result += `${address.toString(16).padStart(16, "0")} ${letter} ${name}${suffix}\n`;
  }
  return result;
}

describe("parseProcKallsyms", () => {
  test("keeps all lines, a module's together", () => {
    const { kernel, modules } = parseProcKallsyms(text);
    expect(kernel.count).toBe(8);
    expect(modules.map(({ module, count }) => [module, count])).toEqual([
      ["loop", 4],
      ["bpf", 1],
    ]);
    const table = new SymbolTable(
      kernel,
      modules.map((symbols) => ({ symbols })),
    );
    const lines = text.split("\n");
    const moved = [...lines.slice(0, 11), lines[12], lines[11], ""].join("\n");
    expect(listing(table)).toBe(moved);
    expect(parseProcKallsyms(Buffer.from(text)).kernel.name(2)).toBe("_stext");
    // No line feed behind the last line is no difference.
    expect(parseProcKallsyms(text.trimEnd()).modules[0]!.name(3)).toBe("late");
  });

  test("names of the kernel and of modules are found together, all of them", () => {
    const { kernel, modules } = parseProcKallsyms(text);
    const table = new SymbolTable(
      kernel,
      modules.map((symbols) => ({ symbols })),
    );
    expect(table.named("helper").map(({ address }) => address)).toEqual([
      0xffffffff81000010n,
      0xffffffff81000200n,
      0xffffffffc04d8020n,
    ]);
    expect(table.named("helper", "loop").map(({ module }) => module)).toEqual(["loop"]);
    expect(table.named("helper", "")).toHaveLength(2);
    expect(table.at(0xffffffff81000010n).map(({ name }) => name)).toEqual(["helper", "alias"]);
    expect(table.find(0xffffffff81000014n)).toMatchObject({
      offset: 4,
      symbol: { name: "helper", kind: "function" },
    });
    // Mapping symbols are listed, but no address is described by one.
    expect(table.find(0xffffffffc04d9004n)).toMatchObject({ offset: 0xf04, symbol: { name: "late" } });
    expect(table.find(0x31984n)).toBeUndefined();
    expect(table.named("runqueues")[0]).toMatchObject({ kind: "absolute", address: 0x31980n });
    expect(table.namesWithPrefix("h", 10)).toEqual(["helper"]);
  });

  test("of several symbols of a name one address is meant only if C says which", () => {
    const { kernel } = parseProcKallsyms(
      [
        "ffffffff81000000 T _stext",
        "ffffffff81000010 d modules",
        "ffffffff81000020 D modules",
        "ffffffff81000030 d local",
        "ffffffff81000040 d local",
        "ffffffff81000050 t alias",
        "ffffffff81000050 t alias",
        "",
      ].join("\n"),
    );
    expect(kernel.addressOf("modules")).toBe(0xffffffff81000020n);
    expect(kernel.addressOf("local")).toBeUndefined();
    expect(kernel.addressOf("alias")).toBe(0xffffffff81000050n);
    expect(kernel.addressOf("absent")).toBeUndefined();
  });

  test("zeros instead of addresses are an error that says what is missing", () => {
    const hidden = text.replace(/^[0-9a-f]{16}/gm, "0".repeat(16));
    expect(() => parseProcKallsyms(hidden)).toThrow(/CAP_SYSLOG.*kptr_restrict/);
  });

  test.each([
    ["", "no symbols"],
    ["\n", "not a line"],
    ["zz T x\n", "not a line"],
    ["00000000000000001 T x\n", "not a line"],
    ["ffffffff81000000 T\n", "not a line"],
    ["ffffffff81000000 TT x\n", "not a line"],
    ["ffffffff81000000 T x\tloop\n", "not a line"],
  ])("%j is refused", (content, problem) => {
    let caught: unknown;
    try {
      parseProcKallsyms(content);
    } catch (error) {
      caught = error;
    }
    expect(isDwarflessError(caught) && caught.code).toBe("KALLSYMS_TEXT");
    expect(String(caught)).toContain(problem);
  });
});
