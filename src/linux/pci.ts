import type { KernelObject, Program } from "../program/index.ts";
import { listForEachEntry } from "./list.ts";
import { placeOf } from "./walk.ts";

/** Deeper bridges are taken for damage: there are 256 buses. */
const maximumDepth = 256;

/** Every `struct pci_bus`, those behind bridges after the one they are on (`pci_root_buses`). @throws {BrokenLinkError} */
export function* forEachPciBus(program: Program): Generator<KernelObject, undefined> {
  yield* busesOf(program.variable("pci_root_buses"), 0, new Set());
}

function* busesOf(head: KernelObject, depth: number, seen: Set<bigint>): Generator<KernelObject, undefined> {
  for (const bus of listForEachEntry("struct pci_bus", head, "node")) {
    if (depth >= maximumDepth || seen.has(placeOf(bus))) return;
    seen.add(placeOf(bus));
    yield bus;
    yield* busesOf(bus.member("children"), depth + 1, seen);
  }
}

/** `for_each_pci_dev`: every `struct pci_dev`, bus by bus. @throws {BrokenLinkError} */
export function* forEachPciDev(program: Program): Generator<KernelObject, undefined> {
  for (const bus of forEachPciBus(program)) {
    yield* listForEachEntry("struct pci_dev", bus.member("devices"), "bus_list");
  }
}
