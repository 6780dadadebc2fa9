/**
 * The table of the 2022 patch series: sizes of BTF encoded in several configurations of one kernel.
 * Usage: size-table.mjs LABEL=FILE... ; the first is what the others are compared with.
 */
import { readFileSync } from "node:fs";
import { BTF_KIND_DATASEC, BTF_KIND_FUNC, BTF_KIND_VAR, Btf } from "../dist/btf.js";

const rows = process.argv.slice(2).map((argument) => {
  const [label, file] = argument.split("=");
  const bytes = readFileSync(file);
  const btf = Btf.parse(bytes, { name: file });
  const counts = new Map();
  for (let id = btf.startId; id < btf.typeCount; id++) {
    counts.set(btf.kind(id), (counts.get(btf.kind(id)) ?? 0) + 1);
  }
  return {
    label,
    bytes: bytes.length,
    types: btf.typeCount - btf.startId,
    functions: counts.get(BTF_KIND_FUNC) ?? 0,
    variables: counts.get(BTF_KIND_VAR) ?? 0,
    sections: counts.get(BTF_KIND_DATASEC) ?? 0,
  };
});

const base = rows[0];
const number = (value) => value.toLocaleString("en-US").replaceAll(",", " ");
const lines = rows.map((row) => {
  const increase = row.bytes - base.bytes;
  const percent = (100 * increase) / base.bytes;
  return [
    row.label,
    number(row.bytes),
    row === base ? "" : `${increase < 0 ? "-" : "+"}${number(Math.abs(increase))}`,
    row === base ? "" : `${percent < 0 ? "-" : "+"}${Math.abs(percent).toFixed(1)} %`,
    ...[row.variables, row.sections, row.functions, row.types].map(number),
  ];
});
const table = [
  ["encoding", "bytes", "increase", "", "variables", "sections", "functions", "types"],
  ...lines,
];
const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
for (const row of table) {
  const cells = row.map((cell, column) =>
    column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]),
  );
  console.log(cells.join("  "));
}
