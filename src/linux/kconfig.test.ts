import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { MockMemory, mockProgram } from "../../test/build/mock-program.ts";
import { BtfBuilder } from "../btf/index.ts";
import type { Program } from "../program/index.ts";
import { getKconfig, kconfigText } from "./kconfig.ts";

const start = 0xffff_ffff_8200_0f00n;
const text =
  '# Kernel\nCONFIG_SMP=y\nCONFIG_HZ=250\nCONFIG_NAME="a=b"\n# CONFIG_PREEMPT is not set\nCONFIG_E=""\n';
const symbol = (name: string, address: bigint): { name: string; address: bigint; byteSize: number } => ({
  name,
  address,
  byteSize: 8,
});

/** With the packed text between two symbols. */
function program(packed: Uint8Array, end = start + BigInt(packed.length)): Program {
  const memory = new MockMemory();
  memory.put(start, packed);
  const symbols = [symbol("kernel_config_data", start), symbol("kernel_config_data_end", end)];
  return mockProgram({ btf: new BtfBuilder().toBtf(), memory, symbols });
}

test("options with their values as they stand there", () => {
  expect(kconfigText(program(gzipSync(text)))).toBe(text);
  expect([...getKconfig(program(gzipSync(text)))]).toEqual([
    ["CONFIG_SMP", "y"],
    ["CONFIG_HZ", "250"],
    ["CONFIG_NAME", '"a=b"'],
    ["CONFIG_PREEMPT", "n"],
    ["CONFIG_E", '""'],
  ]);
});

// The mark's place decides whether it lies on one page or on two.
test.each(Array.from({ length: 10 }, (_, index) => index))("before v5.1, with marks: %i", (padding) => {
  const packed = gzipSync(text);
  const memory = new MockMemory();
  const array = Buffer.concat([Buffer.from("IKCFG_ST"), packed, Buffer.from("IKCFG_ED\0")]);
  // The second mark ends `padding` bytes behind a page's start, and the last page behind that.
  const address = 0xffff_ffff_8200_2000n - BigInt(array.length - 1 - padding);
  memory.put(address, array);
  memory.put(address + BigInt(array.length), new Uint8Array(4096));
  const symbols = [symbol("kernel_config_data", address)];
  expect(kconfigText(mockProgram({ btf: new BtfBuilder().toBtf(), memory, symbols }))).toBe(text);
});

test("a kernel without", () => {
  expect(() => kconfigText(mockProgram({ btf: new BtfBuilder().toBtf() }))).toThrow("CONFIG_IKCONFIG");
});

test("what is damaged is an error, and no part of the text", () => {
  const packed = gzipSync(text);
  const flipped = Uint8Array.from(packed);
  flipped[20]! ^= 0xff;
  expect(() => kconfigText(program(flipped))).toThrow("broken gzip data");
  expect(() => kconfigText(program(packed.subarray(0, -9)))).toThrow("broken gzip data");
  expect(() => kconfigText(program(packed, start - 8n))).toThrow("has no end");
  expect(() => kconfigText(program(packed, start + 2n ** 40n))).toThrow("has no end");
  expect(() => kconfigText(program(gzipSync(Buffer.alloc(17 * 2 ** 20))))).toThrow("holds more than");
});
