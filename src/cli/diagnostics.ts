import type { Diagnostic } from "../io/index.ts";
import { formatLocation } from "../io/index.ts";
import { oneLine } from "./run-program.ts";

/** Findings of one kind, for people: the first in full, the rest counted. */
export interface DiagnosticSummary {
  code: string;
  severity: Diagnostic["severity"];
  count: number;
  /** Of the first one, with its place. */
  text: string;
}

/** Group findings by severity and code, in order of first appearance. */
export function summarizeDiagnostics(diagnostics: readonly Diagnostic[]): DiagnosticSummary[] {
  const summaries = new Map<string, DiagnosticSummary>();
  for (const { severity, code, text, location } of diagnostics) {
    const known = summaries.get(`${severity} ${code}`);
    if (known !== undefined) known.count++;
    else {
      const place = location === undefined ? "" : formatLocation(location);
      summaries.set(`${severity} ${code}`, { code, severity, count: 1, text: oneLine(place + text) });
    }
  }
  return [...summaries.values()];
}

/** One line a kind, without the line end. */
export function diagnosticLines(diagnostics: readonly Diagnostic[], withInfo: boolean): string[] {
  return summarizeDiagnostics(diagnostics)
    .filter(({ severity }) => withInfo || severity === "warning")
    .map(({ severity, code, text, count }) => {
      const more = count === 1 ? "" : ` (and ${count - 1} more of this kind)`;
      return `${severity === "warning" ? "warning" : "note"}: ${text}${more} [${code}]`;
    });
}

/** Said where there is DWARF, but options or its contents leave no type to write. */
export const nothingLeft = "nothing to encode: the units that were not left out have no types";
