import type { Type } from "../program/index.ts";
import type { Effect, Instruction, Machine } from "./instruction.ts";
import { memberPath } from "./member-path.ts";

/** A register that holds the address of a struct, or of a place in it. */
export interface PointerValue {
  /** The struct, without qualifiers. */
  struct: Type;
  /** Bytes from its start. */
  offset: number;
  /** Where it came from: `parameter file`, `file->f_op`, `the result of get_task_mm()`. */
  origin: string;
}

/** What is known of functions and variables around the code. */
export interface FlowSurroundings {
  machine: Machine;
  /** The function itself, by its prototype; undefined where BTF has none. */
  prototype: Type | undefined;
  /** A function that is called: its name and prototype. */
  callee: (target: bigint) => { name: string; prototype: Type | undefined } | undefined;
  /** `struct task_struct`. */
  task: Type | undefined;
  /** True for the place where a CPU keeps the running task. */
  isCurrentTask: (address: bigint) => boolean;
}

type State = ReadonlyMap<string, PointerValue>;

/** Larger functions are not followed. */
const maximumByteSize = 1 << 16;
/** Rounds through a function until nothing changes; each can only forget. */
const maximumRounds = 16;
const maximumOriginLength = 120;
const nothing: State = new Map();

/**
 * What registers hold before the instruction at a position, as far as pointers to structs can be followed
 * from the parameters, through copies, members and calls. Where ways meet, only what all of them agree on
 * is kept.
 * @param code of the function from its start; it may end at the position
 * @returns undefined where an instruction before it is not known
 */
export function pointersAt(
  code: Uint8Array,
  start: bigint,
  position: number,
  surroundings: FlowSurroundings,
): { state: State; instruction: Instruction } | undefined {
  if (code.length > maximumByteSize || position >= code.length) return undefined;
  const { machine } = surroundings;
  const instructions = new Map<number, Instruction>();
  for (let at = 0; at < code.length;) {
    const instruction = machine.decode(code, at, start + BigInt(at));
    if (instruction === undefined) {
      if (at <= position) return undefined;
      break;
    }
    instructions.set(at, instruction);
    at += instruction.byteSize;
  }
  const instruction = instructions.get(position);
  if (instruction === undefined) return undefined;
  // What each place is reached with; undefined: not reached yet.
  const states = new Map<number, State>([[0, entryState(surroundings)]]);
  for (let round = 0; round < maximumRounds; round++) {
    let changed = false;
    const join = (at: number, state: State): void => {
      const known = states.get(at);
      const joined = known === undefined ? state : common(known, state);
      if (known === undefined || joined.size !== known.size) {
        states.set(at, joined);
        changed = true;
      }
    };
    let falls: State | undefined;
    for (const [at, each] of instructions) {
      if (falls !== undefined) join(at, falls);
      const state = states.get(at);
      if (state === undefined) {
        falls = undefined;
        continue;
      }
      const { effect } = each;
      if (effect.kind === "jump" && effect.target !== undefined) {
        const target = Number(BigInt.asIntN(64, effect.target - start));
        if (instructions.has(target)) join(target, state);
      }
      const ends = effect.kind === "return" || (effect.kind === "jump" && !effect.isConditional);
      falls = ends ? undefined : after(state, each, surroundings);
    }
    if (!changed) break;
  }
  return { state: states.get(position) ?? nothing, instruction };
}

/**
 * The instruction that last loaded a register before a position, going by the order of the code alone: another
 * way may lead there, so that what it says wants proof from memory.
 */
export function lastLoad(
  machine: Machine,
  code: Uint8Array,
  position: number,
  register: string,
): { base: string; offset: number } | undefined {
  let found: { base: string; offset: number } | undefined;
  for (let at = 0; at < position;) {
    const instruction = machine.decode(code, at, BigInt(at));
    if (instruction === undefined) return undefined;
    const { effect } = instruction;
    if (effect.kind === "load" && effect.to === register)
      found = { base: effect.base, offset: effect.offset };
    at += instruction.byteSize;
  }
  return found;
}

function entryState({ machine, prototype }: FlowSurroundings): State {
  const state = new Map<string, PointerValue>();
  for (const [index, { name, type }] of (prototype?.parameters ?? []).entries()) {
    const register = machine.arguments[index];
    const { kind, byteSizeIf } = type.underlying;
    // Values of several registers, or on the stack, move those that follow.
    if (register === undefined || kind === "struct" || kind === "union" || (byteSizeIf ?? 0) > 8) break;
    const struct = structBehind(type);
    if (struct === undefined) continue;
    state.set(register, { struct, offset: 0, origin: name === "" ? `parameter ${index + 1}` : name });
  }
  return state;
}

/** The struct that a pointer points to, where its members are known. */
export function structBehind(type: Type): Type | undefined {
  const pointer = type.underlying;
  const target = pointer.kind === "pointer" ? pointer.target?.underlying.unqualified : undefined;
  return target?.isComposite === true && target.isComplete ? target : undefined;
}

function common(left: State, right: State): State {
  const both = new Map<string, PointerValue>();
  for (const [register, value] of left) {
    const other = right.get(register);
    if (other?.struct === value.struct && other.offset === value.offset) both.set(register, value);
  }
  return both;
}

function after(state: State, instruction: Instruction, surroundings: FlowSurroundings): State {
  const next = new Map(state);
  apply(next, instruction.effect, surroundings);
  for (const register of instruction.alsoClobbers ?? []) next.delete(register);
  return next;
}

function apply(state: Map<string, PointerValue>, effect: Effect, surroundings: FlowSurroundings): void {
  const set = (register: string, value: PointerValue | undefined): void => {
    if (value === undefined) state.delete(register);
    else state.set(register, value);
  };
  switch (effect.kind) {
    case "move":
      set(effect.to, state.get(effect.from));
      return;
    case "load":
      set(effect.to, loaded(state.get(effect.base), effect.offset));
      return;
    case "add": {
      const value = state.get(effect.base);
      set(effect.to, value && { ...value, offset: value.offset + effect.offset });
      return;
    }
    case "current":
      set(effect.to, currentTask(surroundings));
      return;
    case "per-cpu":
      set(effect.to, surroundings.isCurrentTask(effect.address) ? currentTask(surroundings) : undefined);
      return;
    case "clobber":
      for (const register of effect.registers) state.delete(register);
      return;
    case "call": {
      for (const register of surroundings.machine.callClobbered) state.delete(register);
      set(surroundings.machine.result, resultOf(effect.target, surroundings));
      return;
    }
    default:
  }
}

function currentTask({ task }: FlowSurroundings): PointerValue | undefined {
  return task && { struct: task, offset: 0, origin: "current" };
}

/** What a member that is a pointer leads to. */
function loaded(base: PointerValue | undefined, offset: number): PointerValue | undefined {
  if (base === undefined) return undefined;
  const member = base.offset + offset < 0 ? undefined : memberPath(base.struct, base.offset + offset);
  const struct = member?.rest === 0 ? structBehind(member.type) : undefined;
  if (struct === undefined) return undefined;
  const origin = `${base.origin}->${member!.path}`;
  return { struct, offset: 0, origin: origin.length > maximumOriginLength ? `…->${member!.path}` : origin };
}

function resultOf(target: bigint | undefined, { callee }: FlowSurroundings): PointerValue | undefined {
  const called = target === undefined ? undefined : callee(target);
  const result = called?.prototype?.target;
  const struct = result === undefined ? undefined : structBehind(result);
  return struct && { struct, offset: 0, origin: `the result of ${called!.name}()` };
}
