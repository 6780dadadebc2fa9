import type { Program } from "../program/index.ts";
import { hex } from "./hex.ts";

/** A function by its address: its symbol with the module it is of, `+0x…` within it, or the address where there is none. */
export function functionAt(program: Program, address: bigint): string {
  const found = program.symbolizer.symbolAt(address);
  if (found === undefined) return hex(address);
  const offset = found.offset === 0n ? "" : `+0x${found.offset.toString(16)}`;
  return `${found.name}${offset}${found.module === undefined ? "" : ` [${found.module}]`}`;
}
