import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildIdIsReliable } from "./build-id.ts";
import { Vmcoreinfo } from "./vmcoreinfo.ts";

const lines = [
  "OSRELEASE=6.1.0-50-cloud-amd64",
  "BUILD-ID=BB603a9147d3efe4744bf83c83eee397c591cc20",
  "PAGESIZE=4096",
  "SYMBOL(_stext)=ffffffffb6e00000",
  "SYMBOL(zero)=0",
  "OFFSET(uts_namespace.name)=0",
  "OFFSET(list_head.next)=8",
  "SIZE(page)=64",
  "LENGTH(mem_section)=2048",
  "NUMBER(phys_base)=-748683264",
  "NUMBER(VMALLOC_START)=0xffa0000000000000",
  "NUMBER(PHYS_OFFSET)=0xfff1000040000000",
  "NUMBER(pgtable_l5_enabled)=0",
  "KERNELOFFSET=0",
  "CONFIG_X86_PAE=y",
  "CRASHTIME=1700000000",
];

describe("Vmcoreinfo", () => {
  it.each([
    ["as written", lines],
    ["in any order", lines.toReversed()],
  ])("knows every kind of line, %s", (_order, written) => {
    const info = new Vmcoreinfo(`${written.join("\n")}\n`);
    expect(info.osRelease).toBe("6.1.0-50-cloud-amd64");
    expect(info.buildId).toBe("bb603a9147d3efe4744bf83c83eee397c591cc20");
    expect(info.pageSize).toBe(4096);
    expect(info.symbol("_stext")).toBe(0xffffffffb6e00000n);
    expect(info.symbol("zero")).toBe(0n);
    expect(info.symbol("absent")).toBeUndefined();
    expect(info.offset("list_head.next")).toBe(8);
    expect(info.offset("uts_namespace.name")).toBe(0);
    expect(info.size("page")).toBe(64);
    expect(info.length("mem_section")).toBe(2048);
    expect(info.number("phys_base")).toBe(-748683264n);
    expect(info.number("VMALLOC_START")).toBe(0xffa0000000000000n);
    expect(info.number("PHYS_OFFSET")).toBe(0xfff1000040000000n);
    expect(info.number("pgtable_l5_enabled")).toBe(0n);
    expect(info.kernelOffset).toBe(0n);
    expect(info.config("X86_PAE")).toBe("y");
    expect(info.crashTime).toBe(1700000000);
    expect(info.problems).toEqual([]);
  });

  it("has nothing where nothing is said", () => {
    const info = new Vmcoreinfo("");
    for (const value of [info.osRelease, info.buildId, info.pageSize, info.kernelOffset, info.crashTime])
      expect(value).toBeUndefined();
    expect(info.problems).toEqual([]);
  });

  it.each([
    ["SYMBOL(x)", "ffffffff812345678"],
    ["SYMBOL(x)", "0x"],
    ["SYMBOL(x)", " 1"],
    ["SYMBOL(x)", "-1"],
    ["NUMBER(x)", "12ab"],
    ["NUMBER(x)", "-0x10"],
    ["NUMBER(x)", "1e3"],
    ["NUMBER(x)", "1".repeat(21)],
    ["SIZE(x)", "-1"],
    ["SIZE(x)", "1234567890123456"],
    ["PAGESIZE", "8193"],
    ["PAGESIZE", "1"],
    ["PAGESIZE", "131072"],
    ["BUILD-ID", "xyz"],
    ["BUILD-ID", "abc"],
    ["KERNELOFFSET", "zz"],
    ["CRASHTIME", "now"],
  ])("takes no nonsense: %s=%s", (key, value) => {
    const info = new Vmcoreinfo(`${key}=${value}\n`);
    const got = [info.symbol("x"), info.number("x"), info.size("x"), info.pageSize, info.buildId];
    expect([...got, info.kernelOffset, info.crashTime]).toEqual(Array.from({ length: 7 }));
  });

  it("keeps the first of two lines of one key, and tells", () => {
    const info = new Vmcoreinfo("PAGESIZE=4096\nSIZE(page)=64\nPAGESIZE=65536\nSIZE(page)=64\n");
    expect(info.pageSize).toBe(4096);
    expect(info.problems).toEqual(['given twice: "PAGESIZE=65536"']);
  });

  it("drops lines that the kernel's buffer cut, and finds the one glued to them", () => {
    const long = `SYMBOL(${"x".repeat(60)})=ffffffff81234`;
    const cut = long.slice(0, 79);
    expect(cut).toHaveLength(79);
    const info = new Vmcoreinfo(`PAGESIZE=4096\n${cut}SYMBOL(_stext)=ffffffff81000000\nSIZE(page)=64\n`);
    expect(info.symbol("_stext")).toBe(0xffffffff81000000n);
    expect(info.size("page")).toBe(64);
    expect(info.symbol("x".repeat(60))).toBeUndefined();
    expect(info.problems).toHaveLength(1);
  });

  it("does not believe a number at the end of a text without its newline", () => {
    const info = new Vmcoreinfo("OSRELEASE=6.1\nSYMBOL(_stext)=ffffffff8100");
    expect(info.symbol("_stext")).toBeUndefined();
    expect(info.problems).toEqual(['cut: "SYMBOL(_stext)=ffffffff8100"']);
  });

  it("ends at a NUL", () => {
    const info = new Vmcoreinfo("PAGESIZE=4096\n\0SIZE(page)=64\n");
    expect(info.size("page")).toBeUndefined();
    expect(info.pageSize).toBe(4096);
  });

  it("survives any text, and takes at most 64 KiB of it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), fc.nat(20), (text, at) => {
        const whole = lines.join("\n");
        const info = new Vmcoreinfo(whole.slice(0, at * 20) + text + whole.slice(at * 20));
        expect(info.entries.size).toBeLessThanOrEqual(lines.length + text.length);
      }),
    );
    expect(new Vmcoreinfo("A=B\n".repeat(1e6)).text).toHaveLength(0x1_0000);
  });
});

describe("buildIdIsReliable", () => {
  it.each([
    ["7.2.13+deb14-cloud-amd64", "", true],
    ["6.12.107", "", true],
    ["6.11.2", "", true],
    ["6.11.3", "", false],
    ["6.11.10", "", true],
    ["6.10.14-300.fc40.x86_64", "", false],
    ["6.6.54", "", true],
    ["6.6.62", "", false],
    ["6.1.112", "", true],
    ["6.1.115", "", false],
    ["6.1.119", "", true],
    ["5.15.200", "", false],
    ["6.1.0-50-cloud-amd64", "", false],
    ["6.1.0-50-cloud-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.176-1 (2026-07-02)", true],
    ["6.1.0-27-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.115-1 (2024-11-01)", false],
    ["unknown", "", false],
  ])("%s, %s: %s", (release, version, expected) => {
    expect(buildIdIsReliable(release, version)).toBe(expected);
  });
});
