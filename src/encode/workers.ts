import { fileURLToPath } from "node:url";
import { FormatError } from "../io/index.ts";
import type { Assembly } from "./assembly.ts";
import { forEachUnit } from "./batch.ts";
import type { PlacedUnit } from "./unit-reader.ts";
import type { BatchAnswer, WorkerSetup } from "./worker.ts";

/** Bytes of .debug_info per task: enough that the way to a worker and back does not count. */
const batchByteSize = 2 << 20;

export interface EncodeProgress {
  /** Bytes of .debug_info taken in. */
  onBytes: (byteSize: number) => void;
  onOddity: (code: string, count: number) => void;
  /** Units read, not left out. */
  onUnits: (count: number) => void;
}

/**
 * Encode units in worker threads and take the results in, in unit order, on this one.
 * @returns false when a unit refers to another one, so that all must be read as one group.
 */
export async function encodeInWorkers(
  assembly: Assembly,
  units: readonly PlacedUnit[],
  setup: WorkerSetup,
  jobs: number,
  progress: EncodeProgress,
): Promise<boolean> {
  const { Piscina } = await import("piscina");
  const tasks = batchesOf(units);
  const pool = new Piscina<PlacedUnit[], BatchAnswer>({
    // The bundle puts the worker beside the entry points, chunks in a folder of their own.
    filename: workerFile(),
    name: "encodeUnits",
    workerData: setup,
    minThreads: Math.min(jobs, tasks.length),
    maxThreads: Math.min(jobs, tasks.length),
    // One task waits in each worker while this thread is busy taking results in.
    concurrentTasksPerWorker: 2,
  });
  try {
    const running: Promise<BatchAnswer>[] = [];
    // Results wait in memory until their turn, so only so many are asked for at once.
    const ahead = jobs * 2 + 2;
    let next = 0;
    const submit = (): void => {
      const answer = pool.run(tasks[next++]!);
      // Awaited in turn; until then a failure must not count as unhandled.
      answer.catch(() => undefined);
      running.push(answer);
    };
    while (next < tasks.length && next < ahead) submit();
    for (let i = 0; i < tasks.length; i++) {
      const answer = await running[i]!;
      running[i] = undefined as never;
      if (next < tasks.length) submit();
      if ("leavesUnit" in answer) return false;
      if ("error" in answer)
        throw new FormatError(answer.error.code, answer.error.problem, answer.error.location);
      for (const [code, count] of answer.oddities) progress.onOddity(code, count);
      progress.onUnits(answer.unitsRead);
      forEachUnit(answer.batch, (unit, byteSize) => {
        assembly.add(unit);
        progress.onBytes(byteSize);
      });
    }
    return true;
  } finally {
    await pool.destroy();
  }
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
