import { describe, expect, test } from "vitest";
import { randomNumbers } from "../../test/build/mutate.ts";
import { MockMemory } from "../../test/build/mock-program.ts";
import { RegisterSet } from "../arch/index.ts";
import {
  ORC_REGISTER_BP,
  ORC_REGISTER_PREV_SP,
  ORC_REGISTER_R10,
  ORC_REGISTER_SP,
  ORC_REGISTER_SP_INDIRECT,
  ORC_REGISTER_UNDEFINED,
  ORC_TYPE_CALL,
  ORC_TYPE_END_OF_STACK,
  ORC_TYPE_REGS,
  ORC_TYPE_REGS_PARTIAL,
  ORC_TYPE_UNDEFINED,
  type OrcEntry,
  orcNullEntry,
} from "../orc/index.ts";
import type { Frame } from "./frame.ts";
import { type StackRegion, StackRegions } from "./regions.ts";
import type { WalkStart } from "./walk.ts";
import { X86Walker } from "./x86-walker.ts";
import { x86SavedRegisters } from "./x86-registers.ts";

const text = 0xffff_ffff_8100_0000n;
const stackStart = 0xffff_c900_0000_0000n;
const stackEnd = stackStart + 0x4000n;
const irqStart = 0xffff_c900_0010_0000n;
const irqEnd = irqStart + 0x4000n;
const bpf = 0xffff_ffff_c000_0000n;

/** Functions of 0x100 bytes each, by what their code does with the stack. */
const functions = {
  leaf: entry({ spOffset: 8 }),
  plain: entry({ spOffset: 0x28 }),
  framed: entry({
    spRegister: ORC_REGISTER_BP,
    spOffset: 16,
    bpRegister: ORC_REGISTER_PREV_SP,
    bpOffset: -16,
  }),
  end: entry({ spRegister: ORC_REGISTER_UNDEFINED, type: ORC_TYPE_END_OF_STACK }),
  nothing: entry({ spRegister: ORC_REGISTER_UNDEFINED, type: ORC_TYPE_UNDEFINED }),
  registers: entry({ spOffset: 0, type: ORC_TYPE_REGS, signal: true }),
  partial: entry({ spOffset: 0, type: ORC_TYPE_REGS_PARTIAL, signal: true }),
  switched: entry({ spRegister: ORC_REGISTER_SP_INDIRECT, spOffset: 0x10 }),
  aligned: entry({ spRegister: ORC_REGISTER_R10, spOffset: 0 }),
  unread: entry({ spRegister: 15 }),
} as const;
type Name = keyof typeof functions;
const names = Object.keys(functions) as Name[];

function entry(over: Partial<OrcEntry>): OrcEntry {
  return {
    spRegister: ORC_REGISTER_SP,
    spOffset: 0,
    bpRegister: ORC_REGISTER_UNDEFINED,
    bpOffset: 0,
    type: ORC_TYPE_CALL,
    signal: false,
    ...over,
  };
}

/** An address inside of a function, as a call would leave it. */
const within = (name: Name, offset = 0x20): bigint => text + BigInt(names.indexOf(name) * 0x100 + offset);

const find = (address: bigint): OrcEntry | undefined => {
  const index = Number((address - text) / 0x100n);
  const name = address < text ? undefined : names[index];
  return name === undefined ? undefined : functions[name];
};

const trampoline = within("leaf", 0xf0);

function walker(memory: MockMemory, kept: ReadonlyMap<bigint, bigint> = new Map()): X86Walker {
  // Every return address follows a call: E8 and four bytes.
  memory.put(text, new Uint8Array(names.length * 0x100).fill(0xe8));
  return new X86Walker(
    {
      memory,
      returnAddresses: {
        isReplaced: (address) => address === trampoline,
        restore: (_, __, slot) => {
          const address = kept.get(slot);
          return address === undefined ? undefined : { address, through: "return_to_handler" };
        },
      },
    },
    {
      find,
      forFrame: (pc, exact) => (pc === 0n ? orcNullEntry : find(exact ? pc : pc - 1n)),
      isCode: (pc) => (find(pc - 1n)?.type ?? ORC_TYPE_UNDEFINED) !== ORC_TYPE_UNDEFINED,
    },
    {
      find: (address) =>
        address >= bpf && address < bpf + 0x100n
          ? { name: "bpf_prog_1", module: "bpf", start: bpf, end: bpf + 0x100n, like: undefined }
          : undefined,
      mayHold: () => false,
      entriesOf: (address) => [address - ((address - text) % 0x100n)],
    },
  );
}

const regions = (...more: StackRegion[]): StackRegions =>
  new StackRegions([{ kind: "task", start: stackStart, end: stackEnd }, ...more]);
const irqRegion: StackRegion = { kind: "irq", start: irqStart, end: irqEnd };

function registers(values: Record<string, bigint>): RegisterSet {
  const all = { ip: 0n, sp: 0n, bp: 0n, ...values };
  return new RegisterSet(Object.keys(all), BigUint64Array.from(Object.values(all)));
}

/** A stack: words from an address on. */
function words(memory: MockMemory, address: bigint, ...values: readonly bigint[]): void {
  const bytes = Buffer.alloc(values.length * 8);
  values.forEach((value, index) => bytes.writeBigUInt64LE(value, index * 8));
  memory.put(address, bytes);
}

/** A `struct pt_regs`. */
function saved(memory: MockMemory, address: bigint, values: Record<string, bigint>): void {
  words(memory, address, ...x86SavedRegisters.map((name) => values[name] ?? 0n));
}

function emptyStack(): MockMemory {
  const memory = new MockMemory();
  memory.put(stackStart, new Uint8Array(0x4000));
  memory.put(irqStart, new Uint8Array(0x4000));
  return memory;
}

function walk(
  memory: MockMemory,
  start: Partial<WalkStart> & Pick<WalkStart, "registers">,
  kept?: Map<bigint, bigint>,
): string[] {
  return walker(memory, kept)
    .walk({ task: 1n, regions: regions(irqRegion), ...start })
    .map(frameText);
}

function frameText({ pc, kind, stack, problem }: Frame): string {
  const index = Number((pc - text) / 0x100n);
  const name = pc < text ? undefined : names[index];
  const place = kind === "user" ? `0x${pc.toString(16)}` : (name ?? `0x${pc.toString(16)}`);
  return kind === "broken" ? `broken: ${problem}` : `${kind} ${place} on ${stack}`;
}

const sp = stackStart + 0x3000n;

describe("whole stacks", () => {
  test("calls by the stack pointer and by the frame pointer, to the end", () => {
    const memory = emptyStack();
    words(memory, sp, within("plain"));
    words(memory, sp + 8n + 0x20n, within("framed"));
    // framed: {caller's frame pointer, return address} at bp.
    words(memory, sp + 0x100n, sp + 0x200n, within("framed"));
    words(memory, sp + 0x200n, 0n, within("end"));
    expect(walk(memory, { registers: registers({ ip: within("leaf"), sp, bp: sp + 0x100n }) })).toEqual([
      "exact leaf on task",
      "call plain on task",
      "call framed on task",
      "call framed on task",
      "call end on task",
    ]);
  });

  test("a return address is looked up as the call before it", () => {
    const memory = emptyStack();
    // The call is the last instruction of `end`: the address belongs to the next function.
    words(memory, sp, within("end", 0x100));
    expect(walk(memory, { registers: registers({ ip: within("leaf"), sp }) })).toHaveLength(2);
  });

  test("across an interrupt's stack to what was interrupted", () => {
    const memory = emptyStack();
    const top = irqEnd - 8n;
    words(memory, irqStart + 0x3f00n, within("switched"));
    words(memory, irqStart + 0x3f08n, sp - 0x10n + 0x18n - 8n);
    words(memory, top, sp);
    const at = sp + 0x10n;
    words(memory, sp + 8n, within("registers"));
    saved(memory, at, { ip: within("plain"), sp: sp + 0x400n, bp: 0n, cs: 0x10n });
    words(memory, sp + 0x420n, within("end"));
    expect(walk(memory, { registers: registers({ ip: within("leaf"), sp: irqStart + 0x3f00n }) })).toEqual([
      "exact leaf on irq",
      "call switched on irq",
      "call registers on task",
      "exact plain on task",
      "call end on task",
    ]);
  });

  test("ends in user mode, with the registers that entry saved", () => {
    const memory = emptyStack();
    const at = stackEnd - 168n;
    words(memory, at - 8n, within("registers"));
    saved(memory, at, { ip: 0x401000n, sp: 0x7ffc_0000n, cs: 0xdead_0000_0033n, di: 7n });
    const frames = walker(memory).walk({
      registers: registers({ ip: within("leaf"), sp: at - 8n }),
      task: 1n,
      regions: regions(),
    });
    expect(frames.map(frameText)).toEqual([
      "exact leaf on task",
      "call registers on task",
      "user 0x401000 on task",
    ]);
    expect(frames.at(-1)!.registers!.get("di")).toBe(7n);
    // What FRED keeps above the segment is no part of it.
    expect(frames.at(-1)!.registers!.get("cs")).toBe(0x33n);
    expect(frames.at(-1)!.registersAddress).toBe(at);
  });

  test("the processor's part of the registers alone", () => {
    const memory = emptyStack();
    words(memory, sp, within("partial"));
    words(memory, sp + 8n, within("plain"), 0x10n, 0n, sp + 0x300n, 0n);
    words(memory, sp + 0x320n, within("end"));
    expect(walk(memory, { registers: registers({ ip: within("leaf"), sp }) })).toEqual([
      "exact leaf on task",
      "call partial on task",
      "exact plain on task",
      "call end on task",
    ]);
  });

  test("a CPU in user mode has no kernel stack", () => {
    expect(walk(emptyStack(), { registers: registers({ ip: 0x401000n, sp: 0x7ffcn, cs: 0x33n }) })).toEqual([
      "user 0x401000 on task",
    ]);
  });

  test("a call through a null pointer", () => {
    const memory = emptyStack();
    words(memory, sp, within("end"));
    expect(walk(memory, { registers: registers({ ip: 0n, sp }) })).toEqual([
      "exact 0x0 on task",
      "call end on task",
    ]);
  });

  test("a register of the interrupted function, where all were saved", () => {
    const memory = emptyStack();
    words(memory, sp + 0x80n - 8n, within("end"));
    expect(
      walk(memory, { registers: registers({ ip: within("aligned"), sp, di: 0n, r10: sp + 0x80n }) }),
    ).toEqual(["exact aligned on task", "call end on task"]);
  });

  test("return addresses that tracing put aside", () => {
    const memory = emptyStack();
    words(memory, sp, trampoline);
    words(memory, sp + 0x28n, within("end"));
    const frames = walk(
      memory,
      { registers: registers({ ip: within("leaf"), sp }) },
      new Map([[sp, within("plain")]]),
    );
    expect(frames).toEqual(["exact leaf on task", "call plain on task", "call end on task"]);
  });

  test("a function without unwind data by the call of it", () => {
    const memory = emptyStack();
    const site = within("plain", 0x80);
    // Two other return addresses come first: the calls before them are of something else.
    words(memory, sp + 0x10n, within("framed"), within("leaf"), site);
    words(memory, sp + 0x28n + 0x20n, within("end"));
    const call = Buffer.alloc(5, 0xe8);
    call.writeInt32LE(Number(within("nothing", 0) - site), 1);
    const walked = walker(memory);
    memory.put(site - 5n, call);
    const start = { registers: registers({ ip: within("nothing"), sp }), task: 1n, regions: regions() };
    expect(walked.walk(start).map(frameText)).toEqual([
      "exact nothing on task",
      "call plain on task",
      "call end on task",
    ]);
  });

  test("a program of BPF by its frame pointer, proved by the end of the stack", () => {
    const memory = emptyStack();
    words(memory, sp, bpf + 0x20n);
    words(memory, sp + 0x100n, sp + 0x200n, within("plain"));
    words(memory, sp + 0x130n, within("end"));
    expect(walk(memory, { registers: registers({ ip: within("leaf"), sp, bp: sp + 0x100n }) })).toEqual([
      "exact leaf on task",
      "call 0xffffffffc0000020 on task",
      "call plain on task",
      "call end on task",
    ]);
  });
});

describe("broken stacks", () => {
  test.each<[string, Record<string, bigint>, (memory: MockMemory) => void, string]>([
    ["no unwind data", { ip: within("nothing") }, () => undefined, "no unwind data for this address"],
    [
      "unwind data that no kernel has",
      { ip: within("unread") },
      () => undefined,
      "unwind data that makes no sense",
    ],
    [
      "an address that is no code",
      { ip: within("leaf") },
      (memory) => words(memory, sp, 0x1234n),
      "0x1234 is no address of the kernel",
    ],
    [
      "an address of no function",
      { ip: within("leaf") },
      (memory) => words(memory, sp, 0xffff_ffff_9000_0000n),
      "0xffffffff90000000 is no code of this kernel",
    ],
    [
      "a register that is not known",
      { ip: within("aligned") },
      () => undefined,
      "register r10 of this frame is not known",
    ],
    [
      "a frame pointer outside",
      { ip: within("framed"), bp: 0xffff_8880_0000_0000n },
      () => undefined,
      "0xffff888000000000: not mapped",
    ],
    [
      "a return address that is lost",
      { ip: within("leaf") },
      (memory) => words(memory, sp, trampoline),
      "the return address was replaced, and the kernel's note of it is not found",
    ],
  ])("%s", (_, values, prepare, problem) => {
    const memory = emptyStack();
    prepare(memory);
    const frames = walk(memory, { registers: registers({ sp, ...values }) });
    expect(frames.some((frame) => frame.startsWith("broken: ") && frame.includes(problem))).toBe(true);
  });

  test("a frame whose return address is lost has no registers of the one that it called", () => {
    const memory = emptyStack();
    words(memory, sp, trampoline);
    const frames = walker(memory).walk({
      registers: registers({ ip: within("plain", 0), sp: sp - 0x20n, di: 7n }),
      task: 1n,
      regions: regions(),
    });
    expect(frames.slice(0, 2).map(({ pc, registers }) => [pc, registers?.get("di")])).toEqual([
      [within("plain", 0), 7n],
      [trampoline, undefined],
    ]);
  });

  test("a frame pointer that leads back", () => {
    const memory = emptyStack();
    words(memory, sp + 0x100n, sp + 0x100n, within("framed"));
    const frames = walk(memory, { registers: registers({ ip: within("framed"), sp, bp: sp + 0x100n }) });
    expect(frames.slice(0, 3)).toEqual([
      "exact framed on task",
      "call framed on task",
      "broken: stack pointer goes back from 0xffffc90000003110 to 0xffffc90000003110",
    ]);
  });

  test("two stacks that lead to each other", () => {
    const memory = emptyStack();
    const other = irqStart + 0x1000n;
    saved(memory, sp + 8n, { ip: within("leaf"), sp: other, cs: 0x10n });
    words(memory, sp, within("registers"));
    saved(memory, other + 8n, { ip: within("leaf"), sp, cs: 0x10n });
    words(memory, other, within("registers"));
    const frames = walk(memory, { registers: registers({ ip: within("leaf"), sp }) });
    expect(frames.findLast((frame) => frame.startsWith("broken"))).toBe(
      "broken: the walk comes back to the task stack",
    );
  });

  test("what may be frames is found behind the break, and marked", () => {
    const memory = emptyStack();
    words(memory, sp, 0xffff_ffff_9000_0000n);
    words(memory, sp + 0x40n, within("plain"), 5n, within("nothing"), within("framed"));
    expect(walk(memory, { registers: registers({ ip: within("leaf"), sp }) }).slice(-2)).toEqual([
      "guess plain on task",
      "guess framed on task",
    ]);
  });

  test("frames behind generated code are guesses unless the stack's end is reached", () => {
    const memory = emptyStack();
    words(memory, sp, bpf + 0x20n);
    words(memory, sp + 0x100n, sp + 0x200n, within("plain"));
    const frames = walk(memory, { registers: registers({ ip: within("leaf"), sp, bp: sp + 0x100n }) });
    expect(frames.slice(0, 3)).toEqual([
      "exact leaf on task",
      "call 0xffffffffc0000020 on task",
      "guess plain on task",
    ]);
  });

  test("more frames than any stack has, and a deadline that has passed", () => {
    const memory = new MockMemory();
    const byteSize = 0x10000;
    const big: StackRegion = { kind: "task", start: stackStart, end: stackStart + BigInt(byteSize) };
    const bytes = Buffer.alloc(byteSize);
    for (let at = 0; at < byteSize; at += 8) bytes.writeBigUInt64LE(within("leaf"), at);
    memory.put(stackStart, bytes);
    const start = {
      registers: registers({ ip: within("leaf"), sp: stackStart }),
      regions: new StackRegions([big]),
    };
    const deep = walk(memory, start);
    expect(deep[1024]).toBe("broken: more than 1024 frames");
    const late = walk(memory, { ...start, deadline: Date.now() - 1 });
    expect(late.at(-1)).toBe("broken: the deadline");
    expect(late.length).toBeLessThan(100);
  });

  test("any bytes as a stack, and any registers", () => {
    const random = randomNumbers(7);
    for (let round = 0; round < 60; round++) {
      const memory = new MockMemory();
      const bytes = Buffer.alloc(0x1000);
      for (let at = 0; at < bytes.length; at += 8) {
        const choice = random(4);
        if (choice === 0) bytes.writeBigUInt64LE(within(names[random(names.length)]!, random(0x100)), at);
        else if (choice === 1) bytes.writeBigUInt64LE(stackStart + BigInt(random(0x1100)), at);
        else bytes.writeBigUInt64LE(BigInt(random(1 << 24)) << BigInt(random(40)), at);
      }
      memory.put(stackStart, bytes);
      const frames = walk(memory, {
        registers: registers({
          ip: within(names[random(names.length)]!),
          sp: stackStart + BigInt(random(0x200) * 8),
          bp: stackStart + BigInt(random(0x1000)),
          r10: BigInt(random(1 << 24)),
          di: BigInt(random(1 << 24)),
        }),
        regions: new StackRegions([{ kind: "task", start: stackStart, end: stackStart + 0x1000n }]),
      });
      expect(frames.length).toBeLessThanOrEqual(1024 + 1 + 64);
    }
  });
});
