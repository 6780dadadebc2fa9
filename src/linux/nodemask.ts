import type { Program } from "../program/index.ts";
import { forEachSetBit } from "./bitmap.ts";

/** More nodes than any kernel is built for (MAX_NUMNODES). */
const maximumNodes = 1024;

/** `nr_node_ids`; a kernel that is built for one node has no such variable, and arrays of their length. */
export function nodeCount(program: Program): number {
  return program.variables.find("nr_node_ids") === undefined
    ? maximumNodes
    : Math.min(program.variable("nr_node_ids").number(), maximumNodes);
}

/**
 * `for_each_online_node` (include/linux/nodemask.h): numbers of the NUMA nodes in use, ascending.
 * @throws {LookupError} {@link FaultError}
 */
export function* forEachOnlineNode(program: Program): Generator<number, undefined> {
  const states = program.type("enum node_states").enumerators;
  const online = states.find(({ name }) => name === "N_ONLINE")?.value ?? 1n;
  const bits = program.variable("node_states").index(online).member("bits");
  yield* forEachSetBit(bits, Math.min(nodeCount(program), (bits.type.underlying.length ?? 1) * 64));
}
