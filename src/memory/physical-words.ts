import type { PhysicalMemory } from "../dump/dump.ts";
import { FaultError } from "../io/index.ts";

/** Numbers of physical memory one by one; undefined where the dump has no bytes for them. */
export class PhysicalWords {
  readonly #memory: PhysicalMemory;
  readonly #littleEndian: boolean;
  readonly #bytes = new Uint8Array(8);
  readonly #view = new DataView(this.#bytes.buffer);

  constructor(memory: PhysicalMemory, littleEndian: boolean) {
    this.#memory = memory;
    this.#littleEndian = littleEndian;
  }

  u32(address: number): number | undefined {
    return this.#load(address, 4) ? this.#view.getUint32(0, this.#littleEndian) : undefined;
  }

  u64(address: number): bigint | undefined {
    return this.#load(address, 8) ? this.#view.getBigUint64(0, this.#littleEndian) : undefined;
  }

  /** Text of at most 256 bytes up to a NUL. */
  text(address: number, byteSize: number): string | undefined {
    const bytes = new Uint8Array(Math.min(byteSize, 256));
    if (!this.#fill(bytes, address)) return undefined;
    const end = bytes.indexOf(0);
    return Buffer.from(bytes.buffer, 0, end < 0 ? bytes.length : end).toString("latin1");
  }

  #load(address: number, byteSize: number): boolean {
    return this.#fill(byteSize === 8 ? this.#bytes : this.#bytes.subarray(0, byteSize), address);
  }

  #fill(target: Uint8Array, address: number): boolean {
    if (!(address >= 0 && address < 2 ** 52)) return false;
    try {
      this.#memory.readInto(target, address);
      return true;
    } catch (error) {
      if (error instanceof FaultError) return false;
      throw error;
    }
  }
}
