/** Lines of C, and a limit to how much of it there may be. */
import { fail, LONG_TEXT } from "./host";
import { flushIfFull, totalByteSize, putByte } from "./text";

/** Types can be made that would need terabytes. */
const mostText = 0x400_0000;
const deepestIndent = 13;

let startOfDefinition: i32 = 0;

export function beginDefinition(): void {
  startOfDefinition = totalByteSize();
}

/** Before what may be long, or repeated: there is room for a name and a number after it. */
export function makeRoom(): void {
  if (flushIfFull() && totalByteSize() - startOfDefinition > mostText) fail(LONG_TEXT, 0, 0);
}

/** Begin a line. Deeper nesting is not indented any further. */
export function putLine(level: i32): void {
  makeRoom();
  putByte(10);
  for (let tabs = min(level, deepestIndent); tabs > 0; tabs--) putByte(9);
}
