import type { Type } from "../program/index.ts";
import type { Instruction, Machine } from "./instruction.ts";
import { memberPath } from "./member-path.ts";
import { pointersAt, structBehind, type FlowSurroundings } from "./pointer-flow.ts";
import type { OopsRecord } from "./record-parts.ts";
import type { MemberCandidate } from "./verdict.ts";

/** The code of a function, from its start. */
export interface FunctionCode {
  start: bigint;
  code: Uint8Array;
}

/** What is known of the kernel that a record is of. */
export interface CodeKnowledge extends Omit<FlowSurroundings, "prototype"> {
  /** A function's prototype; undefined where BTF has none, or several. */
  prototype: (symbol: string, module: string | null) => Type | undefined;
  /** All of the function that a record happened in; undefined where only the record's own bytes are there. */
  functionCode: (record: OopsRecord) => FunctionCode | undefined;
}

/** Parameters of one function that may be meant. */
const maximumCandidates = 6;

/**
 * Members that may lie at the address that faulted: the one that the code shows, or else those at the
 * same offset of the structs that the function's parameters point to.
 */
export function membersAt(record: OopsRecord, knowledge: CodeKnowledge): MemberCandidate[] {
  const { place, fault } = record;
  if (place === null || place.symbol === null || place.offset === null) return [];
  const prototype = knowledge.prototype(place.symbol, place.module);
  const followed = followCode(record, prototype, knowledge);
  const access = (followed?.instruction ?? decodeFault(record, knowledge.machine))?.access;
  if (access?.hasIndex === true) return [];
  const value = access && followed?.state.get(access.base);
  // The printed registers must agree with the instruction; otherwise it is not the one that faulted.
  if (access !== undefined && !agrees(record, access.base, access.offset)) return [];
  if (access !== undefined && value !== undefined) {
    const offset = value.offset + access.offset;
    const member = offset < 0 ? undefined : memberPath(value.struct, offset);
    if (member === undefined) return [];
    return [
      {
        struct: value.struct.typeName(),
        member: member.path,
        offset,
        register: access.base,
        how: `register ${access.base} held ${value.origin}`,
        proved: true,
      },
    ];
  }
  const offset = access?.offset ?? offsetFromNull(fault?.address ?? null);
  return offset === undefined || offset < 0
    ? []
    : ofParameters(place.symbol, prototype, offset, access?.base ?? null);
}

function followCode(
  record: OopsRecord,
  prototype: Type | undefined,
  knowledge: CodeKnowledge,
): ReturnType<typeof pointersAt> {
  const offset = record.place!.offset!;
  const known = knowledge.functionCode(record) ?? printedFunction(record);
  return known && pointersAt(known.code, known.start, offset, { ...knowledge, prototype });
}

/** The function's start, where the bytes that the kernel printed reach back to it. */
function printedFunction({ code, place }: OopsRecord): FunctionCode | undefined {
  const position = code?.position ?? null;
  const offset = place?.offset ?? null;
  if (code === null || position === null || offset === null || offset > position) return undefined;
  return { start: 0n, code: Buffer.from(code.bytes, "hex").subarray(position - offset) };
}

function decodeFault({ code }: OopsRecord, machine: Machine): Instruction | undefined {
  if (code === null || code.position === null) return undefined;
  return machine.decode(Buffer.from(code.bytes, "hex"), code.position, 0n);
}

/** The register plus the offset is the address; where the address is not known nothing speaks against it. */
function agrees({ registers, fault }: OopsRecord, base: string, offset: number): boolean {
  const address = fault?.address ?? null;
  const value = registers[base];
  if (address === null || value === undefined) return true;
  const distance = BigInt(address) - BigInt.asUintN(64, BigInt(value) + BigInt(offset));
  // An access of several bytes may fault behind its start.
  return distance >= 0n && distance < 64n;
}

function offsetFromNull(address: string | null): number | undefined {
  return address !== null && BigInt(address) < 0x1000n ? Number(address) : undefined;
}

function ofParameters(
  symbol: string,
  prototype: Type | undefined,
  offset: number,
  register: string | null,
): MemberCandidate[] {
  const candidates: MemberCandidate[] = [];
  for (const { name, type } of prototype?.parameters ?? []) {
    const struct = structBehind(type);
    const member = struct && memberPath(struct, offset);
    if (struct === undefined || member === undefined || candidates.length >= maximumCandidates) continue;
    const how = `parameter ${name} of ${symbol} points to one; that it is this one is not shown`;
    candidates.push({ struct: struct.typeName(), member: member.path, offset, register, how, proved: false });
  }
  return candidates;
}
