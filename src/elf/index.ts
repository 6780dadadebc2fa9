export * from "./constants.ts";
export { ElfFile } from "./elf-file.ts";
export type { ElfSection, ElfSegment } from "./tables.ts";
export { SymbolTable } from "./symbol-table.ts";
export { findDebugSection, loadDebugSection } from "./debug-section.ts";
export type { DebugSection } from "./debug-section.ts";
export { replaceSections } from "./replace-sections.ts";
export { asideSuffix } from "./write-plan.ts";
export type { SectionOutcome, SectionReplacement } from "./write-plan.ts";
