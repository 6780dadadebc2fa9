import { describe, expect, it } from "vitest";
import { commonTypes } from "../../test/build/mock-program.ts";
import { BtfBuilder } from "../btf/index.ts";
import { UsageError } from "../io/index.ts";
import { LookupError } from "./errors.ts";
import { TypeTable } from "./type-table.ts";

function table(): TypeTable {
  const base = new BtfBuilder();
  const { int } = commonTypes(base);
  base.addFwd("list_head");
  base.addStruct("list_head", 16, []);
  base.addTypedef("atomic_t", base.addStruct("", 4, [{ name: "counter", type: int, bitOffset: 0 }]));
  base.addEnum("pid_type", 4, [
    { name: "PIDTYPE_PID", value: 0 },
    { name: "PIDTYPE_TGID", value: 1 },
  ]);
  base.addStruct("head", 8, []);
  const vmlinux = base.toBtf();
  const module = new BtfBuilder({ base: vmlinux });
  module.addStruct("list_head", 24, []);
  module.addStruct("only_here", 4, []);
  module.addTypedef("head_t", int);
  const types = new TypeTable([{ name: "vmlinux", btf: vmlinux }]);
  types.add({ name: "module", btf: module.toBtf() });
  return types;
}

describe("TypeTable", () => {
  it.each([
    ["struct list_head", "struct list_head"],
    ["struct list_head *", "struct list_head *"],
    ["  const struct   list_head*const ", "const struct list_head * const"],
    ["unsigned long", "unsigned long"],
    ["long unsigned", "unsigned long"],
    ["unsigned", "unsigned int"],
    ["u8", "u8"],
    ["u8 const volatile", "const volatile u8"],
    ["char [16]", "char [16]"],
    ["char [0x10][2]", "char [16][2]"],
    ["char []", "char []"],
    ["char * [4]", "char *[4]"],
    ["char (*)[4]", "char (*)[4]"],
    ["int (*)(void)", "int (*)(void)"],
    ["void (*)(struct list_head *, int, ...)", "void (*)(struct list_head *, int, ...)"],
    ["int (*(*)(void))[2]", "int (*(*)(void))[2]"],
    ["void *", "void *"],
    ["long long", "long long"],
    ["double", "double"],
    ["_Bool", "_Bool"],
    ["enum pid_type", "enum pid_type"],
    ["atomic_t", "atomic_t"],
    ["struct only_here", "struct only_here"],
    ["struct module::list_head [010]", "struct list_head [8]"],
    ["struct list_head __rcu *__restrict", "struct list_head * restrict"],
    ["bool", "_Bool"],
  ])("understands %s", (text, name) => {
    const found = table().get(text);
    expect(found.typeName()).toBe(name);
  });

  it("takes the kernel's own type first, and complete ones before declared ones", () => {
    const types = table();
    expect(types.get("struct list_head").byteSize).toBe(16);
    expect(types.findAll("struct", "list_head").map((each) => each.byteSizeIf)).toEqual([16, 24, undefined]);
  });

  it("does not take what only has its name for an arithmetic type", () => {
    const builder = new BtfBuilder();
    builder.addInt("char", 4, 0);
    const types = new TypeTable([{ name: "vmlinux", btf: builder.toBtf() }]);
    expect(types.get("char").byteSize).toBe(1);
    builder.addInt("char", 1, 0);
    types.add({ name: "more", btf: builder.toBtf() });
    expect(types.get("char")).toMatchObject({ isSigned: false, btf: expect.anything() as unknown });
  });

  it("finds names that stand as the end of another in the strings", () => {
    expect(table().get("struct head").byteSize).toBe(8);
  });

  it("finds a type that came in after it was missed", () => {
    const types = table();
    expect(types.find("struct late")).toBeUndefined();
    expect(types.find("struct late")).toBeUndefined();
    const more = new BtfBuilder();
    const { int: word } = commonTypes(more);
    more.addStruct("late", 4, [{ name: "x", type: word, bitOffset: 0 }]);
    types.add({ name: "more", btf: more.toBtf() });
    expect(types.find("struct late")?.byteSize).toBe(4);
  });

  it("names what may have been meant", () => {
    const types = table();
    const error = (text: string): string => {
      try {
        types.get(text);
      } catch (caught) {
        if (caught instanceof LookupError) return caught.message;
      }
      return "found";
    };
    expect(error("struct list_hed")).toBe('no type "struct list_hed"; did you mean "struct list_head"?');
    expect(error("list_head")).toBe('no type "list_head"; did you mean "struct list_head"?');
    expect(error("nothing_like_it")).toBe('no type "nothing_like_it"');
    expect(types.find("struct list_hed *")).toBeUndefined();
  });

  it.each([
    "",
    "struct",
    "int int",
    "int (",
    "int [",
    "int [x]",
    "int [1 + 1]",
    "int [9999999999999999]",
    "typeof(1)",
    "int )",
    "long char",
    "*",
    "(".repeat(500),
    "int +",
    "const",
  ])("refuses %s as a type name", (text) => {
    expect(() => table().get(text)).toThrow(UsageError);
  });

  it("finds enumerators", () => {
    const found = table().findEnumerator("PIDTYPE_TGID");
    expect(found?.value).toBe(1n);
    expect(found?.type.typeName()).toBe("enum pid_type");
    expect(table().findEnumerator("PIDTYPE")).toBeUndefined();
  });

  it("lists names for completion", () => {
    expect([...table().names("struct")]).toEqual([
      "list_head",
      "list_head",
      "head",
      "list_head",
      "only_here",
    ]);
  });
});
