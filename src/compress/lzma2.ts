import { FormatError } from "../io/index.ts";

/*
 * LZMA2 as .xz files hold it. The names are the format's own (LZMA specification by Igor Pavlov, public
 * domain): states of the last packets, `rep0` to `rep3` the last distances, probabilities of 11 bits.
 */

const probabilityStart = 1024;
const statesOfLiterals = 7;
const matchMinimum = 2;

/** Where the probabilities of each decision start; one array holds them all. */
const isMatch = 0;
const isRep = isMatch + 192;
const isRepG0 = isRep + 12;
const isRepG1 = isRepG0 + 12;
const isRepG2 = isRepG1 + 12;
const isRep0Long = isRepG2 + 12;
const posSlot = isRep0Long + 192;
const posSpecial = posSlot + 256;
const posAlign = posSpecial + 115;
const matchLength = posAlign + 16;
/** `choice`, `choice2`, low and middle by position, high. */
const lengthCoder = 2 + 128 + 128 + 256;
const repLength = matchLength + lengthCoder;
const literal = repLength + lengthCoder;
const literalCoder = 0x300;
/** LZMA2 allows four bits of literal context in all. */
const probabilityCount = literal + (literalCoder << 4);

/** Decodes one LZMA2 stream into a target that is also the dictionary. */
export class Lzma2Decoder {
  readonly #source: Uint8Array;
  readonly #target: Uint8Array;
  #at: number;
  #to: number;
  #range = 0;
  #code = 0;
  readonly #probabilities: Uint16Array = new Uint16Array(probabilityCount);
  #lc = 0;
  #lp = 0;
  #pb = 0;
  #state = 0;
  #rep0 = 0;
  #rep1 = 0;
  #rep2 = 0;
  #rep3 = 0;
  /** Where the dictionary begins in the target. */
  #start = 0;

  /** @param at where in the source the stream begins; `to` where in the target its bytes go */
  constructor(source: Uint8Array, at: number, target: Uint8Array, to: number) {
    this.#source = source;
    this.#at = at;
    this.#target = target;
    this.#to = to;
    this.#start = to;
  }

  /**
   * The whole stream.
   * @returns where it ended in the source and in the target
   * @throws {FormatError} `COMPRESS_BROKEN`, `COMPRESS_SIZE`
   */
  decode(): { at: number; to: number } {
    for (let needs = "dictionary" as "dictionary" | "properties" | "nothing"; ;) {
      const control = this.#byte();
      if (control === 0) return { at: this.#at, to: this.#to };
      if (control >= 0xe0 || control === 1) {
        this.#start = this.#to;
        needs = "properties";
      } else if (needs === "dictionary") throw broken("it begins without a dictionary");
      if (control < 0x80) {
        if (control > 2) throw broken(`control byte 0x${control.toString(16)}`);
        this.#copy(this.#uint16() + 1);
        continue;
      }
      const byteSize = ((control & 0x1f) << 16) + this.#uint16() + 1;
      const packedByteSize = this.#uint16() + 1;
      if (control >= 0xc0) {
        this.#readProperties(this.#byte());
        needs = "nothing";
      } else if (needs === "properties") throw broken("a chunk without properties");
      if (control >= 0xa0) this.#resetState();
      this.#chunk(byteSize, packedByteSize);
    }
  }

  #copy(byteSize: number): void {
    if (this.#at + byteSize > this.#source.length) throw broken("it ends too early");
    this.#room(byteSize);
    this.#target.set(this.#source.subarray(this.#at, this.#at + byteSize), this.#to);
    this.#at += byteSize;
    this.#to += byteSize;
  }

  #readProperties(byte: number): void {
    this.#lc = byte % 9;
    this.#lp = Math.floor(byte / 9) % 5;
    this.#pb = Math.floor(byte / 45);
    if (this.#pb > 4 || this.#lc + this.#lp > 4) throw broken(`properties 0x${byte.toString(16)}`);
  }

  #resetState(): void {
    this.#probabilities.fill(probabilityStart);
    this.#state = this.#rep0 = this.#rep1 = this.#rep2 = this.#rep3 = 0;
  }

  #chunk(byteSize: number, packedByteSize: number): void {
    const sourceEnd = this.#at + packedByteSize;
    if (packedByteSize < 5 || sourceEnd > this.#source.length) throw broken("it ends too early");
    this.#room(byteSize);
    const end = this.#to + byteSize;
    this.#byte();
    this.#code = ((this.#uint16() << 16) | this.#uint16()) >>> 0;
    this.#range = 0xffff_ffff;
    while (this.#to < end) this.#packet(end);
    if (this.#at !== sourceEnd) throw broken("a chunk of another size than it says");
  }

  #packet(end: number): void {
    const position = (this.#to - this.#start) & ((1 << this.#pb) - 1);
    const state = this.#state;
    if (this.#bit(isMatch + (state << 4) + position) === 0) return this.#literal();
    let length: number;
    if (this.#bit(isRep + state) === 0) {
      this.#rep3 = this.#rep2;
      this.#rep2 = this.#rep1;
      this.#rep1 = this.#rep0;
      length = this.#length(matchLength, position);
      this.#state = state < statesOfLiterals ? 7 : 10;
      this.#rep0 = this.#distance(length);
    } else {
      if (this.#bit(isRepG0 + state) === 0) {
        if (this.#bit(isRep0Long + (state << 4) + position) === 0) {
          this.#state = state < statesOfLiterals ? 9 : 11;
          return this.#match(1, end);
        }
      } else this.#takeEarlierDistance(state);
      length = this.#length(repLength, position);
      this.#state = state < statesOfLiterals ? 8 : 11;
    }
    this.#match(length + matchMinimum, end);
  }

  #takeEarlierDistance(state: number): void {
    let distance: number;
    if (this.#bit(isRepG1 + state) === 0) distance = this.#rep1;
    else {
      if (this.#bit(isRepG2 + state) === 0) distance = this.#rep2;
      else {
        distance = this.#rep3;
        this.#rep3 = this.#rep2;
      }
      this.#rep2 = this.#rep1;
    }
    this.#rep1 = this.#rep0;
    this.#rep0 = distance;
  }

  #literal(): void {
    const target = this.#target;
    const to = this.#to;
    const before = to > this.#start ? target[to - 1]! : 0;
    const low = (to - this.#start) & ((1 << this.#lp) - 1);
    const coder = literal + literalCoder * ((low << this.#lc) + (before >> (8 - this.#lc)));
    let symbol = 1;
    if (this.#state >= statesOfLiterals) {
      // After a match: the byte that would have gone on is no likely one, and decides the coder.
      let expected = target[to - this.#rep0 - 1]!;
      while (symbol < 0x100) {
        const matchBit = (expected >> 7) & 1;
        expected <<= 1;
        const bit = this.#bit(coder + ((1 + matchBit) << 8) + symbol);
        symbol = (symbol << 1) | bit;
        if (matchBit !== bit) break;
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.#bit(coder + symbol);
    target[to] = symbol & 0xff;
    this.#to = to + 1;
    this.#state = this.#state < 4 ? 0 : this.#state < 10 ? this.#state - 3 : this.#state - 6;
  }

  #match(length: number, end: number): void {
    const distance = this.#rep0 + 1;
    if (distance > this.#to - this.#start) throw broken("a distance beyond the beginning");
    if (this.#to + length > end) throw broken("a match beyond the end of a chunk");
    const target = this.#target;
    let to = this.#to;
    for (const stop = to + length; to < stop; to++) target[to] = target[to - distance]!;
    this.#to = to;
  }

  #length(coder: number, position: number): number {
    if (this.#bit(coder) === 0) return this.#tree(coder + 2 + (position << 3), 3);
    if (this.#bit(coder + 1) === 0) return 8 + this.#tree(coder + 130 + (position << 3), 3);
    return 16 + this.#tree(coder + 258, 8);
  }

  #distance(length: number): number {
    const slot = this.#tree(posSlot + (Math.min(length, 3) << 6), 6);
    if (slot < 4) return slot;
    const bits = (slot >> 1) - 1;
    const high = (2 | (slot & 1)) << bits;
    if (slot < 14) return high + this.#reversedTree(posSpecial + high - slot, bits);
    const middle = this.#directBits(bits - 4);
    // Up to 32 bits: no shift that would make it negative.
    return (high >>> 0) + middle * 16 + this.#reversedTree(posAlign, 4);
  }

  #tree(at: number, bits: number): number {
    let symbol = 1;
    for (let i = 0; i < bits; i++) symbol = (symbol << 1) | this.#bit(at + symbol);
    return symbol - (1 << bits);
  }

  #reversedTree(at: number, bits: number): number {
    let symbol = 1;
    let value = 0;
    for (let i = 0; i < bits; i++) {
      const bit = this.#bit(at + symbol);
      symbol = (symbol << 1) | bit;
      value |= bit << i;
    }
    return value;
  }

  #directBits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) {
      this.#range >>>= 1;
      const bit = this.#code >= this.#range ? 1 : 0;
      if (bit === 1) this.#code -= this.#range;
      this.#normalize();
      value = value * 2 + bit;
    }
    return value;
  }

  #bit(index: number): number {
    const probabilities = this.#probabilities;
    const probability = probabilities[index]!;
    const bound = (this.#range >>> 11) * probability;
    let bit: number;
    if (this.#code < bound) {
      this.#range = bound;
      probabilities[index] = probability + ((2048 - probability) >> 5);
      bit = 0;
    } else {
      this.#code -= bound;
      this.#range -= bound;
      probabilities[index] = probability - (probability >> 5);
      bit = 1;
    }
    this.#normalize();
    return bit;
  }

  #normalize(): void {
    if (this.#range >= 0x100_0000) return;
    this.#range = (this.#range << 8) >>> 0;
    this.#code = ((this.#code << 8) | this.#byte()) >>> 0;
  }

  #room(byteSize: number): void {
    if (this.#to + byteSize <= this.#target.length) return;
    throw new FormatError(
      "COMPRESS_SIZE",
      `xz data holds more than the ${this.#target.length} bytes expected`,
    );
  }

  #byte(): number {
    const byte = this.#source[this.#at++];
    if (byte === undefined) throw broken("it ends too early");
    return byte;
  }

  #uint16(): number {
    return (this.#byte() << 8) | this.#byte();
  }
}

function broken(problem: string): FormatError {
  return new FormatError("COMPRESS_BROKEN", `broken xz data: ${problem}`);
}
