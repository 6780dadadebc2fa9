import type { FormatOptions } from "./format-options.ts";
import type { KernelObject } from "./object.ts";

/** Finds the symbol that an address lies in. */
export type FindSymbol = (address: bigint) => { readonly name: string; readonly offset: bigint } | undefined;

/** Text of an object. */
export function formatObject(
  object: KernelObject,
  _options: FormatOptions = {},
  _findSymbol?: FindSymbol,
): string {
  return `(${object.type.typeName()})${String(object.scalar())}`;
}
