import type { StackKind } from "./frame.ts";

/** A run of memory that is a stack. */
export interface StackRegion {
  kind: StackKind;
  /** Lowest address. */
  start: bigint;
  /** First address behind. */
  end: bigint;
}

/** The stacks that one walk may touch: a task's, and those of the CPU it runs on. */
export class StackRegions {
  readonly all: readonly StackRegion[];

  constructor(all: readonly StackRegion[]) {
    this.all = all;
  }

  /** The stack that an address lies in. Its first address behind counts: an empty stack points there. */
  find(address: bigint): StackRegion | undefined {
    let atEnd: StackRegion | undefined;
    for (const region of this.all) {
      if (address >= region.start && address < region.end) return region;
      if (address === region.end) atEnd ??= region;
    }
    return atEnd;
  }
}

/**
 * Follows a walk from stack to stack. Within a stack the pointer may only rise, and a stack that was
 * left is not entered again: that is what makes every walk end.
 */
export class StackPath {
  readonly #regions: StackRegions;
  readonly #left = new Set<StackRegion>();
  #region: StackRegion | undefined;
  #pointer = 0n;

  constructor(regions: StackRegions) {
    this.#regions = regions;
  }

  get kind(): StackKind {
    return this.#region?.kind ?? "unknown";
  }

  get region(): StackRegion | undefined {
    return this.#region;
  }

  /**
   * Go to a stack pointer.
   * @param mayStay true where it need not have risen: the frame has not used the stack
   * @returns what is wrong with it, undefined for nothing
   */
  enter(pointer: bigint, mayStay = false): string | undefined {
    const region = this.#regions.find(pointer);
    if (region === undefined) return `stack pointer 0x${pointer.toString(16)} is in no stack of this task`;
    if (region === this.#region || this.#region === undefined) {
      const risen = pointer > this.#pointer || (mayStay && pointer === this.#pointer);
      if (this.#region !== undefined && !risen)
        return `stack pointer goes back from 0x${this.#pointer.toString(16)} to 0x${pointer.toString(16)}`;
    } else {
      if (this.#left.has(region)) return `the walk comes back to the ${region.kind} stack`;
      this.#left.add(this.#region);
    }
    this.#region = region;
    this.#pointer = pointer;
    return undefined;
  }
}
