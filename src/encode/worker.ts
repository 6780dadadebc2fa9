import { move, transferableSymbol, valueSymbol, workerData } from "piscina";
import { ReferenceLeavesUnit } from "../dwarf/die-cursor.ts";
import { FormatError, type Location } from "../io/index.ts";
import { IdSet } from "../util/id-set.ts";
import { BatchBuilder, type Batch } from "./batch.ts";
import { NameTable, type NameTableHandle } from "./name-table.ts";
import { SectionFiles, unitSections, type SectionParts } from "./section-parts.ts";
import { UnitEncoder } from "./unit-encoder.ts";
import { UnitReader, type PlacedUnit } from "./unit-reader.ts";
import type { UnitSettings } from "./unit-sections.ts";

/** What all tasks of a worker have in common. */
export interface WorkerSetup {
  parts: SectionParts;
  names: NameTableHandle;
  functionNames: Int32Array;
  settings: UnitSettings;
}

/** A run of units, and what came of it. Errors travel as data: classes do not survive the way. */
export type BatchAnswer =
  | { batch: Batch; oddities: [string, number][]; unitsRead: number }
  | { leavesUnit: true }
  | { error: { code: string; problem: string; location: Location } };

let encoder: UnitEncoder | undefined;
const builder = new BatchBuilder();

function start(): UnitEncoder {
  const setup = workerData as WorkerSetup;
  const names = new NameTable(setup.names);
  const sections = unitSections(setup.parts, names, new SectionFiles());
  return new UnitEncoder(new UnitReader(sections, setup.settings), new IdSet(setup.functionNames));
}

/** Encode a run of units. Called by the pool. */
export function encodeUnits(units: PlacedUnit[]): BatchAnswer {
  try {
    encoder ??= start();
    for (const unit of units) builder.add(encoder.encode([unit], false), unit.header.byteSize);
  } catch (error) {
    builder.take();
    if (error instanceof ReferenceLeavesUnit) return { leavesUnit: true };
    if (error instanceof FormatError) {
      return { error: { code: error.code, problem: error.problem, location: error.location } };
    }
    throw error;
  }
  const batch = builder.take();
  const oddities = [...encoder.converter.oddities];
  encoder.converter.oddities.clear();
  const { unitsRead } = encoder;
  encoder.unitsRead = 0;
  return move(new HandedOver({ batch, oddities, unitsRead }, batch)) as unknown as BatchAnswer;
}

/** An answer whose columns change hands instead of being copied (the pool's protocol). */
class HandedOver {
  readonly #answer: BatchAnswer;
  readonly #transfer: ArrayBuffer[];

  constructor(answer: BatchAnswer, { words, functions, variables, units }: Batch) {
    this.#answer = answer;
    this.#transfer = [words.buffer, functions.buffer, variables.buffer, units.buffer];
  }

  get [transferableSymbol](): ArrayBuffer[] {
    return this.#transfer;
  }

  get [valueSymbol](): BatchAnswer {
    return this.#answer;
  }
}
