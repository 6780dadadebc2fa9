import { expect, test } from "vitest";
import { BtfBuilder } from "./builder.ts";
import { joinBtf } from "./join.ts";
import { Btf } from "./reader.ts";

test("ids and names stay, and what is split from the whole lies over both", () => {
  const builder = new BtfBuilder();
  builder.addInt("int", 4, 1);
  const base = Btf.parse(builder.finish());
  const own = new BtfBuilder({ base });
  const struct = own.addStruct("of_module", 4, [{ name: "count", type: 1, bitOffset: 0 }]);
  const split = Btf.parse(own.finish(), { base });
  const whole = Btf.parse(joinBtf(base, split));
  expect([whole.startId, whole.typeCount]).toEqual([1, split.typeCount]);
  expect([whole.name(1), whole.name(struct), whole.memberName(struct, 0)]).toEqual([
    "int",
    "of_module",
    "count",
  ]);
  const third = new BtfBuilder({ base: whole });
  const variable = third.addVar("counter", struct);
  const bytes = third.finish();
  const over = Btf.parse(bytes, { base: split });
  expect(over.name(variable)).toBe("counter");
  expect(over.name(over.sizeOrType(variable))).toBe("of_module");
});
