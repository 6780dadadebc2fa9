import type { Kernel } from "../kernel/index.ts";
import { devName, forEachBus, forEachClass, forEachDeviceOf, type Gaps } from "../linux/index.ts";
import { hex } from "./hex.ts";
import { tableLines } from "./table.ts";

/** A bus or a class as JSON has it. */
export interface SubsystemRow {
  kind: "bus" | "class";
  name: string;
  /** Names of its devices. */
  devices: readonly string[];
  /** Address of the `struct subsys_private`. */
  subsystem: string;
}

/** Buses and classes with their devices, as /sys/bus and /sys/class list them. */
export function listSubsystems(kernel: Kernel, gaps: Gaps): { rows: SubsystemRow[] } {
  const rows: SubsystemRow[] = [];
  for (const [kind, forEach] of [
    ["bus", forEachBus],
    ["class", forEachClass],
  ] as const) {
    try {
      for (const each of gaps.walk(forEach(kernel.program))) {
        const devices: string[] = [];
        for (const device of gaps.walk(forEachDeviceOf(each, kind))) {
          const name = gaps.column("devices", () => devName(device));
          if (name !== null) devices.push(name);
        }
        rows.push({ kind, name: each.name, devices, subsystem: hex(each.subsystem.address!) });
      }
    } catch (error) {
      gaps.note(kind === "bus" ? "buses" : "classes", error);
    }
  }
  return { rows };
}

export function subsystemLines(rows: readonly SubsystemRow[]): Iterable<string> {
  return tableLines(
    [{ title: "SUBSYSTEM" }, { title: "KIND" }, { title: "NAME" }, { title: "DEVICES" }],
    rows.map(({ kind, name, devices, subsystem }) => [
      subsystem.slice(2),
      kind,
      name,
      devices.join(" ") || "-",
    ]),
  );
}
