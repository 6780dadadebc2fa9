export * from "./constants.ts";
export {
  Btf,
  type BtfEnumerator,
  type BtfMember,
  type BtfParameter,
  type BtfParseOptions,
  type BtfSectionEntry,
  type StringOffset,
  type TypeId,
} from "./reader.ts";
export { type BtfHeader, parseHeader } from "./header.ts";
export { forEachNameWord, forEachTypeWord, infoKind, infoVlen, makeInfo, recordWords } from "./records.ts";
export { isComposite, isEnum, isModifier, skipModifiers } from "./modifiers.ts";
export { type BtfParts, encodeBtf } from "./writer.ts";
export {
  BtfBuilder,
  type BtfBuilderOptions,
  type BtfEnumeratorInput,
  type BtfFinishOptions,
  type BtfMemberInput,
} from "./builder.ts";
export { StringTable } from "./string-table.ts";
export { prepareRecordText } from "./record-format.ts";
export { bytesWithRoom } from "./wasm/room.ts";
export { rawLines, writeRaw } from "./raw.ts";
export { jsonText, writeJson } from "./json.ts";
export { cHeader, type CHeaderOptions, prepareCHeader, writeCHeader } from "./c/index.ts";
export { pointerByteSizeOf, TypeSizes } from "./type-sizes.ts";
export {
  type ClassInfo,
  ClassInfos,
  distinctStructs,
  type LayoutOptions,
  LayoutPrinter,
  layouts,
  type MemberPlace,
  reorganize,
  reorganizedText,
  type ReorganizeStep,
  type StructShape,
} from "./layout/index.ts";
export {
  formatProblem,
  type KernelRules,
  kernelRules,
  rulesOfRelease,
  type ValidateOptions,
  validateBtf,
  type ValidationProblem,
} from "./validate.ts";
export { type BtfCheck, type BtfCheckOptions, checkBtf } from "./check.ts";
export { baseMisfit } from "./base-fit.ts";
export { declare, printableName } from "./declarator.ts";
export { declaration, declarations, type DeclarationsOptions } from "./decls.ts";
export {
  type Breaks,
  type BtfDiff,
  type DiffCategory,
  type DiffChange,
  type DiffEntry,
  type DiffOptions,
  diffBtf,
} from "./diff.ts";
export { formatDiff } from "./diff-text.ts";
export { formatDiffMarkdown } from "./diff-markdown.ts";
export { breakingChanges } from "./diff-abi.ts";
export { type NearDuplicate, nearDuplicates } from "./diff-duplicates.ts";
export { isSorted, sortBtf } from "./sort.ts";
export { distill, type DistilledBtf } from "./distill.ts";
export { datasecName } from "./datasec-name.ts";
export { joinBtf } from "./join.ts";
export { relocateBtf } from "./relocate.ts";
export { dedupBtf, mergeBtf, splitBtf } from "./dedup/dedup-btf.ts";
export { extractBtf } from "./extract.ts";
export { findFunctionsTaking, findMember, findVariablesOf } from "./find.ts";
export { type BtfStatistics, btfStatistics, type KindStatistics } from "./stats.ts";
export { type IsfOptions, isfPieces, type IsfSymbol } from "./isf.ts";
export { scriptTypes, type ScriptVariable } from "./script-types.ts";
export {
  type PrefixStatistics,
  prefixStatistics,
  type PulledIn,
  pulledIn,
  type PulledThrough,
  type TypeVolume,
} from "./pulls.ts";
