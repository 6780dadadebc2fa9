import type { Kernel } from "../kernel/index.ts";
import { compoundHead, freePlaceOf, pageState, pageToPfn, pfnToPage, slabObject } from "../linux/index.ts";
import type { CodeKnowledge } from "./members-at.ts";
import { lastLoad } from "./pointer-flow.ts";
import type { OopsRecord } from "./record-parts.ts";
import type { Evidence } from "./verdict.ts";

/**
 * Proof that a bad pointer came out of an object that its slab cache has as free: the code loaded it through
 * a register, what that register points to is such an object, and memory still has the bad value there.
 * @returns nothing where any of this is not so
 * @throws {DwarflessError} where memory that tells cannot be read
 */
export function freedObjects(kernel: Kernel, record: OopsRecord, knowledge: CodeKnowledge): Evidence[] {
  const position = record.place?.offset ?? null;
  const found = position === null ? undefined : knowledge.functionCode(record);
  if (found === undefined || position === null || position >= found.code.length) return [];
  const { machine } = knowledge;
  const access = machine.decode(found.code, position, found.start + BigInt(position))?.access;
  if (access === undefined) return [];
  const load = lastLoad(machine, found.code, position, access.base);
  const pointer = record.registers[access.base];
  const holder = load && record.registers[load.base];
  if (load === undefined || pointer === undefined || holder === undefined || load.base === access.base)
    return [];
  const place = BigInt.asUintN(64, BigInt(holder) + BigInt(load.offset));
  if (kernel.foundation.memory.readU64(place) !== BigInt(pointer)) return [];
  const object = objectHolding(kernel, place);
  const free = object && freePlaceOf(kernel.program, object);
  if (object === undefined || free === undefined) return [];
  const name = object.cache.member("name").string(64);
  const kept =
    free === "slab"
      ? "its slab's free list"
      : free === "CPU"
        ? "a CPU's free list"
        : "a sheaf of free objects";
  return [
    {
      kind: "memory",
      address: `0x${object.object.toString(16)}`,
      text:
        `register ${access.base} (${pointer}) was loaded from 0x${place.toString(16)}, which lies in the object at ` +
        `0x${object.object.toString(16)} of slab cache ${name}; that object is free: it is in ${kept}`,
    },
  ];
}

/** The slab object that an address lies in. */
function objectHolding(kernel: Kernel, address: bigint): ReturnType<typeof slabObject> {
  const { program } = kernel;
  const { memory } = kernel.foundation;
  const pageSize = memory.pageByteSize;
  const frame = Math.floor(memory.translate(address) / pageSize);
  const page = pfnToPage(program, frame);
  if (page === undefined) return undefined;
  const head = compoundHead(page);
  const headAddress = head.address;
  const headFrame = headAddress === undefined ? undefined : pageToPfn(program, headAddress);
  if (headAddress === undefined || headFrame === undefined || pageState(program, head).type !== "slab")
    return undefined;
  const start = address - (address % BigInt(pageSize)) - BigInt((frame - headFrame) * pageSize);
  return slabObject(program, headAddress, start, address);
}
