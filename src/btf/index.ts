export * from "./constants.ts";
export * from "./reader.ts";
export * from "./writer.ts";
export * from "./builder.ts";
export * from "./raw.ts";
export * from "./validate.ts";
