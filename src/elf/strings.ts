/** Longest name in bytes; C++ and Rust linkage names stay far below. */
const maximumLength = 1 << 16;

/**
 * The zero-terminated string at `offset` of a string table, or undefined when the offset is outside
 * or no zero byte follows within the table and 64 KiB.
 */
export function stringAt(table: Uint8Array, offset: number): string | undefined {
  if (!(offset >= 0 && offset < table.length)) return undefined;
  const limit = Math.min(table.length, offset + maximumLength);
  let end = offset;
  while (end < limit && table[end] !== 0) end++;
  if (end === limit) return undefined;
  return Buffer.from(table.buffer, table.byteOffset + offset, end - offset).toString("utf8");
}
