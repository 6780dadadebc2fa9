import { NT_GNU_BUILD_ID } from "./constants.ts";
import { viewOf } from "./layout.ts";

/**
 * The build id in a note section or segment, or undefined. Broken notes end the search: a build id
 * only identifies, so its absence is never an error.
 *
 * A note is `namesz, descsz, type` (32 bits each), then the name and the descriptor, each padded
 * (gABI chapter 5, "Note Section"). Padding is to 4 bytes, to 8 where the section is aligned to 8.
 */
export function findBuildId(
  bytes: Uint8Array,
  littleEndian: boolean,
  alignment: number,
): Uint8Array | undefined {
  const view = viewOf(bytes);
  const padding = alignment === 8 ? 8 : 4;
  let at = 0;
  while (at + 12 <= bytes.length) {
    const nameSize = view.getUint32(at, littleEndian);
    const descriptorSize = view.getUint32(at + 4, littleEndian);
    const type = view.getUint32(at + 8, littleEndian);
    const name = at + 12;
    const descriptor = roundUp(name + nameSize, padding);
    if (descriptor + descriptorSize > bytes.length) return undefined;
    if (type === NT_GNU_BUILD_ID && nameSize === 4 && descriptorSize > 0 && isGnu(bytes, name)) {
      return bytes.slice(descriptor, descriptor + descriptorSize);
    }
    at = roundUp(descriptor + descriptorSize, padding);
  }
  return undefined;
}

function isGnu(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0x47 && bytes[at + 1] === 0x4e && bytes[at + 2] === 0x55 && bytes[at + 3] === 0;
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
