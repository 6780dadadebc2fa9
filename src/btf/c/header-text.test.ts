import { describe, expect, it } from "vitest";
import { BtfBuilder } from "../builder.ts";
import type { Btf } from "../reader.ts";
import { cHeader } from "./header-text.ts";

function sample(longSize: number, littleEndian: boolean): Btf {
  const b = new BtfBuilder({ littleEndian });
  const int = b.addInt("int", 4, 1);
  const long = b.addInt("long int", longSize, 1);
  const char = b.addInt("char", 1, 1);
  const later = b.addFwd("later");
  const node = b.nextId;
  b.addStruct("node", longSize * 2 + 8, [
    { name: "next", type: node + 1, bitOffset: 0 },
    { name: "a", type: int, bitOffset: longSize * 8, bitfieldSize: 3 },
    { name: "b", type: int, bitOffset: longSize * 8 + 13, bitfieldSize: 4 },
    { name: "tail", type: char, bitOffset: longSize * 8 + 64 },
  ]);
  const ptr = b.addPtr(node);
  b.addStruct("packed", longSize + 1, [
    { name: "c", type: char, bitOffset: 0 },
    { name: "l", type: long, bitOffset: 8 },
  ]);
  const inner = b.addUnion("", longSize, [
    { name: "p", type: ptr, bitOffset: 0 },
    { name: "", type: b.nextId + 1, bitOffset: 0 },
  ]);
  b.addStruct("", 2, [
    { name: "x", type: char, bitOffset: 0 },
    { name: "y", type: char, bitOffset: 8 },
  ]);
  const color = b.addEnum("", 4, [
    { name: "RED", value: -1 },
    { name: "GREEN", value: 7 },
  ]);
  b.addEnum("color", 1, [{ name: "RED", value: 1 }]);
  b.addEnum64(
    "wide",
    8,
    [
      { name: "HIGH", value: 1n << 40n },
      { name: "LOW", value: -1n },
    ],
    true,
  );
  b.addEnum64("word", 8, [{ name: "SMALL", value: 4 }], false);
  b.addEnum("", 4, [{ name: "LONELY", value: 1 }]);
  b.addTypedef("node", b.addConst(b.addVolatile(node)));
  const proto = b.addFuncProto(b.addPtr(b.addConst(char)), [
    { name: "", type: b.addPtr(later) },
    { name: "m", type: b.addArray(b.addArray(int, int, 3), int, 2) },
    { name: "", type: 0 },
  ]);
  const pproto = b.addPtr(proto);
  const handler = b.addTypedef("handler_t", pproto);
  const tagged = b.addPtr(b.addTypeTag("user", b.addConst(char)));
  const attributed = b.addPtr(b.addTypeTag("noderef", char, true));
  b.addStruct("later_user", 128, [
    { name: "handlers", type: b.addArray(pproto, int, 4), bitOffset: 0 },
    { name: "h", type: handler, bitOffset: 256 },
    { name: "", type: inner, bitOffset: 320 },
    { name: "hue", type: color, bitOffset: 384 },
    { name: "self", type: b.addPtr(b.nextId + 2), bitOffset: 512 },
    { name: "tagged", type: tagged, bitOffset: 576 },
    { name: "attributed", type: attributed, bitOffset: 640 },
    { name: "flex", type: b.addArray(char, int, 0), bitOffset: 904 },
  ]);
  b.addStruct("node", 4, [{ name: "other", type: int, bitOffset: 0 }]);
  b.addStruct("empty", 0, []);
  b.addStruct("hole", 64, []);
  const f = b.addFunc("bpf_work", proto);
  b.addDeclTag("bpf_kfunc", f);
  b.addDeclTag("bpf_fastcall", f);
  b.addTypedef("__gnuc_va_list", 0);
  b.addTypedef("__builtin_va_list", 0);
  b.addFloat("double", 8);
  b.addInt("__Poly8_t", 1);
  b.addTypedef("poly", b.nextId - 1);
  return b.toBtf();
}

/** The header without what every header has. */
function body(btf: Btf, options: Parameters<typeof cHeader>[1] = {}): string {
  const text = cHeader(btf, options);
  const start = text.indexOf("#endif\n#endif\n\n") + 15;
  const end = text.indexOf("#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n#pragma clang attribute pop");
  expect(start).toBeGreaterThan(15);
  return text.slice(start, end);
}

// What bpftool 7.8 printed for these two.
const little = `struct later;

struct node {
	struct node *next;
	int a: 3;
	char: 5;
	char: 5;
	int b: 4;
	long: 0;
	char tail;
};

struct packed {
	char c;
	long int l;
} __attribute__((packed));

enum color {
	RED = 1,
} __attribute__((mode(byte)));

enum wide {
	HIGH = 1099511627776LL,
	LOW = -1LL,
};

enum word {
	SMALL = 4ULL,
} __attribute__((mode(word)));

enum {
	LONELY = 1,
};

typedef volatile const struct node node;

typedef const char * (*handler_t)(struct later *, int m[2][3], ...);

struct later_user {
	const char * (*handlers[4])(struct later *, int m[2][3], ...);
	handler_t h;
	union {
		struct node *p;
		struct {
			char x;
			char y;
		};
	};
	enum {
		RED___2 = -1,
		GREEN = 7,
	} hue;
	long: 64;
	struct later_user *self;
	const char __attribute__((btf_type_tag("user"))) *tagged;
	char __attribute__((noderef)) *attributed;
	long: 64;
	long: 64;
	long: 64;
	char: 8;
	char flex[0];
	long: 64;
};

struct node___2 {
	int other;
};

struct empty {};

struct hole {
	long: 64;
	long: 64;
	long: 64;
	long: 64;
	long: 64;
	long: 64;
	long: 64;
	long: 64;
};

typedef __builtin_va_list __gnuc_va_list;

typedef unsigned char __Poly8_t;

typedef __Poly8_t poly;

`;
const bigDifferences = [["} __attribute__((mode(word)));\n\nenum {", "};\n\nenum {"]] as const;

describe("C header", () => {
  it("defines types with their padding, packing, suffixes and attributes", () => {
    expect(body(sample(8, true), { sorted: false })).toContain(little);
  });

  it("knows that 32-bit targets pad with a shorter long, and have no wide enums by mode", () => {
    const text = body(sample(4, false), { sorted: false });
    expect(text).toContain("\tint b: 4;\n\tlong: 32;\n\tchar tail;\n};\n");
    for (const [before, after] of bigDifferences) {
      expect(text).not.toContain(before);
      expect(text).toContain(after);
    }
  });

  it("declares kfuncs, unless only some types are asked for", () => {
    const kfunc =
      "extern __bpf_fastcall const char *bpf_work(struct later *, int m[2][3], ...) __weak __ksym;\n";
    expect(body(sample(8, true))).toContain(
      `\n/* BPF kfuncs */\n#ifndef BPF_NO_KFUNC_PROTOTYPES\n${kfunc}#endif\n\n`,
    );
    expect(body(sample(8, true), { roots: [5] })).not.toContain("kfunc");
  });

  it("prints what one type needs, and no more", () => {
    const btf = sample(8, true);
    const roots = Array.from({ length: btf.typeCount }, (_, id) => id).filter(
      (id) => btf.name(id) === "packed",
    );
    expect(body(btf, { roots })).toBe(
      "struct packed {\n\tchar c;\n\tlong int l;\n} __attribute__((packed));\n\n",
    );
  });

  it("sorts by kind and name, and leaves out the first as bpftool does", () => {
    const b = new BtfBuilder();
    const int = b.addInt("int", 4, 1);
    b.addStruct("zebra", 4, [{ name: "a", type: int, bitOffset: 0 }]);
    b.addStruct("ant", 4, [{ name: "a", type: int, bitOffset: 0 }]);
    b.addEnum("kind", 4, [{ name: "KIND", value: 0 }]);
    b.addEnum("", 4, [{ name: "LOST", value: 0 }]);
    const names = [...body(b.toBtf()).matchAll(/(?:struct|enum) (\w*)/g)].map((match) => match[1]);
    expect(names).toEqual(["kind", "ant", "zebra"]);
  });

  it("refuses types that contain themselves", () => {
    const b = new BtfBuilder();
    b.addStruct("snake", 4, [{ name: "tail", type: 1, bitOffset: 0 }]);
    expect(() => cHeader(b.toBtf(), { sorted: false })).toThrow("STRUCT 1 'snake' contains itself");
    const pointers = new BtfBuilder();
    pointers.addPtr(1);
    expect(() => cHeader(pointers.toBtf(), { sorted: false })).toThrow("lies behind more than 1500 others");
  });

  it("refuses prototypes that take each other twice, forty deep", () => {
    const b = new BtfBuilder();
    for (let id = 1; id < 40; id++) b.addFuncProto(id + 1, [{ name: "a", type: id + 1 }]);
    b.addFuncProto(0, []);
    expect(() => cHeader(b.toBtf(), { sorted: false })).toThrow("lies within too many others");
  });
});
