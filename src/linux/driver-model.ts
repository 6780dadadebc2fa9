import type { KernelObject, Program } from "../program/index.ts";
import { klistForEach } from "./klist.ts";
import { listForEachEntry } from "./list.ts";
import { objectAt } from "./walk.ts";

/** `dev_name` (include/linux/device.h): name of a `struct device`. @throws {FaultError} */
export function devName(device: KernelObject): string {
  const early = device.member("init_name");
  return (early.isNull ? device.member("kobj").member("name") : early).string(256);
}

/** The `struct subsys_private`s of a `struct kset *` of subsystems. @throws {BrokenLinkError} */
function* subsystems(set: KernelObject): Generator<KernelObject, undefined> {
  for (const object of listForEachEntry("struct kobject", set.member("list"), "entry")) {
    const own = object.containerOf("struct subsys_private", "subsys.kobj");
    yield own.dereference();
  }
}

/** A bus or a class of devices. */
export interface Subsystem {
  name: string;
  /** The `struct subsys_private`. */
  subsystem: KernelObject;
}

/** Buses of /sys/bus (`bus_kset`). @throws {BrokenLinkError}; {@link LookupError} */
export function forEachBus(program: Program): Generator<Subsystem, undefined> {
  return named(program.variable("bus_kset"));
}

/** Classes of /sys/class (`class_kset`). @throws {BrokenLinkError}; {@link LookupError} */
export function forEachClass(program: Program): Generator<Subsystem, undefined> {
  return named(program.variable("class_kset"));
}

function* named(set: KernelObject): Generator<Subsystem, undefined> {
  for (const subsystem of subsystems(set)) {
    yield { name: subsystem.member("subsys").member("kobj").member("name").string(256), subsystem };
  }
}

/**
 * `bus_for_each_dev`, `class_for_each_device`: the `struct device`s of a bus or a class.
 * @param kind which of the two it is: a device is in one list for each
 * @throws {BrokenLinkError}
 */
export function* forEachDeviceOf(
  { subsystem }: Subsystem,
  kind: "bus" | "class",
): Generator<KernelObject, undefined> {
  const { program } = subsystem;
  const member = kind === "bus" ? "knode_bus" : "knode_class";
  for (const node of klistForEach(subsystem.member("klist_devices"))) {
    const klistNode = objectAt(program, "struct klist_node", node);
    const device = klistNode.containerOf("struct device_private", member).member("device");
    if (!device.isNull) yield device.dereference();
  }
}
