import { FaultError } from "../io/index.ts";
import { isCharacter } from "./format-scalar.ts";
import type { KernelObject } from "./object.ts";
import { snapshot } from "./snapshot.ts";

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

export interface JsonOptions {
  /** Most elements of one array; 1024 by default. What is left out is counted in a last element `{ "omitted": n }`. */
  maximumElements?: number;
  /** Most members and elements in all; 65536 by default, members beyond are `{ "omitted": 1 }`. */
  maximumItems?: number;
  /** Deepest struct or array; 32 by default, deeper ones are `{ "omitted": 1 }`. */
  maximumDepth?: number;
}

/**
 * A value for JSON: numbers for integers of up to 32 bits and floats, `"0x…"` strings for addresses
 * and wider integers, text for arrays of characters (of a longer one than 1 MiB the start and
 * `{ "omitted": bytes }`), objects by member name (those of anonymous
 * members among them) and arrays. What cannot be read is `{ "absent": why }`.
 */
export function toJson(object: KernelObject, options: JsonOptions = {}): JsonValue {
  const { maximumElements = 1024, maximumItems = 65536, maximumDepth = 32 } = options;
  let items = 0;

  function convert(source: KernelObject, depth: number): JsonValue {
    const { underlying } = source.type;
    if (source.kind === "absent" || source.isPerCpu) return { absent: absenceOf(source) };
    try {
      if (
        underlying.kind === "array" &&
        isCharacter(underlying.target!.unqualified) &&
        underlying.length !== undefined
      ) {
        return text(source, underlying.length);
      }
      if (underlying.isComposite || underlying.kind === "array") {
        if (depth >= maximumDepth) return { omitted: 1 };
        return underlying.isComposite ? members(snapshot(source), depth) : elements(snapshot(source), depth);
      }
      if (underlying.kind === "function") return hexadecimal(source.address ?? 0n);
      if (underlying.byteSizeIf === undefined) return null;
      return scalar(source);
    } catch (error) {
      if (error instanceof FaultError) return { absent: error.message };
      throw error;
    }
  }

  function members(source: KernelObject, depth: number): JsonValue {
    // Without a prototype: a member may be called __proto__.
    const result = Object.create(null) as { [key: string]: JsonValue };
    const { underlying } = source.type;
    if (!underlying.isComplete) return { absent: "incomplete type" };
    for (const name of underlying.memberNames()) {
      result[name] = ++items > maximumItems ? { omitted: 1 } : convert(source.member(name), depth + 1);
    }
    return result;
  }

  function elements(source: KernelObject, depth: number): JsonValue {
    const result: JsonValue[] = [];
    const length = source.type.underlying.length ?? 0;
    for (let index = 0; index < length; index++) {
      if (result.length >= maximumElements || ++items > maximumItems) {
        result.push({ omitted: length - index });
        break;
      }
      result.push(convert(source.index(index), depth + 1));
    }
    return result;
  }

  return convert(object, 0);
}

/** Longest text, in bytes. */
const maximumTextLength = 0x10_0000;

function text(source: KernelObject, length: number): JsonValue {
  const bytes = source.stringBytes(maximumTextLength);
  const value = Buffer.from(bytes).toString("utf8");
  const isCut = bytes.length === maximumTextLength && length > maximumTextLength;
  return isCut ? [value, { omitted: length - maximumTextLength }] : value;
}

function scalar(source: KernelObject): JsonValue {
  const { underlying } = source.type;
  const { value } = source.operand();
  if (value === undefined) return { absent: `${underlying.byteSize}-byte ${underlying.kind}` };
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (underlying.kind === "bool") return value !== 0n;
  return underlying.kind === "pointer" || underlying.byteSize > 4 ? hexadecimal(value) : Number(value);
}

function hexadecimal(value: bigint): string {
  return value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

function absenceOf(source: KernelObject): string {
  const reason = source.absence;
  if (source.isPerCpu) return "per-CPU variable";
  return reason instanceof FaultError ? reason.message : (reason ?? "absent");
}
