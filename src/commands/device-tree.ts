import { DwarflessError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import {
  type DeviceProperty,
  forEachDeviceNode,
  forEachProperty,
  type Gaps,
  propertyStrings,
  propertyText,
  propertyValue,
} from "../linux/index.ts";
import { hex } from "./hex.ts";

/** A node of the firmware's device tree as JSON has it. */
export interface DeviceNodeRow {
  /** As below /proc/device-tree. */
  path: string;
  /** Null where the node does not say. */
  compatible: readonly string[] | null;
  status: string | null;
  properties: readonly DevicePropertyRow[];
  /** Address of the `struct device_node`. */
  node: string;
}

export interface DevicePropertyRow {
  name: string;
  /** As device tree sources have it: strings, cells or bytes; null where it could not be read. */
  text: string | null;
  /** All bytes, in hexadecimal. */
  bytes: string | null;
}

/** Of properties with their names; a machine's tree has some hundred KB. */
const maximumByteSize = 64 * 2 ** 20;
/** What a property costs beside its value. */
const propertyByteSize = 256;

/**
 * The firmware's device tree, each node before its children.
 * @throws {DwarflessError} `LOOKUP` of a machine that has none, or a kernel without CONFIG_OF
 */
export function listDeviceTree(kernel: Kernel, gaps: Gaps): { rows: DeviceNodeRow[] } {
  const { program } = kernel;
  if (!program.hasVariable("of_root") || program.variable("of_root").isNull) {
    throw new DwarflessError("LOOKUP", "no device tree: of_root is NULL, or not there");
  }
  const rows: DeviceNodeRow[] = [];
  let left = maximumByteSize;
  for (const { path, node } of gaps.walk(forEachDeviceNode(program))) {
    const row = {
      path,
      compatible: null as string[] | null,
      status: null as string | null,
      properties: [] as DevicePropertyRow[],
      node: hex(node.address!),
    };
    rows.push(row);
    for (const property of gaps.walk(forEachProperty(node))) {
      const value = gaps.column("properties", () => propertyValue(property));
      left -= propertyByteSize + (value?.length ?? 0);
      if (left < 0) {
        gaps.limit(`device tree: more than ${maximumByteSize / 2 ** 20} MiB, the rest is not shown`);
        return { rows };
      }
      row.properties.push(propertyRow(property, value));
      const strings = value === null ? undefined : propertyStrings(value);
      if (property.name === "compatible") row.compatible = strings ?? null;
      if (property.name === "status") row.status = strings?.[0] ?? null;
    }
  }
  return { rows };
}

function propertyRow({ name }: DeviceProperty, value: Uint8Array | null): DevicePropertyRow {
  return {
    name,
    text: value === null ? null : propertyText(value),
    bytes: value === null ? null : Buffer.from(value).toString("hex"),
  };
}

/** A node's path, and below it a line for each property. */
export function* deviceTreeLines(rows: readonly DeviceNodeRow[]): Generator<string> {
  for (const { path, node, properties } of rows) {
    yield `${path}  (${node.slice(2)})`;
    for (const { name, text } of properties) {
      yield `    ${name}${text === "" ? "" : ` = ${text ?? "?"}`}`;
    }
  }
}
