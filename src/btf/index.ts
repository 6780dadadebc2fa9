export * from "./constants.ts";
export * from "./reader.ts";
export * from "./raw.ts";
