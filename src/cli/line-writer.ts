import type { Streams } from "./streams.ts";

/** Characters gathered before one write: a write a line costs more than making the line. */
const batchLength = 1 << 16;

/** Write lines in large pieces; gives how many there were. */
export function writeLines(lines: Iterable<string>, streams: Streams): number {
  let batch = "";
  let count = 0;
  for (const line of lines) {
    batch += `${line}\n`;
    count++;
    if (batch.length >= batchLength) {
      streams.out(batch);
      batch = "";
    }
  }
  if (batch !== "") streams.out(batch);
  return count;
}

/** Write text that comes in pieces as it is, in large ones. */
export function writePieces(pieces: Iterable<string>, streams: Streams): void {
  let batch = "";
  for (const piece of pieces) {
    batch += piece;
    if (batch.length >= batchLength) {
      streams.out(batch);
      batch = "";
    }
  }
  if (batch !== "") streams.out(batch);
}
