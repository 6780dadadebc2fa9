import { FaultError } from "../io/index.ts";
import type { VirtualMemory } from "../memory/index.ts";
import { Type } from "../program/index.ts";
import { declaredTypes } from "./declared.ts";

/** A symbol of data, as far as a declaration is checked against it. */
export interface DeclaredPlace {
  address: bigint;
  /** Bytes to the next symbol; undefined for the last one. */
  room: bigint | undefined;
  /** True where the address is that of a per-CPU variable, of which no copy is looked at. */
  perCpu: boolean;
}

/**
 * The type that the kernel is known to declare a variable with, if this kernel's BTF has that type and
 * the memory does not contradict it: it fits before the next symbol, is aligned, list heads lead to
 * something that leads back, pointers are NULL or of the kernel.
 * @param findType a complete type by its C name
 * @param enumerator the value of an enumerator of this kernel
 */
export function declaredType(
  name: string,
  place: DeclaredPlace,
  memory: VirtualMemory,
  findType: (name: string) => Type | undefined,
  enumerator: (name: string) => bigint | undefined,
): Type | undefined {
  for (const spelling of declaredTypes.get(name) ?? []) {
    const [, elementSpelling, length] = /^(.*?)\s*(?:\[(\w*)\])?$/.exec(spelling) ?? [];
    const element = elementSpelling === undefined ? undefined : findType(elementSpelling);
    const elementSize = element?.byteSizeIf;
    if (element === undefined || elementSize === undefined || elementSize === 0) continue;
    const type = length === undefined ? element : arrayType(element, length, place, memory, enumerator);
    const byteSize = type?.byteSizeIf;
    if (type === undefined || byteSize === undefined) continue;
    if (place.room !== undefined && place.room < BigInt(byteSize)) continue;
    if (place.address % BigInt(largestPower(elementSize)) !== 0n) continue;
    if (!place.perCpu && !holds(element, place.address, memory)) continue;
    return type;
  }
  return undefined;
}

function arrayType(
  element: Type,
  length: string,
  place: DeclaredPlace,
  memory: VirtualMemory,
  enumerator: (name: string) => bigint | undefined,
): Type | undefined {
  if (length !== "") {
    const count = /^\d/.test(length) ? BigInt(length) : enumerator(length);
    return count === undefined || count > maximumLength ? undefined : Type.arrayOf(element, Number(count));
  }
  if (place.room === undefined) return undefined;
  const room = place.room / BigInt(element.byteSize);
  if (element.byteSize > 1) return room > maximumLength ? undefined : Type.arrayOf(element, Number(room));
  const text = memory.readCString(place.address, room > 4096n ? 4096 : Number(room));
  return BigInt(text.length) < room ? Type.arrayOf(element, text.length + 1) : undefined;
}

/** Elements that no array of the table comes near. */
const maximumLength = 1n << 20n;

/** Largest power of two up to 8 that divides a size: no type asks for more than that by itself. */
function largestPower(byteSize: number): number {
  for (const power of [8, 4, 2]) if (byteSize % power === 0) return power;
  return 1;
}

function holds(type: Type, address: bigint, memory: VirtualMemory): boolean {
  try {
    const { kind, name } = type.underlying;
    if (kind === "struct" && name === "list_head") {
      const next = memory.readU64(address);
      // { NULL, NULL } is a list nobody has set up yet.
      return next === 0n || memory.readU64(next + 8n) === address;
    }
    if (kind === "pointer") {
      const value = memory.readU64(address);
      return value === 0n || value >> 56n === 0xffn;
    }
    if (kind === "struct" && name === "task_struct") {
      const comm = type.underlying.findMember("comm");
      if (comm === undefined) return false;
      return memory.readCString(address + BigInt(comm.bitOffset >> 3), 16).startsWith("swapper");
    }
    memory.readU8(address);
    return true;
  } catch (error) {
    if (error instanceof FaultError) return false;
    throw error;
  }
}
