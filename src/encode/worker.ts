import { move, transferableSymbol, valueSymbol, workerData } from "piscina";
import { IdSet } from "../util/id-set.ts";
import { BatchBuilder, encodeBatch, type Batch, type BatchAnswer } from "./batch.ts";
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
  const answer = encodeBatch((encoder ??= start()), builder, units);
  return "batch" in answer ? (move(new HandedOver(answer, answer.batch)) as unknown as BatchAnswer) : answer;
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
