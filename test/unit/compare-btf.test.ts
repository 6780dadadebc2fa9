import { describe, expect, test } from "vitest";
import { judge } from "../compare/allowed.ts";
import { compareBtf } from "../compare/compare-btf.ts";
import { BTF_KIND } from "../compare/kinds.ts";

/** One record: kind, name, vlen, size or type, words of the trailer; strings in the trailer are names. */
type Record = [kind: number, name: string, vlen: number, sizeOrType: number, ...trailer: (number | string)[]];

const { INT, PTR, STRUCT, FUNC, FUNC_PROTO, VAR, DATASEC, TYPEDEF, FWD } = BTF_KIND;
const int: Record = [INT, "int", 0, 4, 0x01000020];

/** Raw BTF of the records; with `baseStrings` its string offsets start after a base's. */
function blob(records: readonly Record[], baseStrings = 0): Buffer {
  const strings = [baseStrings === 0 ? "\0" : ""];
  let stringBytes = strings[0]!.length;
  const offsetOf = (name: string): number => {
    if (name === "") return 0;
    strings.push(`${name}\0`);
    stringBytes += name.length + 1;
    return baseStrings + stringBytes - name.length - 1;
  };
  const words = records.flatMap(([kind, name, vlen, sizeOrType, ...trailer]) => [
    offsetOf(name),
    ((kind << 24) | vlen) >>> 0,
    sizeOrType,
    ...trailer.map((word) => (typeof word === "string" ? offsetOf(word) : word)),
  ]);
  const body = Buffer.alloc(words.length * 4);
  words.forEach((word, i) => body.writeUInt32LE(word, 4 * i));
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0x0001eb9f, 0);
  [24, 0, body.length, body.length, stringBytes].forEach((word, i) => header.writeUInt32LE(word, 4 + 4 * i));
  return Buffer.concat([header, body, Buffer.from(strings.join(""))]);
}

const list: Record[] = [
  int,
  [STRUCT, "node", 2, 16, "next", 3, 0, "value", 1, 64],
  [PTR, "", 0, 2],
  [FUNC_PROTO, "", 1, 1, "n", 3],
  [FUNC, "walk", 0, 4],
];

function compare(a: readonly Record[], b: readonly Record[]): ReturnType<typeof compareBtf> {
  return compareBtf({ bytes: blob(a) }, { bytes: blob(b) });
}

describe("compareBtf", () => {
  test("takes one blob as identical to itself", () => {
    expect(compare(list, list)).toMatchObject({ identicalBytes: true, sameOrder: true, equalSets: true });
  });

  test("does not look at ids or order, through a cycle", () => {
    const renumbered: Record[] = [
      [FUNC, "walk", 0, 2],
      [FUNC_PROTO, "", 1, 5, "n", 4],
      [STRUCT, "node", 2, 16, "next", 4, 0, "value", 5, 64],
      [PTR, "", 0, 3],
      int,
    ];
    expect(compare(list, renumbered)).toMatchObject({ sameOrder: false, equalSets: true, differences: [] });
  });

  test("names the first member that differs, and sets apart what follows from it", () => {
    const changed = [...list];
    changed[1] = [STRUCT, "node", 2, 16, "next", 3, 0, "count", 1, 64];
    const { differences, consequences } = compare(list, changed);
    expect(differences).toEqual([
      {
        what: "changed",
        kind: "STRUCT",
        name: "node",
        detail: "part 1: A `value: int at byte 8`, B `count: int at byte 8`",
      },
    ]);
    expect(consequences).toHaveLength(1);
    expect(consequences[0]).toMatchObject({ countA: 3, countB: 3 });
  });

  test("tells a forward declaration from the whole, where it is used", () => {
    const forward: Record[] = [
      [FWD, "node", 0, 0],
      [PTR, "", 0, 1],
      [TYPEDEF, "handle", 0, 2],
    ];
    const whole: Record[] = [
      [STRUCT, "node", 0, 0],
      [PTR, "", 0, 1],
      [TYPEDEF, "handle", 0, 2],
    ];
    const { differences, consequences } = compare(forward, whole);
    expect(differences.map(({ what, kind, name }) => `${what} ${kind} ${name}`)).toEqual([
      "changed FWD node",
    ]);
    expect(consequences[0]!.countA).toBe(2);
  });

  test("counts copies: one type twice is not one type", () => {
    const { differences } = compare([int], [int, int]);
    expect(differences.map(({ what, kind, name }) => `${what} ${kind} ${name}`)).toEqual(["only-b INT int"]);
  });

  test("compares variables with their places", () => {
    const variables = (offset: number): Record[] => [
      int,
      [VAR, "x", 0, 1, 1],
      [DATASEC, ".data", 1, offset + 4, 2, offset, 4],
    ];
    const { differences } = compare(variables(0), variables(8));
    expect(differences.map(({ detail }) => detail)).toEqual([
      "A global int, .data+0x0, 4 bytes; B global int, .data+0x8, 4 bytes",
      "size: A 4, B 12",
    ]);
  });

  test("reports what a split repeats from its base apart from differences", () => {
    const base = blob([int]);
    const strings = base.readUInt32LE(20);
    const lean: Record[] = [[PTR, "", 0, 1]];
    const repeating: Record[] = [int, [PTR, "", 0, 2]];
    const comparison = compareBtf(
      { bytes: blob(repeating, strings), base },
      { bytes: blob(lean, strings), base },
    );
    expect(comparison).toMatchObject({ equalSets: true, repeated: { a: { INT: 1 }, b: {} } });
    expect(judge(comparison)).toEqual({ counts: { "base-repeated": 1 }, unexplained: [] });
  });

  test("takes what a split has twice, over the base's and over a repeat, for a repeat", () => {
    const base = blob([int]);
    const strings = base.readUInt32LE(20);
    const lean: Record[] = [[PTR, "", 0, 1]];
    const repeating: Record[] = [int, [PTR, "", 0, 1], [PTR, "", 0, 2]];
    const comparison = compareBtf(
      { bytes: blob(lean, strings), base },
      { bytes: blob(repeating, strings), base },
    );
    expect(comparison).toMatchObject({ equalSets: true, repeated: { a: {}, b: { INT: 1, PTR: 1 } } });
    expect(judge(comparison).unexplained).toEqual([
      "1 types of kind INT repeat others of the base or the split",
      "1 types of kind PTR repeat others of the base or the split",
    ]);
  });
});

describe("judge", () => {
  test("takes a variable written twice at one place for the peer's fault", () => {
    const twice: Record[] = [
      int,
      [VAR, "x", 0, 1, 1],
      [VAR, "x", 0, 1, 1],
      [DATASEC, ".data", 2, 4, 2, 0, 4, 3, 0, 4],
    ];
    const once: Record[] = [int, [VAR, "x", 0, 1, 1], [DATASEC, ".data", 1, 4, 2, 0, 4]];
    expect(judge(compare(twice, once))).toEqual({ counts: { "weak-twice": 1 }, unexplained: [] });
    expect(judge(compare(once, twice)).unexplained).toHaveLength(1);
  });
});
