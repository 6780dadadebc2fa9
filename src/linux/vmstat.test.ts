import { expect, test } from "vitest";
import { commonTypes, MockMemory, mockProgram } from "../../test/build/mock-program.ts";
import { BtfBuilder } from "../btf/index.ts";
import { globalNodePageState, globalZonePageState, hasStatItem } from "./vmstat.ts";

const at = 0xffff_ffff_8100_0000n;

test("an item counts only among those of its own enum", () => {
  const builder = new BtfBuilder();
  const { ulong } = commonTypes(builder);
  builder.addStruct("atomic", 8, [{ name: "counter", type: ulong, bitOffset: 0 }]);
  builder.addEnum("zone_stat_item", 4, [{ name: "NR_FREE_PAGES", value: 0 }]);
  builder.addEnum("node_stat_item", 4, [{ name: "NR_PAGETABLE", value: 0 }]);
  const memory = new MockMemory();
  memory.put(at, new Uint8Array(BigUint64Array.of(7n, 9n).buffer));
  const program = mockProgram({
    btf: builder.toBtf(),
    memory,
    variables: {
      vm_zone_stat: { address: at, type: "struct atomic [1]" },
      vm_node_stat: { address: at + 8n, type: "struct atomic [1]" },
    },
  });
  expect(globalZonePageState(program, "NR_FREE_PAGES")).toBe(7n);
  expect(globalNodePageState(program, "NR_PAGETABLE")).toBe(9n);
  expect(hasStatItem(program, "node_stat_item", "NR_FREE_PAGES")).toBe(false);
  // Until v5.11 page tables were counted by zone: number 0 of the zones is something else.
  expect(() => globalZonePageState(program, "NR_PAGETABLE")).toThrow('no enumerator "NR_PAGETABLE"');
});
