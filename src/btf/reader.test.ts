import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError, isDwarflessError } from "../io/index.ts";
import { BtfBuilder } from "./builder.ts";
import * as K from "./constants.ts";
import { rawLines } from "./raw.ts";
import { Btf } from "./reader.ts";
import { encodeBtf } from "./writer.ts";

/** One of every kind. */
function everyKind(littleEndian = true): BtfBuilder {
  const b = new BtfBuilder({ littleEndian });
  const int = b.addInt("int", 4, K.BTF_INT_SIGNED);
  const self = b.addPtr(int + 2);
  const list = b.addStruct("list", 24, [
    { name: "next", type: self, bitOffset: 0 },
    { name: "low", type: int, bitOffset: 64, bitfieldSize: 3 },
    { name: "", type: int, bitOffset: 96 },
  ]);
  b.addUnion("", 8, [{ name: "a", type: self, bitOffset: 0 }]);
  b.addArray(list, int, 7);
  b.addEnum("colour", 4, [
    { name: "RED", value: -1 },
    { name: "BLUE", value: 0x7fffffff },
  ]);
  b.addEnum("plain", 4, [{ name: "TOP", value: 0xffffffff }]);
  b.addEnum64("wide", 8, [
    { name: "LOW", value: -2n },
    { name: "HIGH", value: 0x1122334455667788n },
  ]);
  b.addEnum64("uwide", 8, [{ name: "MAX", value: 0xffffffffffffffffn }], false);
  b.addFwd("later", true);
  const typedef = b.addTypedef("list_t", list);
  b.addVolatile(b.addConst(typedef));
  b.addRestrict(self);
  const proto = b.addFuncProto(int, [
    { name: "first", type: self },
    { name: "", type: 0 },
  ]);
  b.addFunc("work", proto, K.BTF_FUNC_GLOBAL);
  const variable = b.addVar("counter", int, K.BTF_VAR_STATIC);
  b.addDatasec(".data", 0x20, [{ type: variable, offset: 0x10, byteSize: 4 }]);
  b.addFloat("double", 8);
  b.addDeclTag("tag", list, 1);
  b.addDeclTag("whole", list);
  b.addTypeTag("user", int, true);
  return b;
}

const everyKindRaw = `[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED
[2] PTR '(anon)' type_id=3
[3] STRUCT 'list' size=24 vlen=3
	'next' type_id=2 bits_offset=0
	'low' type_id=1 bits_offset=64 bitfield_size=3
	'(anon)' type_id=1 bits_offset=96
[4] UNION '(anon)' size=8 vlen=1
	'a' type_id=2 bits_offset=0
[5] ARRAY '(anon)' type_id=3 index_type_id=1 nr_elems=7
[6] ENUM 'colour' encoding=SIGNED size=4 vlen=2
	'RED' val=-1
	'BLUE' val=2147483647
[7] ENUM 'plain' encoding=UNSIGNED size=4 vlen=1
	'TOP' val=4294967295
[8] ENUM64 'wide' encoding=SIGNED size=8 vlen=2
	'LOW' val=-2LL
	'HIGH' val=1234605616436508552LL
[9] ENUM64 'uwide' encoding=UNSIGNED size=8 vlen=1
	'MAX' val=18446744073709551615ULL
[10] FWD 'later' fwd_kind=union
[11] TYPEDEF 'list_t' type_id=3
[12] CONST '(anon)' type_id=11
[13] VOLATILE '(anon)' type_id=12
[14] RESTRICT '(anon)' type_id=2
[15] FUNC_PROTO '(anon)' ret_type_id=1 vlen=2
	'first' type_id=2
	'(anon)' type_id=0
[16] FUNC 'work' type_id=15 linkage=global
[17] VAR 'counter' type_id=1, linkage=static
[18] DATASEC '.data' size=32 vlen=1
	type_id=17 offset=16 size=4 (VAR 'counter')
[19] FLOAT 'double' size=8
[20] DECL_TAG 'tag' type_id=3 component_idx=1
[21] DECL_TAG 'whole' type_id=3 component_idx=-1
[22] TYPE_TAG 'user' type_id=1`;

describe("Btf", () => {
  it.each([true, false])("reads every kind (little endian: %s)", (littleEndian) => {
    const btf = everyKind(littleEndian).toBtf();
    expect(btf.littleEndian).toBe(littleEndian);
    expect([...rawLines(btf)].join("\n")).toBe(everyKindRaw);
    expect(btf.enumeratorValue(8, 0)).toBe(-2n);
    expect([...btf.members(3)].map((member) => member.bitfieldSize)).toEqual([0, 3, 0]);
    expect([...btf.parameters(15)]).toEqual([
      { name: "first", type: 2 },
      { name: "", type: 0 },
    ]);
    expect([...btf.sectionEntries(18)]).toEqual([{ type: 17, offset: 16, byteSize: 4 }]);
    expect([btf.kind(0), btf.name(0), btf.vlen(0)]).toEqual([K.BTF_KIND_UNKN, "", 0]);
  });

  it("reads from bytes that are not aligned", () => {
    const bytes = everyKind().finish();
    const shifted = new Uint8Array(bytes.length + 3).subarray(3);
    shifted.set(bytes);
    expect([...rawLines(Btf.parse(shifted))].join("\n")).toBe(everyKindRaw);
  });

  it("reads a 32-byte header and skips an unknown kind by the layout section", () => {
    const strings = new TextEncoder().encode("\0int\0");
    const words = Uint32Array.of(1, 20 << 24, 4, 99, 1, 1 << 24, 4, 32);
    const bytes = encodeBtf({ words, strings, littleEndian: true, layout: true });
    expect(() => Btf.parse(bytes)).toThrow("unknown kind 20");
    // Room for kind 20 in the layout: move the strings by 4 bytes.
    const wider = new Uint8Array(bytes.length + 4);
    wider.set(bytes.subarray(0, 32 + words.length * 4 + 80));
    wider[32 + words.length * 4 + 80] = 4;
    wider.set(strings, wider.length - strings.length);
    const view = new DataView(wider.buffer);
    view.setUint32(28, 84, true);
    view.setUint32(16, words.length * 4 + 84, true);
    const btf = Btf.parse(wider);
    expect(btf.typeCount).toBe(3);
    expect(btf.name(2)).toBe("int");
    expect(btf.kind(1)).toBe(20);
  });

  it("continues ids and string offsets of the base", () => {
    const base = everyKind().toBtf("base");
    const builder = new BtfBuilder({ base });
    const pointer = builder.addPtr(3);
    const typedef = builder.addTypedef("list", pointer);
    const own = builder.addTypedef("fresh", typedef);
    const split = builder.toBtf("split");
    expect(split.startId).toBe(23);
    expect([pointer, typedef, own]).toEqual([23, 24, 25]);
    expect(split.typeCount).toBe(26);
    expect(split.nameOffset(typedef)).toBe(base.nameOffset(3));
    expect(split.nameOffset(own)).toBe(base.stringsBytes.length);
    expect([split.name(own), split.name(1), split.memberName(3, 0)]).toEqual(["fresh", "int", "next"]);
    expect(split.stringsBytes).toEqual(new TextEncoder().encode("fresh\0"));
    const third = new BtfBuilder({ base: split });
    third.addTypedef("fresh", own);
    expect(third.toBtf().name(26)).toBe("fresh");
    expect(third.toBtf().kind(1)).toBe(K.BTF_KIND_INT);
  });

  it("keeps names that are no UTF-8 exact when copying", () => {
    const strings = Uint8Array.of(0, 0x61, 0xff, 0x80, 0);
    const source = Btf.parse(
      encodeBtf({ words: Uint32Array.of(1, 1 << 24, 4, 32), strings, littleEndian: true }),
    );
    const builder = new BtfBuilder();
    builder.addCopy(source, 1, (id) => id);
    expect(builder.toBtf().stringsBytes).toEqual(strings);
  });

  const good = (): Uint8Array => everyKind().finish();
  const patched = (offset: number, value: number): Uint8Array => {
    const bytes = good();
    new DataView(bytes.buffer).setUint32(offset, value, true);
    return bytes;
  };
  it.each<[string, () => Uint8Array, string, number]>([
    ["a short header", () => good().subarray(0, 20), "BTF_TRUNCATED", 0],
    ["another magic", () => patched(0, 0x464c457f), "BTF_MAGIC", 0],
    ["another version", () => patched(0, 0x0002eb9f), "BTF_VERSION", 2],
    ["unknown flags", () => patched(0, 0x0101eb9f), "BTF_FLAGS", 3],
    ["a header larger than the blob", () => patched(4, 0xfffffff0), "BTF_HEADER_SIZE", 4],
    ["types beyond the blob", () => patched(12, 0x7fffffff), "BTF_SECTION_RANGE", 8],
    ["strings beyond the blob", () => patched(20, 0x7fffffff), "BTF_SECTION_RANGE", 16],
    ["a type section of odd size", () => patched(12, 17), "BTF_ALIGNMENT", 8],
    ["types cut in a record", () => patched(12, 20), "BTF_TRUNCATED", 40],
    ["a vlen beyond the section", () => patched(24 + 28 + 4, 0x04ffffff), "BTF_TRUNCATED", 52],
    ["an unknown kind", () => patched(28, 0x55000000), "BTF_UNKNOWN_KIND", 24],
    ["a type id that does not exist", () => patched(24 + 16 + 8, 23), "BTF_TYPE_ID", 48],
    ["a member type that does not exist", () => patched(52 + 12 + 4, 99), "BTF_TYPE_ID", 68],
    ["a string offset outside the strings", () => patched(24, 0x1000), "BTF_STRING_OFFSET", 24],
    [
      "strings that do not end with NUL",
      () => good().map((byte, at, all) => (at === all.length - 1 ? 1 : byte)),
      "BTF_STRINGS",
      0,
    ],
  ])("refuses %s", (_what, make, code, offset) => {
    let error: unknown;
    try {
      Btf.parse(make(), { name: "file" });
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(FormatError);
    const { location } = error as FormatError;
    expect((error as FormatError).code).toBe(code);
    expect(location).toMatchObject({ file: "file", section: ".BTF" });
    if (code !== "BTF_STRINGS") expect(location.offset).toBe(offset);
  });

  it("refuses a base of the other byte order and an id that does not exist", () => {
    const base = everyKind(false).toBtf();
    expect(() => Btf.parse(good(), { base })).toThrow("byte order");
    expect(() => base.kind(23)).toThrow("type id 23 does not exist");
    expect(() => base.string(0x9999)).toThrow("string offset 0x9999");
  });

  it("knows the longest name, wherever it lies and whatever lies before", () => {
    const lengthsOf = fc.array(fc.oneof(fc.nat(1100), fc.integer({ min: 1020, max: 4000 })), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(lengthsOf, (lengths) => {
        const strings = Buffer.from(`\0${lengths.map((length) => `${"x".repeat(length)}\0`).join("")}`);
        const btf = Btf.parse(encodeBtf({ words: new Uint32Array(0), strings, littleEndian: true }));
        const longest = Math.max(0, ...lengths);
        if (longest > 1024) expect(btf.longestName).toBe(longest);
        else expect(btf.longestName).toBeLessThanOrEqual(1024);
      }),
    );
  });

  it("looks at a name of 64 MB once", () => {
    const strings = new Uint8Array(1 << 26).fill(0x78);
    strings[0] = 0;
    strings[strings.length - 1] = 0;
    const btf = Btf.parse(encodeBtf({ words: new Uint32Array(0), strings, littleEndian: true }));
    expect(btf.longestName).toBe(strings.length - 2);
  });

  it("gives typed errors only, whatever byte is wrong", () => {
    const bytes = good();
    for (let at = 0; at < bytes.length; at++) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const mutated = bytes.slice();
        mutated[at]! ^= flip;
        try {
          const btf = Btf.parse(mutated);
          for (const line of rawLines(btf)) expect(line.length).toBeGreaterThan(0);
        } catch (error) {
          if (!isDwarflessError(error)) throw error;
        }
      }
    }
  });
});
