import { type Btf, BTF_KIND_DATASEC, datasecName, type TypeId } from "../btf/index.ts";
import type { Variable } from "./variables.ts";

/**
 * Which variables a split over a base is to have: those that no DATASEC of the base lists at their place.
 * @param ownFrom the first type that is about the file itself: a module's variables stand in sections of
 *   its own, whatever the kernel has in sections of the same names
 */
export function variablesBeyond(
  base: Btf,
  ownFrom: TypeId,
  withMinor: boolean,
): (variable: Variable) => boolean {
  const known = new Set<string>();
  for (let id = ownFrom; id < base.typeCount; id++) {
    if (base.kind(id) !== BTF_KIND_DATASEC) continue;
    const section = base.name(id);
    for (let index = 0, count = base.vlen(id); index < count; index++) {
      known.add(`${section}:${base.sectionEntryOffset(id, index)}`);
    }
  }
  return ({ section, offset, minor }) =>
    (withMinor || !minor) && !known.has(`${datasecName(section.name)}:${offset}`);
}
