import { LimitError } from "../io/index.ts";
import { Kind, vlenOfInfo, wordCountOfInfo } from "../btf/dedup/type-words.ts";
import type { NameTable } from "./name-table.ts";

/** The kernel stops at 16 MiB; what is beyond this many times more is no BTF to anyone. */
const maximumByteSize = 1 << 28;

/** Strings that a section continues. */
export interface EarlierStrings {
  /** One more than the last offset. */
  readonly end: number;
  /** Where a name stands among them; undefined where it does not. */
  offsetOf(id: number): number | undefined;
}

/**
 * The string section of a BTF: names in the order of their first use by the types, each once.
 * Over a base, strings that the base has keep their offset there.
 */
export class StringSection implements EarlierStrings {
  private readonly names: NameTable;
  private readonly offsets = new Map<number, number>();
  private bytes: Uint8Array<ArrayBuffer>;
  private length: number;
  private readonly earlier: EarlierStrings | undefined;
  private readonly start: number;

  /** @param earlier the strings of what this is split from. */
  constructor(names: NameTable, earlier?: EarlierStrings) {
    this.names = names;
    this.bytes = new Uint8Array(1 << 16);
    this.earlier = earlier;
    this.start = earlier?.end ?? 0;
    // A base begins with the empty string; split BTF does not.
    this.length = earlier === undefined ? 1 : 0;
  }

  get end(): number {
    return this.start + this.length;
  }

  offsetOf(id: number): number | undefined {
    return this.offsets.get(id) ?? this.earlier?.offsetOf(id);
  }

  offset(id: number): number {
    if (id === 0) return 0;
    const known = this.offsetOf(id);
    if (known !== undefined) return known;
    const length = this.names.byteLength(id);
    if (this.length + length >= maximumByteSize)
      throw new LimitError("BTF_STRINGS", `more than ${maximumByteSize} bytes of names`);
    if (this.length + length + 1 > this.bytes.length) {
      const larger = new Uint8Array((this.length + length + 1) * 2);
      larger.set(this.bytes.subarray(0, this.length));
      this.bytes = larger;
    }
    const at = this.length;
    this.names.copyInto(id, this.bytes, at);
    this.length = at + length + 1;
    this.offsets.set(id, this.start + at);
    return this.start + at;
  }

  result(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** Replace the name ids in type words by offsets. */
  rename(words: Uint32Array): void {
    for (let at = 0; at < words.length;) {
      const info = words[at + 1]!;
      const next = at + wordCountOfInfo(info);
      words[at] = this.offset(words[at]!);
      const kind = (info >>> 24) & 0x1f;
      let step = 0;
      if (kind === Kind.struct || kind === Kind.union || kind === Kind.enum64) step = 3;
      else if (kind === Kind.enum || kind === Kind.funcProto) step = 2;
      if (step !== 0 && vlenOfInfo(info) > 0) {
        for (let i = at + 3; i < next; i += step) words[i] = this.offset(words[i]!);
      }
      at = next;
    }
  }
}
