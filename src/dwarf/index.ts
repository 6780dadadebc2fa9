export * from "./constants.ts";
export { Slot, Step, compileAbbreviations, type AbbreviationTable, type UnitShape } from "./abbreviations.ts";
export { DieCursor, ReferenceLeavesUnit } from "./die-cursor.ts";
export { Expression } from "./expression.ts";
export { forEachLocation } from "./location-lists.ts";
export { SectionWindow } from "./section-window.ts";
export { readUnitHeaders, type UnitHeader } from "./units.ts";
