import { expect, test } from "vitest";
import { BtfBuilder } from "./builder.ts";
import { scriptTypes } from "./script-types.ts";

function declarations(): string {
  const b = new BtfBuilder();
  const int = b.addInt("int", 4, 1);
  const char = b.addInt("char", 1, 1);
  const long = b.addInt("long unsigned int", 8);
  const unnamed = b.addUnion("", 8, [
    { name: "a", type: int, bitOffset: 0 },
    { name: "b", type: long, bitOffset: 0 },
  ]);
  const text = b.addArray(char, int, 8);
  const pair = b.addArray(long, int, 2);
  const data = b.addPtr(0);
  const number = b.addPtr(int);
  const itself = b.addPtr(number + 2);
  const node = b.addStruct("node", 64, [
    { name: "next", type: itself, bitOffset: 0 },
    { name: "text", type: text, bitOffset: 64 },
    { name: "", type: unnamed, bitOffset: 128 },
    { name: "pair", type: pair, bitOffset: 192 },
    { name: "data", type: data, bitOffset: 320 },
    { name: "class", type: number, bitOffset: 384 },
    { name: "bit", type: long, bitOffset: 448, bitfieldSize: 1 },
  ]);
  b.addStruct("delete", 4, []);
  const odd = b.addStruct("core::fmt::Error", 4, []);
  const variables = [
    { name: "first", type: node },
    { name: "odd.name", type: odd },
    { name: "first", type: int },
  ];
  return [...scriptTypes(b.toBtf(), variables)].join("");
}

test("an interface for each tag, with the members of what has no name", () => {
  expect(declarations()).toContain(`/** struct, 64 bytes */
export interface node extends View {
  readonly next: Pointer<node>;
  readonly text: Text;
  readonly a: Int;
  readonly b: Long;
  readonly pair: Items<Long>;
  readonly data: Address;
  readonly class: Address & { readonly [index: number]: Int };
  readonly bit: Int;
}
`);
});

test("no interface for a word of the language or what is no identifier", () => {
  expect(declarations()).not.toMatch(/interface (delete|core)/);
});

test("variables by name, each once", () => {
  expect(declarations()).toContain(`export interface Variables {
  readonly first: node;
  readonly "odd.name": View;
}
`);
});
