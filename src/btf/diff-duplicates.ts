import { describeChanges, type DiffChange } from "./diff-changes.ts";
import { changeText } from "./diff-text.ts";
import * as K from "./constants.ts";
import { isModifier } from "./modifiers.ts";
import type { Btf, TypeId } from "./reader.ts";
import { compareStructures, type Structures, typeKey } from "./structure.ts";

/** A type of which a BTF has another definition under the same name. */
export interface NearDuplicate {
  /** `struct page`, `typedef u8`. */
  name: string;
  /** The one with the lowest id. */
  first: TypeId;
  /** This one. */
  id: TypeId;
  /** What differs first, and down to which type that goes back. */
  reason: string;
}

/** Types below types that are followed for a reason. */
const maximumSteps = 8;

/**
 * Types of one name that deduplication had to keep apart, each with what keeps it apart from the first:
 * `member x: …, because struct y [12] and [40] differ: member z: …`.
 */
export function nearDuplicates(btf: Btf): NearDuplicate[] {
  const [left, right] = compareStructures(btf, btf);
  const firsts = new Map<string, TypeId>();
  const found: NearDuplicate[] = [];
  for (let id = 1; id < btf.typeCount; id++) {
    const name = typeKey(btf, id);
    if (name === undefined) continue;
    const first = firsts.get(name);
    if (first === undefined) firsts.set(name, id);
    else if (id >= btf.startId) found.push({ name, first, id, reason: reasonOf(left, first, right, id) });
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.id - b.id));
}

function reasonOf(left: Structures, first: TypeId, right: Structures, second: TypeId): string {
  const parts: string[] = [];
  let pair: [TypeId, TypeId] | undefined = [first, second];
  const seen = new Set<string>();
  for (let step = 0; pair !== undefined && step < maximumSteps; step++) {
    const [one, other]: [TypeId, TypeId] = pair;
    if (seen.has(`${one} ${other}`)) break;
    seen.add(`${one} ${other}`);
    const [change]: DiffChange[] = describeChanges(left, one, right, other);
    const who = step === 0 ? "" : `${typeKey(left.btf, one)} [${one}] and [${other}] differ: `;
    if (change === undefined) {
      parts.push(`${who}nothing that shows`);
      break;
    }
    parts.push(`${who}${changeText(change)}`);
    pair = isDeeper(change) ? differingTypes(left, one, right, other, change) : undefined;
  }
  return parts.join(", because ");
}

/** Both sides read the same: what differs is what a name stands for. */
function isDeeper(change: DiffChange): boolean {
  const mayLeadOn = change.what === "member-type" || change.what === "target" || change.what === "kind";
  return mayLeadOn && change.before === change.after;
}

/** The named types below a member or target in which the two sides differ. */
function differingTypes(
  left: Structures,
  one: TypeId,
  right: Structures,
  other: TypeId,
  change: DiffChange,
): [TypeId, TypeId] | undefined {
  const { btf } = left;
  if (change.what === "target") return namedBelow(left, btf.sizeOrType(one), right, btf.sizeOrType(other));
  for (let index = 0, count = Math.min(btf.vlen(one), btf.vlen(other)); index < count; index++) {
    const [from, to] = [btf.memberType(one, index), btf.memberType(other, index)];
    if (left.reference(from) !== right.reference(to)) return namedBelow(left, from, right, to);
  }
  return undefined;
}

function namedBelow(
  left: Structures,
  from: TypeId,
  right: Structures,
  to: TypeId,
  depth = 0,
): [TypeId, TypeId] | undefined {
  const { btf } = left;
  if (depth > 32 || from === to || left.reference(from) === right.reference(to)) return undefined;
  const [name, otherName] = [typeKey(btf, from), typeKey(btf, to)];
  if (name !== undefined || otherName !== undefined) return name === otherName ? [from, to] : undefined;
  const kind = btf.kind(from);
  if (kind !== btf.kind(to)) return undefined;
  const below: [TypeId, TypeId][] = [];
  if (kind === K.BTF_KIND_PTR || isModifier(kind)) below.push([btf.sizeOrType(from), btf.sizeOrType(to)]);
  else if (kind === K.BTF_KIND_ARRAY) below.push([btf.arrayElementType(from), btf.arrayElementType(to)]);
  else if (kind === K.BTF_KIND_FUNC_PROTO) {
    below.push([btf.sizeOrType(from), btf.sizeOrType(to)]);
    const [parameters, others] = [[...btf.parameters(from)], [...btf.parameters(to)]];
    parameters.forEach(({ type }, index) => below.push([type, others[index]?.type ?? 0]));
  } else if (kind === K.BTF_KIND_STRUCT || kind === K.BTF_KIND_UNION) {
    for (let index = 0, count = Math.min(btf.vlen(from), btf.vlen(to)); index < count; index++)
      below.push([btf.memberType(from, index), btf.memberType(to, index)]);
  }
  for (const [a, b] of below) {
    const found = namedBelow(left, a, right, b, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}
