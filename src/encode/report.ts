import type { Finished } from "./assembly.ts";
import type { DataSymbols } from "./data-symbols.ts";
import type { FunctionTable } from "./function-table.ts";
import type { FunctionCollector } from "./functions.ts";
import type { EncodeReport, Omission } from "./options.ts";
import type { VariableCollector } from "./variables.ts";

export interface ReportInput {
  data: DataSymbols;
  functionTable: FunctionTable;
  functions: FunctionCollector;
  variables: VariableCollector;
  finished: Finished;
}

/** List every data symbol, variable and function that the output has not, each with the rule. */
export function makeReport({
  data,
  functionTable,
  functions,
  variables,
  finished,
}: ReportInput): EncodeReport {
  const typed = new Set(finished.mainVariables.map(({ section, offset }) => `${section.index}:${offset}`));
  const omissions: Omission[] = [];
  let described = 0;
  let typedSymbols = 0;
  for (const symbol of data.all()) {
    const place = `${symbol.section.index}:${symbol.offset}`;
    if (variables.described.has(place)) described++;
    if (typed.has(place)) {
      typedSymbols++;
      continue;
    }
    omissions.push({
      kind: "symbol",
      name: symbol.name,
      address: hex(symbol.section.address + BigInt(symbol.offset)),
      section: symbol.section.name,
      rule: variables.described.has(place) ? (variables.ruleAt(place) ?? "NOT_SELECTED") : "NOT_IN_DWARF",
    });
  }
  omissions.push(...variables.omissions, ...functions.omissions);
  for (const symbols of functionTable.values()) {
    if (functions.has(symbols)) continue;
    omissions.push({
      kind: "function",
      name: symbols.text,
      address: hex(symbols.symbols[0]!.address),
      rule: "NOT_IN_DWARF",
    });
  }
  return {
    schema: 1,
    omissions,
    counts: {
      dataSymbols: data.count,
      dataSymbolsTyped: typedSymbols,
      dataSymbolsDescribed: described,
      variables: finished.mainVariables.length,
      functions: functions.count,
      types: finished.typeCount,
    },
  };
}

function hex(address: bigint): string {
  return `0x${address.toString(16)}`;
}
