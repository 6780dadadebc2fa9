export { openDump, openDumpSources } from "./open-dump.ts";
export type { OpenDumpOptions } from "./open-dump.ts";
export type { Dump, DumpFormat, DumpNote, PhysicalMemory, PhysicalRange, VirtualSegment } from "./dump.ts";
