import { inspect, types } from "node:util";
import { printableName } from "../btf/index.ts";
import { isDwarflessError } from "../io/index.ts";
import { KernelObject, Type } from "../program/index.ts";
import { caretLines, ExpressionError } from "../program/expression/index.ts";
import { replFormat, unwrap } from "./object-view.ts";
import { typeText } from "./type-text.ts";

export interface TextOptions {
  /** Columns of the terminal, if it is one. */
  columns?: number | undefined;
  colors?: boolean;
}

/** Text of a value; undefined for nothing to show. */
export function valueText(value: unknown, options: TextOptions = {}): string | undefined {
  const plain = unwrap(value);
  if (plain === undefined) return undefined;
  if (plain instanceof KernelObject) {
    const { columns } = options;
    return plain.format({ ...replFormat, ...(columns === undefined ? {} : { columns }) });
  }
  if (plain instanceof Type) return typeText(plain);
  return inspect(value, { colors: options.colors === true, maxStringLength: 1 << 20 });
}

/** Text of an error: with its place for expressions, one line for what this project throws, as Node has it for others. */
export function errorText(error: unknown): string {
  if (error instanceof ExpressionError) return `${caretLines(error)}\nerror: ${printableName(error.problem)}`;
  if (isDwarflessError(error)) return `error: ${printableName((error as Error).message)}`;
  if (isInterrupt(error)) return "(interrupted)";
  if (types.isNativeError(error)) return `Uncaught ${error.name}: ${error.message}`;
  return `Uncaught ${inspect(error)}`;
}

function isInterrupt(error: unknown): boolean {
  return (
    types.isNativeError(error) && (error as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_INTERRUPTED"
  );
}
