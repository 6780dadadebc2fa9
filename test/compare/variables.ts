/** Variables with their places: one row per DATASEC entry, and one per VAR that no section holds. */

import type { TypeGraph } from "./btf-file.ts";
import type { Colours } from "./colours.ts";
import type { Difference, Sides } from "./compare-btf.ts";
import { typeText } from "./describe.ts";
import { BTF_KIND } from "./kinds.ts";

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

export function compareVariables({ a, b, deepA, deepB }: Sides): Difference[] {
  const rowsA = rowsOf(a, deepA);
  const rowsB = rowsOf(b, deepB);
  const differences: Difference[] = [];
  const available = new Map<string, Row[]>();
  for (const row of rowsB) push(available, exactKey(row), row);
  const leftA = rowsA.filter((row) => available.get(exactKey(row))?.pop() === undefined);
  const leftB = new Map<string, Row[]>();
  for (const rows of available.values()) for (const row of rows) push(leftB, row.name, row);
  for (const row of leftA) {
    const rows = leftB.get(row.name) ?? [];
    const near = rows.findIndex((other) => other.section === row.section && other.offset === row.offset);
    const partner = rows.splice(near < 0 ? 0 : near, 1)[0];
    if (partner === undefined)
      differences.push({ what: "only-a", kind: "VAR", name: row.name, detail: rowText(a, row) });
    else
      differences.push({
        what: "changed",
        kind: "VAR",
        name: row.name,
        detail: rowDifference(a, row, b, partner),
      });
  }
  for (const rows of leftB.values())
    for (const row of rows)
      differences.push({ what: "only-b", kind: "VAR", name: row.name, detail: rowText(b, row) });
  return [...differences, ...compareSections(a, b)];
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
      colour: deep[typeId]!,
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

function rowText(graph: TypeGraph, row: Row): string {
  return `${["static", "global", "extern"][row.linkage] ?? row.linkage} ${typeText(graph, row.typeId)}, ${row.section}+0x${row.offset.toString(16)}, ${row.size} bytes`;
}

function rowDifference(a: TypeGraph, rowA: Row, b: TypeGraph, rowB: Row): string {
  const textA = rowText(a, rowA);
  const textB = rowText(b, rowB);
  return textA === textB ? `${textA}: the type differs further down` : `A ${textA}; B ${textB}`;
}

function push(map: Map<string, Row[]>, key: string, row: Row): void {
  const rows = map.get(key);
  if (rows === undefined) map.set(key, [row]);
  else rows.push(row);
}
