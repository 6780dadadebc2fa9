export { cHeader, type CHeaderOptions, writeCHeader } from "./header-text.ts";
