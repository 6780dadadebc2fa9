export { cHeader, type CHeaderOptions, writeCHeader } from "./header-text.ts";
export { prepareCHeader } from "../c-printer.ts";
