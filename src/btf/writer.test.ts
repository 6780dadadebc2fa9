import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BtfBuilder } from "./builder.ts";
import * as K from "./constants.ts";
import { Btf } from "./reader.ts";
import { encodeBtf } from "./writer.ts";

/** A builder call as data; ids are taken modulo what exists. */
interface Step {
  kind: number;
  name: string;
  number: number;
  ids: number[];
}

const identifier = fc.stringMatching(/^[a-z_][a-z0-9_]{0,6}$/);
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.integer({ min: 1, max: K.BTF_KIND_MAX }),
  name: identifier,
  number: fc.nat(0xffff),
  ids: fc.array(fc.nat(0xffff), { maxLength: 5 }),
});

function build(steps: readonly Step[], builder: BtfBuilder): string[] {
  const total = builder.startId + steps.length;
  const log: string[] = [];
  const at = (id: number | undefined): number => (id ?? 0) % total;
  for (const { kind, name, number, ids } of steps) {
    const elements = ids.map((id, index) => ({ name: `${name}${index}`, type: at(id), index, id }));
    const target = at(ids[0]);
    log.push(`${kind} ${name} ${number} ${ids.join()}`);
    switch (kind) {
      case K.BTF_KIND_INT:
        builder.addInt(name, number & 15, number & 7);
        break;
      case K.BTF_KIND_ARRAY:
        builder.addArray(target, at(ids[1]), number);
        break;
      case K.BTF_KIND_STRUCT:
      case K.BTF_KIND_UNION: {
        const members = elements.map((e) => ({
          ...e,
          bitOffset: e.id,
          bitfieldSize: number % 3 === 0 ? e.index : 0,
        }));
        if (kind === K.BTF_KIND_STRUCT) builder.addStruct(name, number, members);
        else builder.addUnion(name, number, members);
        break;
      }
      case K.BTF_KIND_ENUM:
        builder.addEnum(
          name,
          4,
          elements.map((e) => ({ name: e.name, value: e.id - number })),
        );
        break;
      case K.BTF_KIND_ENUM64:
        builder.addEnum64(
          name,
          8,
          elements.map((e) => ({ name: e.name, value: BigInt(e.id - number) << 33n })),
        );
        break;
      case K.BTF_KIND_FUNC_PROTO:
        builder.addFuncProto(target, elements);
        break;
      case K.BTF_KIND_DATASEC:
        builder.addDatasec(
          name,
          number,
          elements.map((e) => ({ type: e.type, offset: e.id, byteSize: e.index })),
        );
        break;
      case K.BTF_KIND_VAR:
        builder.addVar(name, target, number % 3);
        break;
      case K.BTF_KIND_FUNC:
        builder.addFunc(name, target, number % 3);
        break;
      case K.BTF_KIND_DECL_TAG:
        builder.addDeclTag(name, target, (number % 4) - 1);
        break;
      case K.BTF_KIND_FWD:
        builder.addFwd(name, number % 2 === 1);
        break;
      default:
        builder.addTypedef(name, target);
    }
  }
  return log;
}

/** Write a BTF again from what the reader says. */
function rebuild(btf: Btf): Uint8Array {
  const builder = new BtfBuilder({
    littleEndian: btf.littleEndian,
    ...(btf.base === undefined ? {} : { base: btf.base }),
  });
  for (let id = btf.startId; id < btf.typeCount; id++) {
    const name = btf.name(id);
    const value = btf.sizeOrType(id);
    switch (btf.kind(id)) {
      case K.BTF_KIND_INT:
        builder.addInt(name, value, btf.intEncoding(id), btf.intBitSize(id), btf.intBitOffset(id));
        break;
      case K.BTF_KIND_ARRAY:
        builder.addArray(btf.arrayElementType(id), btf.arrayIndexType(id), btf.arrayLength(id));
        break;
      case K.BTF_KIND_STRUCT:
        builder.addStruct(name, value, [...btf.members(id)]);
        break;
      case K.BTF_KIND_UNION:
        builder.addUnion(name, value, [...btf.members(id)]);
        break;
      case K.BTF_KIND_ENUM:
        builder.addEnum(name, value, [...btf.enumerators(id)], btf.kindFlag(id));
        break;
      case K.BTF_KIND_ENUM64:
        builder.addEnum64(name, value, [...btf.enumerators(id)], btf.kindFlag(id));
        break;
      case K.BTF_KIND_FUNC_PROTO:
        builder.addFuncProto(value, [...btf.parameters(id)]);
        break;
      case K.BTF_KIND_DATASEC:
        builder.addDatasec(name, value, [...btf.sectionEntries(id)]);
        break;
      case K.BTF_KIND_VAR:
        builder.addVar(name, value, btf.variableLinkage(id));
        break;
      case K.BTF_KIND_FUNC:
        builder.addFunc(name, value, btf.functionLinkage(id));
        break;
      case K.BTF_KIND_DECL_TAG:
        builder.addDeclTag(name, value, btf.declTagComponent(id), btf.kindFlag(id));
        break;
      default:
        builder.addCopy(btf, id, (target) => target);
    }
  }
  return builder.finish();
}

describe("encodeBtf and BtfBuilder", () => {
  it("give the bytes back that the reader read, in both byte orders and split", () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 30 }),
        fc.array(step, { maxLength: 20 }),
        fc.boolean(),
        (steps, more, littleEndian) => {
          const builder = new BtfBuilder({ littleEndian });
          build(steps, builder);
          const bytes = builder.finish();
          const base = Btf.parse(bytes);
          expect(rebuild(base)).toEqual(bytes);
          const split = new BtfBuilder({ base });
          build(more, split);
          const splitBytes = split.finish();
          expect(rebuild(Btf.parse(splitBytes, { base }))).toEqual(splitBytes);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("write the classic header by default", () => {
    const bytes = encodeBtf({
      words: Uint32Array.of(1, 1 << 24, 4, 32),
      strings: Buffer.from("\0a\0"),
      littleEndian: false,
    });
    expect(Buffer.from(bytes).toString("hex")).toBe(
      "eb9f0100" +
        "00000018" +
        "00000000" +
        "00000010" +
        "00000010" +
        "00000003" +
        "00000001" +
        "01000000" +
        "00000004" +
        "00000020" +
        "006100",
    );
  });

  it("write the layout section between types and strings", () => {
    const bytes = encodeBtf({
      words: new Uint32Array(0),
      strings: Uint8Array.of(0),
      littleEndian: true,
      layout: true,
    });
    expect(bytes.length).toBe(32 + 80 + 1);
    expect(Buffer.from(bytes.subarray(4, 32)).toString("hex")).toBe(
      "20000000" + "00000000" + "00000000" + "50000000" + "01000000" + "00000000" + "50000000",
    );
    const entry = (kind: number): number[] => [...bytes.subarray(32 + kind * 4, 36 + kind * 4)];
    expect([1, 3, 4, 5, 6, 13, 14, 15, 17, 19, 2].map((kind) => entry(kind).slice(0, 2).join("/"))).toEqual([
      "4/0",
      "12/0",
      "0/12",
      "0/12",
      "0/8",
      "0/8",
      "4/0",
      "0/12",
      "4/0",
      "0/12",
      "0/0",
    ]);
    expect(() =>
      encodeBtf({
        words: new Uint32Array(0),
        strings: Uint8Array.of(0),
        littleEndian: true,
        layout: true,
        headerByteSize: 24,
      }),
    ).toThrow("32-byte header");
  });

  it("write only the words in use", () => {
    const bytes = encodeBtf({
      words: Uint32Array.of(1, 2, 3, 4),
      wordCount: 2,
      strings: Uint8Array.of(0),
      littleEndian: true,
    });
    expect(bytes.length).toBe(24 + 8 + 1);
  });

  it("refuse a member that does not fit beside a bitfield", () => {
    const builder = new BtfBuilder();
    const members = [
      { name: "bit", type: 1, bitOffset: 0, bitfieldSize: 1 },
      { name: "far", type: 1, bitOffset: 0x1000000 },
    ];
    expect(() => builder.addStruct("big", 0x300000, members)).toThrow("member far");
    expect(() => builder.strings.add("a\0b")).toThrow(RangeError);
  });

  it("patch the target of a type already written", () => {
    const builder = new BtfBuilder();
    const pointer = builder.addPtr(0);
    builder.setTarget(pointer, builder.addInt("int", 4));
    expect(builder.toBtf().sizeOrType(pointer)).toBe(2);
  });
});
