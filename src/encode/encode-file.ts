import { Btf, BTF_KIND_ARRAY } from "../btf/index.ts";
import { readUnitHeaders } from "../dwarf/units.ts";
import { ReferenceLeavesUnit } from "../dwarf/die-cursor.ts";
import { DW_UT_type } from "../dwarf/constants.ts";
import { ElfFile } from "../elf/index.ts";
import { FileSource, UsageError, type ByteSource, type Diagnostic } from "../io/index.ts";
import { IdSet } from "../util/id-set.ts";
import { Assembly } from "./assembly.ts";
import { DataSymbols } from "./data-symbols.ts";
import { collectFunctions } from "./function-table.ts";
import { FunctionCollector } from "./functions.ts";
import { markKfuncs } from "./kfuncs.ts";
import { NameTable } from "./name-table.ts";
import { defaultFeatures, type EncodeOptions, type Features, type VariableSelection } from "./options.ts";
import type { EncodeResult } from "./result.ts";
import { SectionFiles, loadSectionParts, unitSections, type SectionParts } from "./section-parts.ts";
import { UnitEncoder } from "./unit-encoder.ts";
import { UnitReader, type PlacedUnit } from "./unit-reader.ts";
import type { UnitSettings } from "./unit-sections.ts";
import { VariableCollector } from "./variables.ts";

const ET_REL = 1;
/** Below this much .debug_info starting workers costs more than it gains. */
const parallelThreshold = 8 << 20;

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
  const selection = options.variables ?? (features.global_var ? "all" : features.var ? "percpu" : "none");
  const parts = await loadSectionParts(elf);
  const diagnostics: Diagnostic[] = [];
  const empty: EncodeResult = {
    btf: undefined,
    littleEndian: elf.littleEndian,
    diagnostics,
    statistics: { units: 0, typesBeforeDedup: 0, types: 0, functions: 0, variables: 0 },
  };
  if (parts === undefined) return empty;

  const base = options.base === undefined ? undefined : Btf.parse(options.base, { name: options.baseName ?? "base" });
  if (base?.base !== undefined || (base !== undefined && base.startId !== 1)) {
    throw new UsageError("the base must not be split BTF itself");
  }
  const symbols = elf.symbolTable();
  const strings = parts.strings?.bytes ?? new Uint8Array(new SharedArrayBuffer(1));
  const names = NameTable.create(strings, arenaByteSize(parts, base, symbols?.strings.length ?? 0));
  const functionTable = collectFunctions(symbols, names);
  if (features.decl_tag_kfuncs) await markKfuncs(elf, symbols, functionTable, names);
  const collectAll = selection === "all" || options.splitVariables === true || options.report === true;
  const settings = unitSettings(elf, features, options, base, collectAll);
  const functionNames = IdSet.of(functionTable.keys(), functionTable.size);
  const functions = new FunctionCollector(functionTable, names, {
    consistentOnly: features.consistent_func,
    trueSignature: features.true_signature,
    kfuncTags: features.decl_tag_kfuncs && features.decl_tag,
    attributes: features.attributes,
    relocatable: elf.type === ET_REL,
  });
  const data = new DataSymbols(elf, symbols);
  const variables = new VariableCollector(data, names, collectAll, elf.is64 ? 8 : 4, selection);
  const assembly = new Assembly(names, functions, variables, base);

  const files = new SectionFiles();
  let unitCount = 0;
  const odd = new Map<string, number>();
  try {
    const sections = unitSections(parts, names, files);
    const units: PlacedUnit[] = readUnitHeaders(sections.info, elf.littleEndian).map((header) => ({ header, place: "info" }));
    if (sections.types !== undefined) {
      const types = readUnitHeaders(sections.types, elf.littleEndian, true);
      units.unshift(...types.map((header): PlacedUnit => ({ header, place: "types" })));
    }
    const jobs = Math.max(1, Math.floor(options.jobs ?? 1));
    const total = parts.info.byteSize;
    const needsGroup = units.some((unit) => unit.place === "types" || unit.header.unitType === DW_UT_type);
    let merged = needsGroup;
    if (!merged && jobs > 1 && total >= parallelThreshold) {
      throw new Error("workers");
    } else if (!merged) {
      merged = !encodeHere(assembly, new UnitEncoder(new UnitReader(sections, settings), functionNames), units, options, total, odd);
    }
    void merged;
    unitCount = units.length;
  } finally {
    files.close();
  }
  const { btf, split, typeCount, mainVariables } = assembly.finish(
    elf.littleEndian,
    features.layout,
    options.splitVariables === true,
    (variable) => selection === "all" || (selection === "percpu" && variables.isPercpu(variable)),
  );
  for (const [code, count] of odd) diagnostics.push({ severity: "info", code, text: `${count} times` });
  return {
    ...empty,
    btf,
    ...(split === undefined ? {} : { splitVariables: split }),
    statistics: {
      units: unitCount,
      typesBeforeDedup: assembly.typesBeforeDedup,
      types: typeCount,
      functions: functions.count,
      variables: mainVariables.length,
    },
  };
}

function encodeHere(
  assembly: Assembly,
  encoder: UnitEncoder,
  units: readonly PlacedUnit[],
  options: EncodeOptions,
  total: number,
  odd: Map<string, number>,
): boolean {
  let done = 0;
  for (const unit of units) {
    let output;
    try {
      output = encoder.encode([unit], false);
    } catch (error) {
      if (error instanceof ReferenceLeavesUnit) return false;
      throw error;
    }
    const { types } = output;
    assembly.add({
      words: types.words,
      wordFrom: 0,
      wordTo: types.wordCount,
      typeCount: types.typeCount,
      functions: output.functions,
      functionWords: output.functionWords,
      variables: output.variables,
      variableWords: output.variableWords,
    });
    done += unit.header.byteSize;
    options.onProgress?.(done, total);
  }
  for (const [code, count] of encoder.converter.oddities) odd.set(code, (odd.get(code) ?? 0) + count);
  return true;
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
    if (base.kind(base.arrayElementType(id)) === BTF_KIND_ARRAY) return true;
  }
  return arrays === 0;
}

export type { VariableSelection };
