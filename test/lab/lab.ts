/**
 * What the lab tests share. Kernels and peers are there when setup.ts could fetch them; a test
 * that needs one it has not says so with `context.skip(reason)`.
 */
export * from "./commands.ts";
export * from "./kernels.ts";
export * from "./peers.ts";
