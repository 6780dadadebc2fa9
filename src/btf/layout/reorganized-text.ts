import type { Btf, TypeId } from "../reader.ts";
import { cacheLineByteSize } from "./class-info.ts";
import type { LayoutPrinter } from "./layout-text.ts";
import { reorganize, type ReorganizeStep } from "./reorganize.ts";

/**
 * A struct with members moved into its holes, and what that saves, as `pahole -R` prints it; with steps, as
 * `pahole -R -S`. What has nothing to move is printed as it is.
 * @throws {LimitError} as {@link reorganize} and `LayoutPrinter.print`
 */
export function reorganizedText(btf: Btf, id: TypeId, printer: LayoutPrinter, showSteps: boolean): string {
  let text = "";
  let last: ReorganizeStep | undefined;
  for (const step of reorganize(btf, id, printer.infos)) {
    last = step;
    if (!showSteps) continue;
    text += `/* Moving '${step.member}' from after '${step.from}' to after '${step.to}' */\n`;
    text += `${printer.print(id, step).slice(0, -";\n".length)}\n`;
  }
  const byteSize = btf.sizeOrType(id);
  const saved = last === undefined ? 0 : byteSize - last.byteSize;
  const final = printer.print(id, last);
  if (last === undefined || saved === 0) return text + final;
  const lines = lineCount(byteSize) - lineCount(last.byteSize);
  const savedLines = lines === 0 ? "" : ` and ${lines} cacheline${lines === 1 ? "" : "s"}`;
  if (showSteps) text += "\n/* Final reorganized struct: */\n";
  return `${text}${final.slice(0, -1)}   /* saved ${saved} byte${saved === 1 ? "" : "s"}${savedLines}! */\n`;
}

function lineCount(byteSize: number): number {
  return Math.ceil(byteSize / cacheLineByteSize);
}
