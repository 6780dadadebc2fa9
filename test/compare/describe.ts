/** Types as short text for a person: C words in postfix order, `struct page const *[4]`. */

import type { TypeGraph } from "./btf-file.ts";
import { BTF_KIND, KIND_NAMES } from "./kinds.ts";

/** A mention of a type. Anonymous structs are spelled out `depth` levels deep. */
export function typeText(graph: TypeGraph, id: number, depth = 2): string {
  if (id === 0) return "void";
  if (id >= graph.length) return `(no type ${id})`;
  const name = graph.names.names[graph.name[id]!]!;
  const at = graph.trailer[id]!;
  const target = (): string => typeText(graph, graph.sizeOrType[id]!, depth);
  switch (graph.kind[id]) {
    case BTF_KIND.PTR:
      return `${target()} *`;
    case BTF_KIND.CONST:
      return `${target()} const`;
    case BTF_KIND.VOLATILE:
      return `${target()} volatile`;
    case BTF_KIND.RESTRICT:
      return `${target()} restrict`;
    case BTF_KIND.TYPE_TAG:
      return `${target()} ${graph.kindFlag[id] === 1 ? "attribute" : "tag"}(${name})`;
    case BTF_KIND.DECL_TAG:
      return `${graph.kindFlag[id] === 1 ? "attribute" : "tag"}(${name}) on ${target()} component ${graph.words[at]! | 0}`;
    case BTF_KIND.ARRAY:
      return `${typeText(graph, graph.words[at]!, depth)}[${graph.words[at + 2]!} by ${typeText(graph, graph.words[at + 1]!, 0)}]`;
    case BTF_KIND.STRUCT:
    case BTF_KIND.UNION: {
      const word = graph.kind[id] === BTF_KIND.STRUCT ? "struct" : "union";
      if (name !== "") return `${word} ${name}`;
      return depth === 0 ? `${word} {…}` : `${word} { ${bodyText(graph, id, depth - 1)} }`;
    }
    case BTF_KIND.ENUM:
    case BTF_KIND.ENUM64:
      if (name !== "") return `enum ${name}`;
      return depth === 0 ? "enum {…}" : `enum { ${bodyText(graph, id, depth - 1)} }`;
    case BTF_KIND.FWD:
      return `${graph.kindFlag[id] === 1 ? "union" : "struct"} ${name} (forward)`;
    case BTF_KIND.FUNC_PROTO:
      return `${target()}(${bodyText(graph, id, depth)})`;
    case BTF_KIND.FUNC:
      return `${name}: ${target()}`;
    case BTF_KIND.VAR:
      return `${name}: ${target()}`;
    default:
      return name;
  }
}

/** One member, value or parameter as text; what a comparison of two types names first. */
export function partText(graph: TypeGraph, id: number, index: number, depth = 1): string {
  const at = graph.trailer[id]!;
  const words = graph.words;
  const named = (offset: number): string => graph.names.names[graph.nameAt(offset)]!;
  switch (graph.kind[id]) {
    case BTF_KIND.STRUCT:
    case BTF_KIND.UNION: {
      const offset = words[at + 3 * index + 2]!;
      const bits = graph.kindFlag[id] === 1 ? offset >>> 24 : 0;
      const bitOffset = graph.kindFlag[id] === 1 ? offset & 0xffffff : offset;
      const place = bitOffset % 8 === 0 && bits === 0 ? `byte ${bitOffset / 8}` : `bit ${bitOffset}`;
      return `${named(words[at + 3 * index]!) || "(anonymous)"}: ${typeText(graph, words[at + 3 * index + 1]!, depth)} at ${place}${bits === 0 ? "" : ` for ${bits} bits`}`;
    }
    case BTF_KIND.ENUM: {
      const value = words[at + 2 * index + 1]!;
      return `${named(words[at + 2 * index]!)} = ${graph.kindFlag[id] === 1 ? value | 0 : value}`;
    }
    case BTF_KIND.ENUM64: {
      const value = (BigInt(words[at + 3 * index + 2]!) << 32n) | BigInt(words[at + 3 * index + 1]!);
      return `${named(words[at + 3 * index]!)} = ${graph.kindFlag[id] === 1 ? BigInt.asIntN(64, value) : value}`;
    }
    case BTF_KIND.FUNC_PROTO: {
      const type = words[at + 2 * index + 1]!;
      const name = named(words[at + 2 * index]!);
      if (type === 0) return name === "" ? "..." : `${name}: void`;
      return name === "" ? typeText(graph, type, depth) : `${name}: ${typeText(graph, type, depth)}`;
    }
    default:
      return "";
  }
}

/** What the record itself says beside its parts: size, encoding, count. */
export function headText(graph: TypeGraph, id: number): string {
  const kind = graph.kind[id]!;
  const head = KIND_NAMES[kind]!;
  const size = graph.sizeOrType[id]!;
  switch (kind) {
    case BTF_KIND.INT: {
      const word = graph.words[graph.trailer[id]!]!;
      return `${head} ${size} bytes, ${word & 0xff} bits from ${(word >>> 16) & 0xff}, encoding ${word >>> 24}`;
    }
    case BTF_KIND.STRUCT:
    case BTF_KIND.UNION:
    case BTF_KIND.FLOAT:
      return `${head} ${size} bytes`;
    case BTF_KIND.ENUM:
    case BTF_KIND.ENUM64:
      return `${head} ${size} bytes, ${graph.kindFlag[id] === 1 ? "signed" : "unsigned"}`;
    case BTF_KIND.FUNC:
      return `${head} ${["static", "global", "extern"][graph.vlen[id]!] ?? graph.vlen[id]!}`;
    case BTF_KIND.VAR:
      return `${head} ${["static", "global", "extern"][graph.words[graph.trailer[id]!]!] ?? "?"}`;
    default:
      return head;
  }
}

/** The first thing in which two types differ at the level of their own records. */
export function firstDifference(a: TypeGraph, idA: number, b: TypeGraph, idB: number): string {
  const headA = headText(a, idA);
  const headB = headText(b, idB);
  if (headA !== headB) return `A ${headA}, B ${headB}`;
  const kind = a.kind[idA]!;
  if (kind === BTF_KIND.FUNC) return firstDifference(a, a.sizeOrType[idA]!, b, b.sizeOrType[idB]!);
  const parts =
    kind === BTF_KIND.STRUCT ||
    kind === BTF_KIND.UNION ||
    kind === BTF_KIND.ENUM ||
    kind === BTF_KIND.ENUM64 ||
    kind === BTF_KIND.FUNC_PROTO;
  if (!parts || kind === BTF_KIND.FUNC_PROTO) {
    const textA = kind === BTF_KIND.FUNC_PROTO ? typeText(a, a.sizeOrType[idA]!) : typeText(a, idA, 3);
    const textB = kind === BTF_KIND.FUNC_PROTO ? typeText(b, b.sizeOrType[idB]!) : typeText(b, idB, 3);
    const target =
      kind === BTF_KIND.TYPEDEF
        ? [typeText(a, a.sizeOrType[idA]!, 3), typeText(b, b.sizeOrType[idB]!, 3)]
        : [textA, textB];
    if (target[0] !== target[1])
      return `A ${kind === BTF_KIND.FUNC_PROTO ? "returns " : ""}${target[0]}, B ${target[1]}`;
  }
  const countA = a.vlen[idA]!;
  const countB = b.vlen[idB]!;
  for (let i = 0; i < Math.min(countA, countB); i++) {
    const partA = partText(a, idA, i, 3);
    const partB = partText(b, idB, i, 3);
    if (partA !== partB) return `part ${i}: A \`${partA}\`, B \`${partB}\``;
  }
  if (parts && countA !== countB) {
    const [graph, id, side] = countA > countB ? [a, idA, "A"] : [b, idB, "B"];
    return `A has ${countA} parts, B ${countB}; ${side} goes on with \`${partText(graph, id, Math.min(countA, countB))}\``;
  }
  return "the records read alike";
}

function bodyText(graph: TypeGraph, id: number, depth: number): string {
  const parts: string[] = [];
  const count = graph.vlen[id]!;
  for (let i = 0; i < Math.min(count, 8); i++) parts.push(partText(graph, id, i, depth));
  if (count > 8) parts.push(`${count - 8} more`);
  return parts.join("; ");
}
