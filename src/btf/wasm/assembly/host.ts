/** What goes wrong in C: see `c-problems.ts` of the folder `btf`. None of these returns. */

export const CYCLE = 1;
export const DEEP_DEPENDENCY = 2;
export const MANY_DEPENDENCIES = 3;
export const DEEP_TYPE = 4;
export const LONG_DECLARATOR = 5;
export const DEEP_DEFINITION = 6;
export const LONG_TEXT = 7;
export const NO_TYPE = 8;
export const MANY_DEFINITIONS = 9;
export const WIDE_GAP = 10;

/** Throws. @param id the type; of a gap its words of 64 bits, and `bits` beyond them */
export declare function fail(problem: i32, id: i32, bits: i32): void;
