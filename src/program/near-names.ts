/** Longest name that is compared with others; longer ones are no typing errors. */
const longestCompared = 64;

/**
 * The few names most like one that is not there, most alike first: those that a handful of typing
 * errors away, ordered by their count.
 */
export function nearestNames(name: string, candidates: Iterable<string>, count = 3): string[] {
  if (name.length === 0 || name.length > longestCompared) return [];
  const allowed = Math.max(1, Math.floor(name.length / 4));
  const near: { name: string; distance: number }[] = [];
  let worst = allowed;
  for (const candidate of candidates) {
    // The very name may be listed where what it names is damaged: no advice.
    if (candidate === name || Math.abs(candidate.length - name.length) > worst) continue;
    const distance = editDistance(name, candidate, worst);
    if (distance > worst || near.some((other) => other.name === candidate)) continue;
    near.push({ name: candidate, distance });
    near.sort((a, b) => a.distance - b.distance);
    if (near.length > count) near.pop();
    if (near.length === count) worst = near[count - 1]!.distance;
  }
  return near.map((each) => each.name);
}

/** Insertions, removals, replacements and swaps of neighbours between two names; `limit` + 1 for more than that. */
function editDistance(a: string, b: string, limit: number): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    let least = row;
    for (let column = 1; column <= b.length; column++) {
      const same = a.charCodeAt(row - 1) === b.charCodeAt(column - 1);
      let cost = Math.min(
        previous[column]! + 1,
        current[column - 1]! + 1,
        previous[column - 1]! + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, before[column - 2]! + 1);
      }
      current.push(cost);
      if (cost < least) least = cost;
    }
    if (least > limit) return limit + 1;
    before = previous;
    previous = current;
  }
  return previous[b.length]!;
}
