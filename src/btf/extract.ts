import { FormatError } from "../io/index.ts";
import { BtfBuilder } from "./builder.ts";
import { BTF_KIND_DECL_TAG, BTF_KIND_MAX, kindName } from "./constants.ts";
import { locate } from "./header.ts";
import type { Btf, TypeId } from "./reader.ts";
import { forEachTypeWord } from "./records.ts";

/**
 * A BTF of its own with some types and all that they refer to, in the order they had, with the tags on
 * them. Of a split BTF, what comes from the base is included.
 * @throws {FormatError} `BTF_UNKNOWN_KIND` for a type whose references are not known
 */
export function extractBtf(btf: Btf, roots: Iterable<TypeId>): Uint8Array {
  const kept = markReached(btf, roots);
  const newIds = new Uint32Array(btf.typeCount);
  let count = 0;
  for (let id = 1; id < btf.typeCount; id++) {
    const isTag = btf.kind(id) === BTF_KIND_DECL_TAG && kept[btf.declTagTarget(id)] === 1;
    if (kept[id] === 1 || isTag) newIds[id] = ++count;
  }
  const builder = new BtfBuilder({ littleEndian: btf.littleEndian });
  for (let id = 1; id < btf.typeCount; id++) {
    if (newIds[id] !== 0) builder.addCopy(btf, id, (target) => newIds[target]!);
  }
  return builder.finish();
}

/** 1 for the roots and everything behind them. */
function markReached(btf: Btf, roots: Iterable<TypeId>): Uint8Array {
  const kept = new Uint8Array(btf.typeCount);
  const waiting: TypeId[] = [];
  const visit = (id: TypeId): void => {
    if (id === 0 || kept[id] === 1) return;
    kept[id] = 1;
    waiting.push(id);
  };
  for (const root of roots) visit(root);
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (btf.kind(id) > BTF_KIND_MAX) {
      const problem = `type ${id} has unknown kind ${kindName(btf.kind(id))}`;
      throw new FormatError("BTF_UNKNOWN_KIND", problem, locate(btf.inputName, btf.header.typesOffset));
    }
    const { words } = btf.owner(id);
    forEachTypeWord(words, btf.wordIndex(id), (word) => visit(words[word]!));
  }
  return kept;
}
