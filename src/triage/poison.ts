/** A value that the kernel writes where nothing may be read any more (include/linux/poison.h). */
interface Poison {
  name: string;
  /** What the pattern proves. */
  meaning: string;
  fits: (value: bigint) => boolean;
}

/** A member may lie this far from the poisoned pointer. */
const reach = 0x1000n;
/** POISON_POINTER_DELTA of 64-bit kernels (CONFIG_ILLEGAL_POINTER_VALUE). */
const illegalPointer = 0xdead000000000000n;

/** True for an address within {@link reach} behind a base. */
const near =
  (base: bigint) =>
  (value: bigint): boolean => {
    const distance = BigInt.asIntN(64, value - base);
    return distance >= -reach && distance < reach;
  };

const poisons: readonly Poison[] = [
  {
    name: "POISON_FREE (0x6b)",
    meaning: "an object that was freed, filled by slab poisoning",
    fits: near(0x6b6b6b6b6b6b6b6bn),
  },
  {
    name: "POISON_FREE (0x6b), 32 bits",
    meaning: "an object that was freed, filled by slab poisoning",
    fits: (value) => near(0x6b6b6b6bn)(value),
  },
  {
    name: "LIST_POISON1",
    meaning: "the next pointer of a list entry that was taken off its list",
    fits: (value) => value >= illegalPointer + 0x100n && value < illegalPointer + 0x110n,
  },
  {
    name: "LIST_POISON2",
    meaning: "the previous pointer of a list entry that was taken off its list",
    // 0x200 before v5.10.
    fits: (value) =>
      (value >= illegalPointer + 0x122n && value < illegalPointer + 0x132n) ||
      (value >= illegalPointer + 0x200n && value < illegalPointer + 0x210n),
  },
];

/** What pattern an address or a register has; undefined for ordinary values. */
export function poisonOf(value: bigint): { name: string; meaning: string } | undefined {
  return poisons.find(({ fits }) => fits(value));
}

/** POISON_INUSE: memory that was given out and never written. */
export function isUninitialised(value: bigint): boolean {
  return near(0x5a5a5a5a5a5a5a5an)(value);
}
