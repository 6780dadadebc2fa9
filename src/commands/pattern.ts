/** A whole name with `*` for any characters and `?` for one; everything else stands for itself. */
export function globPattern(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  // Runs of stars mean one star, and would only make a backtracking matcher slow.
  return new RegExp(`^${escaped.replace(/\*+/g, ".*").replace(/\?/g, ".")}$`, "s");
}
