import { Kind, kindOfInfo, vlenOfInfo } from "../btf/dedup/type-words.ts";

/** Types by id: words and where each type starts. */
interface TypeGraph {
  words: Uint32Array;
  start: Int32Array;
}

/**
 * Do two prototypes' types agree, as pahole 1.32 sees it: kind and name, structs and typedefs by
 * name only, a FWD like its struct, an extra const forgiven.
 */
export function typesMatch(graph: TypeGraph, first: number, second: number, depth = 0): boolean {
  const { words, start } = graph;
  let a = first;
  let b = second;
  for (let hops = 0; hops < 1000; hops++) {
    if (a === b) return true;
    if (a === 0 || b === 0) return false;
    const x = start[a]!;
    const y = start[b]!;
    const kind = forwardAsStruct(words[x + 1]!);
    const other = forwardAsStruct(words[y + 1]!);
    if (kind !== other) {
      if (kind === Kind.const) a = words[x + 2]!;
      else if (other === Kind.const) b = words[y + 2]!;
      else return false;
      continue;
    }
    switch (kind) {
      case Kind.int:
        return words[x + 2] === words[y + 2] && words[x + 3] === words[y + 3] && words[x] === words[y];
      case Kind.float:
        return words[x + 2] === words[y + 2] && words[x] === words[y];
      case Kind.typedef:
      case Kind.struct:
      case Kind.union:
      case Kind.enum:
      case Kind.enum64:
        return words[x] === words[y];
      case Kind.ptr:
      case Kind.volatile:
      case Kind.const:
      case Kind.restrict:
      case Kind.typeTag:
        a = words[x + 2]!;
        b = words[y + 2]!;
        break;
      case Kind.array:
        if (words[x + 5] !== words[y + 5]) return false;
        a = words[x + 3]!;
        b = words[y + 3]!;
        break;
      case Kind.funcProto: {
        const vlen = vlenOfInfo(words[x + 1]!);
        if (vlen !== vlenOfInfo(words[y + 1]!) || depth > 64) return false;
        if (!typesMatch(graph, words[x + 2]!, words[y + 2]!, depth + 1)) return false;
        for (let i = 0; i < vlen; i++) {
          if (!typesMatch(graph, words[x + 4 + i * 2]!, words[y + 4 + i * 2]!, depth + 1)) return false;
        }
        return true;
      }
      default:
        return false;
    }
  }
  return false;
}

function forwardAsStruct(info: number): number {
  const kind = kindOfInfo(info);
  return kind === Kind.fwd ? (info >>> 31 === 1 ? Kind.union : Kind.struct) : kind;
}
