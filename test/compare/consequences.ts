/** Types that differ only through what they refer to, grouped by where the two sides part. */

import type { Consequence, Sides } from "./comparison.ts";
import { forEachReference, type Colours } from "./colours.ts";
import type { TypeGraph } from "./btf-file.ts";
import { headText, typeText } from "./describe.ts";
import { KIND_NAMES } from "./kinds.ts";

export function followConsequences(
  sides: Sides,
  idsA: readonly number[],
  idsB: readonly number[],
  variableTypes: readonly (readonly [number, number])[],
): Consequence[] {
  const groups = new Map<string, Consequence>();
  const record = (cause: string, side: "countA" | "countB", example: string): void => {
    const group = groups.get(cause) ?? { cause, countA: 0, countB: 0, example };
    group[side]++;
    groups.set(cause, group);
  };
  const partnersOfA = byShallow(idsB, sides.shallowB);
  const partnersOfB = byShallow(idsA, sides.shallowA);
  for (const id of idsA) {
    const partner = partnersOfA.get(sides.shallowA.of(id));
    record(
      partner === undefined ? "no partner left" : partingOf(sides, id, partner),
      "countA",
      exampleText(sides.a, id),
    );
  }
  for (const id of idsB) {
    const partner = partnersOfB.get(sides.shallowB.of(id));
    record(
      partner === undefined ? "no partner left" : partingOf(sides, partner, id),
      "countB",
      exampleText(sides.b, id),
    );
  }
  for (const [typeA, typeB] of variableTypes) {
    const cause = partingOf(sides, typeA, typeB);
    record(cause, "countA", `VAR of ${exampleText(sides.a, typeA)}`);
    record(cause, "countB", `VAR of ${exampleText(sides.b, typeB)}`);
  }
  return [...groups.values()].sort((x, y) => y.countA + y.countB - x.countA - x.countB);
}

/** Walks both sides along the first references whose deep colours differ. */
function partingOf(
  { a, b, deepA, deepB, shallowA, shallowB }: Sides,
  startA: number,
  startB: number,
): string {
  const seen = new Set<string>();
  let idA = startA;
  let idB = startB;
  for (;;) {
    if (idA === 0 || idB === 0 || shallowA.of(idA) !== shallowB.of(idB))
      return `A ${partyText(a, idA)} | B ${partyText(b, idB)}`;
    const key = `${idA} ${idB}`;
    if (seen.has(key)) return `a cycle through ${partyText(a, idA)}`;
    seen.add(key);
    const targetsA: number[] = [];
    const targetsB: number[] = [];
    forEachReference(a, idA, (target) => targetsA.push(target));
    forEachReference(b, idB, (target) => targetsB.push(target));
    // Prefer a pair not walked yet: the way out of a cycle.
    let next = -1;
    for (let i = 0; i < targetsA.length; i++) {
      if (deepA.of(targetsA[i]!) === deepB.of(targetsB[i]!)) continue;
      if (next < 0 || seen.has(`${targetsA[next]!} ${targetsB[next]!}`)) next = i;
      if (shallowA.of(targetsA[i]!) !== shallowB.of(targetsB[i]!)) next = i;
    }
    if (next < 0) return `one copy more of ${partyText(a, idA)}`;
    idA = targetsA[next]!;
    idB = targetsB[next]!;
  }
}

function partyText(graph: TypeGraph, id: number): string {
  return id === 0 ? "void" : `${headText(graph, id)} ${typeText(graph, id, 2)}`;
}

function exampleText(graph: TypeGraph, id: number): string {
  return `${KIND_NAMES[graph.kind[id]!]!} ${typeText(graph, id, 1)}`;
}

function byShallow(ids: readonly number[], colours: Colours): Map<number, number> {
  const map = new Map<number, number>();
  for (const id of ids) if (!map.has(colours.of(id))) map.set(colours.of(id), id);
  return map;
}
