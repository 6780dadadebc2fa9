export { cHeader, type CHeaderOptions } from "./header-text.ts";
