import { expect, test } from "vitest";
import { commonTypes, MockMemory, mockProgram, structAdder } from "../../test/build/mock-program.ts";
import { BtfBuilder } from "../btf/index.ts";
import { globalNodePageState, globalZonePageState, hasStatItem, vmstatItems } from "./vmstat.ts";

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

/** A machine with one zone that has a counter of each kind; `numa` is what the counters of NUMA nodes are called. */
function counted(numa: "vm_numa_event" | "vm_numa_stat"): string[] {
  const builder = new BtfBuilder();
  const { char, int, ulong } = commonTypes(builder);
  const struct = structAdder(builder);
  const atomic = struct("atomic", 8, { counter: [ulong, 0] });
  const one = builder.addArray(atomic, int, 1);
  const zone = struct("zone", 16, { vm_stat: [one, 0], [numa]: [one, 8] });
  struct("pglist_data", 24, { node_zones: [builder.addArray(zone, int, 1), 0], vm_stat: [one, 16] });
  struct("vm_event_state", 8, { event: [builder.addArray(ulong, int, 1), 0] });
  builder.addTypedef("text", builder.addPtr(char));
  builder.addEnum("node_stat_item", 4, [{ name: "NR_LRU_BASE", value: 0 }]);
  const memory = new MockMemory();
  const names = ["nr_free_pages", "numa_hit", "nr_inactive_anon", "pgpgin"];
  for (const [index, name] of names.entries()) {
    memory.put(at + 0x100n + 0x20n * BigInt(index), `${name}\0`);
    memory.putWords(at + 8n * BigInt(index), at + 0x100n + 0x20n * BigInt(index));
  }
  memory.putWords(at + 0x200n, 70n, 71n, 72n, 146n);
  memory.putWords(at + 0x300n, 1n, 1n, 1n);
  return vmstatItems(
    mockProgram({
      btf: builder.toBtf(),
      memory,
      variables: {
        vmstat_text: { address: at, type: "text [4]" },
        vm_zone_stat: { address: at + 0x200n, type: "struct atomic [1]" },
        [numa]: { address: at + 0x208n, type: "struct atomic [1]" },
        vm_node_stat: { address: at + 0x210n, type: "struct atomic [1]" },
        vm_event_states: { address: at + 0x218n, type: "struct vm_event_state", perCpu: true },
        contig_page_data: { address: at + 0x300n, type: "struct pglist_data" },
      },
    }),
  ).map(({ kind, name, value }) => `${kind} ${name} ${value}`);
}

test.each(["vm_numa_event", "vm_numa_stat"] as const)("all counters, those of NUMA nodes in %s", (numa) => {
  expect(counted(numa)).toEqual([
    "zone nr_free_pages 70",
    "numa numa_hit 71",
    "node nr_inactive_anon 72",
    "event pgpgin 73",
  ]);
});
