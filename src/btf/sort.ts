import { headerByteSizeLayout } from "./constants.ts";
import type { Btf, TypeId } from "./reader.ts";
import { forEachTypeWord } from "./records.ts";
import { encodeBtf } from "./writer.ts";

/**
 * The same BTF with its own types sorted by name: unnamed ones first, then in strcmp order, types
 * of one name (and unnamed ones) in the order they had. Strings stay as they are.
 *
 * Kernels from 7.2 on search vmlinux's BTF by halving and do not check that it is sorted; their
 * build sorts after encoding (resolve_btfids), so only a tool that writes `.BTF` into a vmlinux by
 * itself has to. Split BTF over a base that gets sorted is void: its ids mean other types then.
 */
export function sortBtf(btf: Btf): Uint8Array {
  const order = orderByName(btf);
  const newIds = new Uint32Array(order.length);
  for (let index = 0; index < order.length; index++)
    newIds[order[index]! - btf.startId] = btf.startId + index;
  const words = new Uint32Array(btf.words.length);
  const remap = (wordIndex: number): void => {
    const id = words[wordIndex]!;
    if (id >= btf.startId) words[wordIndex] = newIds[id - btf.startId]!;
  };
  let at = 0;
  for (const id of order) {
    const index = id - btf.startId;
    const start = btf.offsets[index]!;
    const end = btf.offsets[index + 1] ?? btf.words.length;
    words.set(btf.words.subarray(start, end), at);
    forEachTypeWord(words, at, remap);
    at += end - start;
  }
  return encodeBtf({
    words,
    strings: btf.stringsBytes,
    littleEndian: btf.littleEndian,
    headerByteSize: btf.header.headerByteSize >= headerByteSizeLayout ? headerByteSizeLayout : 24,
    layout: btf.header.layoutByteSize > 0,
  });
}

/** Whether the own types are in the order {@link sortBtf} gives (the order within a name is free). */
export function isSorted(btf: Btf): boolean {
  let previous = "";
  for (let id = btf.startId; id < btf.typeCount; id++) {
    const name = btf.binaryString(btf.nameOffset(id));
    if (name < previous) return false;
    previous = name;
  }
  return true;
}

/** Own ids in the new order. */
function orderByName(btf: Btf): TypeId[] {
  const names: string[] = [];
  const order: TypeId[] = [];
  for (let id = btf.startId; id < btf.typeCount; id++) {
    // One character per byte, so that comparing strings compares bytes.
    names.push(btf.binaryString(btf.nameOffset(id)));
    order.push(id);
  }
  const compare = (a: TypeId, b: TypeId): number => {
    const left = names[a - btf.startId]!;
    const right = names[b - btf.startId]!;
    return left < right ? -1 : left > right ? 1 : a - b;
  };
  return order.sort(compare);
}
