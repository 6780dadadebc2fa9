export { distinctStructs, layouts, LayoutPrinter, type LayoutOptions } from "./layout-text.ts";
export { type ClassInfo, ClassInfos, type MemberPlace } from "./class-info.ts";
