/** Stacks of dumps whose memory is damaged: typed errors at most, marked frames, and an end. */
import { describe, expect, test } from "vitest";
import { findStacks, stackRow } from "../../src/commands/index.ts";
import { type Dump, openDump } from "../../src/dump/index.ts";
import { isDwarflessError } from "../../src/io/index.ts";
import { Kernel } from "../../src/kernel/index.ts";
import { dumpMissing, guestDump } from "../guest/dumps.ts";

const roundsEach = 8;

describe.each(["6.1-amd64", "7.2-amd64", "6.12-arm64"] as const)("damaged stacks of %s", (name) => {
  const missing = dumpMissing(name);

  test.for([30, 300, 3000])("one word in %i", async (rarity, context) => {
    context.skip(missing !== undefined, missing);
    const dump = await openDump([(await guestDump(name, "panic")).file("elf")]);
    const damage = new Damage(dump);
    let broken = 0;
    let walked = 0;
    for (let round = 0; round < roundsEach; round++) {
      damage.rarity = 0;
      const kernel = await Kernel.over(dump);
      kernel.foundation.memory.forget();
      damage.rarity = rarity;
      try {
        const { stacks, found } = findStacks(kernel, { all: true, deadline: Date.now() + 10_000 });
        for (const each of found) {
          const { frames } = stackRow(stacks, each, { args: true, registers: true });
          walked++;
          if (frames.some(({ kind }) => kind === "broken")) broken++;
          // Frames, the mark, and guesses.
          expect(frames.length).toBeLessThanOrEqual(1024 + 1 + 64);
        }
      } catch (error) {
        if (!isDwarflessError(error)) throw error;
      }
    }
    console.log(`${name}: ${walked} stacks, ${broken} of them broken`);
    expect(broken).toBeGreaterThan(0);
  });
});

/** Overwrites what is read from a dump's memory, here and there: other bytes, zeros, a neighbour's word. */
class Damage {
  /** One word in so many; 0 for none. */
  rarity = 0;
  #seed = 20_26;

  constructor(dump: Dump) {
    const read = dump.readInto.bind(dump);
    dump.readInto = (target, address) => {
      read(target, address);
      // Longer reads are tables, which are taken whole and are other tests' subject.
      if (this.rarity === 0 || target.length > 4096) return;
      for (let at = 0; at + 8 <= target.length; at += 8)
        if (this.#random() % this.rarity === 0) this.#spoil(target, at);
    };
  }

  #spoil(target: Uint8Array, at: number): void {
    const choice = this.#random() % 3;
    if (choice === 0) target[at + (this.#random() % 8)] = this.#random();
    else if (choice === 1) target.fill(0, at, at + 8);
    else {
      const from = (this.#random() % Math.floor(target.length / 8)) * 8;
      target.copyWithin(at, from, from + 8);
    }
  }

  #random(): number {
    this.#seed = (Math.imul(this.#seed, 1103515245) + 12345) >>> 0;
    return this.#seed >>> 8;
  }
}
