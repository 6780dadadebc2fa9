import type { VariableSource } from "../program/index.ts";
import { hex } from "./hex.ts";
import type { Candidate, Whatis } from "./whatis-finder.ts";

/** Where a variable's type comes from. */
const sourceTexts: Readonly<Record<VariableSource, string>> = {
  btf: "the kernel's BTF",
  module: "the module's BTF",
  sidecar: "a sidecar",
  declared: "by convention, as the kernel's headers declare it",
};

/** The symbol that an address lies in, with the type of a variable. */
export function symbolAt({ kernel }: Whatis, address: bigint): Candidate | undefined {
  const { program, symbols } = kernel;
  const at = program.symbolizer.symbolAt(address);
  if (at === undefined) return undefined;
  const full = symbols.find(address);
  const place = at.module === undefined ? "" : ` [${at.module}]`;
  const offset = at.offset === 0n ? "" : `+${hex(at.offset)}`;
  const variable = program.variables.find(at.name, at.module);
  const type = variable?.address === address - at.offset ? `, ${variable.type.typeName()}` : "";
  return {
    kind: "symbol",
    text: `${at.name}${offset}${place}${type}`,
    start: hex(address - at.offset),
    size: full === undefined ? null : full.symbol.byteSize,
    evidence: [
      `kallsyms: ${hex(address - at.offset).slice(2)} ${full?.symbol.letter ?? "?"} ${at.name}`,
      ...(type === "" ? [] : [`its type: ${sourceTexts[variable!.source]}`]),
    ],
  };
}

/** The module that an address is part of, code and data. */
export function moduleAt({ kernel }: Whatis, address: bigint): Candidate | undefined {
  for (const { name, address: of, regions } of kernel.modules) {
    for (const { kind, address: start, byteSize } of regions) {
      if (address < start || address >= start + BigInt(byteSize)) continue;
      return {
        kind: "module",
        text: `${name}+${hex(address - start)}, in its ${kind}`,
        start: hex(start),
        size: byteSize,
        evidence: [`struct module ${hex(of).slice(2)}: ${kind} at ${hex(start).slice(2)}, ${byteSize} bytes`],
      };
    }
  }
  return undefined;
}
