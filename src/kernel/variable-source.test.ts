import { expect, test } from "vitest";
import { Btf, BtfBuilder } from "../btf/index.ts";
import { nameOffsets, type SymbolPlaces, VariableSource } from "./variable-source.ts";

type Entry = readonly [name: string, offset: number];

function btfOf(sections: Readonly<Record<string, readonly Entry[]>>): Btf {
  const builder = new BtfBuilder();
  const int = builder.addInt("int", 4);
  for (const [section, entries] of Object.entries(sections)) {
    builder.addDatasec(
      section,
      0x1000,
      entries.map(([name, offset]) => ({ type: builder.addVar(name, int), offset, byteSize: 4 })),
    );
  }
  return Btf.parse(builder.finish());
}

function symbols(list: readonly (readonly [string, bigint])[]): SymbolPlaces {
  return {
    addressesOf: (name) => list.filter((each) => each[0] === name).map((each) => each[1]),
    hasSymbolIn: (address, byteSize) =>
      list.some((each) => each[1] >= address && each[1] < address + BigInt(byteSize)),
  };
}

function places(source: VariableSource): string[] {
  return [...source.all()].map(({ name, address }) => `${name}@${address.toString(16)}`);
}

const start = 0xffff_ffff_8100_0000n;

test("unique symbols place a section, and duplicates by it", () => {
  const btf = btfOf({
    ".data": [
      ["a", 0],
      ["twice", 8],
      ["b", 16],
      ["twice", 24],
    ],
  });
  const source = new VariableSource(
    btf,
    symbols([
      ["a", start],
      ["twice", start + 24n],
      ["twice", start + 8n],
      ["b", start + 16n],
      ["twice", start + 0x5000n],
    ]),
  );
  expect(places(source)).toEqual([
    "a@ffffffff81000000",
    "twice@ffffffff81000008",
    "b@ffffffff81000010",
    "twice@ffffffff81000018",
  ]);
  expect(source.find("twice").map(({ address }) => address)).toEqual([start + 8n, start + 24n]);
  expect(source.find("absent")).toEqual([]);
});

test("a variable without a symbol at its place is left out", () => {
  const btf = btfOf({
    ".data": [
      ["a", 0],
      ["b", 8],
      ["moved", 16],
      ["gone", 24],
    ],
  });
  const list = [
    ["a", start],
    ["b", start + 8n],
    ["moved", start + 100n],
  ] as const;
  expect(places(new VariableSource(btf, symbols(list)))).toEqual([
    "a@ffffffff81000000",
    "b@ffffffff81000008",
  ]);
});

test("a renamed symbol at the place will do", () => {
  const btf = btfOf({
    ".rodata": [
      ["a", 0],
      ["b", 8],
      ["early", 16],
    ],
  });
  const list = [
    ["a", start],
    ["b", start + 8n],
    ["__pi_early", start + 16n],
  ] as const;
  expect(places(new VariableSource(btf, symbols(list)))).toContain("early@ffffffff81000010");
});

test("symbols that contradict each other place nothing", () => {
  const btf = btfOf({
    ".data": [
      ["a", 0],
      ["b", 8],
    ],
  });
  const list = [
    ["a", start],
    ["b", start + 0x4000n],
  ] as const;
  expect(places(new VariableSource(btf, symbols(list)))).toEqual([]);
});

test("a section of equal names is placed by the one start that fits all", () => {
  const btf = btfOf({
    __modver: [
      ["attr", 0],
      ["attr", 72],
      ["attr", 144],
    ],
  });
  const list = [144n, 0n, 72n].map((offset) => ["attr", start + offset] as const);
  expect(places(new VariableSource(btf, symbols(list)))).toHaveLength(3);
});

test("a section of one variable whose name another section has too", () => {
  const btf = btfOf({
    ".data_nosave": [["in_suspend", 0]],
    ".bss": [
      ["a", 0],
      ["b", 8],
      ["in_suspend", 16],
    ],
  });
  const other = 0xffff_ffff_8200_0000n;
  const list = [
    ["a", start],
    ["b", start + 8n],
    ["in_suspend", start + 16n],
    ["in_suspend", other],
  ] as const;
  expect(new VariableSource(btf, symbols(list)).find("in_suspend").map(({ address }) => address)).toEqual([
    other,
    start + 16n,
  ]);
});

test("without a symbol, a place that no other symbol takes will do where the section is sure", () => {
  const many = Array.from({ length: 20 }, (_, i): Entry => [`v${i}`, i * 8]);
  const entries: Entry[] = [...many, ["hidden", 0x54], ["taken", 0x64], ["last", 0x200]];
  const btf = btfOf({ ".init.data": entries.sort(([, one], [, other]) => one - other) });
  const list = many.map(([name, offset]) => [name, start + BigInt(offset)] as const);
  const source = new VariableSource(btf, symbols([...list, ["other", start + 0x66n]]));
  expect(source.find("hidden").map(({ address }) => address)).toEqual([start + 0x54n]);
  expect(source.find("taken")).toEqual([]);
  expect(source.find("last").map(({ address }) => address)).toEqual([start + 0x200n]);
  const moved = new VariableSource(
    btfOf({ ".init.data": [...many, ["moved", 0x1f8], ["last", 0x200]] }),
    symbols([...list, ["moved", start + 0x9000n]]),
  );
  expect(moved.find("last"), "behind one that stands elsewhere").toEqual([]);
});

test("what stands behind a part that grew in the last link is found where it is now", () => {
  // .rodata with the symbol tables in its middle, still empty when its variables were encoded.
  const before = Array.from({ length: 30 }, (_, i): Entry => [`before${i}`, i * 8]);
  const after = Array.from({ length: 20 }, (_, i): Entry => [`after${i}`, 0x200 + i * 8]);
  const btf = btfOf({
    ".rodata": [...before, ["gone", 0x100], ...after.slice(0, 10), ["twice", 0x24c], ...after.slice(10)],
  });
  const grown = 0x8_0000n;
  const list = [
    ...before.map(([name, offset]) => [name, start + BigInt(offset)] as const),
    ...after.map(([name, offset]) => [name, start + grown + BigInt(offset)] as const),
    ["twice", start + grown + 0x24cn] as const,
    ["twice", start + 0x5000n] as const,
  ];
  const source = new VariableSource(btf, symbols(list));
  expect(source.find("after7").map(({ address }) => address)).toEqual([start + grown + 0x238n]);
  expect(source.find("twice").map(({ address }) => address)).toEqual([start + grown + 0x24cn]);
  expect(source.find("before3").map(({ address }) => address)).toEqual([start + 24n]);
  // Before or behind what grew: nothing says.
  expect(source.find("gone")).toEqual([]);
  expect(places(source)).toHaveLength(51);
});

test("a section does not shrink, and two of its symbols say too little", () => {
  const many = Array.from({ length: 20 }, (_, i): Entry => [`v${i}`, 0x100 + i * 8]);
  const late: Entry[] = [
    ["x", 0x300],
    ["y", 0x308],
  ];
  const btf = btfOf({ ".rodata": [...many, ...late, ["z", 0x310]] });
  const list = many.map(([name, offset]) => [name, start + BigInt(offset)] as const);
  const moved = (by: bigint, entries: readonly Entry[]): VariableSource =>
    new VariableSource(
      btf,
      symbols([...list, ...entries.map(([name, offset]) => [name, start + by + BigInt(offset)] as const)]),
    );
  expect(moved(0x1000n, late).find("x")).toEqual([]);
  expect(moved(0x1000n, [...late, ["z", 0x310]]).find("x")).toHaveLength(1);
  expect(moved(-0x1000n, [...late, ["z", 0x310]]).find("x")).toEqual([]);
});

test("zero-based sections, as per-CPU ones were until 6.14", () => {
  const btf = btfOf({
    ".data..percpu": [
      ["a", 0],
      ["b", 0x40],
    ],
  });
  expect(
    places(
      new VariableSource(
        btf,
        symbols([
          ["a", 0n],
          ["b", 0x40n],
        ]),
      ),
    ),
  ).toEqual(["a@0", "b@40"]);
});

test("finds a name wherever strings keep it", () => {
  const builder = new BtfBuilder();
  const base = Btf.parse((builder.addInt("shared", 4), builder.finish()));
  const split = new BtfBuilder({ base });
  split.addStruct("own", 4, []);
  const btf = Btf.parse(split.finish(), { base });
  expect([...nameOffsets(btf, "shared")].map((offset) => btf.string(offset))).toEqual(["shared"]);
  expect([...nameOffsets(btf, "own")].map((offset) => btf.string(offset))).toEqual(["own"]);
  // Strings may share their tails, so a name may start inside another.
  expect([...nameOffsets(btf, "ared")].map((offset) => btf.string(offset))).toEqual(["ared"]);
});

test("a section that the kernel says the place of needs no symbols, and none that contradict", () => {
  const btf = btfOf({
    ".data": [
      ["a", 0],
      ["b", 8],
    ],
    ".bss": [
      ["c", 0],
      ["d", 8],
    ],
  });
  const known = new Map([
    [".data", start],
    [".bss", start + 0x1000n],
  ]);
  // Without any symbol near: nothing speaks against the places. `x` stands where `d` would.
  const few = symbols([["x", start + 0x1008n]]);
  expect(places(new VariableSource(btf, few, known))).toEqual([
    "a@ffffffff81000000",
    "b@ffffffff81000008",
    "c@ffffffff81001000",
  ]);
  const elsewhere = symbols([
    ["a", start + 0x10n],
    ["b", start + 0x18n],
  ]);
  expect(places(new VariableSource(btf, elsewhere, known))).toEqual([
    "c@ffffffff81001000",
    "d@ffffffff81001008",
  ]);
  expect(places(new VariableSource(btf, few))).toEqual([]);
});
