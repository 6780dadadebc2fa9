import { expect, test } from "vitest";
import { FormatError } from "./index.ts";

test("a message is one line, whatever names the file has", () => {
  const error = new FormatError("X", "symbol a\u0085b", { file: "f", section: "\nsymtab\r", offset: 16 });
  expect(error.message).toBe("f: \\x0asymtab\\x0d+0x10: symbol a\\x85b");
  expect(error.location.section).toBe("\nsymtab\r");
});
