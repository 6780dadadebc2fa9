/**
 * Type graphs as data, and what the encoder makes of them: words of `src/btf/dedup/type-words.ts`,
 * one unit after another. Names are strings here and numbers there.
 */
import { Kind, makeInfo, wordCountOfInfo } from "../../src/btf/dedup/type-words.ts";

/** References are ids within the unit: 1 for the first type, 0 for void. */
export type TypeSpec =
  | { kind: "int"; name: string; byteSize: number }
  | { kind: "float"; name: string; byteSize: number }
  | { kind: "ptr" | "const" | "volatile" | "restrict"; to: number }
  | { kind: "typedef" | "typeTag" | "func"; name: string; to: number }
  | { kind: "declTag"; name: string; to: number; component: number }
  | { kind: "array"; of: number; index: number; count: number }
  | { kind: "struct" | "union"; name: string; byteSize: number; members: readonly MemberSpec[] }
  | { kind: "fwd"; name: string; isUnion?: boolean }
  | {
      kind: "enum" | "enum64";
      name: string;
      byteSize: number;
      values: readonly (readonly [string, number])[];
    }
  | { kind: "funcProto"; to: number; parameters: readonly (readonly [string, number])[] };

export interface MemberSpec {
  name: string;
  type: number;
  offset: number;
}

/** Numbers for names, 0 for the empty one. */
export class Names {
  readonly #ids = new Map<string, number>([["", 0]]);

  id(name: string): number {
    let id = this.#ids.get(name);
    if (id === undefined) this.#ids.set(name, (id = this.#ids.size));
    return id;
  }

  text(id: number): string {
    for (const [name, own] of this.#ids) if (own === id) return name;
    throw new Error(`no name ${id}`);
  }
}

/** Words of a unit's types. */
export function unitWords(types: readonly TypeSpec[], names: Names): Uint32Array {
  const words: number[] = [];
  for (const type of types) words.push(...wordsOf(type, names));
  return Uint32Array.from(words);
}

function wordsOf(type: TypeSpec, names: Names): number[] {
  const head = (kind: number, third: number, vlen = 0, flag = false): number[] => [
    "name" in type ? names.id(type.name) : 0,
    makeInfo(kind, vlen, flag),
    third,
  ];
  switch (type.kind) {
    case "int":
      return [...head(Kind.int, type.byteSize), type.byteSize * 8];
    case "float":
      return head(Kind.float, type.byteSize);
    case "ptr":
    case "const":
    case "volatile":
    case "restrict":
    case "typedef":
    case "typeTag":
    case "func":
      return head(Kind[type.kind], type.to);
    case "declTag":
      return [...head(Kind.declTag, type.to), type.component >>> 0];
    case "array":
      return [...head(Kind.array, 0), type.of, type.index, type.count];
    case "struct":
    case "union":
      return [
        ...head(Kind[type.kind], type.byteSize, type.members.length),
        ...type.members.flatMap((each) => [names.id(each.name), each.type, each.offset]),
      ];
    case "fwd":
      return head(Kind.fwd, 0, 0, type.isUnion === true);
    case "enum":
      return [
        ...head(Kind.enum, type.byteSize, type.values.length),
        ...type.values.flatMap(([name, value]) => [names.id(name), value]),
      ];
    case "enum64":
      return [
        ...head(Kind.enum64, type.byteSize, type.values.length),
        ...type.values.flatMap(([name, value]) => [names.id(name), value, 0]),
      ];
    case "funcProto":
      return [
        ...head(Kind.funcProto, type.to, type.parameters.length),
        ...type.parameters.flatMap(([name, id]) => [names.id(name), id]),
      ];
  }
}

/** Index of each type's first word. */
export function startsOf(words: Uint32Array): Uint32Array {
  const starts: number[] = [];
  for (let at = 0; at < words.length; at += wordCountOfInfo(words[at + 1]!)) starts.push(at);
  return Uint32Array.from(starts);
}

const kindNames = new Map(Object.entries(Kind).map(([name, kind]) => [kind as number, name]));

/** One line per type, ids counted from `firstId`. */
export function describeWords(words: Uint32Array, names: Names, firstId = 1): string[] {
  return [...startsOf(words)].map((at, i) => {
    const info = words[at + 1]!;
    const kind = (info >>> 24) & 0x1f;
    const name = names.text(words[at]!);
    const rest = [...words.subarray(at + 2, at + wordCountOfInfo(info))];
    const named = (from: number, step: number): string =>
      rest
        .slice(from)
        .flatMap((_, j, all) =>
          j % step === 0 ? [`${names.text(all[j]!)}:${all.slice(j + 1, j + step).join(":")}`] : [],
        )
        .join(" ");
    let tail = rest.join(" ");
    if (kind === Kind.struct || kind === Kind.union || kind === Kind.enum64)
      tail = `${rest[0]} { ${named(1, 3)} }`;
    else if (kind === Kind.enum || kind === Kind.funcProto) tail = `${rest[0]} { ${named(1, 2)} }`;
    return `[${firstId + i}] ${kindNames.get(kind)} ${name} ${info >>> 31 === 1 ? "+ " : ""}${tail}`.replaceAll(
      "  ",
      " ",
    );
  });
}
