import { expect, test } from "vitest";
import { arm64Machine } from "./arm64-instruction.ts";
import { x86Machine } from "./x86-instruction.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text.replaceAll(" ", ""), "hex");

// As objdump shows these bytes.
test.each([
  [
    "48 8b 47 28",
    "mov rax, [rdi+0x28]",
    4,
    { kind: "load", to: "rax", base: "rdi", offset: 0x28 },
    { base: "rdi", offset: 0x28, hasIndex: false },
  ],
  [
    "48 8b 87 80 00 00 00",
    "mov rax, [rdi+0x80]",
    7,
    { kind: "load", to: "rax", base: "rdi", offset: 0x80 },
    { base: "rdi", offset: 0x80, hasIndex: false },
  ],
  [
    "8b 07",
    "mov eax, [rdi]",
    2,
    { kind: "clobber", registers: ["rax"] },
    { base: "rdi", offset: 0, hasIndex: false },
  ],
  [
    "4c 8b 6c 24 f8",
    "mov r13, [rsp-8]",
    5,
    { kind: "load", to: "r13", base: "rsp", offset: -8 },
    { base: "rsp", offset: -8, hasIndex: false },
  ],
  [
    "48 8b 04 c7",
    "mov rax, [rdi+rax*8]",
    4,
    { kind: "clobber", registers: ["rax"] },
    { base: "rdi", offset: 0, hasIndex: true },
  ],
  ["49 89 fc", "mov r12, rdi", 3, { kind: "move", to: "r12", from: "rdi" }, undefined],
  ["89 f8", "mov eax, edi", 2, { kind: "clobber", registers: ["rax"] }, undefined],
  ["48 89 46 10", "mov [rsi+0x10], rax", 4, { kind: "none" }, { base: "rsi", offset: 0x10, hasIndex: false }],
  ["48 8d 7b f0", "lea rdi, [rbx-0x10]", 4, { kind: "add", to: "rdi", base: "rbx", offset: -16 }, undefined],
  ["48 83 c7 18", "add rdi, 0x18", 4, { kind: "add", to: "rdi", base: "rdi", offset: 0x18 }, undefined],
  [
    "48 83 7f 28 00",
    "cmp qword [rdi+0x28], 0",
    5,
    { kind: "none" },
    { base: "rdi", offset: 0x28, hasIndex: false },
  ],
  [
    "65 48 8b 04 25 80 fb 01 00",
    "mov rax, gs:0x1fb80",
    9,
    { kind: "per-cpu", to: "rax", address: 0x1fb80n },
    undefined,
  ],
  ["e8 10 00 00 00", "call +0x10", 5, { kind: "call", target: 0x1015n }, undefined],
  ["75 fe", "jne self", 2, { kind: "jump", target: 0x1000n, isConditional: true }, undefined],
  ["0f 84 00 01 00 00", "je +0x100", 6, { kind: "jump", target: 0x1106n, isConditional: true }, undefined],
  ["c3", "ret", 1, { kind: "return" }, undefined],
  ["0f 1f 44 00 00", "nop", 5, { kind: "none" }, undefined],
  ["f3 0f 1e fa", "endbr64", 4, { kind: "none" }, undefined],
  ["48 b8 01 02 03 04 05 06 07 08", "mov rax, imm64", 10, { kind: "clobber", registers: ["rax"] }, undefined],
  [
    "66 c7 47 08 01 00",
    "mov word [rdi+8], 1",
    6,
    { kind: "clobber", registers: [] },
    { base: "rdi", offset: 8, hasIndex: false },
  ],
  [
    "f6 47 10 04",
    "test byte [rdi+0x10], 4",
    4,
    { kind: "none" },
    { base: "rdi", offset: 0x10, hasIndex: false },
  ],
  [
    "f0 48 0f b1 17",
    "lock cmpxchg [rdi], rdx",
    5,
    { kind: "clobber", registers: ["rax"] },
    { base: "rdi", offset: 0, hasIndex: false },
  ],
])("x86-64 %s: %s", (code, _text, byteSize, effect, access) => {
  expect(x86Machine.decode(bytes(code), 0, 0x1000n)).toEqual({ byteSize, effect, access });
});

test("what x86-64 does not know, or is cut off, is nothing", () => {
  for (const code of ["", "48", "48 8b", "48 8b 87 80 00", "c5 f8 77", "66 66 66"]) {
    expect(x86Machine.decode(bytes(code), 0, 0n)).toBeUndefined();
  }
});

const word = (value: number): Uint8Array => {
  const code = Buffer.alloc(4);
  code.writeUInt32LE(value);
  return code;
};

test.each([
  [
    0xf9400c00,
    "ldr x0, [x0, #24]",
    { kind: "load", to: "x0", base: "x0", offset: 24 },
    { base: "x0", offset: 24, hasIndex: false },
  ],
  [
    0xb9401801,
    "ldr w1, [x0, #24]",
    { kind: "clobber", registers: ["x1"] },
    { base: "x0", offset: 24, hasIndex: false },
  ],
  [0xf9000c1f, "str xzr, [x0, #24]", { kind: "none" }, { base: "x0", offset: 24, hasIndex: false }],
  [
    0xf85f8261,
    "ldur x1, [x19, #-8]",
    { kind: "load", to: "x1", base: "x19", offset: -8 },
    { base: "x19", offset: -8, hasIndex: false },
  ],
  [
    0xa9410013,
    "ldp x19, x0, [x0, #16]",
    { kind: "clobber", registers: ["x19", "x0"] },
    { base: "x0", offset: 16, hasIndex: false },
  ],
  [
    0xc8dffc01,
    "ldar x1, [x0]",
    { kind: "load", to: "x1", base: "x0", offset: 0 },
    { base: "x0", offset: 0, hasIndex: false },
  ],
  [0xaa0003f3, "mov x19, x0", { kind: "move", to: "x19", from: "x0" }, undefined],
  [0x91004013, "add x19, x0, #16", { kind: "add", to: "x19", base: "x0", offset: 16 }, undefined],
  [0xd1004000, "sub x0, x0, #16", { kind: "add", to: "x0", base: "x0", offset: -16 }, undefined],
  [0xd5384100, "mrs x0, sp_el0", { kind: "current", to: "x0" }, undefined],
  [0x94000004, "bl +16", { kind: "call", target: 0x1010n }, undefined],
  [0x17ffffff, "b -4", { kind: "jump", target: 0xffcn, isConditional: false }, undefined],
  [0xb4000040, "cbz x0, +8", { kind: "jump", target: 0x1008n, isConditional: true }, undefined],
  [0x54000041, "b.ne +8", { kind: "jump", target: 0x1008n, isConditional: true }, undefined],
  [0x36000040, "tbz w0, #0, +8", { kind: "jump", target: 0x1008n, isConditional: true }, undefined],
  [0xd63f0020, "blr x1", { kind: "call", target: undefined }, undefined],
  [0xd65f03c0, "ret", { kind: "return" }, undefined],
  [0xd503201f, "nop", { kind: "none" }, undefined],
])("arm64 %i: %s", (value, _text, effect, access) => {
  expect(arm64Machine.decode(word(value), 0, 0x1000n)).toMatchObject({ byteSize: 4, effect });
  expect(arm64Machine.decode(word(value), 0, 0x1000n)!.access).toEqual(access);
});

test("a post-indexed access of arm64 changes its base, and is at it", () => {
  // ldr x1, [x0], #16
  const instruction = arm64Machine.decode(word(0xf8410401), 0, 0n)!;
  expect(instruction).toMatchObject({ access: { base: "x0", offset: 0 }, alsoClobbers: ["x0"] });
});
