import { BrokenLinkError, followLink, maximumNodes } from "../kernel/index.ts";
import { type KernelObject, offsetOf, type Type } from "../program/index.ts";
import { entries } from "./list.ts";
import { placeOf, structOf } from "./walk.ts";

/** The two low bits of `__rb_parent_color` are the colour. */
const parentMask = ~3n;

/**
 * In-order walk of a `struct rb_root` or `struct rb_root_cached` (include/linux/rbtree.h), or of what is below a
 * `struct rb_node`: addresses of the nodes. Every node's parent pointer is checked, so no damage makes a walk without end.
 * @throws {BrokenLinkError}
 */
export function* rbtreeInorderForEach(root: KernelObject): Generator<bigint, undefined> {
  const isNode = root.memberIf("rb_left") !== undefined;
  const plain = isNode ? root : (root.memberIf("rb_root") ?? root);
  const { memory } = root.program;
  const node = isNode ? structOf(root) : structOf(plain.member("rb_node"));
  const left = BigInt(offsetOf(node, "rb_left"));
  const right = BigInt(offsetOf(node, "rb_right"));
  const parent = BigInt(offsetOf(node, "__rb_parent_color"));
  const name = `rbtree at 0x${placeOf(plain).toString(16)}`;
  let count = 0;
  /** Nodes whose left side is being walked, outermost first. */
  const above: bigint[] = [];
  let link = placeOf(plain) + (isNode ? 0n : BigInt(offsetOf(structOf(plain), "rb_node")));
  let current = isNode ? link : followLink(memory, name, link, link);
  let from = isNode ? followLink(memory, name, link, link + parent) & parentMask : 0n;
  for (;;) {
    while (current !== 0n) {
      const stated = followLink(memory, name, link, current + parent) & parentMask;
      if (stated !== from) {
        const said = `the parent of 0x${current.toString(16)} is 0x${stated.toString(16)}`;
        throw new BrokenLinkError(name, link, `${said}, not 0x${from.toString(16)}`);
      }
      if (++count > maximumNodes) throw new BrokenLinkError(name, link, `more than ${maximumNodes} entries`);
      above.push(current);
      from = current;
      link = current + left;
      current = followLink(memory, name, link, link);
    }
    const next = above.pop();
    if (next === undefined) return;
    yield next;
    from = next;
    link = next + right;
    current = followLink(memory, name, link, link);
    if (current !== 0n && current === followLink(memory, name, link, next + left)) {
      throw new BrokenLinkError(name, link, `both children are 0x${current.toString(16)}`);
    }
  }
}

/** `rbtree_inorder_for_each_entry`: the structs that have the nodes as a member. @throws {BrokenLinkError} */
export function* rbtreeInorderForEachEntry(
  type: Type | string,
  root: KernelObject,
  member: string,
): Generator<KernelObject, undefined> {
  yield* entries(type, root, member, rbtreeInorderForEach(root));
}
