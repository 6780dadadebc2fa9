import { expect, test } from "vitest";
import { BtfBuilder } from "./builder.ts";
import { isfPieces, type IsfSymbol } from "./isf.ts";
import type { Btf } from "./reader.ts";

function sample(littleEndian = true): Btf {
  const b = new BtfBuilder({ littleEndian });
  const int = b.addInt("int", 4, 1);
  const char = b.addInt("char", 1, 1);
  const word = b.addTypedef("word", b.addConst(b.addInt("unsigned int", 4)));
  const unnamed = b.addUnion("", 4, [{ name: "a", type: int, bitOffset: 0 }]);
  const text = b.addArray(char, int, 8);
  const itself = b.addPtr(text + 2);
  b.addStruct("node", 24, [
    { name: "next", type: itself, bitOffset: 0 },
    { name: "text", type: text, bitOffset: 64 },
    { name: "low", type: word, bitOffset: 128, bitfieldSize: 3 },
    { name: "high", type: word, bitOffset: 131, bitfieldSize: 5 },
    { name: "", type: unnamed, bitOffset: 160 },
  ]);
  b.addStruct("node", 4, [{ name: "other", type: int, bitOffset: 0 }]);
  b.addEnum(
    "colour",
    4,
    [
      { name: "RED", value: -1n },
      { name: "BLUE", value: 2n },
    ],
    true,
  );
  return b.toBtf();
}

interface Document {
  metadata: unknown;
  base_types: Record<string, unknown>;
  user_types: Record<string, { fields: Record<string, unknown> }>;
  enums: Record<string, unknown>;
  symbols: Record<string, unknown>;
}

function isf(btf: Btf, symbols: IsfSymbol[] = []): Document {
  const producer = { name: "test", version: "1.2.3" };
  return JSON.parse([...isfPieces(btf, { symbols, producer })].join("")) as Document;
}

test("structs, unions and enumerations, seen through typedefs", () => {
  const document = isf(sample());
  expect(document.metadata).toEqual({
    linux: { symbols: [], types: [] },
    producer: { name: "test", version: "1.2.3" },
    format: "6.2.0",
  });
  const unsigned = { kind: "base", name: "unsigned int" };
  expect(document.user_types["node"]).toEqual({
    size: 24,
    kind: "struct",
    fields: {
      next: { type: { kind: "pointer", subtype: { kind: "struct", name: "node" } }, offset: 0 },
      text: { type: { kind: "array", subtype: { kind: "base", name: "char" }, count: 8 }, offset: 8 },
      low: { type: { kind: "bitfield", bit_position: 0, bit_length: 3, type: unsigned }, offset: 16 },
      high: { type: { kind: "bitfield", bit_position: 3, bit_length: 5, type: unsigned }, offset: 16 },
      unnamed_field_4: { type: { kind: "union", name: "unnamed_6" }, offset: 20, anonymous: true },
    },
  });
  expect(Object.keys(document.user_types)).toEqual(["node", "node___2", "unnamed_6"]);
  expect(document.enums).toEqual({ colour: { size: 4, base: "int", constants: { RED: -1, BLUE: 2 } } });
  expect(document.base_types).toEqual({
    void: { size: 0, signed: false, kind: "void", endian: "little" },
    pointer: { size: 8, signed: false, kind: "int", endian: "little" },
    int: { size: 4, signed: true, kind: "int", endian: "little" },
    char: { size: 1, signed: true, kind: "char", endian: "little" },
    "unsigned int": { size: 4, signed: false, kind: "int", endian: "little" },
  });
});

test("on big endian a bitfield is counted from its unit's lowest bit too", () => {
  const { fields } = isf(sample(false)).user_types["node"]!;
  expect(fields).toMatchObject({ low: { type: { bit_position: 29 } }, high: { type: { bit_position: 24 } } });
});

test("symbols: all digits of an address, types, constant data; the first of a name", () => {
  const symbols: IsfSymbol[] = [
    { name: "linux_banner", address: 0xffff_ffff_8180_0007n, constantData: Buffer.from("Linux\n\0") },
    { name: "twice", address: 1n, type: 1 },
    { name: "twice", address: 2n },
  ];
  const producer = { name: "test", version: "1.2.3" };
  const text = [...isfPieces(sample(), { symbols, producer })].join("");
  expect(text).toContain(
    `"linux_banner":{"address":${0xffff_ffff_8180_0007n},"constant_data":"TGludXgKAA=="}`,
  );
  expect(text).toContain('"twice":{"address":1,"type":{"kind":"base","name":"int"}}');
  expect(text.match(/"twice"/g)).toHaveLength(1);
});
