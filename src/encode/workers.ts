import { fileURLToPath } from "node:url";
import { FormatError } from "../io/index.ts";
import type { Assembly } from "./assembly.ts";
import { BatchBuilder, encodeBatch, forEachUnit, type BatchAnswer } from "./batch.ts";
import type { UnitEncoder } from "./unit-encoder.ts";
import type { PlacedUnit } from "./unit-reader.ts";
import type { WorkerSetup } from "./worker.ts";

/** Bytes of .debug_info per task: enough that the way to a worker and back does not count, few enough to share out evenly. */
const batchByteSize = 1 << 20;

/** Tasks given to a worker before it has answered the first: this thread may be long in coming back. */
const tasksPerWorker = 4;

export interface EncodeProgress {
  /** Bytes of .debug_info taken in. */
  onBytes: (byteSize: number) => void;
  onOddity: (code: string, count: number) => void;
  /** Units read, not left out. */
  onUnits: (count: number) => void;
}

/** What the encoding in threads needs beside the units. */
export interface ThreadedRun {
  assembly: Assembly;
  /** For the batches that this thread does itself. */
  encoder: UnitEncoder;
  setup: WorkerSetup;
  /** Threads in all, this one included; at least 2. */
  jobs: number;
  progress: EncodeProgress;
}

/**
 * Encode units in `jobs` threads and take the results in, in unit order, on this one. While the
 * batch that is due is still with a worker, this thread encodes one itself: a thread that only
 * took in would leave its processor to others half the time, and a thread more than processors
 * costs the caches and another warm-up of the compiler.
 * @returns false when a unit refers to another one, so that all must be read as one group.
 */
export async function encodeInWorkers(units: readonly PlacedUnit[], run: ThreadedRun): Promise<boolean> {
  const { Piscina } = await import("piscina");
  const tasks = batchesOf(units);
  const workers = Math.min(run.jobs - 1, tasks.length);
  const pool = new Piscina<PlacedUnit[], BatchAnswer>({
    filename: workerFile(),
    name: "encodeUnits",
    workerData: run.setup,
    minThreads: workers,
    maxThreads: workers,
    // Tasks wait in each worker while this thread is busy.
    concurrentTasksPerWorker: tasksPerWorker,
  });
  try {
    return await takeInOrder(tasks, workers, (task) => pool.run(task), run);
  } finally {
    await pool.destroy();
  }
}

/** A batch somewhere between unclaimed and taken in. */
interface Claim {
  promise: Promise<void> | undefined;
  answer: BatchAnswer | undefined;
  failure: unknown;
}

async function takeInOrder(
  tasks: readonly PlacedUnit[][],
  workers: number,
  send: (task: PlacedUnit[]) => Promise<BatchAnswer>,
  run: ThreadedRun,
): Promise<boolean> {
  const { assembly, encoder, progress } = run;
  const claims: (Claim | undefined)[] = [];
  const builder = new BatchBuilder();
  let unclaimed = 0;
  let withWorkers = 0;
  // Results wait in memory until their turn, so claims do not run further ahead than this.
  const ahead = workers * tasksPerWorker + 12;
  const dispatch = (due: number): void => {
    while (withWorkers < workers * tasksPerWorker && unclaimed < tasks.length && unclaimed < due + ahead) {
      const claim: Claim = { promise: undefined, answer: undefined, failure: undefined };
      claims[unclaimed] = claim;
      withWorkers++;
      claim.promise = send(tasks[unclaimed++]!)
        .then((answer) => void (claim.answer = answer))
        .catch((error: unknown) => void (claim.failure = error))
        .finally(() => void withWorkers--);
    }
  };
  for (let due = 0; due < tasks.length; due++) {
    for (;;) {
      dispatch(due);
      const claim = claims[due];
      if (claim?.answer !== undefined || claim?.failure !== undefined) break;
      if (unclaimed < tasks.length && unclaimed < due + ahead) {
        const answer = encodeBatch(encoder, builder, tasks[unclaimed]!);
        claims[unclaimed++] = { promise: undefined, answer, failure: undefined };
        // Let the workers' answers in.
        await new Promise(setImmediate);
      } else await claim?.promise;
    }
    const { answer, failure } = claims[due]!;
    claims[due] = undefined;
    if (failure !== undefined) throw failure;
    if (!takeIn(answer!, assembly, progress)) return false;
  }
  return true;
}

function takeIn(answer: BatchAnswer, assembly: Assembly, progress: EncodeProgress): boolean {
  if ("leavesUnit" in answer) return false;
  if ("error" in answer)
    throw new FormatError(answer.error.code, answer.error.problem, answer.error.location);
  for (const [code, count] of answer.oddities) progress.onOddity(code, count);
  progress.onUnits(answer.unitsRead);
  forEachUnit(answer.batch, (unit, byteSize) => {
    assembly.add(unit);
    progress.onBytes(byteSize);
  });
  return true;
}

function batchesOf(units: readonly PlacedUnit[]): PlacedUnit[][] {
  const batches: PlacedUnit[][] = [];
  let batch: PlacedUnit[] = [];
  let byteSize = 0;
  for (const unit of units) {
    batch.push(unit);
    byteSize += unit.header.byteSize;
    if (byteSize >= batchByteSize) {
      batches.push(batch);
      batch = [];
      byteSize = 0;
    }
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

function workerFile(): string {
  const here = import.meta.url;
  const name = /\/(chunks|cli)\/[^/]*$/.test(here) ? "../encode-worker.js" : "./encode-worker.js";
  return fileURLToPath(new URL(name, here));
}
