/** Physical memory made in a test: 4 KiB blocks where something was written, nothing elsewhere. */
import type { PhysicalMemory, PhysicalRange } from "../../src/dump/dump.ts";
import { FaultError, type FaultReason } from "../../src/io/index.ts";

const blockByteSize = 4096;

export class SparseMemory implements PhysicalMemory {
  /** Reads so far, for tests that count them. */
  reads = 0;
  readonly #blocks = new Map<number, Uint8Array>();
  readonly #missing = new Map<number, FaultReason>();

  get ranges(): readonly PhysicalRange[] {
    const numbers = [...this.#blocks.keys(), ...this.#missing.keys()].toSorted((a, b) => a - b);
    const ranges: PhysicalRange[] = [];
    for (const number of numbers) {
      const start = number * blockByteSize;
      const last = ranges.at(-1);
      if (last !== undefined && last.start + last.byteSize === start) last.byteSize += blockByteSize;
      else ranges.push({ start, byteSize: blockByteSize });
    }
    return ranges;
  }

  readInto(target: Uint8Array, address: number): void {
    this.reads++;
    for (let done = 0; done < target.length;) {
      const number = Math.floor((address + done) / blockByteSize);
      const block = this.#blocks.get(number);
      if (block === undefined)
        throw new FaultError(this.#missing.get(number) ?? "absent", address + done, "physical");
      const start = address + done - number * blockByteSize;
      const part = block.subarray(start, Math.min(blockByteSize, start + target.length - done));
      target.set(part, done);
      done += part.length;
    }
  }

  /** Put bytes at an address; the rest of their blocks is zero unless written. */
  write(address: number, bytes: Uint8Array | string): this {
    const source = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
    for (let done = 0; done < source.length;) {
      const number = Math.floor((address + done) / blockByteSize);
      const start = address + done - number * blockByteSize;
      const part = source.subarray(done, done + blockByteSize - start);
      this.block(number).set(part, start);
      done += part.length;
    }
    return this;
  }

  writeU64(address: number, value: bigint): this {
    return this.write(address, new Uint8Array(BigUint64Array.of(value).buffer));
  }

  /** Have the block around an address missing for a reason. */
  lose(address: number, reason: FaultReason): this {
    const number = Math.floor(address / blockByteSize);
    this.#blocks.delete(number);
    this.#missing.set(number, reason);
    return this;
  }

  /** Bytes of a block by its number, made if need be. */
  block(number: number): Uint8Array {
    let block = this.#blocks.get(number);
    if (block === undefined) this.#blocks.set(number, (block = new Uint8Array(blockByteSize)));
    return block;
  }
}
