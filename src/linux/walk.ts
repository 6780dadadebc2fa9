import { type Diagnostic, DwarflessError, FaultError } from "../io/index.ts";
import type { VirtualMemory } from "../memory/index.ts";
import type { KernelObject, ObjectContext, Type } from "../program/index.ts";
import { KernelObject as ObjectOf } from "../program/index.ts";

/** A structure in memory that cannot be followed further; what came before stands. */
export class BrokenLinkError extends DwarflessError {
  /** Address of the pointer that leads nowhere good. */
  readonly link: bigint;

  constructor(structure: string, link: bigint, why: string) {
    super("BROKEN_LINK", `${structure} is broken at 0x${link.toString(16)}: ${why}`);
    this.link = link;
  }
}

/** Longer structures are taken for damage. */
export const maximumNodes = 10_000_000;

/**
 * Sees when a chain leads back into itself, or never ends. Brent: the hare is compared with a tortoise
 * that jumps to it at powers of two.
 */
export class LinkWatch {
  readonly #structure: string;
  readonly #maximum: number;
  #tortoise: bigint | undefined;
  #power = 1;
  #lap = 0;
  #count = 0;

  constructor(structure: string, maximum: number = maximumNodes) {
    this.#structure = structure;
    this.#maximum = maximum;
  }

  /** @throws {BrokenLinkError} */
  step(link: bigint, node: bigint): void {
    if (node === this.#tortoise) {
      throw new BrokenLinkError(this.#structure, link, `it leads back to 0x${node.toString(16)}`);
    }
    if (++this.#count > this.#maximum) {
      throw new BrokenLinkError(this.#structure, link, `more than ${this.#maximum} entries`);
    }
    if (++this.#lap === this.#power) {
      this.#tortoise = node;
      this.#power *= 2;
      this.#lap = 0;
    }
  }
}

/** The pointer at `place` inside the node that `link` leads to. @throws {BrokenLinkError} naming the link */
export function followLink(memory: VirtualMemory, structure: string, link: bigint, place: bigint): bigint {
  try {
    return memory.readU64(place);
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    throw new BrokenLinkError(structure, link, error.message);
  }
}

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
  return ObjectOf.reference(program, typeof type === "string" ? program.type(type) : type, address);
}

/** Items until the structure they come from breaks; the break becomes a diagnostic. */
export function* untilBroken<Item>(items: Iterable<Item>, diagnostics: Diagnostic[]): Generator<Item> {
  const iterator = items[Symbol.iterator]();
  for (;;) {
    let result: IteratorResult<Item, unknown>;
    try {
      result = iterator.next();
    } catch (error) {
      if (!(error instanceof BrokenLinkError) && !(error instanceof FaultError)) throw error;
      diagnostics.push({ severity: "warning", code: error.code, text: error.message });
      return;
    }
    if (result.done === true) return;
    yield result.value;
  }
}
