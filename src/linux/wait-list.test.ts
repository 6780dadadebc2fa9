import { describe, expect, it } from "vitest";
import { BtfBuilder } from "../../src/btf/index.ts";
import { commonTypes, MockMemory, mockProgram, structAdder } from "../../test/build/mock-program.ts";
import type { KernelObject } from "../program/index.ts";
import { rwsemState, rwsemWaiterWants } from "./rwsem.ts";
import { rwsemForEachWaiter } from "./rwsem.ts";
import { mutexOwner } from "./mutex.ts";

const lock = 0x1000n;
const waiters = [0x2000n, 0x3000n];

/** A rwsem with two waiters, in one of the two ways in which locks know theirs. */
function rwsem(layout: "list" | "ring", words: { count?: bigint; owner?: bigint } = {}): KernelObject {
  const builder = new BtfBuilder();
  const { int, long } = commonTypes(builder);
  const struct = structAdder(builder);
  const pointer = builder.addPtr(0);
  const list = struct("list_head", 16, { next: [pointer, 0], prev: [pointer, 8] });
  const waiter = struct("rwsem_waiter", 32, { list: [list, 0], task: [pointer, 16], type: [int, 24] });
  const atomic = struct("atomic_long_t", 8, { counter: [long, 0] });
  struct("rw_semaphore", 32, {
    count: [atomic, 0],
    owner: [atomic, 8],
    ...(layout === "list" ? { wait_list: [list, 16] } : { first_waiter: [builder.addPtr(waiter), 16] }),
  });
  const memory = new MockMemory();
  const put = (address: bigint, ...values: bigint[]): void => {
    const bytes = Buffer.alloc(values.length * 8);
    for (const [index, value] of values.entries()) bytes.writeBigUInt64LE(value, index * 8);
    memory.put(address, bytes);
  };
  const [first, second] = waiters as [bigint, bigint];
  const { count = 0n, owner = 0n } = words;
  const head = lock + 16n;
  if (layout === "list") {
    put(lock, count, owner, first, second);
    put(first, second, head, 0xaan, 1n);
    put(second, head, first, 0xbbn, 0n);
  } else {
    put(lock, count, owner, first, 0n);
    put(first, second, second, 0xaan, 1n);
    put(second, first, first, 0xbbn, 0n);
  }
  return mockProgram({ btf: builder.toBtf(), memory }).object(lock, "struct rw_semaphore");
}

describe.each(["list", "ring"] as const)("waiters that are a %s", (layout) => {
  it("come in their order, with what they want", () => {
    const found = [...rwsemForEachWaiter(rwsem(layout))];
    expect(found.map((each) => [each.member("task").scalar(), rwsemWaiterWants(each)])).toEqual([
      [0xaan, "read"],
      [0xbbn, "write"],
    ]);
  });
});

// Values as kernel/locking/rwsem.c makes them.
it.each([
  ["nobody", 0n, 0n, { isWritten: false, readers: 0, owner: 0n }],
  [
    "a writer, with waiters",
    3n,
    0xffff_8880_0000_1000n,
    { isWritten: true, readers: 0, owner: 0xffff_8880_0000_1000n },
  ],
  [
    "two readers",
    0x202n,
    0xffff_8880_0000_1003n,
    { isWritten: false, readers: 2, owner: 0xffff_8880_0000_1000n },
  ],
  ["nobody any more", 2n, 0xffff_8880_0000_1001n, { isWritten: false, readers: 0, owner: 0n }],
])("tells who holds a rwsem: %s", (_, count, owner, state) => {
  expect(rwsemState(rwsem("list", { count, owner }))).toEqual(state);
});

it("takes the flags off a mutex's owner", () => {
  expect(mutexOwner(rwsem("list", { owner: 0xffff_8880_0000_1007n }))).toBe(0xffff_8880_0000_1000n);
});
