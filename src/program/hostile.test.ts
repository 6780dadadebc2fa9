import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { commonTypes, MockMemory, mockProgram } from "../../test/build/mock-program.ts";
import { Btf, BTF_INT_BOOL, BtfBuilder } from "../btf/index.ts";
import { isDwarflessError } from "../io/index.ts";
import { toJson } from "./json.ts";
import { KernelObject } from "./object.ts";
import { Type } from "./type.ts";
import { TypeTable } from "./type-table.ts";

const at = 0x1000n;

function sample(): Uint8Array {
  const b = new BtfBuilder();
  const { int, char, bool, u8, ulong } = commonTypes(b);
  const list = b.nextId;
  b.addStruct("list", 40, [
    { name: "next", type: list + 1, bitOffset: 0 },
    { name: "bits", type: int, bitOffset: 64, bitfieldSize: 3 },
    { name: "", type: list + 2, bitOffset: 128 },
    { name: "text", type: list + 3, bitOffset: 192 },
    { name: "color", type: list + 4, bitOffset: 256 },
    { name: "on", type: bool, bitOffset: 288 },
  ]);
  b.addPtr(list);
  b.addUnion("", 8, [
    { name: "a", type: int, bitOffset: 0 },
    { name: "b", type: ulong, bitOffset: 0 },
  ]);
  b.addArray(char, int, 8);
  b.addEnum("color", 4, [{ name: "RED", value: -1 }]);
  b.addEnum64("wide", 8, [{ name: "HIGH", value: 1n << 40n }]);
  b.addTypedef("list_t", b.addConst(b.addVolatile(b.addTypeTag("tag", list))));
  b.addArray(list, int, 3);
  b.addPtr(b.addFuncProto(int, [{ name: "first", type: list + 1 }]));
  b.addFwd("later");
  b.addFloat("double", 8);
  b.addArray(b.addArray(u8, int, 4), int, 4);
  return b.finish();
}

/** Everything that objects of a type can be asked; only typed errors may come out, and soon. */
function useAll(btf: Btf): void {
  const attempt = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      if (!isDwarflessError(error)) throw error;
    }
  };
  const memory = new MockMemory();
  memory.put(
    at,
    Uint8Array.from({ length: 256 }, (_, index) => (index % 8 === 1 ? 0x10 : index % 5 === 0 ? 0 : index)),
  );
  const program = mockProgram({ btf, memory });
  const limits = { maximumLength: 2000, maximumElements: 20, maximumDepth: 8 };
  for (let id = 0; id < btf.typeCount; id++) {
    attempt(() => {
      const type = Type.of(btf, id);
      attempt(() => expect(type.typeName()).not.toMatch(/\p{Cc}/u));
      attempt(() => type.memberNames());
      attempt(() => type.enumerators);
      attempt(() => type.parameters);
      const object = program.object(at, type);
      attempt(() => expect(object.format(limits)).not.toMatch(/[^\t\n -~\u0080-\uffff]/));
      attempt(() => object.format({ ...limits, columns: 40, membersSameLine: true, implicitMembers: false }));
      attempt(() => object.readOrAbsent().format({ ...limits, memberNames: false, elementIndices: true }));
      attempt(() =>
        JSON.stringify(toJson(object, { maximumElements: 20, maximumItems: 500, maximumDepth: 8 })),
      );
      attempt(() => object.bytes());
      attempt(() => object.value());
      attempt(() => object.add(1));
      attempt(() => object.cast("unsigned long"));
      attempt(() => object.index(3).value());
      attempt(() => KernelObject.scalar(program, type, -1n).bytes());
      attempt(() => object.string());
    });
  }
  const types = new TypeTable([{ name: "vmlinux", btf }]);
  for (const name of ["struct list", "struct lost", "list_t", "unsigned long", "char *[4]"])
    attempt(() => types.get(name));
  attempt(() => types.findEnumerator("RED"));
}

describe("hostile types", () => {
  it("end in typed errors, whatever bytes of the BTF change", () => {
    const original = sample();
    const change = fc.tuple(
      fc.nat(original.length - 25),
      fc.oneof(fc.constantFrom(0, 1, 2, 3, 0x7f, 0x80, 0xff), fc.nat(255)),
    );
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const bytes = original.slice();
        for (const [offset, value] of changes) bytes[24 + offset] = value;
        let btf: Btf;
        try {
          btf = Btf.parse(bytes);
        } catch (error) {
          if (isDwarflessError(error)) return;
          throw error;
        }
        useAll(btf);
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  it("refuse to make a bool or a float as large as memory", () => {
    const b = new BtfBuilder();
    b.addInt("_Bool", 1, BTF_INT_BOOL);
    b.addFloat("double", 8);
    const bytes = b.finish();
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const sizeOf = (record: number): number => 24 + record + 8;
    view.setUint32(sizeOf(0), 0x7f000001, true);
    view.setUint32(sizeOf(16), 0x7f000001, true);
    const btf = Btf.parse(bytes);
    const program = mockProgram({ btf });
    for (const id of [1, 2]) {
      const value = KernelObject.scalar(program, Type.of(btf, id), -1n);
      expect(() => value.bytes()).toThrow(/ of 2130706433 bytes/);
    }
  });

  it("works on the sample unchanged", () => {
    useAll(Btf.parse(sample()));
  });
});
