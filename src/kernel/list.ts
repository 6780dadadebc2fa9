import { type Diagnostic, DwarflessError, FaultError } from "../io/index.ts";
import type { VirtualMemory } from "../memory/index.ts";

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

/** The pointer at `place` inside the node that `link` leads to. @throws {BrokenLinkError} naming the link */
export function followLink(memory: VirtualMemory, structure: string, link: bigint, place: bigint): bigint {
  try {
    return memory.readU64(place);
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    throw new BrokenLinkError(structure, link, error.message);
  }
}

/** Nodes that are chained by a pointer in each. */
export interface Chain {
  /** For messages: `list at 0x…`. */
  name: string;
  /** Address of the pointer to the first node. */
  first: bigint;
  /** Bytes from a node to its pointer to the next. */
  nextOffset: bigint;
  /** Whether a pointer is none to a node, but the end. */
  isEnd: (pointer: bigint) => boolean;
  /** Bits of the first pointer that are a lock and no address. */
  lockBits?: bigint;
}

/**
 * Addresses of the nodes of a chain. The one walk along pointers that all lists share: bounded, and it sees
 * cycles by Brent's method, comparing with a node that moves on at powers of two. No node is given out
 * before it was read, so that nobody makes up its owner from what is not there.
 * @throws {BrokenLinkError} where the chain cannot be followed, after the nodes before that
 */
export function* walkChain(memory: VirtualMemory, chain: Chain): Generator<bigint, undefined> {
  const { name, first, nextOffset, isEnd, lockBits = 0n } = chain;
  let link = first;
  let node = followLink(memory, name, link, link) & ~lockBits;
  let tortoise: bigint | undefined;
  let power = 1;
  let lap = 0;
  for (let count = 0; !isEnd(node); count++) {
    if (isPoison(node)) throw new BrokenLinkError(name, link, "its entry was removed from the list");
    if (node === tortoise) throw new BrokenLinkError(name, link, `it leads back to 0x${node.toString(16)}`);
    if (count === maximumNodes) throw new BrokenLinkError(name, link, `more than ${maximumNodes} entries`);
    if (++lap === power) {
      tortoise = node;
      power *= 2;
      lap = 0;
    }
    const next = followLink(memory, name, link, node + nextOffset);
    yield node;
    link = node + nextOffset;
    node = next;
  }
}

/** LIST_POISON1 and LIST_POISON2 with any POISON_POINTER_DELTA: what list_del() leaves behind. */
function isPoison(address: bigint): boolean {
  const low = address & 0xffff_ffffn;
  return (low === 0x100n || low === 0x122n || low === 0x200n) && address >> 48n === 0xdeadn;
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

/**
 * Addresses of the nodes of a `struct list_head` list, head left out. Damage ends the list: what was
 * found so far counts, and `diagnostics` says where it broke.
 */
export function walkList(
  memory: VirtualMemory,
  head: bigint,
  name: string,
  diagnostics: Diagnostic[],
): Generator<bigint> {
  // `next` is the first member of the struct.
  const chain = { name: `list ${name}`, first: head, nextOffset: 0n, isEnd: (node: bigint) => node === head };
  return untilBroken(walkChain(memory, chain), diagnostics);
}
