import { FormatError } from "../../io/index.ts";
import { forEachTypeWord, infoKind } from "../records.ts";
import { isReferenceKind, maximumDepth } from "./deduplicator.ts";

/**
 * Pointers, arrays, functions and qualifiers that lead only to each other, without a struct or typedef
 * between them, have no C and cannot be compared; neither can chains beyond a bound.
 * @param starts first word of each type; ids count from `startId`, what is below is taken as sound
 * @throws {FormatError} `BTF_LOOP`
 */
export function refuseLoops(
  words: Uint32Array,
  starts: readonly number[],
  startId: number,
  inputName: string | undefined,
): void {
  /** Of types below, the longest chain of references; 0 unknown, -1 on the way. */
  const heights = new Int32Array(starts.length);
  const path: number[] = [];
  for (let root = 0; root < starts.length; root++) {
    if (heights[root] !== 0) continue;
    path.push(root);
    while (path.length > 0) {
      const index = path.at(-1)!;
      const at = starts[index]!;
      let height = 1;
      let isOpen = false;
      if (isReferenceKind(infoKind(words[at + 1]!))) {
        const first = heights[index] === 0;
        heights[index] = -1;
        forEachTypeWord(words, at, (word) => {
          const target = words[word]! - startId;
          if (target < 0) return;
          const below = heights[target]!;
          if (below > 0) height = Math.max(height, below + 1);
          else if (below < 0 || !first) throw loop(index + startId, inputName);
          else {
            isOpen = true;
            path.push(target);
          }
        });
      }
      if (height > maximumDepth) throw loop(index + startId, inputName);
      if (isOpen) continue;
      heights[index] = height;
      path.pop();
    }
  }
}

function loop(id: number, inputName: string | undefined): FormatError {
  const problem = `type ${id} refers to itself, or too far, with no struct or typedef on the way`;
  return new FormatError("BTF_LOOP", problem, inputName === undefined ? {} : { file: inputName });
}
