/** A sample of variables over all kinds of types, the same on every run. */
import type { PeerVariable, VariableRow } from "./variable-differences.ts";

/** Larger ones say the same more slowly, and `eval` prints no more than 1024 elements. */
const maximumBytes = 1024;

const kinds: readonly (readonly [kind: string, fits: (type: string) => boolean])[] = [
  ["string", (type) => /\bchar( const)? \[\d+\]$/.test(type)],
  ["array", (type) => type.endsWith("]")],
  ["pointer", (type) => /[*)]( const| volatile)*$/.test(type)],
  ["composite", (type) => /\b(struct|union) /.test(type)],
  ["scalar", () => true],
];

/**
 * Names of variables that are the only one of their name and of the same type on both sides:
 * `NAME`, and `NAME@1` for a per-CPU variable on CPU 1. As many of each kind as there are, up to an even share.
 */
export function chooseSample(
  ours: readonly VariableRow[],
  theirs: readonly PeerVariable[],
  count: number,
): string[] {
  const occurrences = new Map<string, number>();
  for (const { name } of ours) occurrences.set(name, (occurrences.get(name) ?? 0) + 1);
  const peers = new Map(theirs.map((peer) => [peer.name, peer]));
  const byKind = new Map<string, string[]>(kinds.map(([kind]) => [kind, []]));
  const perCpu: string[] = [];
  for (const row of ours) {
    if (occurrences.get(row.name) !== 1 || row.size > maximumBytes) continue;
    const peer = peers.get(row.name);
    if (peer?.type !== row.type || peer.address === null) continue;
    if (BigInt(peer.address) !== BigInt(row.address)) continue;
    if (row.perCpu) perCpu.push(`${row.name}@1`);
    else byKind.get(kinds.find(([, fits]) => fits(row.type))![0])!.push(row.name);
  }
  const groups = [perCpu, ...byKind.values()].sort((a, b) => a.length - b.length);
  const sample: string[] = [];
  for (const [index, group] of groups.entries()) {
    const share = Math.floor((count - sample.length) / (groups.length - index));
    const step = Math.max(1, group.length / share);
    for (let at = 0; at < group.length && at / step < share; at += step) sample.push(group[Math.floor(at)]!);
  }
  return sample;
}
