import { describe, expect, test } from "vitest";
import { DumpedKernel, dumpOf } from "../../test/build/dumped-kernel.ts";
import { SparseMemory } from "../../test/build/sparse-memory.ts";
import { Btf, BtfBuilder } from "../btf/index.ts";
import type { Dump } from "../dump/index.ts";
import { TypeTable } from "../program/index.ts";
import type { Foundation } from "./foundation.ts";
import { findKernel } from "./ladder.ts";
import { otherKernels } from "./other-kernels.ts";

// The capture kernel is the same build, lower in memory, as Debian's is.
const crashed = { virtual: 0xffff_ffff_b840_0000n, physical: 0x4000_0000 };
const capture = { virtual: 0xffff_ffff_8700_0000n, physical: 0x100_0000 };

function climb(dump: Dump): Foundation {
  return findKernel(dump, { diagnostics: [] });
}

function pair(memory: SparseMemory): [crashed: DumpedKernel, capture: DumpedKernel] {
  const second = new DumpedKernel({ memory, ...capture });
  return [new DumpedKernel({ memory, ...crashed, panicCpu: 0 }), second];
}

describe("several kernels in one memory", () => {
  test("the one that panicked is taken, each of the others named once", () => {
    const memory = new SparseMemory();
    const [first, second] = pair(memory);
    const old = first.vmcoreinfo();
    const longer = first.vmcoreinfo({ more: ["CRASHTIME=1700000000"] });
    const text = second.vmcoreinfo({ more: ["KERNELOFFSET=6000000"] });
    for (const [index, each] of [text, old, longer].entries()) memory.write(0x10_0000 + index * 4096, each);
    const found = climb(dumpOf(memory));
    expect(found.rung).toBe("scan");
    expect(found.symbols.addressOf("linux_banner")).toBe(first.virtualOf("linux_banner"));
    expect(found.vmcoreinfo!.crashTime).toBe(1700000000);
    expect(found.others).toEqual(["Linux version 6.1.0 (a@b) (cc) #1 SMP, moved by 0x6000000"]);
  });

  test("without any VMCOREINFO too, though their banners are the same", () => {
    const memory = new SparseMemory();
    const [first, second] = pair(memory);
    const found = climb(dumpOf(memory));
    expect(found.rung).toBe("bare");
    expect(found.symbols.addressOf("linux_banner")).toBe(first.virtualOf("linux_banner"));
    const stext = second.virtualOf("_stext").toString(16);
    expect(found.others).toEqual([`Linux version 6.1.0 (a@b) (cc) #1 SMP, _stext at 0x${stext}`]);
  });

  test.each([true, false])(
    "symbol tables that are searched for are the known kernel's: release %s",
    (release) => {
      const memory = new SparseMemory();
      const [first] = pair(memory);
      const found = climb(dumpOf(memory, { vmcoreinfo: first.vmcoreinfo({ tables: false, release }) }));
      expect(found).toMatchObject({ rung: "note", symbolsFrom: "scan" });
      expect(found.symbols.addressOf("panic_cpu")).toBe(first.virtualOf("panic_cpu"));
    },
  );

  test("symbol tables of other kernels alone are none", () => {
    const memory = new SparseMemory();
    const [first] = pair(memory);
    const vmcoreinfo = first.vmcoreinfo({ tables: false });
    // The token table of the one that is meant.
    const place = BigInt(
      /SYMBOL\(kallsyms_token_index\)=(\w+)/.exec(first.vmcoreinfo())![1]!.replace(/^/, "0x"),
    );
    memory.write(crashed.physical + Number(place - crashed.virtual), new Uint8Array(512));
    const diagnostics: { text: string }[] = [];
    findKernel(dumpOf(memory, { vmcoreinfo }), { diagnostics: diagnostics as never });
    expect(diagnostics[0]!.text).toContain("no symbol tables of this kernel found");
  });
});

test("a VMCOREINFO without a release claims none", () => {
  const memory = new SparseMemory();
  const [first] = pair(memory);
  const { checks } = climb(dumpOf(memory, { vmcoreinfo: first.vmcoreinfo({ release: false }) }));
  expect(checks).toEqual([
    "page tables and image agree on _stext",
    'init_uts_ns names release "6.1.0"',
    'linux_banner begins with "Linux version"',
  ]);
});

describe("kernels that the dump's own kernel knows of", () => {
  const builder = new BtfBuilder();
  const long = builder.addInt("unsigned long", 8);
  builder.addStruct("resource", 16, [
    { name: "start", type: long, bitOffset: 0 },
    { name: "end", type: long, bitOffset: 64 },
  ]);
  const types = new TypeTable([{ name: "vmlinux", btf: Btf.parse(builder.finish()) }]);
  const others = (dump: Dump): readonly string[] =>
    otherKernels(dump, climb(dump), (name) => types.find(`struct ${name}`));
  const info = ["KERNELOFFSET=6000000"];

  test("its capture kernel, in the memory that was set aside for it", () => {
    const memory = new SparseMemory();
    const second = new DumpedKernel({ memory, ...capture });
    const variables = { crashk_res: [BigInt(capture.physical), BigInt(capture.physical + 0xff_ffff)] };
    const first = new DumpedKernel({ memory, ...crashed, panicCpu: 0, variables });
    memory.write(capture.physical + 0x30_0000, second.vmcoreinfo({ more: info }));
    // Elsewhere nobody looks.
    memory.write(0x7000_0000, second.vmcoreinfo({ more: ["KERNELOFFSET=7000000"] }));
    expect(others(dumpOf(memory, { vmcoreinfo: first.vmcoreinfo() }))).toEqual([
      "Linux version 6.1.0, moved by 0x6000000",
    ]);
  });

  test("the kernel that it captures, by the core that it was given", () => {
    const memory = new SparseMemory();
    const header = 0x5000_0000;
    const first = new DumpedKernel({ memory, ...crashed, panicCpu: 0 });
    const second = new DumpedKernel({ memory, ...capture, variables: { elfcorehdr_addr: [BigInt(header)] } });
    const text = first.vmcoreinfo({ more: ["KERNELOFFSET=37400000"] });
    const note = Buffer.alloc(24);
    note.writeUInt32LE(11, 0);
    note.writeUInt32LE(text.length, 4);
    note.write("VMCOREINFO", 12);
    memory.write(0x5100_0000, note).write(0x5100_0018, text);
    const core = Buffer.alloc(64 + 2 * 56);
    core.write("\x7fELF", "latin1");
    core.writeBigUInt64LE(64n, 32);
    core.writeUInt16LE(2, 56);
    core.writeUInt32LE(1, 64);
    core.writeUInt32LE(4, 64 + 56);
    core.writeBigUInt64LE(0x5100_0000n, 64 + 56 + 8);
    core.writeBigUInt64LE(BigInt(24 + text.length), 64 + 56 + 32);
    memory.write(header, core);
    expect(others(dumpOf(memory, { vmcoreinfo: second.vmcoreinfo() }))).toEqual([
      "Linux version 6.1.0, moved by 0x37400000",
    ]);
  });

  test.each([
    ["nothing set aside", { crashk_res: [0n, 0n], elfcorehdr_addr: [0xffff_ffff_ffff_ffffn] }],
    ["places that are none", { crashk_res: [0x7000_0000n, 5n], elfcorehdr_addr: [0x7000_0000n] }],
    ["all of the address space", { crashk_res: [1n, 0xffff_ffff_ffff_ffffn], elfcorehdr_addr: [5n] }],
  ])("none: %s", (_what, variables) => {
    const memory = new SparseMemory();
    const only = new DumpedKernel({ memory, ...crashed, variables });
    expect(others(dumpOf(memory, { vmcoreinfo: only.vmcoreinfo() }))).toEqual([]);
  });
});
