export * from "./entry.ts";
export * from "./version.ts";
export { type OrcLookupLocation, type OrcMemory, OrcTable, type OrcTableLocation } from "./table.ts";
