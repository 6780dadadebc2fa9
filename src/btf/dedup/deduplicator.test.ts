import { describe, expect, it } from "vitest";
import { describeWords, Names, startsOf, unitWords, type TypeSpec } from "../../../test/build/type-graph.ts";
import { Deduplicator } from "./deduplicator.ts";

interface Outcome {
  lines: string[];
  /** Final ids of each unit's types, in unit order. */
  ids: number[][];
  dedup: Deduplicator;
}

function dedup(units: readonly (readonly TypeSpec[])[], base: readonly TypeSpec[] = []): Outcome {
  const names = new Names();
  const baseWords = unitWords(base, names);
  const own = new Deduplicator(
    base.length > 0 ? { words: baseWords, starts: startsOf(baseWords) } : undefined,
  );
  const maps = units.map((unit) => {
    const words = unitWords(unit, names);
    const map = new Int32Array(unit.length + 1);
    own.addUnit(words, 0, words.length, unit.length, map);
    return map;
  });
  own.resolveForwards();
  const { map, words, typeCount } = own.finish();
  const lines = describeWords(words, names, own.startId);
  expect(lines.length).toBe(typeCount);
  const ids = maps.map((unitMap) => [...unitMap.subarray(1)].map((id) => map[id]!));
  // What was the base's stays as it was, byte for byte.
  if (base.length > 0) expect([...own.words.subarray(0, baseWords.length)]).toEqual([...baseWords]);
  return { lines, ids, dedup: own };
}

const int: TypeSpec = { kind: "int", name: "int", byteSize: 4 };
const char: TypeSpec = { kind: "int", name: "char", byteSize: 1 };
const ptr = (to: number): TypeSpec => ({ kind: "ptr", to });
const typedef = (name: string, to: number): TypeSpec => ({ kind: "typedef", name, to });
const fwd = (name: string, isUnion = false): TypeSpec => ({ kind: "fwd", name, isUnion });
const struct = (name: string, ...members: (readonly [string, number])[]): TypeSpec => ({
  kind: "struct",
  name,
  byteSize: members.length * 8,
  members: members.map(([member, type], i) => ({ name: member, type, offset: i * 64 })),
});

describe("Deduplicator", () => {
  it("keeps one of equal types, in order of first appearance", () => {
    const { lines, ids } = dedup([
      [int, ptr(1), struct("s", ["a", 2])],
      [char, ptr(1), int, ptr(3), struct("s", ["a", 4]), ptr(5)],
    ]);
    expect(lines).toEqual([
      "[1] int int 4 32",
      "[2] ptr 1",
      "[3] struct s 8 { a:2:0 }",
      "[4] int char 1 8",
      "[5] ptr 4",
      "[6] ptr 3",
    ]);
    expect(ids).toEqual([
      [1, 2, 3],
      [4, 5, 1, 2, 3, 6],
    ]);
  });

  it("tells ints by name, size and encoding apart", () => {
    const unit: TypeSpec[] = [int, { ...int, name: "other" }, { kind: "int", name: "int", byteSize: 8 }, int];
    expect(dedup([unit]).ids).toEqual([[1, 2, 3, 1]]);
  });

  it("resolves a FWD by the struct that another unit defines, whichever comes first", () => {
    const declares = [struct("user", ["p", 2]), ptr(3), fwd("s")];
    const defines = [struct("user", ["p", 2]), ptr(3), struct("s", ["a", 4]), int];
    const wanted = ["struct user 8 { p:P:0 }", "struct s 8 { a:I:0 }", "ptr S", "int int 4 32"].sort();
    for (const units of [
      [declares, defines],
      [defines, declares],
      [declares, declares, defines, declares],
    ]) {
      const { lines, ids } = dedup(units);
      const plain = lines
        .map((line) => line.replace(/^\[\d+\] /, ""))
        .map((line) =>
          line
            .replace(/^ptr \d/, "ptr S")
            .replace(/p:\d/, "p:P")
            .replace(/a:\d/, "a:I"),
        );
      expect(plain.sort()).toEqual(wanted);
      expect(new Set(ids.map((unit) => unit[2])).size).toBe(1);
    }
  });

  it("does not take a union for the struct of a FWD", () => {
    const { lines } = dedup([
      [struct("user", ["p", 2]), ptr(3), fwd("s", true)],
      [struct("user", ["p", 2]), ptr(3), struct("s", ["a", 4]), int],
    ]);
    expect(lines.filter((line) => line.includes("struct user")).length).toBe(2);
    expect(lines).toContain("[3] fwd s + 0");
  });

  it("resolves a FWD deep in a graph that was found equal", () => {
    const shared = (last: TypeSpec[]): TypeSpec[] => [
      struct("a", ["b", 2]),
      ptr(3),
      struct("b", ["c", 4]),
      ptr(5),
      ...last,
    ];
    const { lines, ids } = dedup([shared([fwd("c")]), shared([struct("c", ["i", 6]), int])]);
    expect(lines.length).toBe(6);
    expect(ids[0]![4]).toBe(ids[1]![4]);
    expect(lines.some((line) => line.includes("fwd"))).toBe(false);
  });

  it("sees that cycles are equal", () => {
    const ring = [struct("node", ["next", 2], ["owner", 4]), ptr(1), struct("owner", ["head", 2]), ptr(3)];
    const turned = [ptr(2), struct("owner", ["head", 3]), ptr(4), struct("node", ["next", 3], ["owner", 1])];
    const { lines, ids } = dedup([ring, turned]);
    expect(lines.length).toBe(4);
    expect(ids[1]).toEqual([4, 3, 2, 1]);
  });

  it("keeps structs of one name apart when anything they reach differs", () => {
    const make = (leaf: TypeSpec): TypeSpec[] => [struct("s", ["p", 2]), ptr(3), struct("t", ["x", 4]), leaf];
    const { ids } = dedup([make(int), make(char), make(int), make(char)]);
    expect(ids[0]).toEqual(ids[2]);
    expect(ids[1]).toEqual(ids[3]);
    expect(ids[0]!.filter((id) => ids[1]!.includes(id))).toEqual([]);
  });

  it("tells structs by member names, offsets and sizes apart", () => {
    const s: TypeSpec = {
      kind: "struct",
      name: "s",
      byteSize: 8,
      members: [{ name: "a", type: 2, offset: 0 }],
    };
    const variants: TypeSpec[] = [
      s,
      { ...s, byteSize: 16 },
      { ...s, kind: "union" },
      { ...s, members: [{ name: "b", type: 2, offset: 0 }] },
      { ...s, members: [{ name: "a", type: 2, offset: 32 }] },
    ];
    const { lines } = dedup(variants.map((variant) => [variant, int]));
    expect(lines.length).toBe(variants.length + 1);
  });

  it("takes equal anonymous structs of one unit for one", () => {
    const anonymous = struct("", ["x", 3]);
    const unit = [anonymous, anonymous, int, struct("outer", ["a", 1], ["b", 2])];
    const { lines, ids } = dedup([unit, unit]);
    expect(lines).toEqual([
      "[1] struct 8 { x:2:0 }",
      "[2] int int 4 32",
      "[3] struct outer 16 { a:1:0 b:1:64 }",
    ]);
    expect(ids).toEqual([
      [1, 1, 2, 3],
      [1, 1, 2, 3],
    ]);
  });

  it("finds a struct whose unit repeats an array or a pointer within it", () => {
    const array: TypeSpec = { kind: "array", of: 2, index: 2, count: 4 };
    const once = [struct("s", ["a", 3], ["b", 3]), int, array];
    const twice = [struct("s", ["a", 3], ["b", 4]), int, array, array];
    for (const units of [
      [once, twice],
      [twice, once],
    ]) {
      const { lines } = dedup(units);
      expect(lines.filter((line) => line.includes("struct s")).length).toBe(1);
    }
  });

  it("compares the elements of arrays that one unit repeats", () => {
    const array = (of: number): TypeSpec => ({ kind: "array", of, index: 2, count: 4 });
    const { lines } = dedup([
      [struct("s", ["a", 3], ["b", 3]), int, array(2)],
      [struct("s", ["a", 3], ["b", 4]), int, array(2), array(5), char],
    ]);
    expect(lines.filter((line) => line.includes("struct s")).length).toBe(2);
  });

  it("lets a full enum stand for its forward declaration, whatever its width", () => {
    const forward: TypeSpec = { kind: "enum", name: "e", byteSize: 4, values: [] };
    const full: TypeSpec = { kind: "enum", name: "e", byteSize: 4, values: [["A", 1]] };
    const wide: TypeSpec = { kind: "enum64", name: "e", byteSize: 8, values: [["A", 1]] };
    for (const own of [full, wide]) {
      for (const units of [
        [
          [forward, ptr(1)],
          [own, ptr(1)],
        ],
        [
          [own, ptr(1)],
          [forward, ptr(1)],
        ],
      ]) {
        const { lines, ids } = dedup(units);
        expect(lines.length).toBe(2);
        expect(ids[0]).toEqual(ids[1]);
        expect(lines.some((line) => line.includes("A:1"))).toBe(true);
      }
    }
    expect(dedup([[full], [wide]]).lines.length).toBe(2);
    expect(dedup([[full], [{ ...full, values: [["A", 2]] }]]).lines.length).toBe(2);
  });

  it("resolves a FWD at the end when only one struct has its name", () => {
    const { lines, ids } = dedup([
      [fwd("s"), ptr(1), struct("x", ["p", 2])],
      [struct("s", ["a", 2]), int],
    ]);
    expect(ids[0]![0]).toBe(ids[1]![0]);
    expect(lines.some((line) => line.includes("fwd"))).toBe(false);
    // The struct that points to it does not show how, so nothing else merges.
    expect(lines.length).toBe(4);
  });

  it("merges pointers that differed only by a FWD resolved at the end", () => {
    const { ids } = dedup([
      [fwd("s"), ptr(1)],
      [struct("s", ["a", 2]), int, ptr(1)],
    ]);
    expect(ids[0]![1]).toBe(ids[1]![2]);
  });

  it("leaves a FWD when two structs, or a struct and a union, have its name", () => {
    for (const other of [struct("s", ["b", 2]), { ...struct("s", ["a", 2]), kind: "union" } as TypeSpec]) {
      const { lines } = dedup([
        [fwd("s"), ptr(1)],
        [struct("s", ["a", 2]), int],
        [other, int],
      ]);
      expect(lines).toContain("[1] fwd s 0");
    }
  });

  it("compares functions and prototypes with the names of their parameters", () => {
    const proto = (name: string): TypeSpec => ({ kind: "funcProto", to: 1, parameters: [[name, 1]] });
    const { ids } = dedup([
      [int, proto("a"), proto("b"), { kind: "func", name: "f", to: 2 }, { kind: "func", name: "f", to: 3 }],
      [int, proto("a"), { kind: "func", name: "f", to: 2 }],
    ]);
    expect(ids).toEqual([
      [1, 2, 3, 4, 5],
      [1, 2, 4],
    ]);
  });

  it("keeps tags that differ in text, target or component", () => {
    const tag = (name: string, to: number, component: number): TypeSpec => ({
      kind: "declTag",
      name,
      to,
      component,
    });
    const s = struct("s", ["a", 2]);
    const unit = [s, int, tag("x", 1, -1), tag("x", 1, 0), tag("y", 1, -1), tag("x", 1, -1)];
    expect(dedup([unit, unit]).ids[1]).toEqual([1, 2, 3, 4, 5, 3]);
  });

  it("ends a cycle of modifiers instead of following it", () => {
    const { lines } = dedup([
      [{ kind: "const", to: 2 }, { kind: "volatile", to: 1 }, ptr(3), typedef("t", 4)],
    ]);
    expect(lines.length).toBeGreaterThan(0);
    const chain = Array.from({ length: 100_000 }, (_, i) => ptr(i + 2));
    expect(dedup([[...chain, int]]).ids[0]!.length).toBe(100_001);
  });

  it("ends a comparison of doubles that refer to doubles", () => {
    // Level n has two equal structs, each of which refers to both of level n + 1 in four members.
    const level = (n: number, turned: boolean): TypeSpec => {
      const [first, second] = [n * 2 + 3, n * 2 + 4];
      const [a, b] = turned ? [second, first] : [first, second];
      return struct(`s${n}`, ["a", a], ["b", b], ["c", a], ["d", b]);
    };
    const levels = Array.from({ length: 14 }, (_, n) => [level(n, false), level(n, true)]).flat();
    const doubles = [...levels, int, int];
    const single = Array.from({ length: 14 }, (_, n) =>
      struct(`s${n}`, ["a", n + 2], ["b", n + 2], ["c", n + 2], ["d", n + 2]),
    );
    expect(dedup([[...single, int], doubles, doubles]).lines.length).toBeLessThan(100);
  });

  it("takes a unit without types", () => {
    expect(dedup([[], [int], []]).lines).toEqual(["[1] int int 4 32"]);
  });
});

describe("Deduplicator over a base", () => {
  const base: TypeSpec[] = [
    int,
    struct("list", ["next", 3]),
    ptr(2),
    typedef("number", 1),
    { kind: "const", to: 4 },
    fwd("secret"),
    ptr(6),
    struct("holder", ["s", 7]),
    { kind: "enum", name: "e", byteSize: 4, values: [["A", 1]] },
  ];

  it("maps what the base has to the base", () => {
    const unit = [
      { kind: "const", to: 2 } as TypeSpec,
      typedef("number", 3),
      int,
      ptr(5),
      struct("list", ["next", 4]),
      base[8]!,
    ];
    const { lines, ids } = dedup([unit], base);
    expect(lines).toEqual([]);
    expect(ids).toEqual([[5, 4, 1, 3, 2, 9]]);
  });

  it("counts new ids from the base's end", () => {
    const { lines, ids } = dedup(
      [[struct("own", ["l", 2]), ptr(3), struct("list", ["next", 2]), char]],
      base,
    );
    expect(lines).toEqual(["[10] struct own 8 { l:3:0 }", "[11] int char 1 8"]);
    expect(ids).toEqual([[10, 3, 2, 11]]);
  });

  it("keeps a struct again whose FWD the base would have to resolve", () => {
    const unit = [struct("holder", ["s", 2]), ptr(3), struct("secret", ["a", 4]), int];
    const { lines, ids } = dedup([unit, unit], base);
    expect(lines).toEqual([
      "[10] struct holder 8 { s:11:0 }",
      "[11] ptr 12",
      "[12] struct secret 8 { a:1:0 }",
    ]);
    expect(ids[0]).toEqual(ids[1]);
  });

  describe("whose FWD the units complete", () => {
    const open: TypeSpec[] = [
      int,
      fwd("secret"),
      ptr(2),
      typedef("handle", 3),
      struct("holder", ["s", 3]),
      typedef("holder_t", 5),
    ];
    const secret = struct("secret", ["a", 1]);
    // Both units have the struct "user"; what its pointer points to only the second one knows.
    const unaware = [int, fwd("secret"), ptr(2), struct("user", ["s", 3]), typedef("handle", 3)];
    const aware = [int, secret, ptr(2), struct("user", ["s", 3]), typedef("handle", 3)];
    const own = [
      "[7] ptr 10",
      "[8] struct user 8 { s:7:0 }",
      "[9] typedef handle 7",
      "[10] struct secret 8 { a:1:0 }",
    ];

    it("gives its references and typedefs to a split that does not", () => {
      const { lines, ids } = dedup([unaware], open);
      expect(lines).toEqual(["[7] struct user 8 { s:3:0 }"]);
      expect(ids).toEqual([[1, 2, 3, 7, 4]]);
    });

    it("keeps them from one that does, in whatever unit", () => {
      const { lines, ids } = dedup([unaware, aware], open);
      expect(lines).toEqual(own);
      expect(ids).toEqual([
        [1, 10, 7, 8, 9],
        [1, 10, 7, 8, 9],
      ]);
    });

    it("keeps its pointer from types beside a struct that is the base's", () => {
      const beside = [int, secret, ptr(2), struct("holder", ["s", 3]), struct("beside", ["s", 3])];
      const { lines, ids } = dedup([unaware, aware, beside], open);
      expect(lines).toEqual([...own, "[11] struct beside 8 { s:7:0 }"]);
      expect(ids[2]!.slice(1, 3)).toEqual([10, 7]);
    });

    it("keeps a typedef and its struct apart from the base's, though the typedef comes first", () => {
      const unit = [
        typedef("holder_t", 2),
        struct("holder", ["s", 3]),
        ptr(4),
        struct("secret", ["a", 5]),
        int,
      ];
      const { lines } = dedup([unit], open);
      expect(lines).toEqual([
        "[7] typedef holder_t 8",
        "[8] struct holder 8 { s:9:0 }",
        "[9] ptr 10",
        "[10] struct secret 8 { a:1:0 }",
      ]);
    });

    describe("behind a struct that no unit has otherwise", () => {
      const between: TypeSpec[] = [
        int,
        fwd("secret"),
        ptr(2),
        struct("request", ["s", 3]),
        ptr(4),
        struct("stream", ["r", 5], ["self", 7]),
        ptr(6),
      ];
      // The stream is compared while the base's FWD is one, the request when it is known to be the secret.
      const completing = [
        struct("stream", ["r", 2], ["self", 6]),
        ptr(3),
        struct("request", ["s", 4]),
        ptr(5),
        struct("secret", ["a", 7]),
        ptr(1),
        int,
      ];
      const takesStream: TypeSpec = { kind: "funcProto", to: 0, parameters: [["s", 7]] };

      it("has one of each, the base's, in every unit", () => {
        const first = [...completing, { ...takesStream, parameters: [["s", 6]] } as TypeSpec];
        const { lines, ids } = dedup([first, [...between, takesStream]], between);
        expect(lines).toEqual(["[8] ptr 9", "[9] struct secret 8 { a:1:0 }", "[10] funcProto 0 { s:7 }"]);
        expect(ids[0]).toEqual([6, 5, 4, 8, 9, 7, 1, 10]);
        expect(ids[1]).toEqual([1, 9, 8, 4, 5, 6, 7, 10]);
      });

      it("is kept where it leads to the FWD itself", () => {
        const direct = struct("stream", ["r", 5], ["self", 3]);
        const unit = completing.with(0, struct("stream", ["r", 2], ["self", 4]));
        const { lines } = dedup([unit], between.with(5, direct));
        expect(lines).toEqual([
          "[8] struct stream 16 { r:5:0 self:9:64 }",
          "[9] ptr 10",
          "[10] struct secret 8 { a:1:0 }",
          "[11] ptr 8",
        ]);
      });
    });

    it("may hold references in a circle", () => {
      const { lines } = dedup([unaware], [...open, { kind: "const", to: 8 }, { kind: "volatile", to: 7 }]);
      expect(lines).toEqual(["[9] struct user 8 { s:3:0 }"]);
    });
  });

  it("maps a FWD of its own to the base's struct of that name", () => {
    const { lines, ids } = dedup([[fwd("list"), ptr(1), struct("user", ["l", 2])]], base);
    expect(ids[0]!.slice(0, 2)).toEqual([2, 3]);
    expect(lines).toEqual(["[10] struct user 8 { l:3:0 }"]);
  });

  it("maps a forward enum to the base's", () => {
    const { lines, ids } = dedup([[{ kind: "enum", name: "e", byteSize: 4, values: [] }]], base);
    expect([lines, ids]).toEqual([[], [[9]]]);
  });

  it("does not let an enum of its own change the base's forward declaration", () => {
    const forward: TypeSpec = { kind: "enum", name: "e", byteSize: 4, values: [] };
    const full: TypeSpec = { kind: "enum", name: "e", byteSize: 4, values: [["A", 1]] };
    const { lines } = dedup([[full, ptr(1)]], [forward, ptr(1)]);
    expect(lines[0]).toBe("[3] enum e 4 { A:1 }");
    expect(lines[1]).toBe("[4] ptr 3");
  });
});
