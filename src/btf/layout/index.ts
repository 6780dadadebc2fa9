export {
  distinctStructs,
  layouts,
  LayoutPrinter,
  type LayoutOptions,
  type StructShape,
} from "./layout-text.ts";
export { type ClassInfo, ClassInfos, type MemberPlace } from "./class-info.ts";
export { reorganize, type ReorganizeStep } from "./reorganize.ts";
export { reorganizedText } from "./reorganized-text.ts";
