import { describe, expect, it } from "vitest";
import { Kind, kindOfInfo, makeInfo, refersByThirdWord, vlenOfInfo, wordCountOfInfo } from "./type-words.ts";

describe("info words", () => {
  it.each([
    [Kind.struct, 0xff_ffff, true],
    [Kind.enum64, 1, false],
    [Kind.int, 0, false],
    [Kind.fwd, 0, true],
  ])("hold kind %i, count 0x%x and flag %s", (kind, vlen, flag) => {
    const info = makeInfo(kind, vlen, flag);
    expect(info).toBeGreaterThanOrEqual(0);
    expect([kindOfInfo(info), vlenOfInfo(info), info >>> 31 === 1]).toEqual([kind, vlen, flag]);
  });

  it.each([
    ["int", 4],
    ["ptr", 3],
    ["array", 6],
    ["struct", 9],
    ["union", 9],
    ["enum", 7],
    ["fwd", 3],
    ["typedef", 3],
    ["func", 3],
    ["funcProto", 7],
    ["var", 4],
    ["datasec", 9],
    ["float", 3],
    ["declTag", 4],
    ["typeTag", 3],
    ["enum64", 9],
  ] as const)("say that %s of two takes %i words", (name, words) => {
    expect(wordCountOfInfo(makeInfo(Kind[name], 2, false))).toBe(words);
  });

  it("say which kinds refer by their third word", () => {
    const names = Object.entries(Kind).flatMap(([name, kind]) => (refersByThirdWord(kind) ? [name] : []));
    expect(names.sort()).toEqual(
      [
        "ptr",
        "typedef",
        "volatile",
        "const",
        "restrict",
        "func",
        "funcProto",
        "var",
        "declTag",
        "typeTag",
      ].sort(),
    );
  });
});
