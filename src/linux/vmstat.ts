import type { Program } from "../program/index.ts";
import { LookupError } from "../program/index.ts";

/** Enums of the items that a zone and a node count; items have moved from one to the other. */
type ItemEnum = "zone_stat_item" | "node_stat_item";

/** Whether this kernel has an item, among those. */
export function hasStatItem(program: Program, of: ItemEnum, item: string): boolean {
  return program.type(`enum ${of}`).enumerators.some(({ name }) => name === item);
}

/** A counter that CPUs add to late may be below zero for a while; then it is taken for zero. */
function count(program: Program, variable: string, of: ItemEnum, item: string): bigint {
  const found = program.type(`enum ${of}`).enumerators.find(({ name }) => name === item);
  if (found === undefined) throw new LookupError("enumerator", item, [], `"enum ${of}"`);
  const value = program.variable(variable).index(found.value).member("counter").scalar() as bigint;
  return value > 0n ? value : 0n;
}

/** `global_zone_page_state` (include/linux/vmstat.h), by the name of an item. @throws {LookupError} */
export function globalZonePageState(program: Program, item: string): bigint {
  return count(program, "vm_zone_stat", "zone_stat_item", item);
}

/** `global_node_page_state`, by the name of an item. @throws {LookupError} */
export function globalNodePageState(program: Program, item: string): bigint {
  return count(program, "vm_node_stat", "node_stat_item", item);
}

/** `totalram_pages`. @throws {LookupError} */
export function totalramPages(program: Program): bigint {
  return program.variable("_totalram_pages").member("counter").scalar() as bigint;
}
