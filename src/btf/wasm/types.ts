import type { Btf } from "../reader.ts";
import { type MemoryPlan, voidRecord } from "./memory.ts";

/** All types of a BTF, its base's before its own, as `assembly/types.ts` finds them. */
export interface TypePlaces {
  typeCount: number;
  /** A word for each type id: where its record is, counted in words from `records`; void's is of zeros. */
  starts: number;
  records: number;
  /** All string sections, one after the other: a string offset counts from here. */
  strings: number;
}

export interface PlannedTypes {
  places: TypePlaces;
  /** Copy it all into a memory. */
  fill: (buffer: ArrayBuffer) => void;
}

/** The places of a BTF that lies in a room: see `room.ts`. */
export function typesInRoom({ typeCount, offsets, words, stringsBytes }: Btf): TypePlaces {
  return {
    typeCount,
    // Before the offsets the scanner puts that of void.
    starts: offsets.byteOffset - 4,
    records: words.byteOffset,
    strings: stringsBytes.byteOffset,
  };
}

/** Reserve places for the types of a BTF. */
export function planTypes(plan: MemoryPlan, btf: Btf): PlannedTypes {
  const layers: Btf[] = [];
  for (let layer: Btf | undefined = btf; layer !== undefined; layer = layer.base) layers.unshift(layer);
  const starts = plan.reserve(btf.typeCount * 4);
  const records = layers.map(({ words }) => plan.reserve(words.byteLength));
  const strings = plan.reserve(btf.stringsEnd);
  const first = records[0]!;
  return {
    places: { typeCount: btf.typeCount, starts, records: first, strings },
    fill: (buffer) => {
      const words = new Uint32Array(buffer);
      const bytes = new Uint8Array(buffer);
      words[starts / 4] = (voidRecord - first) / 4;
      layers.forEach((layer, index) => {
        words.set(layer.words, records[index]! / 4);
        bytes.set(layer.stringsBytes, strings + layer.startStringOffset);
        const at = starts / 4 + layer.startId;
        words.set(layer.offsets, at);
        const shift = (records[index]! - first) / 4;
        if (shift !== 0) for (let type = 0; type < layer.offsets.length; type++) words[at + type]! += shift;
      });
    },
  };
}
