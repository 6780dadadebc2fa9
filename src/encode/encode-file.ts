import { Btf, BTF_KIND_ARRAY, distill, joinBtf } from "../btf/index.ts";
import { ElfFile } from "../elf/index.ts";
import { FileSource, UsageError, type ByteSource, type Diagnostic } from "../io/index.ts";
import { IdSet } from "../util/id-set.ts";
import { Assembly } from "./assembly.ts";
import { BaseNames } from "./base-names.ts";
import { DataSymbols } from "./data-symbols.ts";
import { collectFunctions } from "./function-table.ts";
import { FunctionCollector } from "./functions.ts";
import { markKfuncs } from "./kfuncs.ts";
import { NameTable } from "./name-table.ts";
import { defaultFeatures, type EncodeOptions, type Features, type VariableSelection } from "./options.ts";
import { makeReport } from "./report.ts";
import type { EncodeResult } from "./result.ts";
import { loadSectionParts, type SectionParts } from "./section-parts.ts";
import { runUnits, type RunResult } from "./unit-run.ts";
import type { UnitSettings } from "./unit-sections.ts";
import { variablesBeyond } from "./base-variables.ts";
import { VariableCollector } from "./variables.ts";

const ET_REL = 1;

/**
 * Encode the DWARF of an ELF file as BTF.
 * @throws {FormatError} when the file is no ELF file or its DWARF is broken where nothing can be skipped.
 * @throws {FileError} when it cannot be read.
 */
export async function encodeFile(path: string, options: EncodeOptions = {}): Promise<EncodeResult> {
  const source = new FileSource(path);
  try {
    return await encodeSource(source, options);
  } finally {
    source.close();
  }
}

async function encodeSource(source: ByteSource, options: EncodeOptions): Promise<EncodeResult> {
  const elf = ElfFile.open(source);
  const features = options.features ?? defaultFeatures;
  const selection: VariableSelection =
    options.variables ?? (features.global_var ? "all" : features.var ? "percpu" : "none");
  const diagnostics: Diagnostic[] = [];
  const nothing: EncodeResult = {
    btf: undefined,
    littleEndian: elf.littleEndian,
    diagnostics,
    statistics: { units: 0, typesBeforeDedup: 0, types: 0, functions: 0, variables: 0 },
  };
  const parts = await loadSectionParts(elf);
  if (parts === undefined) return nothing;

  const { base, ownFrom } = parseBase(options, elf.type === ET_REL);
  const symbols = elf.symbolTable();
  const strings = parts.strings?.bytes ?? new Uint8Array(new SharedArrayBuffer(1));
  const names = NameTable.create(strings, arenaByteSize(parts, base, symbols?.strings.length ?? 0));
  const baseNames = base && new BaseNames(names, base.stringsBytes);
  const functionTable = collectFunctions(symbols, names);
  if (features.decl_tag_kfuncs) await markKfuncs(elf, symbols, functionTable, names);
  const data = new DataSymbols(elf, symbols);
  const collectAll = selection === "all" || options.splitVariables === true || options.report === true;
  const begin = (): { assembly: Assembly; functions: FunctionCollector; variables: VariableCollector } => {
    const functions = new FunctionCollector(functionTable, names, {
      consistentOnly: features.consistent_func,
      trueSignature: features.true_signature,
      kfuncTags: features.decl_tag_kfuncs && features.decl_tag,
      attributes: features.attributes,
      relocatable: elf.type === ET_REL,
    });
    const variables = new VariableCollector(data, names, collectAll, elf.is64 ? 8 : 4, selection);
    return { assembly: new Assembly(names, functions, variables, base, baseNames), functions, variables };
  };
  let work = begin();
  const run: RunResult = await runUnits({
    parts,
    names,
    functionNames: IdSet.of(functionTable.keys(), functionTable.size),
    settings: unitSettings(elf, features, options, base, collectAll),
    jobs: Math.max(1, Math.floor(options.jobs ?? 1)),
    diagnostics,
    onProgress: options.onProgress,
    assembly: () => work.assembly,
    restart: () => void (work = begin()),
  });
  if (run.unitsRead === 0) return { ...nothing, statistics: { ...nothing.statistics, units: run.units } };

  const { assembly, functions, variables } = work;
  const onlyVariables = options.splitVariables === true && base !== undefined;
  const withMinor = options.splitMinorVariables !== false;
  const finished = onlyVariables
    ? assembly.finishVariables({
        littleEndian: base.littleEndian,
        isWanted: variablesBeyond(base, ownFrom, withMinor),
      })
    : assembly.finish({
        littleEndian: elf.littleEndian,
        layout: features.layout,
        splitVariables: options.splitVariables === true,
        isMain: (variable) => selection === "all" || (selection === "percpu" && variables.isPercpu(variable)),
        isSplit: ({ minor }) => withMinor || !minor,
      });
  const result: EncodeResult = {
    ...nothing,
    btf: finished.btf,
    statistics: {
      units: run.units,
      typesBeforeDedup: assembly.typesBeforeDedup,
      types: finished.typeCount,
      functions: functions.count,
      variables: finished.mainVariables.length,
    },
  };
  if (finished.split !== undefined) result.splitVariables = finished.split;
  if (features.distilled_base && base !== undefined && !onlyVariables) {
    const distilled = distill(Btf.parse(finished.btf, { base, name: options.baseName ?? "base" }));
    result.btf = distilled.split;
    result.distilledBase = distilled.base;
  }
  if (options.report === true) {
    result.report = makeReport({ data, functionTable, functions, variables, finished });
  }
  return result;
}

/** What to encode over, as one; `ownFrom` is the first id from which it describes the file itself. */
function parseBase(options: EncodeOptions, isModule: boolean): { base: Btf | undefined; ownFrom: number } {
  if (options.base === undefined) return { base: undefined, ownFrom: 0 };
  const name = options.baseName ?? "base";
  const base = Btf.parse(options.base, { name });
  if (base.startId !== 1) throw new UsageError("the base must not be split BTF itself");
  if (options.ownBase === undefined) return { base, ownFrom: isModule ? base.typeCount : 1 };
  const own = Btf.parse(options.ownBase, { base, name });
  return { base: Btf.parse(joinBtf(base, own), { name }), ownFrom: base.typeCount };
}

/** Bound on the bytes of names that do not stand in .debug_str. */
function arenaByteSize(parts: SectionParts, base: Btf | undefined, symbolStrings: number): number {
  // Inline names cannot be longer together than what they stand in.
  const inline = parts.info.byteSize + (parts.types?.byteSize ?? 0) + (parts.lineStrings?.byteSize ?? 0);
  return Math.min(inline + symbolStrings * 2 + (base?.stringsBytes.length ?? 0) + (1 << 20), 0x4000_0000);
}

function unitSettings(
  elf: ElfFile,
  features: Features,
  options: EncodeOptions,
  base: Btf | undefined,
  functionStatics: boolean,
): UnitSettings {
  const rule = options.arrayRule ?? "auto";
  return {
    machine: elf.machine,
    floats: features.float,
    typeTags: features.type_tag,
    declTags: features.decl_tag,
    enum64: features.enum64,
    nestedArrays: rule === "nested" || (rule === "auto" && (base === undefined || usesNestedArrays(base))),
    trueSignature: features.true_signature,
    functionStatics,
    languages: options.languages === undefined ? undefined : [...options.languages],
    excludedLanguages: [...(options.excludedLanguages ?? [])],
    excludedUnitPrefixes: [...(options.excludedUnitPrefixes ?? [])],
    kabiPrefix: options.kabiPrefix,
  };
}

/** A base that multiplies dimensions has no array of arrays; one without any array decides nothing. */
function usesNestedArrays(base: Btf): boolean {
  let arrays = 0;
  for (let id = base.startId; id < base.typeCount; id++) {
    if (base.kind(id) !== BTF_KIND_ARRAY) continue;
    arrays++;
    const element = base.arrayElementType(id);
    if (element !== 0 && element < base.typeCount && base.kind(element) === BTF_KIND_ARRAY) return true;
  }
  return arrays === 0;
}
