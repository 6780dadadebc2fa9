import { describe, expect, it } from "vitest";
import { BtfBuilder } from "./builder.ts";
import { jsonText } from "./json.ts";

describe("JSON dump", () => {
  const b = new BtfBuilder();
  const int = b.addInt("int", 4, 1);
  b.addEnum("edge", 4, [{ name: "TOP", value: 0xffff_ffffn }], false);
  b.addFuncProto(0);
  b.addStruct("s", 4, [{ name: "bits", type: int, bitOffset: 3, bitfieldSize: 2 }]);
  const btf = b.toBtf();

  it("is one line, as bpftool -j prints it, with its widened enumerators", () => {
    expect(jsonText(btf)).toBe(
      '{"types":[{"id":1,"kind":"INT","name":"int","size":4,"bits_offset":0,"nr_bits":32,"encoding":"SIGNED"},' +
        '{"id":2,"kind":"ENUM","name":"edge","encoding":"UNSIGNED","size":4,"vlen":1,"values":[{"name":"TOP","val":18446744073709551615}]},' +
        '{"id":3,"kind":"FUNC_PROTO","name":"(anon)","ret_type_id":0,"vlen":0,"params":[]},' +
        '{"id":4,"kind":"STRUCT","name":"s","size":4,"vlen":1,"members":[{"name":"bits","type_id":1,"bits_offset":3,"bitfield_size":2}]}]}\n',
    );
  });

  it("is indented as bpftool -p does", () => {
    const text = jsonText(btf, true);
    expect(text.startsWith('{\n    "types": [{\n            "id": 1,\n            "kind": "INT",\n')).toBe(
      true,
    );
    expect(text).toContain('            "params": []\n        },{\n');
    expect(text.endsWith("                }\n            ]\n        }\n    ]\n}\n")).toBe(true);
    expect(JSON.stringify(JSON.parse(text).types[3])).toContain('"bitfield_size":2');
  });
});
