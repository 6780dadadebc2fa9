import type { Program } from "../program/index.ts";
import { LookupError } from "../program/index.ts";

/** The value of an enumerator of this kernel. @throws {LookupError} */
export function enumerator(program: Program, name: string): number {
  const found = program.types.findEnumerator(name);
  if (found === undefined) throw new LookupError("enumerator", name);
  return Number(found.value);
}

/** A counter that CPUs add to late may be below zero for a while; then it is taken for zero. */
function count(program: Program, variable: string, item: string): bigint {
  const value = program
    .variable(variable)
    .index(enumerator(program, item))
    .member("counter")
    .scalar() as bigint;
  return value > 0n ? value : 0n;
}

/** `global_zone_page_state` (include/linux/vmstat.h), by the name of an item. @throws {LookupError} */
export function globalZonePageState(program: Program, item: string): bigint {
  return count(program, "vm_zone_stat", item);
}

/** `global_node_page_state`, by the name of an item. @throws {LookupError} */
export function globalNodePageState(program: Program, item: string): bigint {
  return count(program, "vm_node_stat", item);
}

/** `totalram_pages`. @throws {LookupError} */
export function totalramPages(program: Program): bigint {
  return program.variable("_totalram_pages").member("counter").scalar() as bigint;
}
