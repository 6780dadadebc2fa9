/**
 * Layout of braces: on one line where all fits, else one item a line, or as many as fit. Columns
 * count a tab as eight; no limit is Infinity.
 */

/** One item between braces. */
export interface Item {
  /** `.name = `, `[3] = ` or nothing. */
  readonly designation: string;
  /**
   * The text of the item's value.
   * @param oneLine columns it may take on the line it begins on
   * @param multiLine columns of further lines; 0 to refuse more than one line
   * @returns undefined when it does not fit on one line and must
   */
  readonly format: (indent: number, oneLine: number, multiLine: number) => string | undefined;
}

export interface Braces {
  /** The items; asked for again when one line was not enough. */
  readonly items: () => Iterable<Item>;
  /** Several items may share a line. */
  readonly isSameLine: boolean;
}

/** Text of braces and their items; undefined when it does not fit on one line and must (`multiLine` 0). */
export function layOut(
  braces: Braces,
  indent: number,
  oneLine: number,
  multiLine: number,
): string | undefined {
  const text = onOneLine(braces, indent, oneLine);
  if (text !== undefined) return text;
  return multiLine === 0 ? undefined : onSeveralLines(braces, indent, multiLine);
}

function onOneLine(braces: Braces, indent: number, columns: number): string | undefined {
  let text = "{";
  let remaining = Math.max(0, columns - 1);
  for (const item of braces.items()) {
    if (!braces.isSameLine) return undefined;
    const separator = text === "{" ? " " : ", ";
    // Behind the separator, the closing ` }` must still fit.
    if (remaining < separator.length + 2) return undefined;
    remaining -= separator.length + item.designation.length;
    if (remaining < 2) return undefined;
    const value = item.format(indent + 1, remaining - 2, 0);
    if (value === undefined || value.length > remaining) return undefined;
    remaining -= value.length;
    text += separator + item.designation + value;
  }
  if (text === "{") return "{}";
  return remaining < 2 ? undefined : `${text} }`;
}

function onSeveralLines(braces: Braces, indent: number, columns: number): string {
  const newLine = `\n${"\t".repeat(indent + 1)}`;
  const lineColumns = Math.max(0, columns - 8 * (indent + 1));
  let text = "{";
  let remaining = 0;
  for (const item of braces.items()) {
    const forValue = Math.max(0, lineColumns - item.designation.length);
    const value = forValue > 1 ? item.format(0, forValue - 1, 0) : undefined;
    if (value !== undefined) {
      const length = item.designation.length + value.length;
      if (braces.isSameLine && length + 2 <= remaining) {
        text += ` ${item.designation}${value},`;
        remaining -= length + 2;
        continue;
      }
      if (length < lineColumns) {
        text += `${newLine}${item.designation}${value},`;
        remaining = lineColumns - length - 1;
        continue;
      }
    }
    // Not refused: only one line (0 further columns) is.
    text += `${newLine}${item.designation}${item.format(indent + 1, 0, columns) ?? ""},`;
    remaining = 0;
  }
  return `${text}\n${"\t".repeat(indent)}}`;
}
