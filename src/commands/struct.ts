import { UsageError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import {
  type FormatOptions,
  type JsonValue,
  KernelObject,
  LookupError,
  offsetOf,
  resolveDesignator,
  toJson,
  type Type,
} from "../program/index.ts";
import { hex } from "./hex.ts";
import { resolveAddress } from "./read.ts";

/** More objects are not shown at once. */
const maximumCount = 10_000;
/** Deepest anonymous member that is shown as members. */
const maximumDepth = 32;

/** A member of a struct or union as JSON has it. */
export interface MemberRow {
  /** Empty for an anonymous struct or union; its members follow, with their offsets in the whole. */
  name: string;
  type: string;
  /** As C writes it, without a semicolon. */
  declaration: string;
  /** Bytes from the start of the struct. */
  offset: number;
  /** Bytes; null where the type has no size. */
  size: number | null;
  /** Of a bit field: bits from `offset`, and how many; else null. */
  bits: { offset: number; size: number } | null;
  /** How many anonymous members it lies in. */
  depth: number;
}

/** A struct or union, or one at an address, as JSON has it. */
export type StructRow = LayoutRow | ObjectRow;

export interface LayoutRow {
  type: string;
  size: number;
  members: MemberRow[];
}

export interface ObjectRow {
  type: string;
  address: string;
  /** Of a per-CPU object its CPU, and where the whole struct is; else absent. */
  perCpu?: { cpu: number; address: string };
  value: JsonValue;
  /** As C would initialise it. */
  text: string;
  /** Addresses of the members; only with `offsets`. */
  members?: MemberRow[];
}

export interface StructQuery {
  /** `struct` or `union`: what a bare name means first. */
  tag: "struct" | "union";
  /** `task_struct`, `task_struct.comm`, `task_struct.pid,comm`. */
  name: string;
  /**
   * Number, symbol or expression; undefined for the type itself. With `:a`, `:0`, `:0-3,5` the objects of these
   * CPUs, by a per-CPU symbol or pointer.
   */
  address?: string | undefined;
  count?: number;
  /** Bytes from the object to `address`, or a member of it. */
  embedded?: string | undefined;
  offsets?: boolean;
  format?: FormatOptions;
}

/**
 * A struct's layout, or objects of it one behind the other, as crash's `struct` shows them.
 * @throws {LookupError} {@link UsageError} {@link FaultError}
 */
export function showStruct(kernel: Kernel, query: StructQuery): StructRow[] {
  const [, name, designators] = /^\s*((?:(?:struct|union)\s+)?\w+)(?:\.(.+))?$/.exec(query.name) ?? [];
  if (name === undefined) throw new UsageError(`'${query.name}' is no struct`);
  const type = compositeType(kernel, query.tag, name);
  const members = designators?.split(",").map((each) => each.trim());
  if (query.address === undefined) {
    if (query.embedded !== undefined) throw new UsageError("-l: of what address?");
    return [{ type: type.typeName(), size: type.byteSize, members: memberRows(type, members) }];
  }
  const count = query.count ?? 1;
  if (!(Number.isSafeInteger(count) && count >= 1 && count <= maximumCount)) {
    throw new UsageError(`a count from 1 to ${maximumCount}`);
  }
  const offset = embeddedOffset(type, query.embedded);
  const places = objectPlaces(kernel, query.address);
  if (places.length * count > maximumCount) throw new UsageError(`more than ${maximumCount} objects`);
  const rows: StructRow[] = [];
  for (const { start, cpu } of places) {
    for (let index = 0; index < count; index++) {
      const address = BigInt.asUintN(64, start - offset + BigInt(index) * BigInt(type.byteSize));
      const whole = KernelObject.reference(kernel.program, type, address);
      for (const each of members ?? [undefined]) {
        const object = each === undefined ? whole : whole.subobject(each);
        rows.push({
          ...objectRow(kernel, object, each, query.format),
          ...(cpu !== undefined && { perCpu: { cpu, address: hex(address) } }),
          ...(query.offsets === true && {
            members: memberRows(type, each === undefined ? undefined : [each]),
          }),
        });
      }
    }
  }
  return rows;
}

/** Where objects are, by an address with or without `:CPUS`. @throws {UsageError} */
function objectPlaces(kernel: Kernel, text: string): { start: bigint; cpu?: number }[] {
  const [, base, cpus] = /^([^?]+):(a|all|[\d,-]+)$/.exec(text) ?? [];
  if (base === undefined) return [{ start: resolveAddress(kernel, text) }];
  const { perCpu } = kernel;
  // The value of a per-CPU symbol is no address, but what the CPUs' offsets are added to.
  const [symbol, ...others] = kernel.symbols.named(base);
  const linked =
    others.length === 0 && symbol?.kind === "percpu" ? symbol.address : resolveAddress(kernel, base);
  return (cpus!.startsWith("a") ? perCpu.possibleCpus : cpuNumbers(cpus!)).map((cpu) => {
    if (!perCpu.possibleCpus.includes(cpu)) throw new UsageError(`there is no CPU ${cpu}`);
    return { start: perCpu.address(linked, cpu), cpu };
  });
}

/** `1,3-5` as numbers. @throws {UsageError} */
function cpuNumbers(text: string): number[] {
  return text.split(",").flatMap((part) => {
    const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? [];
    if (first === undefined || Number(last) < Number(first))
      throw new UsageError(`'${text}' is no list of CPUs`);
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) => Number(first) + index);
  });
}

function objectRow(
  kernel: Kernel,
  object: KernelObject,
  member: string | undefined,
  format: FormatOptions = {},
): ObjectRow {
  const text = kernel.program.format(object, { ...format, dereference: false });
  return {
    type: object.type.typeName(),
    address: hex(object.address!),
    value: toJson(object),
    text: member === undefined ? text : `.${member} = ${text}`,
  };
}

/** A struct or union by its bare name or with its tag, or a typedef of one. @throws {LookupError} */
export function compositeType(kernel: Kernel, tag: "struct" | "union", name: string): Type {
  const { types } = kernel.program;
  const bare = /^(?:(struct|union)\s+)?(\w+)$/.exec(name.trim());
  if (bare === null) throw new UsageError(`'${name}' is no struct`);
  const said = (bare[1] as "struct" | "union" | undefined) ?? tag;
  // A bare name may be of the other kind: crash looks there too.
  const tags = [
    said,
    ...(bare[1] === undefined ? [said === "struct" ? ("union" as const) : ("struct" as const)] : []),
  ] as const;
  for (const each of tags) {
    const found = types.findNamed(each, bare[2]!);
    if (found?.isComplete === true) return found;
  }
  const typedef = types.find(bare[2]!);
  if (typedef?.underlying.isComposite === true && typedef.byteSizeIf !== undefined) return typedef;
  const tagged = types.getNamed(tags[0], bare[2]!);
  throw new LookupError("type", tagged.typeName(), [], "this kernel with members");
}

/** Bytes from a struct to what an address is of: a number, or `member` or `struct.member`. @throws {UsageError} */
export function embeddedOffset(type: Type, text: string | undefined): bigint {
  if (text === undefined) return 0n;
  if (/^(?:0[xX][0-9a-fA-F]+|\d+)$/.test(text)) return BigInt(text);
  const underlying = type.underlying;
  const first = /^(\w+)\./.exec(text);
  const isOwnName = first !== null && underlying.findMember(first[1]!) === undefined;
  return BigInt(offsetOf(type, isOwnName ? text.slice(first[0].length) : text));
}

function memberRows(type: Type, designators: readonly string[] | undefined): MemberRow[] {
  if (designators === undefined) return [...allMembers(type, 0, 0)];
  return designators.map((name) => {
    const { type: member, bitOffset, bitFieldSize } = resolveDesignator(type, name);
    return memberRow(name, member, bitOffset, bitFieldSize, 0);
  });
}

function* allMembers(type: Type, outer: number, depth: number): Generator<MemberRow, undefined> {
  for (const { name, type: member, bitOffset, bitFieldSize } of type.underlying.members) {
    yield memberRow(name, member, outer + bitOffset, bitFieldSize, depth);
    if (name === "" && member.underlying.isComposite && depth < maximumDepth) {
      yield* allMembers(member, outer + bitOffset, depth + 1);
    }
  }
}

function memberRow(
  name: string,
  type: Type,
  bitOffset: number,
  bitFieldSize: number,
  depth: number,
): MemberRow {
  const isBitField = bitFieldSize !== 0;
  return {
    name,
    type: type.typeName(),
    declaration: isBitField ? `${type.declare(name)} : ${bitFieldSize}` : type.declare(name),
    offset: Math.floor(bitOffset / 8),
    size: isBitField ? null : (type.byteSizeIf ?? null),
    bits: isBitField ? { offset: bitOffset % 8, size: bitFieldSize } : null,
    depth,
  };
}

/** Rows as text: layouts as C declares them, objects as C initialises them. */
export function* structLines(rows: readonly StructRow[], offsets = false): Generator<string> {
  let last = "";
  for (const row of rows) {
    if (!("text" in row)) {
      yield* layoutLines(row, offsets ? 0n : undefined);
      continue;
    }
    const { perCpu } = row;
    if (perCpu !== undefined && perCpu.address !== last) {
      last = perCpu.address;
      yield `[${perCpu.cpu}]: ${last.slice(2)}`;
    }
    if (offsets)
      yield* layoutLines({ type: row.type, size: 0, members: row.members ?? [] }, BigInt(row.address));
    else yield* row.text.replaceAll("\t", "    ").split("\n");
  }
}

/** @param base of the offsets that are shown; undefined for none */
function* layoutLines({ type, size, members }: LayoutRow, base: bigint | undefined): Generator<string> {
  const shown = members.map(({ offset, bits }) => {
    if (base === undefined) return "";
    const place = base === 0n ? String(offset) : (base + BigInt(offset)).toString(16);
    return bits === null ? `[${place}]` : `[${place}:${bits.offset}]`;
  });
  const width = Math.max(0, ...shown.map(({ length }) => length));
  const lead = (text: string, depth: number): string =>
    width === 0 ? "    ".repeat(depth + 1) : `  ${text.padStart(width)} ${"    ".repeat(depth)}`;
  yield `${type} {`;
  let depth = 0;
  for (const [index, { name, type: of, declaration, depth: own }] of members.entries()) {
    for (; depth > own; depth--) yield `${lead("", depth - 1)}};`;
    const isOpen = name === "" && (members[index + 1]?.depth ?? 0) > own;
    yield `${lead(shown[index]!, own)}${isOpen ? `${of.replace(/ ?<anonymous>/, "")} {` : `${declaration};`}`;
    depth = isOpen ? own + 1 : own;
  }
  for (; depth > 0; depth--) yield `${lead("", depth - 1)}};`;
  yield "}";
  if (size > 0) yield `SIZE: ${size}`;
}
