import { expect, test } from "vitest";
import { Btf, BtfBuilder, encodeBtf } from "../btf/index.ts";
import { keepReachable } from "./reachable.ts";

test("keeps what DATASECs lead to, and tags of it, under new numbers", () => {
  const baseBuilder = new BtfBuilder();
  baseBuilder.addInt("int", 4, 1);
  const base = Btf.parse(baseBuilder.finish());
  const builder = new BtfBuilder({ base });
  const unused = builder.addStruct("unused", 4, [{ name: "a", type: 1, bitOffset: 0 }]);
  const used = builder.addStruct("used", 8, [{ name: "next", type: builder.nextId + 1, bitOffset: 0 }]);
  builder.addPtr(used);
  builder.addDeclTag("of unused", unused);
  const variable = builder.addVar("v", used);
  builder.addDeclTag("of v", variable);
  builder.addDatasec(".data", 8, [{ type: variable, offset: 0, byteSize: 8 }]);
  builder.addPtr(unused);
  const whole = Btf.parse(builder.finish(), { base });

  const { words, typeCount } = keepReachable(whole.words.slice(), whole.startId);
  const kept = Btf.parse(encodeBtf({ words, strings: whole.stringsBytes, littleEndian: true }), { base });
  expect(kept.typeCount - kept.startId).toBe(typeCount);
  const names = [];
  for (let id = kept.startId; id < kept.typeCount; id++) names.push(kept.name(id));
  expect(names).toEqual(["used", "", "v", "of v", ".data"]);
  expect(kept.sizeOrType(kept.memberType(kept.startId, 0))).toBe(kept.startId);
  expect(kept.declTagTarget(kept.startId + 3)).toBe(kept.startId + 2);
  expect(kept.sectionEntryType(kept.startId + 4, 0)).toBe(kept.startId + 2);
});

test("keeps nothing where there is no DATASEC", () => {
  const builder = new BtfBuilder();
  builder.addInt("int", 4, 1);
  const btf = Btf.parse(builder.finish());
  expect(keepReachable(btf.words.slice(), 1)).toEqual({ words: new Uint32Array(0), typeCount: 0 });
});
