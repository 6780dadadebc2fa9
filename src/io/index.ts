export * from "./errors.ts";
export * from "./fault.ts";
export * from "./byte-source.ts";
export * from "./atomic-file.ts";
export * from "./printable.ts";
