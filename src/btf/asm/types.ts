import type { Btf } from "../reader.ts";
import type { HeapPlan } from "./heap.ts";

/** All types of a BTF, its base's before its own, as asm.js finds them in its heap. */
export interface PlannedTypes {
  /** A word for each type id: the address of its record. Void's is one of zeros. */
  starts: number;
  /** All string sections, one after the other: a string offset counts from here. */
  strings: number;
  /** Copy it all into the heap. */
  fill: (heap: ArrayBuffer) => void;
}

/** Reserve a heap's places for the types of a BTF. */
export function planTypes(plan: HeapPlan, btf: Btf): PlannedTypes {
  const layers: Btf[] = [];
  for (let layer: Btf | undefined = btf; layer !== undefined; layer = layer.base) layers.unshift(layer);
  const voidRecord = plan.words([0, 0, 0, 0, 0, 0]);
  const starts = plan.reserve(btf.typeCount * 4);
  const records = layers.map(({ words }) => plan.reserve(words.byteLength));
  const strings = plan.reserve(btf.stringsEnd);
  return {
    starts,
    strings,
    fill: (heap) => {
      const heapWords = new Uint32Array(heap);
      const heapBytes = new Uint8Array(heap);
      heapWords[starts / 4] = voidRecord;
      layers.forEach((layer, index) => {
        const { words, offsets, stringsBytes } = layer;
        const address = records[index]!;
        heapWords.set(words, address / 4);
        heapBytes.set(stringsBytes, strings + layer.startStringOffset);
        const first = starts / 4 + layer.startId;
        for (let type = 0; type < offsets.length; type++)
          heapWords[first + type] = address + offsets[type]! * 4;
      });
    },
  };
}
