import { describe, expect, it } from "vitest";
import {
  aarch64,
  architectureOfMachine,
  architectureOfPrstatus,
  parsePrstatus,
  parseQemuNote,
  prstatusOfNotes,
  qemuCpusOfNotes,
  x86_64,
} from "./index.ts";

/** Bytes whose u64 at offset n is n. */
function counted(byteSize: number): Uint8Array {
  const bytes = new Uint8Array(byteSize);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at + 8 <= byteSize; at += 8) view.setBigUint64(at, BigInt(at), true);
  return bytes;
}

describe("NT_PRSTATUS", () => {
  it.each([
    [x86_64, { r15: 112n, ax: 192n, ip: 240n, sp: 264n, gs_base: 288n, gs: 320n }],
    [aarch64, { x0: 112n, x30: 352n, sp: 360n, pc: 368n, pstate: 376n }],
  ])("has the registers at their places", (architecture, registers) => {
    const prstatus = parsePrstatus(architecture, counted(architecture.prstatus.byteSize));
    expect(prstatus.pid).toBe(32);
    expect(prstatus.registers.names).toHaveLength(architecture.prstatus.registers.length);
    for (const [name, value] of Object.entries(registers)) expect(prstatus.registers.get(name)).toBe(value);
    expect(prstatus.registers.has("eflags")).toBe(false);
    expect(() => prstatus.registers.get("eflags")).toThrowError("no register eflags");
    expect(architecture.prstatus.registers).toContain(architecture.prstatus.framePointer);
  });

  it("of another size is refused", () => {
    expect(() => parsePrstatus(x86_64, counted(392))).toThrowError(
      expect.objectContaining({ code: "PRSTATUS" }),
    );
    const notes = [
      { name: "CORE", type: 1, description: counted(335) },
      { name: "CORE", type: 1, description: counted(336) },
      { name: "CORE", type: 2, description: counted(336) },
      { name: "QEMU", type: 1, description: counted(336) },
    ];
    expect(prstatusOfNotes(x86_64, notes)).toHaveLength(1);
  });

  it("tells the architecture by its size, ELF by its machine", () => {
    expect(architectureOfPrstatus(336)).toBe(x86_64);
    expect(architectureOfPrstatus(392)).toBe(aarch64);
    expect(architectureOfPrstatus(376)).toBeUndefined();
    expect(architectureOfMachine(62)).toBe(x86_64);
    expect(architectureOfMachine(183)).toBe(aarch64);
    expect(architectureOfMachine(22)).toBeUndefined();
  });
});

describe("QEMU's note", () => {
  const note = (byteSize = 440): Uint8Array => {
    const bytes = counted(byteSize);
    new DataView(bytes.buffer).setUint32(0, 1, true);
    return bytes;
  };

  it("has the registers and segments at their places", () => {
    const cpu = parseQemuNote(note());
    expect(cpu.registers.get("rax")).toBe(8n);
    expect(cpu.registers.get("rip")).toBe(136n);
    expect(cpu.registers.get("rflags")).toBe(144n);
    expect(cpu.segments.cs.base).toBe(168n);
    expect(cpu.segments.gs.base).toBe(264n);
    expect(cpu.segments.idt.base).toBe(384n);
    expect(cpu.registers.get("cr3")).toBe(416n);
    expect(cpu.registers.get("cr4")).toBe(424n);
    expect(cpu.registers.get("kernel_gs_base")).toBe(432n);
  });

  it("may end before kernel_gs_base", () => {
    const cpu = parseQemuNote(note(432));
    expect(cpu.registers.has("kernel_gs_base")).toBe(false);
    expect(cpu.registers.get("cr4")).toBe(424n);
  });

  it.each([
    ["a cut one", note(431)],
    ["another version", counted(440)],
    ["an empty one", new Uint8Array(0)],
  ])("%s is refused", (_what, description) => {
    expect(() => parseQemuNote(description)).toThrowError(expect.objectContaining({ code: "QEMU_NOTE" }));
    const notes = [
      { name: "QEMU", type: 0, description },
      { name: "QEMU", type: 0, description: note() },
    ];
    expect(qemuCpusOfNotes(notes)).toHaveLength(1);
  });
});
