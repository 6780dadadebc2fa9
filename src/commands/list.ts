import { UsageError } from "../io/index.ts";
import { type Kernel, walkChain } from "../kernel/index.ts";
import type { Gaps } from "../linux/index.ts";
import {
  type FormatOptions,
  type JsonValue,
  type KernelObject,
  offsetOf,
  resolveDesignator,
  toJson,
  type Type,
} from "../program/index.ts";
import { hex } from "./hex.ts";
import { resolveAddress } from "./read.ts";
import { compositeType } from "./struct.ts";

/** Entries that are shown unless told otherwise. */
export const defaultEntryCount = 100_000;

/** An entry of a list or tree as JSON has it. */
export interface EntryRow {
  /** Address of the structure; of a tree's value that is no pointer null. */
  address: string | null;
  /** Of radix trees, xarrays and maple trees: first and last index (`"0x…"`); else absent. */
  index?: string;
  last?: string;
  /** Of xarrays and maple trees: an integer instead of a pointer; else absent. */
  value?: string;
  /** What `-s` asks for. */
  objects?: EntryObject[];
}

export interface EntryObject {
  /** Empty for the whole struct. */
  member: string;
  type: string;
  value: JsonValue;
  text: string;
}

export interface ListQuery {
  start: string;
  /** Of the pointer to the next in a structure: bytes, or `struct.member`. */
  offset?: string | undefined;
  /** `head`: start is a `struct list_head` of no structure; `embedded`: it is a structure with one. */
  links: "plain" | "embedded" | "head";
  reverse?: boolean;
  /** An address to stop at. */
  end?: string | undefined;
  /** `struct`, `struct.member,member`: what to show of every entry. */
  show?: string | undefined;
  count?: number | undefined;
  format?: FormatOptions;
}

/** A linked list, as crash's `list` walks it. @throws {UsageError} {@link LookupError} */
export function* walkLinkedList(kernel: Kernel, gaps: Gaps, query: ListQuery): Generator<EntryRow> {
  const { program } = kernel;
  const start = resolveAddress(kernel, query.start);
  const end = query.end === undefined ? undefined : resolveAddress(kernel, query.end);
  const offset = offsetText(kernel, query.offset);
  const back = query.reverse === true ? 8n : 0n;
  if (query.reverse === true && query.links === "plain") throw new UsageError("list: -r goes with -h or -H");
  const show = shownParts(kernel, query.show, query.format);
  const wrap = (address: bigint): bigint => BigInt.asUintN(64, address);
  const name = `list at ${hex(start)}`;
  // Where the walk begins, and how a link becomes the structure it is part of.
  const isPlain = query.links === "plain";
  const link = query.links === "head" ? start : wrap(start + offset);
  const chain = walkChain(program.memory, {
    name,
    first: wrap(link + back),
    nextOffset: isPlain ? offset : back,
    isEnd: (node) => node === 0n || node === (isPlain ? start : link),
  });
  let left = entryLimit(query.count);
  const emit = function* (address: bigint): Generator<EntryRow> {
    yield { address: hex(address), ...(show !== undefined && { objects: show(address, gaps) }) };
  };
  if (query.links !== "head") {
    left--;
    yield* emit(start);
    if (start === end) return;
  }
  for (const node of gaps.walk(chain)) {
    if (left-- === 0) {
      gaps.limit(`the list goes on after ${entryLimit(query.count)} entries`);
      return;
    }
    const address = isPlain ? node : wrap(node - offset);
    yield* emit(address);
    if (address === end) return;
  }
}

/** @throws {UsageError} */
export function entryLimit(count: number | undefined): number {
  const limit = count ?? defaultEntryCount;
  if (Number.isSafeInteger(limit) && limit > 0) return limit;
  throw new UsageError(`'${count}' is no count of entries`);
}

/** Bytes by a number or `struct.member`. @throws {UsageError} {@link LookupError} */
export function offsetText(kernel: Kernel, text: string | undefined): bigint {
  if (text === undefined) return 0n;
  if (/^(?:0[xX][0-9a-fA-F]+|\d+)$/.test(text)) return BigInt(text);
  const [, struct, member] = /^((?:(?:struct|union)\s+)?\w+)\.(.+)$/.exec(text) ?? [];
  if (struct === undefined) throw new UsageError(`'${text}' is neither a number nor STRUCT.MEMBER`);
  return BigInt(offsetOf(compositeType(kernel, "struct", struct), member!));
}

/** What to read of every entry; undefined to read nothing. */
export function shownParts(
  kernel: Kernel,
  text: string | undefined,
  format: FormatOptions = {},
): ((address: bigint, gaps: Gaps) => EntryObject[]) | undefined {
  if (text === undefined) return undefined;
  const [, name, members] = /^((?:(?:struct|union)\s+)?\w+)(?:\.(.+))?$/.exec(text) ?? [];
  if (name === undefined) throw new UsageError(`'${text}' is neither STRUCT nor STRUCT.MEMBER`);
  const type: Type = compositeType(kernel, "struct", name);
  const designators = members?.split(",").map((each) => each.trim()) ?? [""];
  // A member that is not there is said once, before the walk.
  for (const each of designators) if (each !== "") resolveDesignator(type, each);
  const { program } = kernel;
  return (address, gaps) => {
    const whole = program.object(address, type);
    return designators.map((member): EntryObject => {
      const object: KernelObject = member === "" ? whole : whole.subobject(member);
      const text = program.format(object, { ...format, dereference: false });
      return {
        member,
        type: object.type.typeName(),
        value: gaps.column(member === "" ? name : member, () => toJson(object)),
        text: member === "" ? text : `.${member} = ${text}`,
      };
    });
  };
}

/** A line for each entry, and the parts below it. */
export function* entryLines(rows: readonly EntryRow[]): Generator<string> {
  for (const { address, index, last, value, objects } of rows) {
    const range =
      index === undefined ? "" : last === undefined || last === index ? `${index}: ` : `${index}-${last}: `;
    yield `${range}${address === null ? `value ${value}` : address.slice(2)}`;
    for (const { text } of objects ?? []) {
      for (const line of text.replaceAll("\t", "    ").split("\n")) yield `  ${line}`;
    }
  }
}
