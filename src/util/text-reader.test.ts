import { expect, test } from "vitest";
import { textReader, webTextReader } from "./text-reader.ts";

const bytes = Uint8Array.of(0x41, 0xef, 0xbb, 0xbf, 0xc3, 0xa9, 0x80, 0x9f, 0xff, 0x42);

test.each([
  [0, 10],
  [1, 4],
  [4, 6],
  [6, 9],
  [3, 3],
])("bytes %d to %d are the same text with and without Node", (start, end) => {
  const [node, web] = [textReader(bytes), webTextReader(bytes)];
  expect(web.utf8(start, end)).toBe(node.utf8(start, end));
  expect(web.latin1(start, end)).toBe(node.latin1(start, end));
  expect(web.latin1(start, end)).toHaveLength(end - start);
});
