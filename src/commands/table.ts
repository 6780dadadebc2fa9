/** A column of a table. */
export interface Column {
  title: string;
  /** Numbers stand at the right. */
  align?: "left" | "right";
}

/** Characters of a line of a table. */
export const tableWidth = 120;

/**
 * Lines of a table with a title line. Columns are as wide as their longest cell; a line longer than
 * `width` is cut in its last cell, with an ellipsis.
 */
export function* tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number = tableWidth,
): Generator<string> {
  const widths = columns.map(({ title }) => title.length);
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  }
  const line = (cells: readonly string[]): string => {
    const text = cells
      .map((cell, index) =>
        columns[index]?.align === "right" ? cell.padStart(widths[index]!) : cell.padEnd(widths[index]!),
      )
      .join("  ")
      .trimEnd();
    return text.length > width ? `${text.slice(0, width - 1)}…` : text;
  };
  yield line(columns.map(({ title }) => title));
  for (const row of rows) yield line(row);
}

/** A cell; `?` for what could not be read. */
export function cell(value: string | number | bigint | null | undefined): string {
  return value === null || value === undefined ? "?" : String(value);
}
