import { kindName } from "./constants.ts";
import type { Btf } from "./reader.ts";

/** How many types of one kind there are, and what they take. */
export interface KindStatistics {
  kind: string;
  count: number;
  /** Without a name. */
  unnamed: number;
  /** Members, values, parameters or entries of all. */
  elements: number;
  byteSize: number;
}

/** What a BTF consists of, its base not counted. */
export interface BtfStatistics {
  byteSize: number;
  typesByteSize: number;
  stringsByteSize: number;
  types: number;
  strings: number;
  kinds: KindStatistics[];
}

/** Counts of the own types by kind, the kind that takes most bytes first. */
export function btfStatistics(btf: Btf): BtfStatistics {
  const kinds = new Map<number, KindStatistics>();
  for (const [index, at] of btf.offsets.entries()) {
    const id = btf.startId + index;
    const kind = btf.kind(id);
    let row = kinds.get(kind);
    if (row === undefined) {
      row = { kind: kindName(kind), count: 0, unnamed: 0, elements: 0, byteSize: 0 };
      kinds.set(kind, row);
    }
    row.count++;
    if (btf.nameOffset(id) === 0) row.unnamed++;
    if (kindsWithElements.has(row.kind)) row.elements += btf.vlen(id);
    row.byteSize += ((btf.offsets[index + 1] ?? btf.words.length) - at) * 4;
  }
  let strings = 0;
  for (const byte of btf.stringsBytes) if (byte === 0) strings++;
  return {
    byteSize: btf.header.byteSize,
    typesByteSize: btf.header.typesByteSize,
    stringsByteSize: btf.header.stringsByteSize,
    types: btf.offsets.length,
    strings,
    kinds: [...kinds.values()].sort((a, b) => b.byteSize - a.byteSize || (a.kind < b.kind ? -1 : 1)),
  };
}

const kindsWithElements: ReadonlySet<string> = new Set([
  "STRUCT",
  "UNION",
  "ENUM",
  "ENUM64",
  "FUNC_PROTO",
  "DATASEC",
]);
