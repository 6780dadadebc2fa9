import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MockKernel, type MockKernelOptions } from "../../test/build/mock-kernel.ts";
import { shapeName, tableShapes, type TableShape } from "../../test/build/page-tables.ts";
import { aarch64, x86_64 } from "../arch/index.ts";
import {
  AddressSpace,
  Vmcoreinfo,
  checkTranslation,
  translationFromQemuCpus,
  translationFromSegments,
  translationFromSymbols,
  translationFromVmcoreinfo,
  tryVmcoreinfo,
} from "./index.ts";

const x86Base = 0xffff_ffff_8000_0000n;
const arm = tableShapes.filter((shape) => shape.architecture === "aarch64");
const x86 = tableShapes.filter((shape) => shape.architecture === "x86-64");

function x86Kernel(shape: TableShape, more: Partial<MockKernelOptions> = {}): MockKernel {
  const virtual = more.virtual ?? 0xffff_ffff_8100_0000n;
  const physical = more.physical ?? 0x200_0000;
  const distance = BigInt.asUintN(64, BigInt(physical) - virtual + x86Base);
  const variables: Record<string, bigint> =
    shape.virtualAddressBits === 57 ? { __pgtable_l5_enabled: 1n } : {};
  if (shape.encryptionMask !== undefined) variables["sme_me_mask"] = shape.encryptionMask;
  return new MockKernel({ shape, virtual, physical, distance, variables, ...more });
}

function armKernel(shape: TableShape, more: Partial<MockKernelOptions> = {}): MockKernel {
  const virtual = BigInt.asUintN(64, -(1n << 35n) + 0x20_0000n);
  const physical = 0x4100_0000;
  return new MockKernel({ shape, virtual, physical, distance: virtual - BigInt(physical), ...more });
}

function armFacts(shape: TableShape, kernel: MockKernel): string[] {
  const offset = kernel.virtualOf("_stext")! - BigInt(kernel.physicalOf("_stext")!);
  return [
    `NUMBER(VA_BITS)=${shape.virtualAddressBits}`,
    `NUMBER(TCR_EL1_T1SZ)=0x${(64 - shape.virtualAddressBits).toString(16)}`,
    `NUMBER(kimage_voffset)=0x${offset.toString(16)}`,
    "NUMBER(PHYS_OFFSET)=0x40000000",
  ];
}

describe("translationFromVmcoreinfo", () => {
  it.each(x86.map((shape) => [shapeName(shape), shape] as const))("%s", (_name, shape) => {
    // Negative, as of a kernel loaded below where KASLR put its addresses.
    const kernel = x86Kernel(shape, { virtual: 0xffff_ffff_b6e0_0000n });
    const info = new Vmcoreinfo(
      kernel.vmcoreinfo([
        `NUMBER(phys_base)=${0x200_0000n - 0x36e0_0000n}`,
        `NUMBER(pgtable_l5_enabled)=${shape.virtualAddressBits === 57 ? 1 : 0}`,
        `NUMBER(sme_mask)=${shape.encryptionMask ?? 0}`,
        "NUMBER(KERNEL_IMAGE_SIZE)=1073741824",
      ]),
    );
    const translation = translationFromVmcoreinfo(info);
    expect(translation.architecture).toBe(x86_64);
    expect(translation.tables).toEqual(kernel.tables.format);
    const { virtualOf } = kernel;
    expect(checkTranslation(kernel.memory, translation, { vmcoreinfo: info, virtualOf })).toEqual({
      ok: true,
      passed: [
        "page tables and image agree on _stext",
        "init_uts_ns names release 6.1.0",
        'linux_banner is "Linux version 6.1.0"',
      ],
      failed: [],
    });
  });

  it.each(arm.map((shape) => [shapeName(shape), shape] as const))("%s", (_name, shape) => {
    const kernel = armKernel(shape);
    const info = new Vmcoreinfo(kernel.vmcoreinfo(armFacts(shape, kernel)));
    const translation = translationFromVmcoreinfo(info);
    expect(translation.architecture).toBe(aarch64);
    expect(translation.tables).toEqual(kernel.tables.format);
    expect(checkTranslation(kernel.memory, translation, { vmcoreinfo: info })).toMatchObject({ ok: true });
    expect(translation.runs.map((run) => run.name)).toEqual(["image", "linear"]);
  });

  it("takes zero for KERNELOFFSET and phys_base as it is", () => {
    const kernel = x86Kernel(x86[0]!, { virtual: 0xffff_ffff_8100_0000n, physical: 0x100_0000 });
    const info = new Vmcoreinfo(kernel.vmcoreinfo(["NUMBER(phys_base)=0", "KERNELOFFSET=0"]));
    const translation = translationFromVmcoreinfo(info);
    expect(new AddressSpace(kernel.memory, translation).translate(0xffff_ffff_8100_0000n)).toBe(0x100_0000);
  });

  it("keeps the linear map of a 52-bit kernel on a 48-bit processor, modulo 2^64", () => {
    const facts = new Vmcoreinfo(
      [
        "PAGESIZE=4096",
        "SYMBOL(_stext)=ffffa1f0ad610000",
        "SYMBOL(swapper_pg_dir)=ffffa1f0aec00000",
        "NUMBER(VA_BITS)=52",
        "NUMBER(TCR_EL1_T1SZ)=0x10",
        "NUMBER(kimage_voffset)=0xffffa1f06d400000",
        "NUMBER(PHYS_OFFSET)=0xfff1000040000000",
        "",
      ].join("\n"),
    );
    const translation = translationFromVmcoreinfo(facts);
    expect(translation.tables).toMatchObject({ virtualAddressBits: 48, largePhysicalAddresses: false });
    const linear = translation.runs[1]!;
    expect(BigInt.asUintN(64, 0xffff_0000_0000_0000n + linear.delta)).toBe(0x4000_0000n);
  });

  it.each([
    [""],
    ["NUMBER(phys_base)=0\n"],
    ["NUMBER(phys_base)=0\nSYMBOL(swapper_pg_dir)=1000\n"],
    ["NUMBER(kimage_voffset)=0x1000\n"],
    ["NUMBER(kimage_voffset)=0x1000\nSYMBOL(swapper_pg_dir)=4000\n"],
    ["NUMBER(kimage_voffset)=0x1000\nSYMBOL(swapper_pg_dir)=4000\nPAGESIZE=4096\n"],
    ["NUMBER(kimage_voffset)=0x1000\nSYMBOL(swapper_pg_dir)=4000\nPAGESIZE=4096\nNUMBER(VA_BITS)=64\n"],
    ["NUMBER(kimage_voffset)=0x5000\nSYMBOL(swapper_pg_dir)=4000\nPAGESIZE=4096\nNUMBER(VA_BITS)=48\n"],
  ])("refuses one that says too little: %j", (text) => {
    expect(() => translationFromVmcoreinfo(new Vmcoreinfo(text))).toThrowError(
      expect.objectContaining({ code: "VMCOREINFO" }),
    );
  });
});

it("survives any numbers in a VMCOREINFO", () => {
  const keys = [
    "PAGESIZE",
    "SYMBOL(_stext)",
    "SYMBOL(init_uts_ns)",
    "SYMBOL(swapper_pg_dir)",
    "OFFSET(uts_namespace.name)",
    "NUMBER(phys_base)",
    "NUMBER(sme_mask)",
    "NUMBER(pgtable_l5_enabled)",
    "NUMBER(KERNEL_IMAGE_SIZE)",
    "NUMBER(kimage_voffset)",
    "NUMBER(VA_BITS)",
    "NUMBER(TCR_EL1_T1SZ)",
    "NUMBER(PHYS_OFFSET)",
  ];
  const value = fc.oneof(
    fc.constantFrom(
      "0",
      "1",
      "-1",
      "8192",
      "16384",
      "65536",
      "48",
      "52",
      "ffffffff81000000",
      "0xffffffffffffffff",
    ),
    fc.bigInt(-(1n << 63n), (1n << 64n) - 1n).map(String),
    fc.bigInt(0n, (1n << 64n) - 1n).map((number) => number.toString(16)),
  );
  const kernel = x86Kernel(x86[0]!);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...keys), value)), fc.boolean(), (lines, isArm) => {
      const text = lines.map(([key, each]) => `${key}=${each}\n`).join("");
      const info = new Vmcoreinfo(kernel.vmcoreinfo().slice(0, isArm ? 60 : 0) + text);
      const [tried] = tryVmcoreinfo(kernel.memory, [info], [0xffff_ffff_8100_0000n]);
      expect(tried!.check.ok).toBe(false);
    }),
    { numRuns: 2000 },
  );
});

describe("tryVmcoreinfo", () => {
  it("puts the one that memory confirms first, and the kernel that CPUs run before the other", () => {
    const one = x86Kernel(x86[0]!, { release: "6.1.0" });
    const two = x86Kernel(x86[0]!, {
      release: "7.2.13",
      memory: one.memory,
      virtual: 0xffff_ffff_9100_0000n,
      physical: 0x900_0000,
    });
    const infoOf = (kernel: MockKernel): Vmcoreinfo =>
      new Vmcoreinfo(
        kernel.vmcoreinfo([
          `NUMBER(phys_base)=${kernel.physicalOf("_stext")! - Number(kernel.virtualOf("_stext")! - x86Base)}`,
        ]),
      );
    const stale = new Vmcoreinfo(one.vmcoreinfo(["NUMBER(phys_base)=4096"]));
    const empty = new Vmcoreinfo("OSRELEASE=6.1.0\n");
    const tried = tryVmcoreinfo(
      one.memory,
      [empty, stale, infoOf(one), infoOf(two)],
      [0x40_0000n, 0xffff_ffff_9100_0010n],
    );
    expect(tried.map(({ info, check }) => [info.osRelease, check.ok])).toEqual([
      ["7.2.13", true],
      ["6.1.0", true],
      ["6.1.0", false],
      ["6.1.0", false],
    ]);
    expect(tried[0]!.mappedProgramCounters).toBe(1);
    expect(tried.slice(2).every(({ check }) => check.failed.length > 0)).toBe(true);
  });

  it("does not confirm a release that memory contradicts", () => {
    const kernel = x86Kernel(x86[0]!);
    const text = kernel
      .vmcoreinfo([`NUMBER(phys_base)=${0x200_0000 - 0x100_0000}`])
      .replace("6.1.0", "6.2.0");
    const info = new Vmcoreinfo(text);
    const { virtualOf } = kernel;
    const check = checkTranslation(kernel.memory, translationFromVmcoreinfo(info), {
      vmcoreinfo: info,
      virtualOf,
    });
    expect(check.ok).toBe(false);
    expect(check.failed).toEqual([
      'init_uts_ns names release "6.1.0", VMCOREINFO 6.2.0',
      'linux_banner is "Linux version 6.1.0 (someone@somewhere) (cc) #1 SMP\\n"',
    ]);
  });
});

describe("translationFromSymbols", () => {
  const kernels = [
    ...x86.map((shape) => [shapeName(shape), x86_64, x86Kernel(shape)] as const),
    ...arm.map((shape) => [shapeName(shape), aarch64, armKernel(shape)] as const),
  ];

  it.each(kernels)("%s: by physical addresses", (_name, architecture, kernel) => {
    const { physicalOf } = kernel;
    const found = translationFromSymbols(kernel.memory, architecture, { physicalOf });
    expect(found.translation.tables).toEqual(kernel.tables.format);
    expect(BigInt.asUintN(64, kernel.virtualOf("_stext")! + found.imageDelta)).toBe(
      BigInt(physicalOf("_stext")!),
    );
  });

  it.each(kernels)("%s: by virtual addresses, past other banners", (_name, architecture, kernel) => {
    const { memory, virtualOf } = kernel;
    memory.write(0x30_0000, "Linux version 1 ").write(0x7000_0000, "Linux version 2 ");
    const found = translationFromSymbols(memory, architecture, { virtualOf });
    expect(found.translation.tables).toEqual(kernel.tables.format);
    expect(found.checks[0]).toContain("linux_banner found in memory");
    const again = translationFromSymbols(
      memory,
      architecture,
      { virtualOf },
      { imageDelta: found.imageDelta },
    );
    expect(again.translation).toEqual(found.translation);
  });

  it("finds the linear map that the page tables have", () => {
    const kernel = x86Kernel(x86[0]!, { variables: { page_offset_base: 0xffff_9000_0000_0000n } });
    const base = 0xffff_9000_0000_0000n;
    kernel.tables.map(base + 0x200_0000n, 0x200_0000n, 21);
    const { translation } = translationFromSymbols(kernel.memory, x86_64, { physicalOf: kernel.physicalOf });
    expect(translation.runs[1]).toMatchObject({
      name: "linear",
      start: base,
      delta: BigInt.asUintN(64, -base),
    });
  });

  it.each([
    ["no symbols", {}, "no symbol linux_banner"],
    ["a banner nowhere", { virtualOf: () => 0xffff_ffff_8100_0000n }, '1 places with "Linux version "'],
    ["a variable beyond memory", { physicalOf: () => 0x7_0000_0000 }, "is not in the dump"],
  ])("says what is missing: %s", (_what, symbols, problem) => {
    const { memory } = x86Kernel(x86[0]!);
    const attempt = (): unknown => translationFromSymbols(memory, x86_64, symbols);
    expect(attempt).toThrowError(expect.objectContaining({ code: "TRANSLATION" }));
    expect(attempt).toThrowError(problem);
  });

  it("refuses tables that put nothing right", () => {
    const kernel = x86Kernel(x86[0]!);
    kernel.memory.writeU64(kernel.tables.entryPlace(kernel.virtualOf("_stext")!), 0x63n);
    expect(() =>
      translationFromSymbols(kernel.memory, x86_64, { physicalOf: kernel.physicalOf }),
    ).toThrowError("none puts _stext right");
  });

  it("refuses a variable that contradicts its own address", () => {
    const kernel = x86Kernel(x86[0]!, { distance: 0x1000n });
    const { physicalOf, virtualOf } = kernel;
    expect(() => translationFromSymbols(kernel.memory, x86_64, { physicalOf, virtualOf })).toThrowError(
      "contradicts",
    );
  });

  it("stops in time", () => {
    const { memory, virtualOf } = x86Kernel(x86[0]!);
    const attempt = (): unknown => translationFromSymbols(memory, x86_64, { virtualOf }, { deadline: 0 });
    expect(attempt).toThrowError("time is up");
  });
});

describe("translationFromQemuCpus", () => {
  const idtBase = 0xffff_fe00_0000_0000n;

  function cpuOf(kernel: MockKernel, cr3: number): Parameters<typeof translationFromQemuCpus>[1][number] {
    const values: Record<string, bigint> = { cr3: BigInt(cr3), cr4: 0n };
    const segment = { selector: 0, limit: 0, flags: 0, base: idtBase };
    const registers = { get: (name: string) => values[name]!, has: (name: string) => name in values };
    return { registers, segments: { idt: segment } } as unknown as Parameters<
      typeof translationFromQemuCpus
    >[1][number];
  }

  function withIdt(): MockKernel {
    const kernel = x86Kernel(x86[0]!);
    const handler = kernel.virtualOf("_stext")! + 0x30n;
    kernel.tables.map(idtBase, 0x700_0000n);
    const gate = new DataView(new ArrayBuffer(16));
    gate.setUint16(0, Number(handler & 0xffffn), true);
    gate.setUint16(6, Number((handler >> 16n) & 0xffffn), true);
    gate.setUint32(8, Number(handler >> 32n), true);
    kernel.memory.write(0x700_0000, new Uint8Array(gate.buffer));
    return kernel;
  }

  it("finds the kernel by CR3 and the first gate of the IDT", () => {
    const kernel = withIdt();
    const found = translationFromQemuCpus(kernel.memory, [
      cpuOf(kernel, 0x666_0000),
      cpuOf(kernel, kernel.tables.format.root | 0x18),
    ]);
    expect(found).toMatchObject({ cpu: 1, divideError: kernel.virtualOf("_stext")! + 0x30n });
    expect(found!.translation.tables).toEqual(kernel.tables.format);
    expect(BigInt.asUintN(64, kernel.virtualOf("_stext")! + found!.imageDelta)).toBe(0x200_0000n);
  });

  it("takes the kernel's half of a pair of tables", () => {
    const kernel = withIdt();
    const { root } = kernel.tables.format;
    expect(root % 0x2000).toBe(0);
    // The half for user mode is the page behind, which here happens to be a lower table.
    const found = translationFromQemuCpus(kernel.memory, [cpuOf(kernel, root + 0x1000)]);
    expect(found?.translation.tables?.root).toBe(root);
  });

  it("finds nothing where nothing is", () => {
    const kernel = withIdt();
    expect(translationFromQemuCpus(kernel.memory, [])).toBeUndefined();
    expect(translationFromQemuCpus(kernel.memory, [cpuOf(kernel, 0x666_0000)])).toBeUndefined();
  });
});

describe("translationFromSegments", () => {
  it("takes image and linear map from segments with both addresses", () => {
    const translation = translationFromSegments(x86_64, [
      { address: 0xffff_ffff_b600_0000n, byteSize: 0x200_0000n, physicalAddress: 0x660_0000 },
      { address: 0xffff_8880_0010_0000n, byteSize: 0x1000_0000n, physicalAddress: 0x10_0000 },
      { address: 0xffff_c900_0000_0000n, byteSize: 1n << 45n, physicalAddress: undefined },
      { address: 0x1000n, byteSize: 0x1000n, physicalAddress: 0x1000 },
    ])!;
    expect(translation.tables).toBeUndefined();
    expect(translation.runs.map((run) => run.name)).toEqual(["image", "linear"]);
    const space = new AddressSpace({ ranges: [], readInto: () => {} }, translation);
    expect(space.translate(0xffff_ffff_b600_1000n)).toBe(0x660_1000);
    expect(space.translate(0xffff_8880_0010_0010n)).toBe(0x10_0010);
    expect(() => space.translate(0xffff_c900_0000_0000n)).toThrowError(
      expect.objectContaining({ reason: "unmapped" }),
    );
    expect(translationFromSegments(x86_64, [])).toBeUndefined();
  });
});
