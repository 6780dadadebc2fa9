import { expect, test } from "vitest";
import { commonTypes, MockMemory, mockProgram } from "../../test/build/mock-program.ts";
import { BtfBuilder } from "../btf/index.ts";
import type { Program } from "../program/index.ts";
import { cpuModels } from "./cpuinfo.ts";
import { ticksPerSecond } from "./jiffies.ts";

const address = 0xffff_ffff_8200_0000n;

test("CPUs of x86 are what the first one is", () => {
  const builder = new BtfBuilder();
  const { char, int, u8 } = commonTypes(builder);
  const text = (length: number): number => builder.addArray(char, int, length);
  builder.addStruct("cpuinfo_x86", 83, [
    { name: "x86", type: u8, bitOffset: 0 },
    { name: "x86_model", type: u8, bitOffset: 8 },
    { name: "x86_stepping", type: u8, bitOffset: 16 },
    { name: "x86_vendor_id", type: text(16), bitOffset: 24 },
    { name: "x86_model_id", type: text(64), bitOffset: 152 },
  ]);
  const memory = new MockMemory();
  memory.put(address, `\x06\x55\x07${"GenuineIntel".padEnd(16, "\0")}${"A CPU  ".padEnd(64, "\0")}`);
  const variables = { boot_cpu_data: { type: "struct cpuinfo_x86", address } };
  expect(cpuModels(mockProgram({ btf: builder.toBtf(), memory, variables }), [0, 1])).toEqual([
    { cpus: null, vendor: "GenuineIntel", name: "A CPU", family: 6, model: 85, stepping: 7, variant: null },
  ]);
});

test("CPUs of arm64 by what their registers say", () => {
  const builder = new BtfBuilder();
  const { uint } = commonTypes(builder);
  builder.addStruct("cpuinfo_arm64", 4, [{ name: "reg_midr", type: uint, bitOffset: 0 }]);
  const memory = new MockMemory();
  // Cortex-A53 r0p4, Cortex-A72 r1p0, as QEMU has them.
  for (const [cpu, register] of [0x410f_d034, 0x411f_d080, 0x410f_d034, 0].entries()) {
    memory.put(address + BigInt(cpu) * 0x1000n, new Uint8Array(Uint32Array.of(register).buffer));
  }
  const variables = { cpu_data: { type: "struct cpuinfo_arm64", address, perCpu: true } };
  const arm = { vendor: "0x41", name: null, family: null };
  expect(cpuModels(mockProgram({ btf: builder.toBtf(), memory, variables }), [0, 1, 2, 3])).toEqual([
    { cpus: [0, 2], ...arm, model: 0xd03, variant: 0, stepping: 4 },
    { cpus: [1], ...arm, model: 0xd08, variant: 1, stepping: 0 },
  ]);
});

function clockOf(mult: number, shift: number): Program {
  const builder = new BtfBuilder();
  const { uint } = commonTypes(builder);
  builder.addStruct("clocksource", 8, [
    { name: "mult", type: uint, bitOffset: 0 },
    { name: "shift", type: uint, bitOffset: 32 },
  ]);
  const memory = new MockMemory();
  memory.put(address, new Uint8Array(Uint32Array.of(mult, shift).buffer));
  const variables = { clocksource_jiffies: { type: "struct clocksource", address } };
  return mockProgram({ btf: builder.toBtf(), memory, variables });
}

test.each([100, 250, 300, 1000, 1024])("HZ of %i", (hz) => {
  const nanoseconds = Math.round(1e9 / hz);
  expect(ticksPerSecond(clockOf(nanoseconds << 6, 6))).toBe(hz);
  expect(ticksPerSecond(clockOf(nanoseconds * 256, 8))).toBe(hz);
});

test.each([
  [0, 8],
  [1, 8],
  [4_000_000, 40],
])("no clock has mult %i and shift %i", (mult, shift) => {
  expect(() => ticksPerSecond(clockOf(mult, shift))).toThrow("clocksource_jiffies has");
});
