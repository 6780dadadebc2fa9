import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { kernelProgram } from "../../../test/build/kernel-program.ts";
import { complete } from "./complete.ts";
import { evaluate, evaluateType } from "./evaluate.ts";
import { caretLines, ExpressionError } from "./expression-error.ts";

const { program } = kernelProgram();

const pieces = [
  ..."( ) [ ] { } . , ; & * + - ~ ! / % < > ^ | ? : = @ \" ' ` \\".split(" "),
  ..."-> ++ -- << >> <= >= == != && || :: += ... ?:".split(" "),
  ..."0 1 0x7f 4294967296 18446744073709551615 1ul 08 1.5 'a' '\\x' \"text\"".split(" "),
  ..."init_task no_task wild_task counter tasks runqueues matrix text dup state.3 mystery schedule ext nothing".split(
    " ",
  ),
  ..."pid comm parent grid tail flags at x next handler".split(" "),
  ..."int unsigned long char void struct union enum const typeof sizeof offsetof container_of per_cpu per_cpu_ptr".split(
    " ",
  ),
  ..."task list_head point opaque u64 pid_t STATE_RUNNING".split(" "),
  " ",
  "\n",
  "/*",
  "*/",
  "//",
  "é",
  "\u0000",
];

/** What the text gives: an object, or an error with a place in it. */
function check(act: () => unknown, text: string): void {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(ExpressionError);
    const { offset, column, line } = error as ExpressionError;
    expect(offset).toBeLessThanOrEqual(text.length);
    expect(text.split("\n")[line - 1]!.length + 1).toBeGreaterThanOrEqual(column);
    const [shown, caret, ...more] = caretLines(error as ExpressionError).split("\n");
    expect(more).toEqual([]);
    expect(caret).toMatch(/^ *\^~*$/);
    expect(caret!.length).toBeLessThanOrEqual(shown!.length + 1);
  }
}

describe("hostile expressions", () => {
  it("random words give an object or an error with a place", () => {
    const words = fc.array(fc.constantFrom(...pieces), { maxLength: 24 });
    fc.assert(
      fc.property(words, fc.constantFrom("", " "), (chosen, gap) => {
        const text = chosen.join(gap);
        check(() => evaluate(program, text), text);
        check(() => evaluateType(program, text), text);
        complete(program, text);
      }),
      { numRuns: 4000 },
    );
  });

  it("random characters too", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
        check(() => evaluate(program, text), text);
        complete(program, text);
      }),
      { numRuns: 2000 },
    );
  });

  it("so do good expressions with one character changed", () => {
    const good =
      "container_of(tasks.next, struct task, tasks)->grid[1][counter + 5].x + sizeof(u64) << (int)'a'";
    fc.assert(
      fc.property(fc.nat(good.length), fc.string({ unit: "grapheme-ascii", maxLength: 2 }), (at, text) => {
        const broken = good.slice(0, at) + text + good.slice(at + 1);
        check(() => evaluate(program, broken), broken);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("caretLines", () => {
  const caret = (text: string): string => {
    try {
      evaluate(program, text);
    } catch (error) {
      return caretLines(error as ExpressionError);
    }
    return "";
  };

  it("marks the place", () => {
    expect(caret("1 + init_task.conm")).toBe("1 + init_task.conm\n              ^~~~");
    expect(caret("1 +")).toBe("1 +\n   ^");
    expect(caret("\tnothing")).toBe(" nothing\n ^~~~~~~");
    expect(caret("1 +\n  nothing + 1\n+ 2")).toBe("  nothing + 1\n  ^~~~~~~");
  });

  it("shows the part of a long line around the place", () => {
    const [shown, mark] = caret(`${"1 + ".repeat(500)}nothing${" + 1".repeat(500)}`).split("\n");
    expect(shown!.length).toBeLessThanOrEqual(106);
    expect(shown!.slice(mark!.indexOf("^")).startsWith("nothing")).toBe(true);
    expect(shown).toMatch(/^\.\.\..*\.\.\.$/);
  });
});
