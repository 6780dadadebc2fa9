import type { Btf } from "../btf/index.ts";
import { DwarflessError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { type Type, TypeTable } from "../program/index.ts";
import { FunctionTypes } from "../stack/index.ts";
import { arm64Machine } from "./arm64-instruction.ts";
import type { CodeKnowledge, FunctionCode } from "./members-at.ts";
import type { OopsRecord } from "./record-parts.ts";
import { x86Machine } from "./x86-instruction.ts";

/** Larger functions are not read. */
const maximumByteSize = 1 << 16;

/** What the kernel in a dump knows of its own code. */
export function kernelKnowledge(kernel: Kernel): CodeKnowledge {
  const functions = new FunctionTypes(kernel);
  const { symbols } = kernel;
  const { memory } = kernel.foundation;
  const current = ["current_task", "const_current_task", "pcpu_hot", "const_pcpu_hot"].flatMap((name) =>
    symbols.named(name).map(({ address }) => address),
  );
  const prototype = (symbol: string, module: string | null): Type | undefined =>
    quietly(() => functions.find(symbol, module ?? undefined));
  return {
    machine: memory.translation.architecture.name === "aarch64" ? arm64Machine : x86Machine,
    prototype,
    callee(target) {
      const found = symbols.find(target);
      if (found === undefined || found.offset !== 0) return undefined;
      const { name, module } = found.symbol;
      return { name, prototype: prototype(name, module ?? null) };
    },
    task: kernel.types.find("struct task_struct"),
    isCurrentTask: (address) => current.includes(address),
    functionCode: (record) => quietly(() => readFunction(kernel, record)),
  };
}

/** The function of a record, by its name, its size and the bytes that the kernel printed of it. */
function readFunction(kernel: Kernel, { place, code }: OopsRecord): FunctionCode | undefined {
  if (place === null || place.symbol === null || place.offset === null) return undefined;
  const { memory } = kernel.foundation;
  for (const symbol of kernel.symbols.named(place.symbol, place.module ?? "")) {
    const byteSize = Math.min(place.size ?? symbol.byteSize, maximumByteSize);
    if (byteSize <= place.offset) continue;
    const bytes = memory.read(symbol.address, byteSize);
    // Several functions may have the name.
    if (code !== null && !holds(bytes, place.offset, code)) continue;
    return { start: symbol.address, code: bytes };
  }
  return undefined;
}

/** Whether the printed bytes from the marked one on lie at an offset of a function. */
function holds(bytes: Uint8Array, offset: number, code: NonNullable<OopsRecord["code"]>): boolean {
  if (code.position === null) return true;
  const printed = Buffer.from(code.bytes, "hex").subarray(code.position);
  const length = Math.min(printed.length, bytes.length - offset);
  return printed.subarray(0, length).equals(bytes.subarray(offset, offset + length));
}

/** What a BTF file knows of the code of a log: types, and no code but what the log has. */
export function btfKnowledge(btf: Btf, isArm64: boolean): CodeKnowledge {
  const functions = new FunctionTypes({ kernelBtf: { btf }, modules: [] });
  const types = new TypeTable([{ name: "BTF", btf }]);
  return {
    machine: isArm64 ? arm64Machine : x86Machine,
    prototype: (symbol, module) => (module === null ? functions.find(symbol, undefined) : undefined),
    callee: () => undefined,
    task: types.find("struct task_struct"),
    isCurrentTask: () => false,
    functionCode: () => undefined,
  };
}

function quietly<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DwarflessError) return undefined;
    throw error;
  }
}
