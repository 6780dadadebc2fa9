export { cHeader, type CHeaderOptions } from "./header-text.ts";
export { pointerByteSizeOf, TypeSizes } from "./type-sizes.ts";
