import { type Diagnostic, DwarflessError, FaultError, UsageError } from "../io/index.ts";
import { untilBroken } from "../kernel/index.ts";

/**
 * What could not be read while rows were made. A member that this kernel has not, or memory that the dump
 * has not, costs one column of a row, never the table; each reason is kept once, with how often it came.
 */
export class Gaps {
  readonly #counts = new Map<string, { text: string; code: string; count: number }>();
  readonly #walks: Diagnostic[] = [];

  /** A column's value, or null with the reason kept. */
  column<Value>(name: string, read: () => Value): Value | null {
    try {
      return read();
    } catch (error) {
      this.note(name, error);
      return null;
    }
  }

  /** Items of a walk until it breaks; the reason is kept. */
  walk<Item>(items: Iterable<Item>): Generator<Item> {
    return untilBroken(items, this.#walks);
  }

  /** Something that was read with diagnostics of its own; they are kept. */
  diagnosed<Value>(value: Value, diagnostics: readonly Diagnostic[]): Value {
    this.#walks.push(...diagnostics);
    return value;
  }

  /** Keep why something is missing. @throws whatever is no lack of the dump */
  note(name: string, error: unknown): void {
    if (!(error instanceof DwarflessError) || error instanceof UsageError) throw error;
    // Every fault has an address of its own; which reason it was is what counts.
    const key = error instanceof FaultError ? `${name} ${error.reason}` : `${name} ${error.message}`;
    const known = this.#counts.get(key);
    if (known !== undefined) known.count++;
    else this.#counts.set(key, { text: `${name}: ${error.message}`, code: error.code, count: 1 });
  }

  /** Keep that a deadline cut something short. */
  late(what: string): void {
    this.#walks.push({ severity: "warning", code: "DEADLINE", text: `${what}: not all were read in time` });
  }

  /** Keep that something is longer than what was shown of it. */
  limit(text: string): void {
    this.#walks.push({ severity: "warning", code: "LIMIT", text });
  }

  get diagnostics(): readonly Diagnostic[] {
    const columns = [...this.#counts.values()].map(({ text, code, count }): Diagnostic => ({
      severity: "warning",
      code,
      text: count === 1 ? text : `${text} (${count} times)`,
    }));
    return [...this.#walks, ...columns];
  }
}
