/** `KIND name` of everything in a raw BTF blob that has a name. */

import { NameTable, readTypeGraph } from "./btf-file.ts";
import { KIND_NAMES } from "./kinds.ts";

export function namesOf(bytes: Uint8Array): Set<string> {
  const graph = readTypeGraph(bytes, new NameTable());
  const names = new Set<string>();
  for (let id = 1; id < graph.length; id++) {
    if (graph.name[id] !== 0)
      names.add(`${KIND_NAMES[graph.kind[id]!]!} ${graph.names.names[graph.name[id]!]!}`);
  }
  return names;
}
