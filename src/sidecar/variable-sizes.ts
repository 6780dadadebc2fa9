import { baseMisfit, type Btf, BTF_KIND_DATASEC, BTF_KIND_VAR, TypeSizes } from "../btf/index.ts";
import { LimitError } from "../io/index.ts";

/** Kernels that have BTF, and sidecars of them, are 64-bit. */
const pointerByteSize = 8;

/**
 * The first variable whose type has not the size that its DATASEC says. Split BTF does not name its
 * base; over any other than its own, ids lead to other types and this finds one within a few entries.
 * Where no DATASEC says sizes, {@link baseMisfit} says what else speaks against the base.
 * @returns a sentence, or undefined when every variable fits
 */
export function firstMisfit(btf: Btf): string | undefined {
  try {
    return hasSections(btf) ? sizeMisfit(btf) : baseMisfit(btf);
  } catch (error) {
    // Types that contain themselves, which no sizes fit.
    if (error instanceof LimitError) return error.problem;
    throw error;
  }
}

function hasSections(btf: Btf): boolean {
  for (let id = btf.startId; id < btf.typeCount; id++)
    if (btf.kind(id) === BTF_KIND_DATASEC && btf.vlen(id) > 0) return true;
  return false;
}

function sizeMisfit(btf: Btf): string | undefined {
  const sizes = new TypeSizes(btf, pointerByteSize);
  for (let section = btf.startId; section < btf.typeCount; section++) {
    if (btf.kind(section) !== BTF_KIND_DATASEC) continue;
    for (let index = 0, count = btf.vlen(section); index < count; index++) {
      const variable = btf.sectionEntryType(section, index);
      if (btf.kind(variable) !== BTF_KIND_VAR) return `entry ${index} of ${btf.name(section)} is no variable`;
      const byteSize = btf.sectionEntryByteSize(section, index);
      const ofType = sizes.byteSize(btf.sizeOrType(variable));
      if (ofType === byteSize) continue;
      const size = ofType === undefined ? "no size" : `${ofType} bytes`;
      return `${btf.name(variable)} has ${byteSize} bytes and its type ${size}`;
    }
  }
  return undefined;
}
