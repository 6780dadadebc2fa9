import { FormatError, UsageError } from "../io/index.ts";
import * as K from "./constants.ts";
import { printableName } from "./declarator.ts";
import { locate } from "./header.ts";
import { isComposite, isModifier } from "./modifiers.ts";
import type { Btf, TypeId } from "./reader.ts";
import { forEachNameWord, forEachTypeWord } from "./records.ts";
import { encodeBtf } from "./writer.ts";

/**
 * Put BTF that was split from a distilled base over a kernel's own, as the kernel (v6.11 on) does when
 * it loads a module with `.BTF.base`. Types of the distilled base are found by name: INT, FLOAT and
 * ENUM of one size; struct and union of any size, unless the split holds one by value or the base has
 * several of the name. The order and the strings of the split stay.
 *
 * Source: tools/lib/bpf/btf_relocate.c (v7.2), oddities included: a FWD of a union finds a union only
 * if that has bitfields, and a distilled struct is content with a FWD or union of its name.
 *
 * @throws {UsageError} when `btf` is not split, or `base` is
 * @throws {FormatError} `BTF_RELOCATE` where the kernel would refuse: a type without counterpart, or
 *   with several; a distilled base that is none
 */
export function relocateBtf(btf: Btf, base: Btf): Uint8Array {
  const distilled = btf.base;
  if (distilled === undefined) throw new UsageError("only split BTF can be put over another base");
  if (base.base !== undefined) throw new UsageError("the base must stand alone");
  if (base.littleEndian !== btf.littleEndian) throw refusal(btf, "the new base has the other byte order");
  checkDistilled(distilled);
  const found = mapTypes(btf, distilled, base);

  const names = new Map<number, number>();
  for (let id = 1; id < distilled.typeCount; id++)
    names.set(distilled.nameOffset(id), base.nameOffset(found[id]!));
  const words = btf.words.slice();
  for (const at of btf.offsets) {
    forEachTypeWord(words, at, (word) => {
      const id = words[word]!;
      words[word] = id < distilled.typeCount ? found[id]! : id - distilled.typeCount + base.typeCount;
    });
    forEachNameWord(words, at, (word) => {
      const offset = words[word]!;
      if (offset === 0) return;
      const own = offset - distilled.stringsEnd;
      const moved = own >= 0 ? own + base.stringsEnd : names.get(offset);
      if (moved === undefined)
        throw refusal(btf, `the string at ${offset} of the distilled base names none of its types`);
      words[word] = moved;
    });
  }
  return encodeBtf({ words, strings: btf.stringsBytes, littleEndian: btf.littleEndian });
}

function checkDistilled(distilled: Btf): void {
  for (let id = 1; id < distilled.typeCount; id++) {
    const kind = distilled.kind(id);
    const text = `[${id}] ${K.kindName(kind)}`;
    if (!distilledKinds.has(kind)) throw refusal(distilled, `${text} is nothing for a distilled base`);
    if (distilled.nameOffset(id) === 0)
      throw refusal(distilled, `${text} has no name, which is nothing for a distilled base`);
  }
}

const distilledKinds: ReadonlySet<number> = new Set([
  K.BTF_KIND_INT,
  K.BTF_KIND_FLOAT,
  K.BTF_KIND_ENUM,
  K.BTF_KIND_STRUCT,
  K.BTF_KIND_UNION,
  K.BTF_KIND_FWD,
]);

/** For every id of the distilled base, the base's. */
function mapTypes(btf: Btf, distilled: Btf, base: Btf): Uint32Array {
  const byName = new Map<string, TypeId[]>();
  for (let id = 1; id < distilled.typeCount; id++) {
    const name = distilled.binaryString(distilled.nameOffset(id));
    const ids = byName.get(name);
    if (ids === undefined) byName.set(name, [id]);
    else ids.push(id);
  }
  const isEmbedded = markEmbedded(btf, distilled);
  const counts = countComposites(base, byName);
  const found = new Uint32Array(distilled.typeCount);
  for (let id = 1; id < base.typeCount; id++) {
    if (base.nameOffset(id) === 0) continue;
    const kind = base.kind(id);
    const fits = needsSize(kind, counts, base, id);
    if (fits === undefined) continue;
    const name = base.binaryString(base.nameOffset(id));
    for (const candidate of byName.get(name) ?? []) {
      if (fits && !sameSize(distilled.sizeOrType(candidate), base.sizeOrType(id))) continue;
      if (!isCounterpart(distilled, candidate, base, id, isEmbedded[candidate] === 1)) continue;
      if (found[candidate] !== 0) {
        const problem = `${describe(distilled, candidate)} of the distilled base could be [${found[candidate]}] or [${id}] of the new base`;
        throw refusal(distilled, problem);
      }
      found[candidate] = id;
    }
  }
  for (let id = 1; id < distilled.typeCount; id++) {
    if (found[id] !== 0) continue;
    const size = isEmbedded[id] === 1 ? ` of ${distilled.sizeOrType(id)} bytes` : "";
    throw refusal(distilled, `${describe(distilled, id)}${size} has no counterpart in the new base`);
  }
  return found;
}

/** The kernel keeps 31 bits of a size to look a type up by. */
function sameSize(one: number, other: number): boolean {
  return (one & 0x7fff_ffff) === (other & 0x7fff_ffff);
}

/** Whether a type of the base must have the size of its counterpart; undefined where it can be none. */
function needsSize(
  kind: number,
  counts: ReadonlyMap<string, number>,
  base: Btf,
  id: TypeId,
): boolean | undefined {
  switch (kind) {
    case K.BTF_KIND_INT:
    case K.BTF_KIND_FLOAT:
    case K.BTF_KIND_ENUM:
    case K.BTF_KIND_ENUM64:
      return true;
    case K.BTF_KIND_FWD:
      return false;
    case K.BTF_KIND_STRUCT:
    case K.BTF_KIND_UNION:
      return (counts.get(base.binaryString(base.nameOffset(id))) ?? 0) > 1;
    default:
      return undefined;
  }
}

function isCounterpart(
  distilled: Btf,
  candidate: TypeId,
  base: Btf,
  id: TypeId,
  isEmbedded: boolean,
): boolean {
  const kind = base.kind(id);
  const wanted = distilled.kind(candidate);
  switch (wanted) {
    case K.BTF_KIND_FWD:
      if (kind === K.BTF_KIND_FWD) return base.kindFlag(id) === distilled.kindFlag(candidate);
      // The kernel looks at the flag of the base's type, which says there whether it has bitfields.
      if (kind === K.BTF_KIND_STRUCT) return !base.kindFlag(id);
      return kind === K.BTF_KIND_UNION && base.kindFlag(id);
    case K.BTF_KIND_INT:
      return kind === wanted && base.intEncoding(id) === distilled.intEncoding(candidate);
    case K.BTF_KIND_FLOAT:
      return kind === wanted;
    case K.BTF_KIND_ENUM:
      return kind === wanted || kind === K.BTF_KIND_ENUM64;
    default:
      return !isEmbedded || base.sizeOrType(id) === distilled.sizeOrType(candidate);
  }
}

/** 1 for structs and unions of the distilled base that one of the split has as a member, by value. */
function markEmbedded(btf: Btf, distilled: Btf): Uint8Array {
  const marks = new Uint8Array(distilled.typeCount);
  for (let id = btf.startId; id < btf.typeCount; id++) {
    if (!isComposite(btf.kind(id))) continue;
    for (let index = 0, count = btf.vlen(id); index < count; index++) {
      const target = embeddedType(btf, btf.memberType(id, index));
      if (target < distilled.typeCount && isComposite(btf.kind(target))) marks[target] = 1;
    }
  }
  return marks;
}

/** What is left without names, qualifiers and arrays; a loop of them ends somewhere. */
function embeddedType(btf: Btf, start: TypeId): TypeId {
  let id = start;
  for (let hops = 0; hops < maximumHops; hops++) {
    const kind = btf.kind(id);
    if (isModifier(kind)) id = btf.sizeOrType(id);
    else if (kind === K.BTF_KIND_ARRAY) id = btf.arrayElementType(id);
    else break;
  }
  return id;
}

const maximumHops = 64;

/** How many structs and unions of the base have each name that matters. */
function countComposites(base: Btf, names: ReadonlyMap<string, unknown>): Map<string, number> {
  const counts = new Map<string, number>();
  for (let id = 1; id < base.typeCount; id++) {
    if (!isComposite(base.kind(id)) || base.nameOffset(id) === 0) continue;
    const name = base.binaryString(base.nameOffset(id));
    if (names.has(name)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

function describe(btf: Btf, id: TypeId): string {
  return `[${id}] ${K.kindName(btf.kind(id))} '${printableName(btf.name(id))}'`;
}

function refusal(btf: Btf, problem: string): FormatError {
  return new FormatError("BTF_RELOCATE", problem, locate(btf.inputName, btf.header.typesOffset));
}
