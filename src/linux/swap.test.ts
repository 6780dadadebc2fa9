import { expect, test } from "vitest";
import { commonTypes, MockMemory, mockProgram } from "../../test/build/mock-program.ts";
import { BtfBuilder } from "../btf/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { forEachSwapInfo, swapEntry, swapUsageInPages } from "./swap.ts";

const at = 0xffff_ffff_8100_0000n;
const info = 0xffff_8880_0000_0000n;

/** A kernel with one swap device in use, and one that was. */
function kernelOf(architecture: string): Kernel {
  const builder = new BtfBuilder();
  const { ulong } = commonTypes(builder);
  const counter = builder.addStruct("atomic", 8, [{ name: "counter", type: ulong, bitOffset: 0 }]);
  builder.addStruct("swap_info_struct", 16, [
    { name: "flags", type: ulong, bitOffset: 0 },
    { name: "inuse_pages", type: counter, bitOffset: 64 },
  ]);
  const memory = new MockMemory();
  memory.putWords(at, info, info + 16n, 0n);
  memory.putWords(at + 24n, 3n);
  memory.putWords(info, 3n, (1n << 30n) | 77n, 2n, 5n);
  const program = mockProgram({
    btf: builder.toBtf(),
    memory,
    variables: {
      swap_info: { address: at, type: "struct swap_info_struct *[3]" },
      nr_swapfiles: { address: at + 24n, type: "unsigned long" },
    },
  });
  const foundation = { memory: { translation: { architecture: { name: architecture } } } };
  return { program, foundation } as unknown as Kernel;
}

test("devices that are no longer in use are left out; a full one's mark is no part of its count", () => {
  const { program } = kernelOf("x86-64");
  const found = [...forEachSwapInfo(program)];
  expect(found.map(({ address }) => address)).toEqual([info]);
  expect(swapUsageInPages(found[0]!)).toBe(77n);
});

test("a page table entry names a page of a device, with the bits of its number inverted", () => {
  expect(swapEntry(kernelOf("x86-64"), 0x7fff_ffff_ff9d_c0an)).toEqual({ type: 0, offset: 785n });
  // Types from MAX_SWAPFILES on stand for pages that are being moved, and other things.
  expect(swapEntry(kernelOf("x86-64"), 31n << 59n)).toBeUndefined();
  expect(swapEntry(kernelOf("aarch64"), 0x7fff_ffff_ff9d_c0an)).toBeUndefined();
});
