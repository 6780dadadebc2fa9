export * from "./errors.ts";
export * from "./byte-source.ts";
export * from "./atomic-file.ts";
