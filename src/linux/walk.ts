import { walkChain } from "../kernel/index.ts";
import { KernelObject, type ObjectContext, offsetOf, type Type } from "../program/index.ts";

/** Where something is: a pointer's value, or the place of a reference. */
export function placeOf(object: KernelObject): bigint {
  return object.type.underlying.kind === "pointer"
    ? (object.scalar() as bigint)
    : (object.addressOf().scalar() as bigint);
}

/** The struct that an object is, or points to. */
export function structOf(object: KernelObject): Type {
  const { underlying } = object.type;
  return (underlying.kind === "pointer" ? underlying.target! : object.type).underlying;
}

/** The object of a type, by name or itself, at an address. */
export function objectAt(program: ObjectContext, type: Type | string, address: bigint): KernelObject {
  return KernelObject.reference(program, typeof type === "string" ? program.type(type) : type, address);
}

/** How the nodes of a list are linked. */
export interface Links {
  /** For messages. */
  name: string;
  /** The pointer to the first node. */
  first: KernelObject;
  /** The struct of the nodes; what the pointer points to by default. */
  node?: Type;
  /** The node's pointer to the next. */
  next: string;
  /** Whether a pointer is the end; NULL by default. */
  isEnd?: (pointer: bigint) => boolean;
  /** Bits of the first pointer that are a lock. */
  lockBits?: bigint;
}

/** Addresses of the nodes of a list, the first one where a pointer says. @throws {BrokenLinkError} */
export function walkLinks({ first, node, next, isEnd, ...rest }: Links): Generator<bigint, undefined> {
  return walkChain(first.program.memory, {
    ...rest,
    first: first.addressOf().scalar() as bigint,
    nextOffset: BigInt(offsetOf(node ?? structOf(first), next)),
    isEnd: isEnd ?? ((pointer) => pointer === 0n),
  });
}

/** The structs of a list that has no head but a pointer, and NULL at its end. @throws {BrokenLinkError} */
export function* linkedEntries(
  name: string,
  first: KernelObject,
  next: string,
): Generator<KernelObject, undefined> {
  const type = structOf(first);
  for (const node of walkLinks({ name, first, next })) yield objectAt(first.program, type, node);
}
