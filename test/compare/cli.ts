/** `compare A B [--base BASE | --base-a X --base-b Y] [--limit N] [--json]`; exit 1 where they differ as sets. */

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { compareBtf, type BtfInput } from "./compare-btf.ts";
import { reportText } from "./report.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    base: { type: "string" },
    "base-a": { type: "string" },
    "base-b": { type: "string" },
    limit: { type: "string", default: "20" },
    json: { type: "boolean", default: false },
  },
});
const [a, b] = positionals;
if (a === undefined || b === undefined) {
  process.stderr.write(
    "usage: compare A.btf B.btf [--base BASE.btf] [--base-a X --base-b Y] [--limit N] [--json]\n",
  );
  process.exit(2);
}
const comparison = compareBtf(
  input(a, values["base-a"] ?? values.base),
  input(b, values["base-b"] ?? values.base),
);
process.stdout.write(
  values.json ? JSON.stringify(comparison) + "\n" : reportText(comparison, Number(values.limit)),
);
process.exitCode = comparison.equalSets ? 0 : 1;

function input(path: string, base: string | undefined): BtfInput {
  const bytes = readFileSync(path);
  return base === undefined ? { bytes } : { bytes, base: readFileSync(base) };
}
