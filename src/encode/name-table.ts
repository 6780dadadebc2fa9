import { LimitError } from "../io/index.ts";
import { powerOfTwoAtLeast } from "../util/columns.ts";
import { NameBudget } from "./name-budget.ts";

/** Most names are far shorter. Bytes. */
const usualByteLength = 1024;

/** What a worker needs to use the same table: shared memory only. */
export interface NameTableHandle {
  main: Uint8Array;
  arena: Uint8Array;
  slots: Int32Array;
  control: Int32Array;
}

/**
 * One number per distinct name, the same in all threads: `1 + offset` for a string in the main
 * string section (.debug_str), beyond it for strings that came from elsewhere and were copied
 * into an arena. 0 is the empty name.
 *
 * Strings are found by content in one open-addressed table in shared memory, so that two spellings
 * of a name (another offset, another section, inline) get one id. Which spelling wins depends on
 * timing and must not show in any output: ids are for comparing, not for ordering.
 */
export class NameTable {
  readonly handle: NameTableHandle;
  private readonly main: Uint8Array;
  private readonly arena: Uint8Array;
  private readonly slots: Int32Array;
  private readonly mask: number;
  /** Word 0: bytes used in the arena. Word 1: slots used. */
  private readonly control: Int32Array;
  private readonly mainLength: number;
  /** Offset in the main section to id; 0 while unknown. Per thread, so no locking. */
  private readonly known: Uint32Array;
  /**
   * Bit per offset: the id is known to be `1 + offset`, as it is for nearly all. The bits of the
   * names in use fit a processor's cache, the numbers do not.
   */
  private readonly plain: Uint8Array;
  /** The same for strings of up to three ASCII characters, which GCC writes inline, by their 21 bits. */
  private readonly knownShort: Uint32Array = new Uint32Array(1 << 21);

  /** For long names: those of usual length cannot add up to anything harmful. */
  private readonly budget: NameBudget;

  constructor(handle: NameTableHandle) {
    this.handle = handle;
    this.main = handle.main;
    this.arena = handle.arena;
    this.slots = handle.slots;
    this.mask = handle.slots.length - 1;
    this.control = handle.control;
    this.mainLength = handle.main.length;
    this.budget = new NameBudget(handle.main.length + handle.arena.length);
    this.known = new Uint32Array(handle.main.length);
    this.plain = new Uint8Array((handle.main.length >> 3) + 1);
  }

  /**
   * @param main the main string section; over shared memory when threads are to share the table.
   * @param arenaByteSize most bytes of strings that may come from elsewhere (memory is taken as it is used).
   */
  static create(main: Uint8Array, arenaByteSize: number): NameTable {
    const slotTotal = powerOfTwoAtLeast(
      Math.max(1 << 14, main.length / 4, Math.min(arenaByteSize, 1 << 24) / 8),
    );
    return new NameTable({
      main,
      arena: new Uint8Array(new SharedArrayBuffer(arenaByteSize)),
      slots: new Int32Array(new SharedArrayBuffer(slotTotal * 4)),
      control: new Int32Array(new SharedArrayBuffer(8)),
    });
  }

  /** Id of the string at `offset` of the main section; -1 when there is none (offset past the end, no end). */
  atOffset(offset: number): number {
    if (this.plain[offset >>> 3]! & (1 << (offset & 7))) return offset + 1;
    const known = this.known[offset];
    if (known === undefined) return -1;
    if (known !== 0) return known - 1;
    const end = this.main.indexOf(0, offset);
    if (end < 0) return -1;
    const id = end === offset ? 0 : this.intern(this.main, offset, end, 1 + offset);
    this.known[offset] = id + 1;
    if (id === offset + 1) this.plain[offset >>> 3] = this.plain[offset >>> 3]! | (1 << (offset & 7));
    return id;
  }

  /** Id of the string in `bytes[start, end)`. */
  ofBytes(bytes: Uint8Array, start: number, end: number): number {
    if (start === end) return 0;
    const length = end - start;
    if (length > 3) return this.intern(bytes, start, end, 0);
    const second = length > 1 ? bytes[start + 1]! : 0;
    const third = length > 2 ? bytes[start + 2]! : 0;
    if ((bytes[start]! | second | third) > 0x7f) return this.intern(bytes, start, end, 0);
    const key = bytes[start]! | (second << 7) | (third << 14);
    const known = this.knownShort[key]!;
    if (known !== 0) return known;
    return (this.knownShort[key] = this.intern(bytes, start, end, 0));
  }

  ofString(text: string): number {
    const bytes = Buffer.from(text, "utf8");
    return this.ofBytes(bytes, 0, bytes.length);
  }

  /**
   * Take in a string section, as it stands: the id of a string is `firstId` more than its offset.
   * @returns also the ids of strings that were there already, by offset
   */
  addSection(bytes: Uint8Array): { firstId: number; repeated: Map<number, number> } {
    const at = this.copy(bytes, 0, bytes.length);
    const firstId = this.mainLength + 1 + at;
    const repeated = new Map<number, number>();
    for (let start = 0, end = 0; end < bytes.length; start = end + 1) {
      for (end = start; end < bytes.length && bytes[end] !== 0;) end++;
      if (end === start) continue;
      const id = this.intern(bytes, start, end, firstId + start);
      if (id !== firstId + start) repeated.set(start, id);
    }
    return { firstId, repeated };
  }

  /** Append the bytes of a name to `target` at `at`; returns the position behind them. */
  copyInto(id: number, target: Uint8Array, at: number): number {
    const bytes = id > this.mainLength ? this.arena : this.main;
    let from = id > this.mainLength ? id - this.mainLength - 1 : id - 1;
    while (bytes[from] !== 0 && bytes[from] !== undefined) target[at++] = bytes[from++]!;
    return at;
  }

  byteLength(id: number): number {
    if (id === 0) return 0;
    const bytes = id > this.mainLength ? this.arena : this.main;
    const from = id > this.mainLength ? id - this.mainLength - 1 : id - 1;
    return bytes.indexOf(0, from) - from;
  }

  text(id: number): string {
    const bytes = new Uint8Array(this.byteLength(id));
    this.copyInto(id, bytes, 0);
    return Buffer.from(bytes.buffer).toString("utf8");
  }

  /** The first bytes of a name, at most `byteLength`, for looking at names that may be of any length. */
  beginning(id: number, byteLength: number): string {
    if (id === 0) return "";
    const bytes = id > this.mainLength ? this.arena : this.main;
    const from = id > this.mainLength ? id - this.mainLength - 1 : id - 1;
    const part = bytes.slice(from, from + byteLength);
    const end = part.indexOf(0);
    return Buffer.from(part.buffer, 0, end < 0 ? part.length : end).toString("utf8");
  }

  private intern(bytes: Uint8Array, start: number, end: number, ownId: number): number {
    if (end - start > usualByteLength) this.budget.spend(end - start);
    let hash = end - start;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
    hash ^= hash >>> 15;
    hash = Math.imul(hash, 0x2c1b3c6d);
    hash ^= hash >>> 13;
    let id = ownId;
    for (
      let slot = hash & this.mask, probes = 0;
      probes <= this.mask;
      probes++, slot = (slot + 1) & this.mask
    ) {
      let found = Atomics.load(this.slots, slot);
      if (found === 0) {
        if (id === 0) id = this.store(bytes, start, end);
        // A table almost full would make every miss slow: leave the string a spelling of its own.
        if (Atomics.load(this.control, 1) > this.mask - (this.mask >> 3)) return id;
        found = Atomics.compareExchange(this.slots, slot, 0, id);
        if (found === 0) {
          Atomics.add(this.control, 1, 1);
          return id;
        }
      }
      if (this.equals(found >>> 0, bytes, start, end)) return found >>> 0;
    }
    return id === 0 ? this.store(bytes, start, end) : id;
  }

  private equals(id: number, bytes: Uint8Array, start: number, end: number): boolean {
    const other = id > this.mainLength ? this.arena : this.main;
    let at = id > this.mainLength ? id - this.mainLength - 1 : id - 1;
    for (let i = start; i < end; i++) if (other[at++] !== bytes[i]) return false;
    return other[at] === 0;
  }

  private store(bytes: Uint8Array, start: number, end: number): number {
    return this.mainLength + 1 + this.copy(bytes, start, end);
  }

  /** Copy bytes, and a NUL behind them, into the arena. */
  private copy(bytes: Uint8Array, start: number, end: number): number {
    const at = Atomics.add(this.control, 0, end - start + 1);
    if (at + (end - start) >= this.arena.length)
      throw new LimitError("NAMES_TOO_LONG", "names from outside .debug_str fill the room they have");
    this.arena.set(bytes.subarray(start, end), at);
    return at;
  }
}
