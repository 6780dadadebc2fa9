import type { SymbolList } from "./symbol-list.ts";

/**
 * What a symbol stands for. Letters do not tell: 7.2's .data is flagged executable, so that its
 * variables carry T, and per-CPU variables were A until v6.14 and D later.
 */
export type SymbolKind = "function" | "data" | "percpu" | "absolute";

/** The kernel's sections by the symbols its linker script puts around them. */
export class SectionBounds {
  readonly #code: [bigint, bigint][] = [];
  readonly #perCpu: [bigint, bigint] | undefined;
  readonly #image: [bigint, bigint] | undefined;

  constructor(kernel: SymbolList) {
    const bounds = (first: string, last: string): [bigint, bigint] | undefined => {
      const start = kernel.addressOf(first);
      const end = kernel.addressOf(last);
      return start === undefined || end === undefined || end <= start ? undefined : [start, end];
    };
    for (const pair of [bounds("_stext", "_etext"), bounds("_sinittext", "_einittext")]) {
      if (pair !== undefined) this.#code.push(pair);
    }
    this.#perCpu = bounds("__per_cpu_start", "__per_cpu_end");
    this.#image = bounds("_text", "_end") ?? bounds("_stext", "_end");
  }

  kindOf(address: bigint, letter: string): SymbolKind {
    if (this.#perCpu !== undefined && isWithin(this.#perCpu, address)) return "percpu";
    for (const pair of this.#code) if (isWithin(pair, address)) return "function";
    // The end labels of the image are in it.
    if (this.#image !== undefined && isWithin([this.#image[0], this.#image[1] + 1n], address)) {
      // Without bounds of the code only the letter is left.
      return this.#code.length === 0 && letter.toLowerCase() === "t" ? "function" : "data";
    }
    if (letter === "A" || letter === "a" || this.#image !== undefined) return "absolute";
    return letter.toLowerCase() === "t" ? "function" : "data";
  }
}

function isWithin([start, end]: readonly [bigint, bigint], address: bigint): boolean {
  return address >= start && address < end;
}
