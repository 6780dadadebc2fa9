import * as K from "../btf/index.ts";
import type { Btf, TypeId } from "../btf/index.ts";
import { UsageError } from "../io/index.ts";

const keywordKinds: Readonly<Record<string, readonly number[]>> = {
  struct: [K.BTF_KIND_STRUCT],
  union: [K.BTF_KIND_UNION],
  enum: [K.BTF_KIND_ENUM, K.BTF_KIND_ENUM64],
  typedef: [K.BTF_KIND_TYPEDEF],
};

/** Kinds that a bare name may mean. */
const typeKinds: readonly number[] = [
  K.BTF_KIND_STRUCT,
  K.BTF_KIND_UNION,
  K.BTF_KIND_ENUM,
  K.BTF_KIND_ENUM64,
  K.BTF_KIND_TYPEDEF,
  K.BTF_KIND_INT,
  K.BTF_KIND_FLOAT,
];

/**
 * The types that words of a command line name: `NAME`, `struct NAME`, `#ID` or a bare id. A name
 * that several types have gives them all, in the order of ids.
 * @throws {UsageError} for a name that no type has
 */
export function findRoots(btf: Btf, names: readonly string[]): TypeId[] {
  return names.flatMap((name) => findTypes(btf, name, typeKinds));
}

/** As {@link findRoots}, but a name may also be that of a variable or function. */
export function findAny(btf: Btf, names: readonly string[]): TypeId[] {
  const kinds = [...typeKinds, K.BTF_KIND_VAR, K.BTF_KIND_FUNC];
  return names.flatMap((name) => findTypes(btf, name, kinds));
}

/** The types of some kinds that one word names; see {@link findRoots}. */
export function findTypes(btf: Btf, text: string, kinds: readonly number[]): TypeId[] {
  if (/^#?\d+$/.test(text)) {
    const id = Number(text.replace("#", ""));
    if (id >= btf.typeCount) throw new UsageError(`no type ${id}: ids end at ${btf.typeCount - 1}`);
    return [id];
  }
  const words = /^(struct|union|enum|typedef)\s+(\S+)$/.exec(text.trim());
  const wanted = words === null ? kinds : keywordKinds[words[1]!]!;
  const name = words === null ? text : words[2]!;
  const found = withName(btf, name, wanted);
  if (found.length === 0) throw new UsageError(`no type '${text}'${nearest(btf, name, wanted)}`);
  return found;
}

function withName(btf: Btf, name: string, kinds: readonly number[]): TypeId[] {
  const found: TypeId[] = [];
  for (let id = 1; id < btf.typeCount; id++) {
    if (kinds.includes(btf.kind(id)) && btf.nameOffset(id) !== 0 && btf.name(id) === name) found.push(id);
  }
  return found;
}

/** A name that differs in case only, or starts like the one asked for. */
function nearest(btf: Btf, name: string, kinds: readonly number[]): string {
  const lower = name.toLowerCase();
  let best = "";
  for (let id = 1; id < btf.typeCount; id++) {
    if (!kinds.includes(btf.kind(id))) continue;
    const candidate = btf.name(id);
    const folded = candidate.toLowerCase();
    const isNear = folded === lower || folded === `${lower}_struct` || `${folded}_struct` === lower;
    if (candidate !== "" && isNear) best = candidate;
  }
  return best === "" ? "" : `; did you mean '${best}'?`;
}
