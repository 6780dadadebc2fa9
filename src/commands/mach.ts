import { type Kernel, listCpus } from "../kernel/index.ts";
import {
  type CpuModel,
  cpuModels,
  forEachDeviceNode,
  forEachProperty,
  type Gaps,
  propertyStrings,
  propertyValue,
  ticksPerSecond,
  totalramPages,
} from "../linux/index.ts";

/** What `mach` says of the hardware. Absent facts are null. */
export interface MachineInfo {
  /** As `uname -m` says. */
  machine: string | null;
  /** What the root of the device tree says that it is; null without a tree. */
  model: string | null;
  cpus: { online: string; present: string; possible: string };
  processors: (Omit<CpuModel, "cpus"> & { cpus: string | null })[] | null;
  /** kHz, of x86, as measured at boot. */
  clock: number | null;
  /** Bytes. */
  memory: number | null;
  pageSize: number;
  /** Ticks a second. */
  hz: number | null;
}

export function machineInfo(kernel: Kernel, gaps: Gaps): MachineInfo {
  const { program, perCpu } = kernel;
  return {
    machine: gaps.column("machine", () =>
      program.variable("init_uts_ns").member("name").member("machine").string(65),
    ),
    model: program.hasVariable("of_root") ? gaps.column("model", () => treeModel(kernel)) : null,
    cpus: {
      online: listCpus(perCpu.onlineCpus),
      present: listCpus(perCpu.presentCpus),
      possible: listCpus(perCpu.possibleCpus),
    },
    processors: gaps.column("processors", () =>
      cpuModels(program, perCpu.presentCpus).map(({ cpus, ...model }) => ({
        cpus: cpus === null ? null : listCpus(cpus),
        ...model,
      })),
    ),
    clock: program.hasVariable("cpu_khz")
      ? gaps.column("clock", () => program.variable("cpu_khz").number())
      : null,
    memory: gaps.column("memory", () => Number(totalramPages(program)) * program.memory.pageByteSize),
    pageSize: program.memory.pageByteSize,
    hz: gaps.column("hz", () => ticksPerSecond(program)),
  };
}

/** `model` of the root, else the first of `compatible`. */
function treeModel(kernel: Kernel): string | null {
  for (const { node } of forEachDeviceNode(kernel.program)) {
    const properties = [...forEachProperty(node)];
    for (const name of ["model", "compatible"]) {
      const property = properties.find((each) => each.name === name);
      const text = property && propertyStrings(propertyValue(property))?.[0];
      if (text !== undefined) return text;
    }
    break;
  }
  return null;
}

export function* machineLines(info: MachineInfo): Generator<string> {
  const line = (name: string, value: string | number | null): string =>
    `${`${name}:`.padEnd(14)}${value ?? "?"}`;
  const { cpus } = info;
  yield line("machine", info.machine);
  if (info.model !== null) yield line("model", info.model);
  yield line("cpus", `online ${cpus.online}, present ${cpus.present}, possible ${cpus.possible}`);
  for (const each of info.processors ?? [null]) yield line("processor", each && processorText(each));
  if (info.clock !== null) yield line("clock", `${(info.clock / 1000).toFixed(3)} MHz`);
  yield line("memory", info.memory === null ? null : `${(info.memory / 2 ** 20).toFixed(1)} MiB`);
  yield line("page size", `${info.pageSize} bytes`);
  yield line("hz", info.hz);
}

function processorText(each: NonNullable<MachineInfo["processors"]>[number]): string {
  const { cpus, vendor, name, family, model, stepping, variant } = each;
  if (variant !== null) {
    const part = `0x${model.toString(16).padStart(3, "0")}`;
    return `${cpus ?? "?"}: implementer ${vendor}, part ${part}, variant ${variant}, revision ${stepping}`;
  }
  return `${name ?? "?"} (${vendor}, family ${family}, model ${model}, stepping ${stepping})`;
}
