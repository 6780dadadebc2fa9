/** What an instruction does to registers, as far as pointers can be followed through it. */
export type Effect =
  /** Changes nothing that is followed. */
  | { kind: "none" }
  | { kind: "move"; to: string; from: string }
  /** `to` = the 8 bytes at `base` + `offset`. */
  | { kind: "load"; to: string; base: string; offset: number }
  /** `to` = `base` + `offset`. */
  | { kind: "add"; to: string; base: string; offset: number }
  /** `to` = the task that runs. */
  | { kind: "current"; to: string }
  /** `to` = 8 bytes at an address of the CPU's own data. */
  | { kind: "per-cpu"; to: string; address: bigint }
  /** These registers hold something unknown. */
  | { kind: "clobber"; registers: readonly string[] }
  /** A call; `target` undefined where a register or memory has it. */
  | { kind: "call"; target: bigint | undefined }
  | { kind: "jump"; target: bigint | undefined; isConditional: boolean }
  | { kind: "return" };

/** Memory that an instruction touches: `base` + `offset`, plus an index where it has one. */
export interface Access {
  base: string;
  offset: number;
  hasIndex: boolean;
}

export interface Instruction {
  byteSize: number;
  effect: Effect;
  access: Access | undefined;
  /** Registers that change besides; of pre- and post-indexed accesses. */
  alsoClobbers?: readonly string[];
}

/** One instruction at a position; undefined where it is not known. @param address of the instruction */
export type Decoder = (code: Uint8Array, position: number, address: bigint) => Instruction | undefined;

/** What a machine's calls do with registers. */
export interface Machine {
  decode: Decoder;
  /** Registers that carry arguments, in order. */
  arguments: readonly string[];
  result: string;
  /** Registers that calls may change. */
  callClobbered: readonly string[];
}
