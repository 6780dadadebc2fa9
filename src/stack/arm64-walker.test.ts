import { describe, expect, test } from "vitest";
import { randomNumbers } from "../../test/build/mutate.ts";
import { MockMemory } from "../../test/build/mock-program.ts";
import { RegisterSet } from "../arch/index.ts";
import { hasOwnFrame } from "./arm64-prologue.ts";
import { Arm64Registers, isArm64UserMode } from "./arm64-registers.ts";
import { Arm64Walker } from "./arm64-walker.ts";
import type { Frame } from "./frame.ts";
import { type StackRegion, StackRegions } from "./regions.ts";
import type { WalkStart } from "./walk.ts";

const text = 0xffff_8000_8001_0000n;
const stackStart = 0xffff_8000_9000_0000n;
const irqStart = 0xffff_8000_a000_0000n;
const names = ["first", "second", "third", "el1h_64_irq", "el0t_64_sync", "vectors", "leaf"] as const;
type Name = (typeof names)[number];
const functionByteSize = 0x100;

const within = (name: Name, offset = 0x40): bigint =>
  text + BigInt(names.indexOf(name) * functionByteSize + offset);

/** stp x29, x30, [sp, #-32]!; mov x29, sp; nop ...; ldp x29, x30, [sp], #32; ret */
const prologue = [0xa9be7bfd, 0x910003fd];
const epilogue = [0xa8c27bfd, 0xd65f03c0];
const nop = 0xd503201f;

function put(memory: MockMemory, address: bigint, ...values: readonly bigint[]): void {
  const bytes = Buffer.alloc(values.length * 8);
  values.forEach((value, index) => bytes.writeBigUInt64LE(BigInt.asUintN(64, value), index * 8));
  memory.put(address, bytes);
}

function code(memory: MockMemory, address: bigint, words: readonly number[]): void {
  const bytes = Buffer.alloc(words.length * 4);
  words.forEach((word, index) => bytes.writeUInt32LE(word >>> 0, index * 4));
  memory.put(address, bytes);
}

function emptyMachine(): MockMemory {
  const memory = new MockMemory();
  memory.put(stackStart, new Uint8Array(0x4000));
  memory.put(irqStart, new Uint8Array(0x4000));
  for (const name of names) {
    const start = within(name, 0);
    const words = new Array<number>(functionByteSize / 4).fill(nop);
    if (name !== "leaf" && name !== "vectors") {
      words.splice(0, 2, ...prologue);
      words.splice(-2, 2, ...epilogue);
    }
    code(memory, start, words);
  }
  return memory;
}

function walk(
  memory: MockMemory,
  registers: Record<string, bigint>,
  {
    hasMeta = false,
    codeMask = 0n,
    ...start
  }: Partial<WalkStart> & { hasMeta?: boolean; codeMask?: bigint } = {},
): Frame[] {
  const layout = {
    recordOffset: 288n,
    hasMeta,
    systemCallOffset: 280n,
    firstArgumentOffset: 272n,
  };
  const walker = new Arm64Walker(
    { memory, returnAddresses: { isReplaced: () => false, restore: () => undefined } },
    {
      registers: new Arm64Registers(memory, layout),
      codeMask,
      functionAt: (address) => {
        const index = Number((address - text) / BigInt(functionByteSize));
        const name = address < text ? undefined : names[index];
        return name && { name, start: within(name, 0), isFunction: true };
      },
    },
  );
  const regions: StackRegion[] = [
    { kind: "task", start: stackStart, end: stackStart + 0x4000n },
    { kind: "irq", start: irqStart, end: irqStart + 0x4000n },
  ];
  const all = { sp: stackStart + 0x1000n, ...registers };
  const set = new RegisterSet(Object.keys(all), BigUint64Array.from(Object.values(all)));
  return walker.walk({ registers: set, task: 1n, regions: new StackRegions(regions), ...start });
}

const textOf = (frames: readonly Frame[]): string[] =>
  frames.map(({ pc, kind, stack, problem }) => {
    const name = pc < text ? undefined : names[Number((pc - text) / BigInt(functionByteSize))];
    return kind === "broken" ? `broken: ${problem}` : `${kind} ${name ?? `0x${pc.toString(16)}`} on ${stack}`;
  });

const record = stackStart + 0x1000n;

/** A `struct pt_regs`: general registers by number, then sp, pc, pstate. */
function saved(
  memory: MockMemory,
  address: bigint,
  values: { fp: bigint; lr: bigint; sp: bigint; pc: bigint; pstate: bigint },
): void {
  const general = new Array<bigint>(31).fill(0n);
  general[29] = values.fp;
  general[30] = values.lr;
  put(memory, address, ...general, values.sp, values.pc, values.pstate, 5n, 64n);
}

describe("frame records", () => {
  test("from the running function to a record of zeros", () => {
    const memory = emptyMachine();
    put(memory, record, record + 0x40n, within("second"));
    put(memory, record + 0x40n, record + 0x80n, within("third"));
    expect(textOf(walk(memory, { pc: within("first"), x29: record, x30: 0n }))).toEqual([
      "exact first on task",
      "call second on task",
      "call third on task",
    ]);
  });

  test("without the authentication code in return addresses", () => {
    const memory = emptyMachine();
    const codeMask = 0xff7f_0000_0000_0000n;
    put(memory, record, record + 0x40n, within("second") & ~0x5a00_0000_0000_0000n);
    const frames = walk(memory, { pc: within("first"), x29: record, x30: 0n }, { codeMask });
    expect(frames[1]!.pc).toBe(within("second"));
  });

  test.each<[string, bigint, boolean]>([
    ["before its frame is set up", within("first", 4), true],
    ["in a function without a frame", within("leaf"), true],
    ["after its frame was taken down", within("first", functionByteSize - 4), true],
    ["with its frame", within("first", 8), false],
  ])("a function %s", (_, pc, throughLink) => {
    const memory = emptyMachine();
    put(memory, record, record + 0x40n, within("third"));
    const expected = throughLink ? ["call second on task", "call third on task"] : ["call third on task"];
    expect(textOf(walk(memory, { pc, x29: record, x30: within("second") })).slice(1)).toEqual(expected);
  });

  test.each([false, true])("across an interrupt, records that say so: %s", (hasMeta) => {
    const memory = emptyMachine();
    const onIrq = irqStart + 0x3000n;
    const at = stackStart + 0x2000n;
    const outer = stackStart + 0x2400n;
    const own = at + 288n;
    put(memory, onIrq, own, within("el1h_64_irq"));
    saved(memory, at, { fp: outer, lr: 0n, sp: stackStart + 0x2300n, pc: within("second"), pstate: 5n });
    if (hasMeta) put(memory, own, 0n, 0n, 2n);
    else put(memory, own, outer, within("second"));
    put(memory, outer, outer + 0x40n, within("third"));
    if (hasMeta) put(memory, outer + 0x40n, 0n, 0n, 1n);
    const frames = walk(
      memory,
      { pc: within("first"), sp: irqStart + 0x2f00n, x29: onIrq, x30: 0n },
      { hasMeta },
    );
    expect(textOf(frames)).toEqual([
      "exact first on irq",
      "call el1h_64_irq on irq",
      "exact second on task",
      "call third on task",
    ]);
    expect(frames[2]!.registersAddress).toBe(at);
  });

  test.each([false, true])("to user mode, records that say so: %s", (hasMeta) => {
    const memory = emptyMachine();
    const at = stackStart + 0x3eb0n;
    put(memory, record, at + 288n, within("el0t_64_sync"));
    saved(memory, at, { fp: 0n, lr: 0n, sp: 0xffff_1000n, pc: 0x400000n, pstate: 0x6000_0000n });
    put(memory, at + 288n, 0n, 0n, ...(hasMeta ? [1n] : []));
    const frames = walk(memory, { pc: within("first"), x29: record, x30: 0n }, { hasMeta });
    expect(textOf(frames)).toEqual([
      "exact first on task",
      "call el0t_64_sync on task",
      "user 0x400000 on task",
    ]);
    expect(frames[2]!.registers!.get("syscallno")).toBe(64n);
  });

  test("a CPU in user mode, and one that has just left it", () => {
    const memory = emptyMachine();
    expect(textOf(walk(memory, { pc: 0x400000n, x29: 0n, x30: 0n, pstate: 0n }))).toEqual([
      "user 0x400000 on task",
    ]);
    const entered = walk(memory, {
      pc: within("vectors", 0x80),
      x29: 0xffff_1000n,
      x30: 0x400000n,
      pstate: 0x3c5n,
    });
    expect(textOf(entered)).toEqual(["exact vectors on task"]);
    expect([0n, 0x10n, 0x4n, 0x5n, 0x1fn].map(isArm64UserMode)).toEqual([true, true, false, false, false]);
  });
});

describe("broken records", () => {
  test.each<[string, (memory: MockMemory) => void, string]>([
    ["leading back", (memory) => put(memory, record, record, within("second")), "leads back to"],
    [
      "outside of all stacks",
      (memory) => put(memory, record, 0xffff_8000_b000_0000n, within("second")),
      "is in no stack",
    ],
    [
      "with no address of the kernel",
      (memory) => put(memory, record, record + 0x40n, 0x1234n),
      "0x1234 is no address",
    ],
  ])("%s", (_, prepare, problem) => {
    const memory = emptyMachine();
    prepare(memory);
    const frames = textOf(walk(memory, { pc: within("first"), x29: record, x30: 0n }));
    expect(frames.find((frame) => frame.startsWith("broken"))).toContain(problem);
  });

  test("of a type that no kernel has", () => {
    const memory = emptyMachine();
    put(memory, record, 0n, 0n, 77n);
    const frames = textOf(walk(memory, { pc: within("first"), x29: record, x30: 0n }, { hasMeta: true }));
    expect(frames[1]).toBe("broken: frame record of unknown type 77");
  });

  test("any bytes as a stack end within bounds", () => {
    const random = randomNumbers(3);
    for (let round = 0; round < 40; round++) {
      const memory = emptyMachine();
      const bytes = Buffer.alloc(0x1000);
      for (let at = 0; at < bytes.length; at += 8) {
        const choice = random(3);
        if (choice === 0) bytes.writeBigUInt64LE(within(names[random(names.length)]!, random(64) * 4), at);
        else if (choice === 1) bytes.writeBigUInt64LE(stackStart + BigInt(random(0x220) * 8), at);
        else bytes.writeBigUInt64LE(BigInt(random(3)), at);
      }
      memory.put(stackStart, bytes);
      const x29 = stackStart + BigInt(random(0x200) * 8);
      const pc = within(names[random(names.length)]!);
      const frames = walk(
        memory,
        { pc, sp: stackStart, x29, x30: within("second") },
        { hasMeta: round % 2 === 0 },
      );
      expect(frames.length).toBeLessThanOrEqual(1024 + 1 + 64);
    }
  });
});

test("a function's frame stands on the path behind an early return", () => {
  const memory = new MockMemory();
  // stp; mov x29, sp; ldp; ret; nop: the last belongs to a path on which the frame stands.
  code(memory, text, [...prologue, ...epilogue, nop]);
  const own = [0, 4, 8, 12, 16].map((offset) => hasOwnFrame(memory, text, text + BigInt(offset)));
  expect(own).toEqual([false, false, true, false, true]);
});
