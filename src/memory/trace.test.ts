import { describe, expect, it } from "vitest";
import { PageTableBuilder, shapeName, tableShapes } from "../../test/build/page-tables.ts";
import { SparseMemory } from "../../test/build/sparse-memory.ts";
import { architectures } from "../arch/index.ts";
import { AddressSpace } from "./address-space.ts";

const base = 0xffff_ffff_0000_0000n;

describe.each(tableShapes.map((shape) => [shapeName(shape), shape] as const))("%s", (_name, shape) => {
  const page = 2 ** shape.pageShift;
  const machine = (): AddressSpace => {
    const memory = new SparseMemory();
    const tables = new PageTableBuilder(memory, shape, 0x1000_0000);
    for (const [index, frame] of [5, 6, 9].entries())
      tables.map(base + BigInt(index * page), BigInt(frame * page));
    tables.map(base + 0x4000_0000n, BigInt(3 * page));
    const architecture = architectures.find((each) => each.name === shape.architecture)!;
    return new AddressSpace(memory, {
      architecture,
      pageByteSize: page,
      tables: tables.format,
      runs: [],
      how: "test",
    });
  };

  it("names every level on the way to a page, and where an empty entry ends it", () => {
    const space = machine();
    const found = space.trace(base + BigInt(page) + 8n);
    expect(found.physicalAddress).toBe(6 * page + 8);
    expect(found.pageByteSize).toBe(page);
    expect(found.steps[0]!.level).toBe("PGD");
    expect(found.steps.at(-1)!.level).toBe("PTE");
    expect(found.steps.at(-1)!.flags[0]).toBe(shape.architecture === "x86-64" ? "PRESENT" : "VALID");
    const none = space.trace(base + BigInt(3 * page));
    expect(none).toMatchObject({ physicalAddress: undefined, problem: "nothing is mapped there" });
    expect(none.steps.at(-1)).toMatchObject({ level: "PTE", entry: 0n, flags: [] });
  });

  it("gives what is mapped in runs, and steps over what is not", () => {
    const runs = [...machine().mappedRuns(base, base + 0x8000_0000n)];
    expect(runs).toEqual([
      { address: base, physicalAddress: 5 * page, byteSize: 2 * page },
      { address: base + BigInt(2 * page), physicalAddress: 9 * page, byteSize: page },
      { address: base + 0x4000_0000n, physicalAddress: 3 * page, byteSize: page },
    ]);
    // What is no address, far below, is stepped over too.
    const from = shape.architecture === "x86-64" ? 1n << 60n : base - 0x8000_0000n;
    expect([...machine().mappedRuns(from, base + BigInt(page))]).toHaveLength(1);
    const part = [...machine().mappedRuns(base + 8n, base + BigInt(page) - 8n)];
    expect(part).toEqual([{ address: base + 8n, physicalAddress: 5 * page + 8, byteSize: page - 16 }]);
  });
});
