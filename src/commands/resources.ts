import type { Kernel } from "../kernel/index.ts";
import { forEachResource, type Gaps } from "../linux/index.ts";
import { hex } from "./hex.ts";

/** A range of I/O ports or physical memory as JSON has it. */
export interface ResourceRow {
  kind: "port" | "memory";
  /** First and last. */
  start: string | null;
  end: string | null;
  name: string | null;
  /** How many others it lies in. */
  depth: number;
  /** Address of the `struct resource`. */
  resource: string;
}

const roots = [
  ["port", "ioport_resource"],
  ["memory", "iomem_resource"],
] as const;

/** Who has which I/O ports and which physical addresses, as /proc/ioports and /proc/iomem list them. */
export function listResources(kernel: Kernel, gaps: Gaps): { rows: ResourceRow[] } {
  const rows: ResourceRow[] = [];
  for (const [kind, variable] of roots) {
    try {
      for (const { resource, depth } of gaps.walk(forEachResource(kernel.program.variable(variable)))) {
        const end = (name: string): string | null =>
          gaps.column(name, () => hex(resource.member(name).scalar() as bigint));
        const name = gaps.column("name", () => {
          const text = resource.member("name");
          return text.isNull ? "<BAD>" : text.string(256);
        });
        rows.push({
          kind,
          start: end("start"),
          end: end("end"),
          name,
          depth,
          resource: hex(resource.address!),
        });
      }
    } catch (error) {
      gaps.note(variable, error);
    }
  }
  return { rows };
}

export function* resourceLines(rows: readonly ResourceRow[]): Generator<string> {
  for (const [kind] of roots) {
    const own = rows.filter((row) => row.kind === kind);
    if (own.length === 0) continue;
    yield kind === "port" ? "I/O PORTS" : "PHYSICAL MEMORY";
    const width = kind === "port" ? 4 : 8;
    for (const { start, end, name, depth } of own) {
      const range = [start, end].map((each) => each?.slice(2).padStart(width, "0") ?? "?").join("-");
      yield `${"  ".repeat(depth)}${range} : ${name ?? "?"}`;
    }
  }
}
