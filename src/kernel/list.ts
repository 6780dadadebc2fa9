import type { Diagnostic } from "../io/index.ts";
import { FaultError } from "../io/index.ts";
import type { VirtualMemory } from "../memory/index.ts";

/** Longer lists are taken for damage. */
const maximumLength = 1_000_000;

/**
 * Addresses of the nodes of a `struct list_head` list, head left out. Damage ends the list: what was
 * found so far counts, and `diagnostics` says where it broke.
 */
export function* walkList(
  memory: VirtualMemory,
  head: bigint,
  name: string,
  diagnostics: Diagnostic[],
): Generator<bigint> {
  const broken = (address: bigint, why: string): void => {
    const text = `list ${name} is broken at 0x${address.toString(16)}: ${why}`;
    diagnostics.push({ severity: "warning", code: "LIST_BROKEN", text });
  };
  let previous = head;
  // Brent: the hare is compared with a tortoise that jumps to it at powers of two.
  let tortoise = head;
  let power = 1;
  let lap = 0;
  for (let length = 0; ; length++) {
    let node: bigint;
    try {
      node = memory.readU64(previous);
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      broken(previous, error.message);
      return;
    }
    if (node === head) return;
    if (node === tortoise) {
      broken(previous, `it leads back to 0x${node.toString(16)}`);
      return;
    }
    if (length === maximumLength) {
      broken(previous, `more than ${maximumLength} entries`);
      return;
    }
    if (++lap === power) {
      tortoise = node;
      power *= 2;
      lap = 0;
    }
    // A node that cannot be read is no node: its owner must not be made up from it.
    try {
      memory.readU64(node);
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      broken(previous, error.message);
      return;
    }
    yield node;
    previous = node;
  }
}
