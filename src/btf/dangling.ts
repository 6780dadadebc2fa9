import type { Btf, TypeId } from "./reader.ts";
import { forEachNameWord, forEachTypeWord } from "./records.ts";
import type { TypeProblem } from "./type-problem.ts";

/**
 * The first reference of the own types that leads nowhere: to an id that no type has, to a string
 * beyond the strings. Undefined when there is none, as in every BTF parsed without `danglingReferences`.
 */
export function danglingReference(btf: Btf): { typeId: TypeId; problem: TypeProblem } | undefined {
  let problem: TypeProblem | undefined;
  for (let id = btf.startId; id < btf.typeCount; id++) {
    const start = btf.wordIndex(id);
    forEachTypeWord(btf.words, start, (at) => {
      const target = btf.words[at]!;
      if (target < btf.typeCount) return;
      const text = `refers to type ${target}; ids end at ${btf.typeCount - 1}`;
      problem ??= { rule: "type-id", text, word: at - start };
    });
    forEachNameWord(btf.words, start, (at) => {
      const offset = btf.words[at]!;
      if (offset === 0 || offset < btf.stringsEnd) return;
      const text = `has a name at 0x${offset.toString(16)}; strings end at 0x${btf.stringsEnd.toString(16)}`;
      problem ??= { rule: "string-offset", text, word: at - start };
    });
    if (problem !== undefined) return { typeId: id, problem };
  }
  return undefined;
}
