/** Growing list of u32 words. */
export class WordList {
  /** Capacity may exceed {@link WordList.length}; replaced when it grows. */
  words: Uint32Array = new Uint32Array(1024);
  length = 0;

  push(word: number): void {
    if (this.length === this.words.length) this.#grow(this.length + 1);
    this.words[this.length++] = word;
  }

  pushRange(source: Uint32Array, start: number, end: number): void {
    const needed = this.length + end - start;
    if (needed > this.words.length) this.#grow(needed);
    this.words.set(source.subarray(start, end), this.length);
    this.length = needed;
  }

  /** The words used, as a view. */
  view(): Uint32Array {
    return this.words.subarray(0, this.length);
  }

  #grow(needed: number): void {
    const grown = new Uint32Array(Math.max(needed, this.words.length * 2));
    grown.set(this.words);
    this.words = grown;
  }
}
