import { grownUint32 } from "../../util/columns.ts";
import type { Btf, StringOffset, TypeId } from "../reader.ts";

/** A number for each name that is asked for: equal names have equal numbers, wherever they are stored. */
export type NameId = number;

/** Id of the empty name. */
export const noName: NameId = 0;

/** Numbers names in the order in which they are first asked for. */
export class NameIds {
  readonly #btf: Btf;
  /** Of each type: 1 + its name's id, 0 where nobody asked. */
  readonly #ofTypes: Uint32Array;
  /** Where each name is stored, and its hash. */
  #offsets: Uint32Array<ArrayBuffer> = new Uint32Array(1 << 12);
  #hashes: Uint32Array<ArrayBuffer> = new Uint32Array(1 << 12);
  /** Open addressing: ids, 0 where free; never more than half of them taken. */
  #slots: Uint32Array = new Uint32Array(1 << 13);
  #count = 1;
  /** Another each time, so that no file can be made whose names all have one hash. */
  readonly #seed = Math.floor(Math.random() * 0x1_0000_0000);

  constructor(btf: Btf) {
    this.#btf = btf;
    this.#ofTypes = new Uint32Array(btf.typeCount);
  }

  /** One more than the largest id. */
  get count(): number {
    return this.#count;
  }

  ofType(id: TypeId): NameId {
    const known = this.#ofTypes[id]!;
    if (known !== 0) return known - 1;
    const name = this.ofOffset(this.#btf.nameOffset(id));
    this.#ofTypes[id] = name + 1;
    return name;
  }

  ofOffset(offset: StringOffset): NameId {
    if (offset === 0) return noName;
    const owner = this.#btf.stringOwner(offset);
    const bytes = owner.stringsBytes;
    const start = offset - owner.startStringOffset;
    if (bytes[start] === 0) return noName;
    // FNV-1a, but for the seed.
    let hash = this.#seed;
    let end = start;
    for (; bytes[end] !== 0; end++) hash = Math.imul(hash ^ bytes[end]!, 0x0100_0193);
    hash = (hash ^ (hash >>> 15)) >>> 0;
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = this.#slots[slot]!;
      if (id === 0) return this.#add(slot, offset, hash);
      if (this.#hashes[id] === hash && this.#isAt(this.#offsets[id]!, bytes, start, end)) return id;
    }
  }

  /** Where a name is stored. */
  offset(name: NameId): StringOffset {
    return this.#offsets[name]!;
  }

  /** Whether the name at `offset` is that in `bytes` from `start` to `end`. */
  #isAt(offset: StringOffset, bytes: Uint8Array, start: number, end: number): boolean {
    const owner = this.#btf.stringOwner(offset);
    const other = owner.stringsBytes;
    let at = offset - owner.startStringOffset;
    if (other === bytes && at === start) return true;
    for (let index = start; index < end; index++) if (other[at++] !== bytes[index]) return false;
    return other[at] === 0;
  }

  #add(slot: number, offset: StringOffset, hash: number): NameId {
    const id = this.#count++;
    if (id === this.#offsets.length) {
      this.#offsets = grownUint32(this.#offsets, id * 2);
      this.#hashes = grownUint32(this.#hashes, id * 2);
    }
    this.#offsets[id] = offset;
    this.#hashes[id] = hash;
    this.#slots[slot] = id;
    if (this.#count * 2 > this.#slots.length) this.#rehash();
    return id;
  }

  #rehash(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let id = 1; id < this.#count; id++) {
      let slot = this.#hashes[id]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id;
    }
    this.#slots = slots;
  }
}
