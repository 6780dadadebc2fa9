import { FormatError } from "../io/index.ts";
import { BrokenLinkError } from "../kernel/index.ts";
import type { KernelObject, Program } from "../program/index.ts";
import { linkedEntries, placeOf } from "./walk.ts";

/** The kernel reads no deeper tree (FDT_MAX_DEPTH, drivers/of/fdt.c). */
const maximumDepth = 64;
/** Trees of servers have some thousand nodes. */
const maximumNodes = 65_536;
const maximumPathLength = 4096;
/** Tables of firmware that are values have some hundred KB. */
const maximumValueByteSize = 2 ** 20;

/** A node of the firmware's device tree. */
export interface DeviceNode {
  /** As below /proc/device-tree; `/` for the root. */
  path: string;
  /** The `struct device_node`. */
  node: KernelObject;
}

/**
 * `for_each_of_allnodes` (include/linux/of.h): the nodes below `of_root`, each before its children; none of a
 * machine without a device tree.
 * @throws {BrokenLinkError} {@link FaultError}; {@link LookupError} of a kernel without CONFIG_OF
 */
export function* forEachDeviceNode(program: Program): Generator<DeviceNode, undefined> {
  const root = program.variable("of_root");
  if (root.isNull) return;
  const seen = new Set<bigint>();
  const open: { path: string; nodes: Iterator<KernelObject> }[] = [
    { path: "", nodes: [root.dereference()].values() },
  ];
  for (let level = open.at(-1); level !== undefined; level = open.at(-1)) {
    const { done, value: node } = level.nodes.next();
    if (done === true) {
      open.pop();
      continue;
    }
    const address = placeOf(node);
    const broken = (why: string): BrokenLinkError => new BrokenLinkError("the device tree", address, why);
    if (seen.has(address)) throw broken("it has this node twice");
    if (seen.size === maximumNodes) throw broken(`more than ${maximumNodes} nodes`);
    if (open.length > maximumDepth) throw broken(`deeper than ${maximumDepth} nodes`);
    seen.add(address);
    const isRoot = open.length === 1;
    const path = isRoot ? "" : `${level.path}/${lastName(node)}`;
    if (path.length > maximumPathLength) throw broken(`a path longer than ${maximumPathLength} characters`);
    yield { path: isRoot ? "/" : path, node };
    open.push({ path, nodes: linkedEntries("the device tree", node.member("child"), "sibling") });
  }
}

/** Before v4.14 `full_name` was the whole path. */
function lastName(node: KernelObject): string {
  const name = node.member("full_name").string(maximumPathLength);
  return name.slice(name.lastIndexOf("/") + 1);
}

/** A property of a node. */
export interface DeviceProperty {
  name: string;
  /** Bytes. */
  length: number;
  /** The `struct property`. */
  property: KernelObject;
}

/** `for_each_property_of_node` (include/linux/of.h). @throws {BrokenLinkError} {@link FaultError} */
export function* forEachProperty(node: KernelObject): Generator<DeviceProperty, undefined> {
  for (const property of linkedEntries("properties of a node", node.member("properties"), "next")) {
    const name = property.member("name").string(256);
    yield { name, length: property.member("length").number(), property };
  }
}

/** @throws {FormatError} `DEVICE_TREE` for a length that no property has; {@link FaultError} */
export function propertyValue({ name, length, property }: DeviceProperty): Uint8Array {
  if (length < 0 || length > maximumValueByteSize) {
    throw new FormatError("DEVICE_TREE", `property ${name} has a length of ${length}`);
  }
  if (length === 0) return new Uint8Array();
  return property.program.memory.read(property.member("value").scalar() as bigint, length);
}

/** Strings that end with NUL, one after another; undefined for a value that cannot be such. */
export function propertyStrings(value: Uint8Array): string[] | undefined {
  const text = Buffer.from(value).toString("latin1");
  return /^(?:[ -~]+\0)+$/.test(text) ? text.slice(0, -1).split("\0") : undefined;
}

/** Cells, which are big-endian whatever the machine is; undefined where the length is none of cells. */
export function propertyCells(value: Uint8Array): number[] | undefined {
  if (value.length === 0 || value.length % 4 !== 0) return undefined;
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  return Array.from({ length: value.length / 4 }, (_, index) => view.getUint32(index * 4));
}

/**
 * A value as device tree sources have it: `"a", "b"` where it can be strings, `<0x1 0x2>` where it can be cells,
 * else `[01 02 03]`; empty for one that is empty. The tree does not say which it is.
 */
export function propertyText(value: Uint8Array): string {
  if (value.length === 0) return "";
  const strings = propertyStrings(value);
  if (strings !== undefined) {
    return strings.map((each) => `"${each.replace(/["\\]/g, "\\$&")}"`).join(", ");
  }
  const cells = propertyCells(value);
  if (cells !== undefined) return `<${cells.map((cell) => `0x${cell.toString(16)}`).join(" ")}>`;
  return `[${[...value].map((byte) => byte.toString(16).padStart(2, "0")).join(" ")}]`;
}
