import { expect, test } from "vitest";
import { FormatError, UsageError } from "../io/index.ts";
import { LookupError } from "../program/index.ts";
import { keptStreams } from "../../test/unit/kept-streams.ts";
import { reportError } from "./run-program.ts";

test.each([
  [new LookupError("variable", "x"), 1, 'no variable "x"'],
  [new UsageError("what?"), 2, "what?"],
  [new FormatError("X", "broken", { file: "a", offset: 16 }), 2, "a: +0x10: broken"],
  [new Error("a\nb"), 2, "internal error: a?b"],
])("%s ends with its exit code", (error, code, text) => {
  const streams = keptStreams();
  expect(reportError("dwarfless", error, streams)).toBe(code);
  expect(streams.stderr).toMatch(/^dwarfless: [^\n]*\n$/);
  expect(streams.stderr).toContain(text.split("?")[0]);
});
