/** What a comparison of two BTF blobs finds. */

import type { TypeGraph } from "./btf-file.ts";
import type { Colours } from "./colours.ts";

export interface Difference {
  /** `changed`: both sides have one of this name, and they differ. */
  what: "only-a" | "only-b" | "changed";
  /** Kind of type, `VAR` for a variable in its section, `DATASEC` for a section's size. */
  kind: string;
  /** Name, or for what has none its text. */
  name: string;
  detail: string;
  /** Of a variable: its place, on the side that has it (A's when both do). */
  place?: Place;
}

export interface Place {
  section: string;
  /** Every section it has a place in, on either side. */
  sections: string[];
  /** Bytes from the section's start, and the variable's size. */
  offset: number;
  size: number;
  /** The type as text, and its kind below typedefs and qualifiers. */
  typeText: string;
  typeKind: string;
  /** Whether the other side has a variable of this name at this place. */
  elsewhere: boolean;
}

export interface Consequence {
  /** The pair at which the two sides part. */
  cause: string;
  /** Types of A and B that differ only because of it. */
  countA: number;
  countB: number;
  /** One of them. */
  example: string;
}

export interface Comparison {
  identicalBytes: boolean;
  /** The same types in the same order. */
  sameOrder: boolean;
  /** Where the order first differs, as text; empty when it does not. */
  orderText: string;
  /** No difference of any kind, repeats apart. */
  equalSets: boolean;
  differences: Difference[];
  consequences: Consequence[];
  /** Types of the split that its own base has already, by kind. */
  repeated: { a: Record<string, number>; b: Record<string, number> };
  counts: { a: Record<string, number>; b: Record<string, number> };
  bytes: { a: BlobSize; b: BlobSize };
}

export interface BlobSize {
  file: number;
  types: number;
  strings: number;
}

export interface Sides {
  a: TypeGraph;
  b: TypeGraph;
  deepA: Colours;
  deepB: Colours;
  shallowA: Colours;
  shallowB: Colours;
}
