import { describe, expect, it } from "vitest";
import { commonTypes } from "../../test/build/mock-program.ts";
import { BtfBuilder } from "../btf/index.ts";
import { typesCompatible } from "./type-compatible.ts";
import { TypeTable } from "./type-table.ts";

function table(listByteSize: number): TypeTable {
  const builder = new BtfBuilder();
  commonTypes(builder);
  builder.addStruct("list_head", listByteSize, []);
  return new TypeTable([{ name: "vmlinux", btf: builder.toBtf() }]);
}

describe("typesCompatible", () => {
  const kernel = table(16);
  const module = table(16);
  const other = table(24);

  it.each([
    ["int", "int", true],
    ["int", "unsigned int", false],
    ["u8", "unsigned char", true],
    ["const int", "int", false],
    ["struct list_head *", "struct list_head *", true],
    ["struct list_head [3]", "struct list_head []", true],
    ["struct list_head [3]", "struct list_head [4]", false],
    ["void *", "void *", true],
    ["int (*)(int, ...)", "int (*)(int, ...)", true],
    ["int (*)(int)", "int (*)(int, ...)", false],
    ["int (*)(int)", "int (*)(long)", false],
    ["int (*)(int)", "int (*)(int, int)", false],
    ["int *", "int", false],
  ])("of %s and %s across blobs: %s", (left, right, answer) => {
    expect(typesCompatible(kernel.get(left), module.get(right))).toBe(answer);
  });

  it("tells structs of one name by their size", () => {
    expect(typesCompatible(kernel.get("struct list_head"), other.get("struct list_head"))).toBe(false);
  });
});
