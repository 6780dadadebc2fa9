import { ReferenceLeavesUnit } from "../dwarf/die-cursor.ts";
import type { Assembly } from "./assembly.ts";
import { oddityText } from "./oddities.ts";
import { addOutput, hasTypeUnits, placeUnits, type RunSetup } from "./run-setup.ts";
import { SectionFiles, unitSections } from "./section-parts.ts";
import { encodeSplitUnits, hasSkeletons } from "./split-units.ts";
import { UnitEncoder } from "./unit-encoder.ts";
import { UnitReader, type PlacedUnit } from "./unit-reader.ts";
import type { UnitSections } from "./unit-sections.ts";
import { encodeInWorkers } from "./workers.ts";

/** Below this much .debug_info, starting workers costs more than it gains. Bytes. */
const parallelThreshold = 8 << 20;

export interface RunResult {
  units: number;
  /** Units not left out by language, name or kind. */
  unitsRead: number;
}

/**
 * Read all units of a file, in order: one by one (in workers if asked to and worth it), or, where
 * units refer to each other (link-time optimisation, type units, dwz), all as one group.
 */
export async function runUnits(setup: RunSetup): Promise<RunResult> {
  const { parts, names, settings } = setup;
  const files = new SectionFiles();
  const oddities = new Map<string, number>();
  try {
    const sections = unitSections(parts, names, files, undefined, parts.supplement);
    const units = placeUnits(sections);
    const total = units.reduce((sum, unit) => sum + unit.header.byteSize, 0);
    let done = 0;
    const onBytes = (byteSize: number): void => setup.onProgress?.((done += byteSize), total);
    const onOddity = (code: string, count: number): void =>
      void oddities.set(code, (oddities.get(code) ?? 0) + count);
    let unitsRead = 0;
    let separate = sections.supplementInfo === undefined && !hasTypeUnits(units);
    if (separate && setup.jobs > 1 && total >= parallelThreshold) {
      const worker = { parts, names: names.handle, functionNames: setup.functionNames.slots, settings };
      const progress = { onBytes, onOddity, onUnits: (count: number): void => void (unitsRead += count) };
      const encoder = new UnitEncoder(new UnitReader(sections, settings), setup.functionNames);
      const { jobs } = setup;
      separate = await encodeInWorkers(units, {
        assembly: setup.assembly(),
        encoder,
        setup: worker,
        jobs,
        progress,
      });
    } else if (separate) {
      const encoder = new UnitEncoder(new UnitReader(sections, settings), setup.functionNames);
      separate = encodeHere(setup.assembly(), encoder, units, onBytes);
      unitsRead = encoder.unitsRead;
      encoder.converter.oddities.forEach((count, code) => onOddity(code, count));
    }
    if (!separate) {
      setup.restart();
      oddities.clear();
      done = 0;
      const whole = wholeSections(sections);
      const encoder = new UnitEncoder(new UnitReader(whole, settings), setup.functionNames);
      addOutput(setup.assembly(), encoder.encode(units, true));
      unitsRead = encoder.unitsRead;
      encoder.converter.oddities.forEach((count, code) => onOddity(code, count));
      onBytes(total);
    }
    if (unitsRead < units.length && hasSkeletons(sections, settings, units)) {
      unitsRead += await encodeSplitUnits(setup, sections, units, onOddity);
    }
    for (const [code, count] of oddities) {
      setup.diagnostics.push({
        severity: "info",
        code,
        text: oddityText(code, count),
        location: { file: parts.file },
      });
    }
    return { units: units.length, unitsRead };
  } finally {
    files.close();
  }
}

/** References go anywhere in a group, so windows that move would be read again and again: take all bytes in. */
function wholeSections(sections: UnitSections): UnitSections {
  for (const window of [sections.info, sections.types, sections.supplementInfo]) {
    if (window !== undefined && window.byteSize > 0) window.reach(0, window.byteSize);
  }
  return sections;
}

function encodeHere(
  assembly: Assembly,
  encoder: UnitEncoder,
  units: readonly PlacedUnit[],
  onBytes: (byteSize: number) => void,
): boolean {
  for (const unit of units) {
    try {
      addOutput(assembly, encoder.encode([unit], false));
    } catch (error) {
      if (error instanceof ReferenceLeavesUnit) return false;
      throw error;
    }
    onBytes(unit.header.byteSize);
  }
  return true;
}
