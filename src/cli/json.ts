import type { Streams } from "./streams.ts";

/** A JSON document of version 1, with a line end. */
export function jsonDocument(facts: Record<string, unknown>): string {
  return `${JSON.stringify({ schema: 1, ...facts }, undefined, 1)}\n`;
}

/** A document whose rows stand under a name, a row a line, so that a million of them fit in memory. */
export function writeJsonRows(name: string, rows: Iterable<object>, streams: Streams): void {
  let batch = `{"schema": 1, ${JSON.stringify(name)}: [`;
  let first = true;
  for (const row of rows) {
    batch += `${first ? "" : ","}\n${JSON.stringify(row)}`;
    first = false;
    if (batch.length >= 1 << 16) {
      streams.out(batch);
      batch = "";
    }
  }
  streams.out(`${batch}\n]}\n`);
}
