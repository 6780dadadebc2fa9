import { describe, expect, test } from "vitest";
import { BtfBuilder } from "../builder.ts";
import { LayoutPrinter } from "./layout-text.ts";
import { reorganize } from "./reorganize.ts";
import { reorganizedText } from "./reorganized-text.ts";

/** Bytes, and how many bits if it is a bitfield. */
type Field = [name: string, byteSize: number, bitOffset: number, bitfieldSize?: number];

/** A struct of integers: its order and size after the moves, and the moves. */
function reorganized(byteSize: number, fields: readonly Field[]): [string, number | undefined, string[]] {
  const b = new BtfBuilder();
  const types = new Map([1, 2, 4, 8].map((size) => [size, b.addInt(`int${size}`, size)]));
  const open = b.addArray(types.get(1)!, types.get(4)!, 0);
  const members = fields.map(([name, size, bitOffset, bitfieldSize = 0]) => ({
    name,
    type: types.get(size) ?? open,
    bitOffset,
    bitfieldSize,
  }));
  const id = b.addStruct("s", byteSize, members);
  const btf = b.toBtf();
  const steps = [...reorganize(btf, id, new LayoutPrinter(btf).infos)];
  const last = steps.at(-1);
  const places = last?.info.members.map((member) => `${member.name}@${member.bitOffset / 8}`).join(" ") ?? "";
  return [places, last?.byteSize, steps.map(({ member, from, to }) => `${member}: ${from} -> ${to}`)];
}

describe("members move into holes before them", () => {
  test.each<[string, number, Field[], string, number, string[]]>([
    [
      "first those with holes of their own, then the last that fits",
      32,
      [
        ["c", 1, 0],
        ["l", 8, 64],
        ["d", 1, 128],
        ["i", 4, 160],
        ["s", 2, 192],
      ],
      "c@0 d@1 s@2 i@4 l@8",
      16,
      ["d: l -> c", "s: i -> d", "i: l -> s"],
    ],
    [
      "also before one that was moved already",
      24,
      [
        ["c", 1, 0],
        ["l", 8, 64],
        ["i", 4, 128],
        ["d", 1, 160],
      ],
      "c@0 d@1 i@4 l@8",
      16,
      ["d: i -> c", "i: l -> d"],
    ],
    [
      "and behind bitfields, which stay",
      24,
      [
        ["b", 1, 0, 3],
        ["l", 8, 64],
        ["d", 1, 128],
        ["i", 4, 160],
      ],
      "b@0 d@1 i@4 l@8",
      16,
      ["d: l -> b", "i: l -> d"],
    ],
  ])("%s", (_, byteSize, fields, places, size, moves) => {
    expect(reorganized(byteSize, fields)).toEqual([places, size, moves]);
  });

  test.each<[string, number, Field[]]>([
    [
      "the size is not explained: reserved bits have no name",
      28,
      [
        ["c", 1, 0],
        ["i", 4, 32],
        ["d", 1, 64],
      ],
    ],
    [
      "it is packed",
      7,
      [
        ["c", 1, 0],
        ["i", 4, 8],
        ["s", 2, 40],
      ],
    ],
    [
      "what would fit is an array without a length",
      16,
      [
        ["c", 1, 0],
        ["l", 8, 64],
        ["open", 0, 128],
      ],
    ],
    [
      "what would fit stands before a bitfield",
      24,
      [
        ["c", 1, 0],
        ["l", 8, 64],
        ["d", 1, 128],
        ["b", 1, 136, 3],
      ],
    ],
  ])("none where %s", (_, byteSize, fields) => {
    expect(reorganized(byteSize, fields)).toEqual(["", undefined, []]);
  });

  test("a member of a struct that is aligned by request keeps that", () => {
    const b = new BtfBuilder();
    const char = b.addInt("char", 1, 1);
    const long = b.addInt("long int", 8, 1);
    const line = b.addStruct("line", 64, [{ name: "c", type: char, bitOffset: 0 }]);
    const id = b.addStruct("s", 256, [
      { name: "a", type: long, bitOffset: 0 },
      { name: "one", type: line, bitOffset: 512 },
      { name: "b", type: char, bitOffset: 1024 },
      { name: "two", type: line, bitOffset: 1536 },
    ]);
    const btf = b.toBtf();
    const steps = [...reorganize(btf, id, new LayoutPrinter(btf).infos)];
    expect(steps.map(({ member, byteSize }) => `${member} ${byteSize}`)).toEqual(["b 192"]);
    expect(steps[0]!.info.members.map((member) => member.byteOffset)).toEqual([0, 8, 64, 128]);
  });
});

test("prints steps and what was saved, as pahole 1.32 -R -S does", () => {
  const b = new BtfBuilder();
  const char = b.addInt("char", 1, 1);
  const int = b.addInt("int", 4, 1);
  const id = b.addStruct("b", 12, [
    { name: "c", type: char, bitOffset: 0 },
    { name: "i", type: int, bitOffset: 32 },
    { name: "d", type: char, bitOffset: 64 },
  ]);
  const btf = b.toBtf();
  const body = `struct b {
	char                       c;                    /*     0     1 */
	char                       d;                    /*     1     1 */

	/* ${"X".repeat(3)} 2 bytes hole, try to pack */

	int                        i;                    /*     4     4 */

	/* size: 8, cachelines: 1, members: 3 */
	/* sum members: 6, holes: 1, sum holes: 2 */
	/* last cacheline: 8 bytes */
}`;
  const move = "/* Moving 'd' from after 'i' to after 'c' */\n";
  const final = `${body};   /* saved 4 bytes! */\n`;
  expect(reorganizedText(btf, id, new LayoutPrinter(btf), false)).toBe(final);
  expect(reorganizedText(btf, id, new LayoutPrinter(btf), true)).toBe(
    `${move}${body}\n\n/* Final reorganized struct: */\n${final}`,
  );
});
