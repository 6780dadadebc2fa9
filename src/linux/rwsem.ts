import type { KernelObject } from "../program/index.ts";
import { forEachWaiter } from "./wait-list.ts";

// kernel/locking/rwsem.c, v5.3 (64489e78004c) to v7.2.
const writerLocked = 1n; // RWSEM_WRITER_LOCKED
const readerShift = 8n; // RWSEM_READER_SHIFT
/** RWSEM_READER_OWNED and RWSEM_NONSPINNABLE, of which there were two up to v5.10. */
const ownerFlags = 7n;

/** Who holds a `struct rw_semaphore`. */
export interface RwsemState {
  /** True where `owner` is the writer that holds it. */
  isWritten: boolean;
  /** Readers that hold it. */
  readers: number;
  /** The writer, or of readers the last that took it, which need not be one that still holds it; 0 for none. */
  owner: bigint;
}

/** What the members `count` and `owner` say. @throws {FaultError}; {@link LookupError} with PREEMPT_RT, which has other members */
export function rwsemState(rwsem: KernelObject): RwsemState {
  const counter = (name: string): bigint =>
    BigInt.asUintN(64, BigInt(rwsem.member(name).member("counter").scalar()));
  const count = counter("count");
  const isWritten = (count & writerLocked) !== 0n;
  // The highest bit is set when there are too many readers.
  const readers = Number(BigInt.asUintN(63, count) >> readerShift);
  const owner = counter("owner") & ~ownerFlags;
  return { isWritten, readers, owner: isWritten || readers > 0 ? owner : 0n };
}

/** The `struct rwsem_waiter`s of a `struct rw_semaphore`. @throws {BrokenLinkError} */
export function rwsemForEachWaiter(rwsem: KernelObject): Generator<KernelObject, undefined> {
  return forEachWaiter(rwsem, "struct rwsem_waiter");
}

/** RWSEM_WAITING_FOR_WRITE is 0, RWSEM_WAITING_FOR_READ is 1. */
export function rwsemWaiterWants(waiter: KernelObject): "read" | "write" {
  return waiter.member("type").number() === 0 ? "write" : "read";
}
