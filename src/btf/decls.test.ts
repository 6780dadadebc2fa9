import { describe, expect, it } from "vitest";
import { BtfBuilder } from "./builder.ts";
import * as K from "./constants.ts";
import { declare } from "./declarator.ts";
import { declarations } from "./decls.ts";

function types(): { b: BtfBuilder; int: number; char: number; bar: number } {
  const b = new BtfBuilder();
  return { b, int: b.addInt("int", 4, 1), char: b.addInt("char", 1, 1), bar: b.addStruct("bar", 4, []) };
}

type Types = ReturnType<typeof types>;

describe("declare", () => {
  it.each<[string, (t: Types) => number]>([
    ["int x", (t) => t.int],
    ["void *x", (t) => t.b.addPtr(0)],
    ["const char * const *x", (t) => t.b.addPtr(t.b.addConst(t.b.addPtr(t.b.addConst(t.char))))],
    ["char * const x", (t) => t.b.addConst(t.b.addPtr(t.char))],
    ["const volatile int x", (t) => t.b.addConst(t.b.addVolatile(t.int))],
    ["int x[2][3]", (t) => t.b.addArray(t.b.addArray(t.int, t.int, 3), t.int, 2)],
    ["char *x[4]", (t) => t.b.addArray(t.b.addPtr(t.char), t.int, 4)],
    ["char (*x)[4]", (t) => t.b.addPtr(t.b.addArray(t.char, t.int, 4))],
    ["const char x[4]", (t) => t.b.addConst(t.b.addArray(t.char, t.int, 4))],
    [
      "int (*x[4])(int)",
      (t) => t.b.addArray(t.b.addPtr(t.b.addFuncProto(t.int, [{ name: "", type: t.int }])), t.int, 4),
    ],
    [
      "int (*(*x)(void))(int)",
      (t) => t.b.addPtr(t.b.addFuncProto(t.b.addPtr(t.b.addFuncProto(t.int, [{ name: "", type: t.int }])))),
    ],
    [
      "void (*x)(struct bar *bar, int, ...)",
      (t) => {
        const parameters = [
          { name: "bar", type: t.b.addPtr(t.bar) },
          { name: "", type: t.int },
          { name: "", type: 0 },
        ];
        return t.b.addPtr(t.b.addFuncProto(0, parameters));
      },
    ],
    ["int x()", (t) => t.b.addFuncProto(t.int, [{ name: "", type: 0 }])],
    ["union later *x", (t) => t.b.addPtr(t.b.addFwd("later", true))],
    [
      "enum { A = 0, B = -1 } x",
      (t) =>
        t.b.addEnum("", 4, [
          { name: "A", value: 0 },
          { name: "B", value: -1 },
        ]),
    ],
    ["enum colour x", (t) => t.b.addEnum("colour", 4, [])],
    [
      "struct { int a:3; struct { char c; }; union { int *p[2]; } u; } x",
      (t) => {
        const inner = t.b.addStruct("", 1, [{ name: "c", type: t.char, bitOffset: 0 }]);
        const u = t.b.addUnion("", 16, [
          { name: "p", type: t.b.addArray(t.b.addPtr(t.int), t.int, 2), bitOffset: 0 },
        ]);
        return t.b.addStruct("", 24, [
          { name: "a", type: t.int, bitOffset: 0, bitfieldSize: 3 },
          { name: "", type: inner, bitOffset: 32 },
          { name: "u", type: u, bitOffset: 64 },
        ]);
      },
    ],
    [`__attribute__((btf_type_tag("user"))) int *x`, (t) => t.b.addPtr(t.b.addTypeTag("user", t.int))],
    [
      `__attribute__((address_space(1))) int *x`,
      (t) => t.b.addPtr(t.b.addTypeTag("address_space(1)", t.int, true)),
    ],
    ["struct bar * restrict x", (t) => t.b.addRestrict(t.b.addPtr(t.bar))],
  ])("writes %s", (text, make) => {
    const t = types();
    const id = make(t);
    const btf = t.b.toBtf();
    expect(declare(btf, id, "x")).toBe(text);
  });

  it("spells a type without a name", () => {
    const t = types();
    const id = t.b.addPtr(t.b.addFuncProto(t.b.addConst(t.b.addPtr(t.bar))));
    expect(declare(t.b.toBtf(), id)).toBe("struct bar * const (*)(void)");
    expect(declare(t.b.toBtf(), 0)).toBe("void");
  });

  it("ends on types that contain themselves", () => {
    const b = new BtfBuilder();
    const self = b.addPtr(b.nextId);
    const anonymous = b.addStruct("", 8, [{ name: "next", type: b.nextId + 1, bitOffset: 0 }]);
    b.addPtr(anonymous);
    // Each level holds the next one twice: 2^60 members.
    const wide = b.nextId;
    for (let level = 0; level < 60; level++) {
      b.addStruct("", 8, [
        { name: "a", type: b.nextId + 1, bitOffset: 0 },
        { name: "b", type: b.nextId + 1, bitOffset: 0 },
      ]);
    }
    b.addInt("int", 4);
    const btf = b.toBtf();
    for (const id of [self, anonymous, wide]) {
      expect(() => declare(btf, id, "x")).toThrowError(expect.objectContaining({ code: "BTF_DECLARATION" }));
    }
  });
});

describe("declarations", () => {
  it("gives a line per variable and function, sorted by name, without ids or addresses", () => {
    const { b, int, bar } = types();
    const pointer = b.addPtr(bar);
    const proto = b.addFuncProto(int, [
      { name: "x", type: pointer },
      { name: "", type: 0 },
    ]);
    b.addVar("zebra", bar, K.BTF_VAR_GLOBAL_ALLOCATED);
    b.addFunc("foo", proto, K.BTF_FUNC_STATIC);
    b.addVar("state.3", int, K.BTF_VAR_STATIC);
    b.addVar("count", int, K.BTF_VAR_STATIC);
    b.addVar("count", pointer, K.BTF_VAR_STATIC);
    b.addFunc("open", proto, K.BTF_FUNC_GLOBAL);
    b.addFunc("odd", int);
    b.addVar("line\nbreak", int);
    expect([...declarations(b.toBtf())]).toEqual([
      "static int count;",
      "static struct bar *count;",
      "static int foo(struct bar *x, ...);",
      "extern int line\\x0abreak;",
      "/* static odd: no function type */",
      "extern int open(struct bar *x, ...);",
      "static int state.3;",
      "extern struct bar zebra;",
    ]);
  });

  it("leaves the base out unless asked", () => {
    const { b, int } = types();
    b.addVar("below", int);
    const base = b.toBtf();
    const split = new BtfBuilder({ base });
    split.addVar("above", int);
    const btf = split.toBtf();
    expect([...declarations(btf)]).toEqual(["extern int above;"]);
    expect([...declarations(btf, { withBase: true })]).toEqual(["extern int above;", "extern int below;"]);
  });
});
