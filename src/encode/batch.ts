import { ReferenceLeavesUnit } from "../dwarf/die-cursor.ts";
import { FormatError, type Location } from "../io/index.ts";
import { grownInt32, grownUint32 } from "../util/columns.ts";
import type { UnitColumns } from "./assembly.ts";
import type { UnitEncoder, UnitOutput } from "./unit-encoder.ts";
import type { PlacedUnit } from "./unit-reader.ts";

/** The outputs of some units, one after another, in columns that can be handed to another thread. */
export interface Batch {
  words: Uint32Array<ArrayBuffer>;
  functions: Int32Array<ArrayBuffer>;
  variables: Int32Array<ArrayBuffer>;
  /** Per unit: words, types, function words, variable words, and bytes of .debug_info read. */
  units: Int32Array<ArrayBuffer>;
  unitCount: number;
}

const unitColumns = 5;

/** What came of a run of units. Errors travel between threads as data: classes do not survive the way. */
export type BatchAnswer =
  | { batch: Batch; oddities: [string, number][]; unitsRead: number }
  | { leavesUnit: true }
  | { error: { code: string; problem: string; location: Location } };

/** Encode a run of units, one by one. */
export function encodeBatch(
  encoder: UnitEncoder,
  builder: BatchBuilder,
  units: readonly PlacedUnit[],
): BatchAnswer {
  try {
    for (const unit of units) builder.add(encoder.encode([unit], false), unit.header.byteSize);
  } catch (error) {
    builder.take();
    if (error instanceof ReferenceLeavesUnit) return { leavesUnit: true };
    if (error instanceof FormatError) {
      return { error: { code: error.code, problem: error.problem, location: error.location } };
    }
    throw error;
  }
  const oddities = [...encoder.converter.oddities];
  encoder.converter.oddities.clear();
  const { unitsRead } = encoder;
  encoder.unitsRead = 0;
  return { batch: builder.take(), oddities, unitsRead };
}

/** Collects unit outputs into a {@link Batch}. */
export class BatchBuilder {
  private words: Uint32Array<ArrayBuffer> = new Uint32Array(1 << 18);
  private functions: Int32Array<ArrayBuffer> = new Int32Array(1 << 14);
  private variables: Int32Array<ArrayBuffer> = new Int32Array(1 << 12);
  private units: Int32Array<ArrayBuffer> = new Int32Array(1 << 8);
  private wordCount = 0;
  private functionWords = 0;
  private variableWords = 0;
  private unitCount = 0;

  add(output: UnitOutput, byteSize: number): void {
    const { types } = output;
    this.words = grownUint32(this.words, this.wordCount + types.wordCount);
    this.words.set(types.words.subarray(0, types.wordCount), this.wordCount);
    this.wordCount += types.wordCount;
    this.functions = grownInt32(this.functions, this.functionWords + output.functionWords);
    this.functions.set(output.functions.subarray(0, output.functionWords), this.functionWords);
    this.functionWords += output.functionWords;
    this.variables = grownInt32(this.variables, this.variableWords + output.variableWords);
    this.variables.set(output.variables.subarray(0, output.variableWords), this.variableWords);
    this.variableWords += output.variableWords;
    const at = this.unitCount++ * unitColumns;
    this.units = grownInt32(this.units, at + unitColumns);
    this.units.set(
      [types.wordCount, types.typeCount, output.functionWords, output.variableWords, byteSize],
      at,
    );
  }

  /** The batch so far, in buffers of its own; the builder starts over. */
  take(): Batch {
    const batch: Batch = {
      words: this.words.slice(0, this.wordCount),
      functions: this.functions.slice(0, this.functionWords),
      variables: this.variables.slice(0, this.variableWords),
      units: this.units.slice(0, this.unitCount * unitColumns),
      unitCount: this.unitCount,
    };
    this.wordCount = this.functionWords = this.variableWords = this.unitCount = 0;
    return batch;
  }
}

/** Hand the units of a batch over one by one; `byteSize` is that of the unit's .debug_info. */
export function forEachUnit(batch: Batch, take: (unit: UnitColumns, byteSize: number) => void): void {
  let word = 0;
  let functionWord = 0;
  let variableWord = 0;
  for (let i = 0; i < batch.unitCount * unitColumns; i += unitColumns) {
    const wordCount = batch.units[i]!;
    const functionWords = batch.units[i + 2]!;
    const variableWords = batch.units[i + 3]!;
    take(
      {
        words: batch.words,
        wordFrom: word,
        wordTo: word + wordCount,
        typeCount: batch.units[i + 1]!,
        functions: batch.functions.subarray(functionWord, functionWord + functionWords),
        functionWords,
        variables: batch.variables.subarray(variableWord, variableWord + variableWords),
        variableWords,
      },
      batch.units[i + 4]!,
    );
    word += wordCount;
    functionWord += functionWords;
    variableWord += variableWords;
  }
}
