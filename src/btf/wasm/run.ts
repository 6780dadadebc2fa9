import type { Btf } from "../reader.ts";
import { type HostFunctions, type ProgramMemory, type WasmProgram } from "./engine.ts";
import { MemoryPlan } from "./memory.ts";
import { takeRoom } from "./room.ts";
import { planTypes, type TypePlaces, typesInRoom } from "./types.ts";

export interface Started<Functions> {
  functions: Functions;
  buffer: ArrayBuffer;
}

/**
 * Start a program over the types of a BTF: where they lie if there is room around them, else in a memory of
 * their own.
 * @param planRest reserves what else the program needs; gives where that is, and what the program may call
 */
export function startOverTypes<Functions extends object>(
  program: WasmProgram<Functions>,
  btf: Btf,
  planRest: (plan: MemoryPlan) => { places: object; host: (buffer: ArrayBuffer) => HostFunctions },
): Started<Functions> {
  const room = takeRoom(btf);
  if (room !== undefined) {
    const plan = new MemoryPlan(room.free);
    const rest = planRest(plan);
    if (plan.byteSize <= room.buffer.byteLength)
      return start(program, room.memory, plan, typesInRoom(btf), rest);
  }
  const plan = new MemoryPlan();
  const types = planTypes(plan, btf);
  const rest = planRest(plan);
  const memory = program.memory(plan.byteSize);
  types.fill(memory.buffer);
  return start(program, memory, plan, types.places, rest);
}

function start<Functions extends object>(
  program: WasmProgram<Functions>,
  memory: ProgramMemory,
  plan: MemoryPlan,
  types: TypePlaces,
  rest: { places: object; host: (buffer: ArrayBuffer) => HostFunctions },
): Started<Functions> {
  const { buffer } = memory;
  plan.fill(buffer);
  const functions = program.start(memory, { ...types, ...rest.places }, rest.host(buffer));
  return { functions, buffer };
}
