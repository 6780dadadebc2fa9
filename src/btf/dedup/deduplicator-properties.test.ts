import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describeWords, Names, startsOf, unitWords, type TypeSpec } from "../../../test/build/type-graph.ts";
import { Deduplicator } from "./deduplicator.ts";
import { Kind, kindOfInfo, vlenOfInfo } from "./type-words.ts";

/** A type of a program: what it refers to are indexes in the program. */
interface Node {
  kind: TypeSpec["kind"];
  name: string;
  /** Size, count or value, whatever the kind has. */
  number: number;
  refs: number[];
}

const compositeKinds = ["struct", "union"] as const;
const referenceKinds = ["ptr", "const", "typedef", "array", "funcProto", "typeTag"] as const;
const leafKinds = ["int", "enum", "float"] as const;

/** Cycles go through structs, as in C. */
const program: fc.Arbitrary<Node[]> = fc
  .array(
    fc.record({
      kind: fc.oneof(
        { weight: 3, arbitrary: fc.constantFrom(...compositeKinds) },
        { weight: 4, arbitrary: fc.constantFrom(...referenceKinds) },
        { weight: 1, arbitrary: fc.constantFrom(...leafKinds) },
      ),
      name: fc.constantFrom("a", "b", "c"),
      number: fc.integer({ min: 1, max: 2 }),
      targets: fc.array(fc.nat(), { minLength: 2, maxLength: 3 }),
    }),
    { minLength: 2, maxLength: 24 },
  )
  .map((seeds) => {
    const composites = seeds.flatMap(({ kind }, i) => (kind === "struct" || kind === "union" ? [i] : []));
    return seeds.map(({ kind, name, number, targets }, i): Node => {
      switch (kind) {
        case "struct":
        case "union":
          return { kind, name, number, refs: targets.map((target) => target % seeds.length) };
        case "int":
        case "enum":
        case "float":
          return { kind, name, number, refs: [] };
        default: {
          const below = [...Array.from({ length: i }, (_, j) => j), ...composites];
          if (below.length === 0) return { kind: "int", name, number, refs: [] };
          const count = kind === "funcProto" ? 3 : kind === "array" ? 2 : 1;
          const own = kind === "typedef" || kind === "typeTag" ? name : "";
          const refs = targets.slice(0, count).map((target) => below[target % below.length]!);
          return { kind, name: own, number: kind === "array" ? number : 0, refs };
        }
      }
    });
  });

/** The plain twin: split classes until those of what a type refers to split them no more. */
function classesOf(nodes: readonly Node[]): number[] {
  const number = (keys: string[]): number[] => {
    const seen = new Map<string, number>();
    return keys.map((key) => {
      if (!seen.has(key)) seen.set(key, seen.size);
      return seen.get(key)!;
    });
  };
  let classes = number(nodes.map((node) => `${node.kind} ${node.name} ${node.number} ${node.refs.length}`));
  for (;;) {
    const next = number(nodes.map(({ refs }, i) => [classes[i], ...refs.map((ref) => classes[ref])].join()));
    if (new Set(next).size === new Set(classes).size) return classes;
    classes = next;
  }
}

/** One type of each class: compilers write a type once per unit. */
function withoutDoubles(nodes: readonly Node[]): Node[] {
  const classes = classesOf(nodes);
  const places = new Map<number, number>();
  const kept = nodes.filter((_, i) => {
    if (places.has(classes[i]!)) return false;
    places.set(classes[i]!, places.size);
    return true;
  });
  return kept.map((node) => ({ ...node, refs: node.refs.map((ref) => places.get(classes[ref]!)!) }));
}

/** What these types reach, in an order that `order` decides. */
function unitOf(nodes: readonly Node[], roots: readonly number[], order: readonly number[]): TypeSpec[] {
  const reached = new Set<number>();
  const pending = roots.map((root) => root % nodes.length);
  while (pending.length > 0) {
    const next = pending.pop()!;
    if (reached.has(next)) continue;
    reached.add(next);
    pending.push(...nodes[next]!.refs);
  }
  const sorted = [...reached].sort((a, b) => order[a % order.length]! - order[b % order.length]! || a - b);
  const ids = new Map(sorted.map((index, i) => [index, i + 1]));
  return sorted.map((index) => specOf(nodes[index]!, (ref) => ids.get(ref)!));
}

function specOf({ kind, name, number, refs }: Node, id: (ref: number) => number): TypeSpec {
  const to = refs.length > 0 ? id(refs[0]!) : 0;
  switch (kind) {
    case "int":
    case "float":
      return { kind, name, byteSize: number };
    case "enum":
      return { kind, name, byteSize: 4, values: [["V", number]] };
    case "struct":
    case "union": {
      const members = refs.map((ref, i) => ({ name: `m${i}`, type: id(ref), offset: i * 8 }));
      return { kind, name, byteSize: number, members };
    }
    case "array":
      return { kind, of: to, index: id(refs[1]!), count: number };
    case "funcProto":
      return { kind, to, parameters: refs.slice(1).map((ref, i) => [`p${i}`, id(ref)] as const) };
    case "typedef":
    case "typeTag":
      return { kind, name, to };
    default:
      return { kind: kind as "ptr" | "const", to };
  }
}

const choice = fc.record({
  roots: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
  order: fc.array(fc.nat(1000), { minLength: 24, maxLength: 24 }),
  /** Of structs: only declared in this unit. */
  declared: fc.array(fc.boolean(), { minLength: 24, maxLength: 24 }),
});

const units = fc
  .record({ nodes: program, choices: fc.array(choice, { minLength: 1, maxLength: 5 }) })
  .map(({ nodes, choices }) => {
    const distinct = withoutDoubles(nodes);
    return {
      distinct,
      units: choices.map(({ roots, order }) => unitOf(distinct, roots, order)),
      withForwards: choices.map(({ roots, order, declared }) =>
        withDeclarations(unitOf(distinct, roots, order), declared),
      ),
    };
  });

/** Whether structs, unions and forward declarations of a unit have names of their own, as in C. */
function hasEachTagOnce(unit: readonly TypeSpec[]): boolean {
  const tags = unit.flatMap((spec) =>
    spec.kind === "struct" || spec.kind === "union" || spec.kind === "fwd" ? [spec.name] : [],
  );
  return new Set(tags).size === tags.length;
}

/** Some structs become FWDs; what only they reached stays. Names of structs are made their own, as FWDs go by name. */
function withDeclarations(unit: readonly TypeSpec[], declared: readonly boolean[]): TypeSpec[] {
  return unit.map((spec, i): TypeSpec => {
    if (spec.kind !== "struct" && spec.kind !== "union") return spec;
    const referredByValue = unit.some(
      (each) =>
        ("members" in each && each.members.some(({ type }) => type === i + 1)) ||
        (each.kind === "array" && each.of === i + 1),
    );
    if (referredByValue || declared[i % declared.length] !== true) return spec;
    return { kind: "fwd", name: spec.name, isUnion: spec.kind === "union" };
  });
}

interface Outcome {
  words: Uint32Array;
  typeCount: number;
  ids: number[][];
  names: Names;
  lines: string[];
}

function dedup(input: readonly (readonly TypeSpec[])[], names = new Names()): Outcome {
  const own = new Deduplicator();
  const maps = input.map((unit) => {
    const words = unitWords(unit, names);
    const map = new Int32Array(unit.length + 1);
    own.addUnit(words, 0, words.length, unit.length, map);
    return map;
  });
  return { ...finish(own, maps, names) };
}

function finish(own: Deduplicator, maps: readonly Int32Array[], names: Names): Outcome {
  own.resolveForwards();
  const { map, words, typeCount } = own.finish();
  const ids = maps.map((unitMap) => [...unitMap.subarray(1)].map((id) => map[id]!));
  return { words: words.slice(), typeCount, ids, names, lines: describeWords(words, names) };
}

function checkIds({ words, typeCount, ids }: Outcome): void {
  const inRange = (id: number, what: string): void => {
    if (!(id >= 0 && id <= typeCount)) throw new Error(`${what} refers to ${id} of ${typeCount}`);
  };
  for (const unit of ids) for (const id of unit) inRange(id, "a unit");
  const starts = startsOf(words);
  expect(starts.length).toBe(typeCount);
  for (const at of starts) {
    const info = words[at + 1]!;
    const kind = kindOfInfo(info);
    switch (kind) {
      case Kind.struct:
      case Kind.union:
        for (let i = 0; i < vlenOfInfo(info); i++) inRange(words[at + 4 + i * 3]!, "a member");
        break;
      case Kind.array:
        inRange(words[at + 3]!, "an array");
        inRange(words[at + 4]!, "an array");
        break;
      case Kind.funcProto:
        inRange(words[at + 2]!, "a prototype");
        for (let i = 0; i < vlenOfInfo(info); i++) inRange(words[at + 4 + i * 2]!, "a parameter");
        break;
      case Kind.int:
      case Kind.float:
      case Kind.enum:
      case Kind.fwd:
        break;
      default:
        inRange(words[at + 2]!, "a reference");
    }
  }
}

const runs = { numRuns: 600 };

describe("Deduplicator", () => {
  it("finds the classes that partition refinement finds", () => {
    fc.assert(
      fc.property(units, ({ units: list }) => {
        const all: Node[] = [];
        for (const unit of list) {
          const first = all.length;
          for (const spec of unit) all.push(nodeOf(spec, first));
        }
        const wanted = classesOf(all);
        const { ids, typeCount } = dedup(list);
        expect(typeCount).toBe(new Set(wanted).size);
        // Not only as many: the same ones.
        const flat = ids.flat();
        const idOfClass = new Map<number, number>();
        flat.forEach((id, i) => {
          if (!idOfClass.has(wanted[i]!)) idOfClass.set(wanted[i]!, id);
          expect(id).toBe(idOfClass.get(wanted[i]!));
        });
      }),
      runs,
    );
  });

  it("refers to nothing that is not there", () => {
    fc.assert(
      fc.property(units, ({ units: list, withForwards }) => {
        checkIds(dedup(list));
        checkIds(dedup(withForwards));
        checkIds(dedup([...list, ...withForwards]));
      }),
      runs,
    );
  });

  it("adds nothing when it meets its own result, or a unit again", () => {
    fc.assert(
      fc.property(units, ({ units: list }) => {
        const once = dedup(list);
        const again = new Deduplicator();
        const map = new Int32Array(once.typeCount + 1);
        again.addUnit(once.words, 0, once.words.length, once.typeCount, map);
        expect(finish(again, [map], once.names).lines).toEqual(once.lines);
        const last = list.at(-1)!;
        for (const more of [
          [...list, last],
          [...list, ...list],
          [last, ...list, last],
        ]) {
          const result = dedup(more);
          expect(result.typeCount).toBe(once.typeCount);
          if (more[0] === list[0]) expect(result.lines).toEqual(once.lines);
        }
      }),
      runs,
    );
  });

  it("gives the same types in whatever order the units come", () => {
    fc.assert(
      fc.property(units, ({ units: list }) => {
        expect(dedup(list.toReversed()).typeCount).toBe(dedup(list).typeCount);
      }),
      runs,
    );
  });

  it("takes a unit with forward declarations twice as once", () => {
    fc.assert(
      fc.property(units, ({ withForwards }) => {
        // A tag that a unit both declares and defines, or defines twice, may go with either: not C.
        const list = withForwards.filter(hasEachTagOnce);
        fc.pre(list.length > 0);
        const once = dedup(list);
        expect(dedup([...list, list.at(-1)!]).typeCount).toBeLessThanOrEqual(once.typeCount);
      }),
      runs,
    );
  });

  it("lets no FWD stay whose struct is the only one of its name", () => {
    fc.assert(
      fc.property(units, ({ withForwards }) => {
        const { words } = dedup(withForwards);
        const starts = [...startsOf(words)];
        for (const at of starts) {
          if (kindOfInfo(words[at + 1]!) !== Kind.fwd) continue;
          const same = starts.filter((other) => {
            const kind = kindOfInfo(words[other + 1]!);
            return (kind === Kind.struct || kind === Kind.union) && words[other] === words[at];
          });
          const wanted = words[at + 1]! >>> 31 === 1 ? Kind.union : Kind.struct;
          if (same.length === 1) expect(kindOfInfo(words[same[0]! + 1]!)).not.toBe(wanted);
        }
      }),
      runs,
    );
  });

  it("gives over a base that has everything nothing at all", () => {
    fc.assert(
      fc.property(units, ({ units: list }) => {
        const names = new Names();
        const base = dedup(list, names);
        const own = new Deduplicator({ words: base.words, starts: startsOf(base.words) });
        const maps = list.map((unit) => {
          const words = unitWords(unit, names);
          const map = new Int32Array(unit.length + 1);
          own.addUnit(words, 0, words.length, unit.length, map);
          return map;
        });
        const result = finish(own, maps, names);
        expect(result.typeCount).toBe(0);
        expect(result.ids).toEqual(base.ids);
        expect([...own.words.subarray(0, base.words.length)]).toEqual([...base.words]);
      }),
      runs,
    );
  });
});

/** A unit's type as the twin sees it, references moved up to where the unit begins. */
function nodeOf(spec: TypeSpec, first: number): Node {
  const name = "name" in spec ? spec.name : "";
  const move = (ids: number[]): number[] => ids.map((id) => id - 1 + first);
  switch (spec.kind) {
    case "int":
    case "float":
      return { kind: spec.kind, name, number: spec.byteSize, refs: [] };
    case "enum":
      return { kind: spec.kind, name, number: spec.values[0]![1], refs: [] };
    case "struct":
    case "union":
      return {
        kind: spec.kind,
        name,
        number: spec.byteSize,
        refs: move(spec.members.map(({ type }) => type)),
      };
    case "array":
      return { kind: spec.kind, name, number: spec.count, refs: move([spec.of, spec.index]) };
    case "funcProto":
      return {
        kind: spec.kind,
        name,
        number: 0,
        refs: move([spec.to, ...spec.parameters.map(([, id]) => id)]),
      };
    default:
      return { kind: spec.kind, name, number: 0, refs: "to" in spec ? move([spec.to]) : [] };
  }
}
