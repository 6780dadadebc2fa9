/** Variables with their places: one row per DATASEC entry, and one per VAR that no section holds. */

import type { TypeGraph } from "./btf-file.ts";
import type { Colours } from "./colours.ts";
import type { Difference, Place, Sides } from "./comparison.ts";
import { typeText } from "./describe.ts";
import { BTF_KIND, KIND_NAMES } from "./kinds.ts";

interface Row {
  section: string;
  name: string;
  linkage: number;
  offset: number;
  size: number;
  typeId: number;
  /** Deep colour of the type. */
  colour: number;
}

export interface VariableComparison {
  differences: Difference[];
  /** Variables in equal places whose types differ further down: ids of the VARs' types in A and B. */
  deeper: [number, number][];
}

export function compareVariables({ a, b, deepA, deepB }: Sides): VariableComparison {
  const rowsA = rowsOf(a, deepA);
  const rowsB = rowsOf(b, deepB);
  const differences: Difference[] = [];
  const deeper: [number, number][] = [];
  const available = new Map<string, Row[]>();
  for (const row of rowsB) push(available, exactKey(row), row);
  const leftA = rowsA.filter((row) => available.get(exactKey(row))?.pop() === undefined);
  const leftB = new Map<string, Row[]>();
  for (const rows of available.values()) for (const row of rows) push(leftB, row.name, row);
  const placesA = new Set(rowsA.map(placeKey));
  const placesB = new Set(rowsB.map(placeKey));
  const add = (
    what: Difference["what"],
    graph: TypeGraph,
    row: Row,
    others: Set<string>,
    detail: string,
    sections: string[] = [row.section],
  ): void => {
    const place = placeOf(graph, row, others.has(placeKey(row)), sections);
    differences.push({ what, kind: "VAR", name: row.name, detail, place });
  };
  for (const row of leftA) {
    const rows = leftB.get(row.name) ?? [];
    const near = rows.findIndex((other) => placeKey(other) === placeKey(row));
    const partner = rows.splice(near < 0 ? 0 : near, 1)[0];
    if (partner === undefined) add("only-a", a, row, placesB, rowText(a, row));
    else if (rowText(a, row) === rowText(b, partner)) deeper.push([row.typeId, partner.typeId]);
    else {
      const detail = `A ${rowText(a, row)}; B ${rowText(b, partner)}`;
      add("changed", a, row, placesB, detail, [row.section, partner.section]);
    }
  }
  for (const row of [...leftB.values()].flat()) add("only-b", b, row, placesA, rowText(b, row));
  return { differences: [...differences, ...compareSections(a, b)], deeper };
}

function compareSections(a: TypeGraph, b: TypeGraph): Difference[] {
  const sectionsA = sectionSizes(a);
  const sectionsB = sectionSizes(b);
  const differences: Difference[] = [];
  for (const [name, size] of sectionsA) {
    const other = sectionsB.get(name);
    if (other === undefined)
      differences.push({ what: "only-a", kind: "DATASEC", name, detail: `sizes ${size}` });
    else if (other !== size)
      differences.push({ what: "changed", kind: "DATASEC", name, detail: `size: A ${size}, B ${other}` });
  }
  for (const [name, size] of sectionsB)
    if (!sectionsA.has(name))
      differences.push({ what: "only-b", kind: "DATASEC", name, detail: `sizes ${size}` });
  return differences;
}

/** Sizes as text, joined where a file has several sections of one name. */
function sectionSizes(graph: TypeGraph): Map<string, string> {
  const sizes = new Map<string, string>();
  for (let id = graph.startId; id < graph.length; id++) {
    if (graph.kind[id] !== BTF_KIND.DATASEC) continue;
    const name = graph.names.names[graph.name[id]!]!;
    const size = String(graph.sizeOrType[id]!);
    sizes.set(name, sizes.has(name) ? `${sizes.get(name)}+${size}` : size);
  }
  return sizes;
}

function rowsOf(graph: TypeGraph, deep: Colours): Row[] {
  const rows: Row[] = [];
  const placed = new Uint8Array(graph.length);
  const row = (id: number, section: string, offset: number, size: number): void => {
    placed[id] = 1;
    const typeId = graph.sizeOrType[id]!;
    rows.push({
      section,
      name: graph.names.names[graph.name[id]!]!,
      linkage: graph.words[graph.trailer[id]!]!,
      offset,
      size,
      typeId,
      colour: deep.of(typeId),
    });
  };
  for (let id = graph.startId; id < graph.length; id++) {
    if (graph.kind[id] !== BTF_KIND.DATASEC) continue;
    const at = graph.trailer[id]!;
    for (let i = 0; i < graph.vlen[id]!; i++) {
      row(
        graph.words[at + 3 * i]!,
        graph.names.names[graph.name[id]!]!,
        graph.words[at + 3 * i + 1]!,
        graph.words[at + 3 * i + 2]!,
      );
    }
  }
  for (let id = graph.startId; id < graph.length; id++)
    if (graph.kind[id] === BTF_KIND.VAR && placed[id] === 0) row(id, "(none)", 0, 0);
  return rows;
}

function exactKey(row: Row): string {
  return `${row.section}\0${row.name}\0${row.linkage}\0${row.offset}\0${row.size}\0${row.colour}`;
}

function placeKey(row: Row): string {
  return `${row.section}\0${row.name}\0${row.offset}`;
}

function placeOf(graph: TypeGraph, row: Row, elsewhere: boolean, sections: string[]): Place {
  let id = row.typeId;
  for (let hops = 0; hops < 64 && seenThrough.has(graph.kind[id]!); hops++) id = graph.sizeOrType[id]!;
  const { section, offset, size } = row;
  const text = typeText(graph, row.typeId, 3);
  return {
    section,
    sections,
    offset,
    size,
    typeText: text,
    typeKind: KIND_NAMES[graph.kind[id]!]!,
    elsewhere,
  };
}

const seenThrough: ReadonlySet<number> = new Set([
  BTF_KIND.TYPEDEF,
  BTF_KIND.CONST,
  BTF_KIND.VOLATILE,
  BTF_KIND.RESTRICT,
  BTF_KIND.TYPE_TAG,
]);

function rowText(graph: TypeGraph, row: Row): string {
  return `${["static", "global", "extern"][row.linkage] ?? row.linkage} ${typeText(graph, row.typeId)}, ${row.section}+0x${row.offset.toString(16)}, ${row.size} bytes`;
}

function push(map: Map<string, Row[]>, key: string, row: Row): void {
  const rows = map.get(key);
  if (rows === undefined) map.set(key, [row]);
  else rows.push(row);
}
