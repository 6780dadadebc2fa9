/** What drgn, with a kernel's full DWARF, says of the variables in a dump, and how ours compare with it. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { peers } from "./peers.ts";
import { explainVariable, type PeerVariable, type VariableRow } from "./variable-differences.ts";

/** A dump with the DWARF of its kernel, and a folder for what passes between the programs. */
export interface DrgnSubject {
  dump: string;
  vmlinux: string;
  directory: string;
}

/** The rows of drgn-variables.py in one of its modes. Throws with drgn's own words. */
export function askDrgn(of: DrgnSubject, mode: "list" | "values", names: readonly string[]): unknown[] {
  const file = (entry: string): string => path.join(of.directory, entry);
  writeFileSync(file("names"), names.join("\n"));
  const script = path.join(import.meta.dirname, "drgn-variables.py");
  const argv = ["-c", of.dump, "-s", of.vmlinux, "-q", script];
  const result = peers().drgn([...argv, mode, file("names"), file("rows")]);
  if (result.status !== 0) throw new Error(`drgn: ${result.stderr}`);
  const lines = readFileSync(file("rows"), "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as unknown);
}

/** drgn's variable for every data symbol of the kernel itself, and for every name that we have beyond them. */
export function drgnVariables(
  of: DrgnSubject,
  kallsyms: string,
  ours: readonly VariableRow[],
): PeerVariable[] {
  const symbols = kallsyms.matchAll(/^\S+ [abdrvw] (\S+)$/gim);
  const names = new Set([...[...symbols].map((match) => match[1]!), ...ours.map((row) => row.name)]);
  const rows = askDrgn(of, "list", [...names]) as [string, string | null, number | null, string][];
  return rows.map(([name, address, size, type]) => ({ name, address, size, type }));
}

export interface VariableComparison {
  equal: number;
  /** How many differ for which known reason. */
  reasons: Record<string, number>;
  unexplained: string[];
}

/** Every variable of drgn's against all of ours that have its name. */
export function compareVariables(
  theirs: readonly PeerVariable[],
  ours: readonly VariableRow[],
  kallsyms: string,
): VariableComparison {
  const byName = new Map<string, VariableRow[]>();
  for (const row of ours) byName.set(row.name, [...(byName.get(row.name) ?? []), row]);
  const namesAt = (address: bigint): string[] => {
    const line = new RegExp(`^${address.toString(16).padStart(16, "0")} \\S (\\S+)$`, "gm");
    return [...kallsyms.matchAll(line)].map((match) => match[1]!);
  };
  const result: VariableComparison = { equal: 0, reasons: {}, unexplained: [] };
  for (const peer of theirs) {
    const reason = explainVariable(peer, byName.get(peer.name) ?? [], namesAt);
    if (reason === "equal") result.equal++;
    else if (reason === undefined) result.unexplained.push(JSON.stringify([peer, byName.get(peer.name)]));
    else result.reasons[reason] = (result.reasons[reason] ?? 0) + 1;
  }
  return result;
}
