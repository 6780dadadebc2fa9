import { isDwarflessError } from "../io/index.ts";
import * as K from "./constants.ts";
import { declare } from "./declarator.ts";
import { isComposite, isEnum, isModifier } from "./modifiers.ts";
import type { Btf, TypeId } from "./reader.ts";
import type { StructureClass, Structures } from "./structure.ts";

/** One thing about a type, function, variable or section that is not as it was. */
export interface DiffChange {
  /**
   * Stable: `size`, `encoding`, `kind`, `target`, `type`, `returns`, `linkage`, `tags`, `section`, `offset`,
   * `entries`, `definition`, or `member`, `value`, `parameter` with a suffix `-added`, `-removed`,
   * `-renamed`, `-moved`, `-type`, `-resized`, `-value`, `-order`.
   */
  what: string;
  /** Member, value or parameter concerned. */
  name?: string;
  before?: string;
  after?: string;
}

/** Characters of a type's text beyond which its id is shown. */
const maximumTypeText = 4096;

/** A type on one side of a comparison. */
interface Side {
  structures: Structures;
  btf: Btf;
  id: TypeId;
}

/** What differs between two types, functions, variables or sections of one name. */
export function describeChanges(
  left: Structures,
  leftId: TypeId,
  right: Structures,
  rightId: TypeId,
): DiffChange[] {
  const was: Side = { structures: left, btf: left.btf, id: leftId };
  const is: Side = { structures: right, btf: right.btf, id: rightId };
  const kind = was.btf.kind(leftId);
  const changes: DiffChange[] = [];
  compareText(changes, "tags", left.tags(leftId).join(", "), right.tags(rightId).join(", "));
  if (kind !== is.btf.kind(rightId)) {
    compareText(changes, "kind", K.kindName(kind), K.kindName(is.btf.kind(rightId)));
    return changes;
  }
  if (isComposite(kind)) {
    compareNumbers(changes, "size", was.btf.sizeOrType(leftId), is.btf.sizeOrType(rightId));
    compareElements(changes, "member", memberList(was), memberList(is));
  } else if (isEnum(kind)) {
    compareNumbers(changes, "size", was.btf.sizeOrType(leftId), is.btf.sizeOrType(rightId));
    compareElements(changes, "value", valueList(was), valueList(is));
  } else if (kind === K.BTF_KIND_FUNC) {
    compareText(
      changes,
      "linkage",
      linkageName(was.btf.functionLinkage(leftId)),
      linkageName(is.btf.functionLinkage(rightId)),
    );
    compareTypes(
      changes,
      "type",
      was,
      was.btf.sizeOrType(leftId),
      is,
      is.btf.sizeOrType(rightId),
      was.btf.name(leftId),
    );
    comparePrototypes(changes, was, is);
  } else if (kind === K.BTF_KIND_VAR) {
    compareText(
      changes,
      "linkage",
      linkageName(was.btf.variableLinkage(leftId)),
      linkageName(is.btf.variableLinkage(rightId)),
    );
    compareTypes(
      changes,
      "type",
      was,
      was.btf.sizeOrType(leftId),
      is,
      is.btf.sizeOrType(rightId),
      was.btf.name(leftId),
    );
  } else if (isModifier(kind)) {
    compareTypes(changes, "target", was, was.btf.sizeOrType(leftId), is, is.btf.sizeOrType(rightId), "");
  } else if (kind === K.BTF_KIND_DATASEC) {
    compareNumbers(changes, "size", was.btf.sizeOrType(leftId), is.btf.sizeOrType(rightId));
    compareNumbers(changes, "entries", was.btf.vlen(leftId), is.btf.vlen(rightId));
  } else if (kind === K.BTF_KIND_INT || kind === K.BTF_KIND_FLOAT) {
    compareNumbers(changes, "size", was.btf.sizeOrType(leftId), is.btf.sizeOrType(rightId));
    if (kind === K.BTF_KIND_INT)
      compareNumbers(changes, "encoding", was.btf.word(leftId, 3), is.btf.word(rightId, 3));
  }
  return changes;
}

/** What the functions take and return, one by one. */
function comparePrototypes(changes: DiffChange[], was: Side, is: Side): void {
  const before: Side = { ...was, id: was.btf.sizeOrType(was.id) };
  const after: Side = { ...is, id: is.btf.sizeOrType(is.id) };
  if (before.btf.kind(before.id) !== K.BTF_KIND_FUNC_PROTO) return;
  if (after.btf.kind(after.id) !== K.BTF_KIND_FUNC_PROTO) return;
  const [from, to] = [before.btf.sizeOrType(before.id), after.btf.sizeOrType(after.id)];
  compareTypes(changes, "returns", before, from, after, to, "");
  compareElements(changes, "parameter", parameterList(before), parameterList(after));
}

function parameterList({ btf, id, structures }: Side): Element[] {
  return [...btf.parameters(id)].map(({ name, type }, index) => {
    const text = type === 0 ? "..." : typeText(btf, type, name);
    const place = `number ${index + 1}`;
    return { name, place, class: structures.reference(type), text, whole: text };
  });
}

/** A member, enumerator or parameter: how it compares and how it reads. */
interface Element {
  name: string;
  /** Bit offset of a member, value of an enumerator, number of a parameter. */
  place: string;
  class: StructureClass;
  /** Of a member's type, where that has a size. */
  byteSize?: number;
  text: string;
  /** Text with the place. */
  whole: string;
}

function memberList(side: Side): Element[] {
  const { btf, id } = side;
  const elements: Element[] = [];
  for (const member of btf.members(id)) {
    const width = member.bitfieldSize === 0 ? "" : `:${member.bitfieldSize}`;
    const text = `${typeText(btf, member.type, member.name)}${width}`;
    const byteSize = side.structures.byteSize(member.type);
    elements.push({
      ...(byteSize !== undefined && { byteSize }),
      name: member.name,
      place: `bit ${member.bitOffset}${width}`,
      class: side.structures.reference(member.type),
      text,
      whole: `${text} at bit ${member.bitOffset}`,
    });
  }
  return elements;
}

function valueList(side: Side): Element[] {
  const elements: Element[] = [];
  for (const { name, value } of side.btf.enumerators(side.id)) {
    elements.push({ name, place: `${value}`, class: 0, text: name, whole: `${name} = ${value}` });
  }
  return elements;
}

function compareElements(
  changes: DiffChange[],
  noun: "member" | "value" | "parameter",
  before: Element[],
  after: Element[],
): void {
  const was = labelled(before);
  const is = labelled(after);
  const first = changes.length;
  const renamed = renames(was, is);
  const taken = new Set(renamed.values());
  for (const [label, element] of was) {
    const newLabel = renamed.get(label);
    const other = is.get(newLabel ?? label);
    if (newLabel !== undefined) {
      changes.push({ what: `${noun}-renamed`, name: label, before: label, after: newLabel });
    }
    if (other === undefined) {
      changes.push({ what: `${noun}-removed`, name: label, before: element.whole });
      continue;
    }
    if (element.class !== other.class) {
      changes.push({ what: `${noun}-type`, name: label, before: element.text, after: other.text });
    } else if (element.byteSize !== other.byteSize) {
      const [from, to] = [bytesText(element.byteSize), bytesText(other.byteSize)];
      changes.push({ what: `${noun}-resized`, name: label, before: from, after: to });
    }
    if (element.place !== other.place) {
      const what = noun === "value" ? "value-value" : `${noun}-moved`;
      changes.push({ what, name: label, before: element.place, after: other.place });
    }
  }
  for (const [label, element] of is) {
    if (!was.has(label) && !taken.has(label))
      changes.push({ what: `${noun}-added`, name: label, after: element.whole });
  }
  const order = [...was.keys()].filter((label) => is.has(label));
  const newOrder = [...is.keys()].filter((label) => was.has(label));
  if (changes.length === first && order.some((label, index) => newOrder[index] !== label)) {
    changes.push({ what: `${noun}-order`, before: order.join(" "), after: newOrder.join(" ") });
  }
}

/** What is gone, by its label, and what is new in its place with its type: the new label. */
function renames(was: Map<string, Element>, is: Map<string, Element>): Map<string, string> {
  const key = (element: Element): string => `${element.place} ${element.class}`;
  const waiting = new Map<string, string>();
  for (const [label, element] of is) {
    if (!was.has(label) && element.name !== "" && !waiting.has(key(element)))
      waiting.set(key(element), label);
  }
  const found = new Map<string, string>();
  for (const [label, element] of was) {
    if (is.has(label) || element.name === "") continue;
    const newLabel = waiting.get(key(element));
    if (newLabel === undefined) continue;
    waiting.delete(key(element));
    found.set(label, newLabel);
  }
  return found;
}

function bytesText(byteSize: number | undefined): string {
  return byteSize === undefined ? "no size" : `${byteSize} bytes`;
}

/** Elements by name; unnamed and repeated ones get a number. */
function labelled(elements: Element[]): Map<string, Element> {
  const map = new Map<string, Element>();
  const uses = new Map<string, number>();
  for (const element of elements) {
    const name = element.name === "" ? "(unnamed)" : element.name;
    const use = (uses.get(name) ?? 0) + 1;
    uses.set(name, use);
    map.set(use === 1 ? name : `${name} #${use}`, element);
  }
  return map;
}

function compareTypes(
  changes: DiffChange[],
  what: string,
  was: Side,
  wasType: TypeId,
  is: Side,
  isType: TypeId,
  name: string,
): void {
  if (was.structures.reference(wasType) === is.structures.reference(isType)) return;
  changes.push({ what, before: typeText(was.btf, wasType, name), after: typeText(is.btf, isType, name) });
}

function compareNumbers(changes: DiffChange[], what: string, before: number, after: number): void {
  compareText(changes, what, `${before}`, `${after}`);
}

function compareText(changes: DiffChange[], what: string, before: string, after: string): void {
  if (before !== after) changes.push({ what, before, after });
}

function linkageName(linkage: number): string {
  return ["static", "global", "extern"][linkage] ?? `${linkage}`;
}

function typeText(btf: Btf, id: TypeId, name: string): string {
  try {
    return declare(btf, id, name, maximumTypeText);
  } catch (error) {
    if (!isDwarflessError(error)) throw error;
    return `(type ${id})`;
  }
}
