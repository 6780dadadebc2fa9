/** Stable series whose VMCOREINFO could hold garbage for BUILD-ID, with the first and last such release. */
const brokenSeries: Readonly<Record<string, readonly [first: number, last: number]>> = {
  "6.11": [3, 9],
  "6.10": [14, Infinity],
  "6.6": [55, 62],
  "6.1": [113, 118],
  "5.15": [168, Infinity],
};

/**
 * Whether the BUILD-ID of a VMCOREINFO can be believed without the kernel's own note beside it.
 * `version` is text in which distributions name the stable release that they build (`#1 SMP … Debian
 * 6.1.192-1 …`, the banner); without it a `6.1.0-27` says nothing about that and is not believed.
 */
export function buildIdIsReliable(osRelease: string, version = ""): boolean {
  const release = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(osRelease);
  if (release === null) return false;
  const series = `${release[1]}.${release[2]}`;
  const broken = brokenSeries[series];
  if (broken === undefined) return true;
  let patch = Number(release[3] ?? 0);
  if (patch === 0) {
    for (const match of version.matchAll(/\b(\d+\.\d+)\.(\d+)\b/g))
      if (match[1] === series) patch = Math.max(patch, Number(match[2]));
    if (patch === 0) return false;
  }
  return patch < broken[0] || patch > broken[1];
}
