import { describe, expect, test } from "vitest";
import { FaultError, isDwarflessError } from "../io/index.ts";
import { readModuleSymbols } from "./module-reader.ts";
import { bpfSymbols, decodeModuleSymbols, lastNameOffset } from "./module-symbols.ts";
import { SymbolTable } from "./symbol-table.ts";

interface Entry {
  name: string;
  letter: string;
  value: bigint;
  byteSize: number;
}

const entries: Entry[] = [
  { name: "", letter: "?", value: 0n, byteSize: 0 },
  { name: "do_it", letter: "T", value: 0xffffffffc0100010n, byteSize: 0x20 },
  { name: "$d.7", letter: "t", value: 0xffffffffc0100020n, byteSize: 0 },
  { name: "local", letter: "T", value: 0xffffffffc0100040n, byteSize: 8 },
  { name: "state", letter: "B", value: 0xffffffffc0200000n, byteSize: 0x100 },
  { name: "counter", letter: "d", value: 0x3_c0a0n, byteSize: 4 },
];

function tables(list: readonly Entry[]): { symbols: Uint8Array; strings: Uint8Array; letters: Uint8Array } {
  const symbols = Buffer.alloc(24 * list.length);
  let strings = "\0";
  for (const [i, { name, letter, value, byteSize }] of list.entries()) {
    if (name !== "") {
      symbols.writeUInt32LE(strings.length, 24 * i);
      strings += `${name}\0`;
    }
    symbols[24 * i + 4] = letter.charCodeAt(0);
    symbols.writeBigUInt64LE(value, 24 * i + 8);
    symbols.writeBigUInt64LE(BigInt(byteSize), 24 * i + 16);
  }
  const letters = Buffer.from(list.map(({ letter }) => letter).join(""));
  return { symbols, strings: Buffer.from(strings), letters };
}

const base = { module: "m", littleEndian: true };

describe("decodeModuleSymbols", () => {
  test("prints what /proc/kallsyms prints: a capital letter means exported", () => {
    const exports = new Map([["do_it", 0xffffffffc0100010n]]);
    const list = decodeModuleSymbols({ ...base, ...tables(entries), exports });
    const printed: string[] = [];
    list.forEach((i) => printed.push(`${list.address(i).toString(16)} ${list.letter(i)} ${list.name(i)}`));
    expect(printed).toEqual([
      "ffffffffc0100010 T do_it",
      "ffffffffc0100020 t $d.7",
      "ffffffffc0100040 t local",
      "ffffffffc0200000 b state",
      "3c0a0 d counter",
    ]);
    expect([0, 1, 2, 3].map((i) => list.size(i))).toEqual([0x20, 0x20, 8, 0x100]);
  });

  test("letters come from st_info where there is no typetab", () => {
    const { symbols, strings } = tables(entries);
    const list = decodeModuleSymbols({ ...base, symbols, strings, letters: undefined, lettersIn: "info" });
    expect(list.letter(3)).toBe("b");
    expect(lastNameOffset(symbols, true)).toBe(strings.length - "counter".length - 1);
  });

  test.each([
    ["a name outside", { strings: Buffer.from("\0do_it\0") }],
    ["a name without end", { strings: Buffer.from(tables(entries).strings.subarray(0, -1)) }],
    ["too few letters", { letters: Buffer.from("T") }],
  ])("%s is refused", (_, part) => {
    expect(() => decodeModuleSymbols({ ...base, ...tables(entries), ...part })).toThrow(
      expect.objectContaining({ code: "MODULE_SYMBOLS" }),
    );
  });
});

describe("readModuleSymbols", () => {
  const { symbols, strings, letters } = tables(entries);
  const start = 0xffffffffc0700000n;
  const layout = { symtab: 0, strtab: 0x400, typetab: 0x600, exports: 0x700, names: 0x7f0 };
  const bytes = Buffer.alloc(0x800);
  bytes.set(symbols, layout.symtab);
  bytes.set(strings, layout.strtab);
  bytes.set(letters, layout.typetab);
  bytes.set(Buffer.from("do_it\0"), layout.names);
  bytes.writeInt32LE(Number(entries[1]!.value - start) - layout.exports, layout.exports);
  bytes.writeInt32LE(layout.names - layout.exports - 4, layout.exports + 4);
  const memory = {
    littleEndian: true,
    readInto: (target: Uint8Array, address: bigint): void => {
      const at = Number(BigInt.asIntN(64, address - start));
      if (at < 0 || at + target.length > bytes.length) throw new FaultError("unmapped", address, "virtual");
      target.set(bytes.subarray(at, at + target.length));
    },
  };
  const place = (offset: number): bigint => start + BigInt(offset);
  const request = {
    module: "m",
    symtab: place(layout.symtab),
    count: entries.length,
    strtab: place(layout.strtab),
    typetab: place(layout.typetab),
    exports: { address: place(layout.exports), count: 1, entryByteSize: 12 },
  };

  test("follows the module's pointers, exports by distances", () => {
    const list = readModuleSymbols(memory, request);
    expect(list.indexesOf("do_it").map((i) => list.letter(i))).toEqual(["T"]);
    expect(list.addressOf("state")).toBe(0xffffffffc0200000n);
  });

  test("regions of modules decide which module an address is in", () => {
    const list = readModuleSymbols(memory, request);
    const regions = [
      { start: 0xffffffffc0100000n, byteSize: 0x1000n },
      { start: 0xffffffffc0200000n, byteSize: 0x1000n },
      { start: 0xffffffffc0300000n, byteSize: 0x1000n },
    ];
    const perCpu = { start: 0x3_c000n, byteSize: 0x1000n };
    const bpf = bpfSymbols([{ name: "bpf_prog_1_x", start: 0xffffffffc0400000n, end: 0xffffffffc0400100n }]);
    const table = new SymbolTable(list, [{ symbols: list, regions, perCpu }, { symbols: bpf }]);
    const found = (address: bigint): string | undefined => {
      const result = table.find(address);
      return result && `${result.symbol.name}+${result.offset}`;
    };
    expect(found(0xffffffffc0100044n)).toBe("local+4");
    expect(found(0xffffffffc0100024n)).toBe("do_it+20");
    expect(found(0xffffffffc0100004n)).toBeUndefined();
    expect(found(0xffffffffc0300004n)).toBeUndefined();
    expect(found(0xffffffffc04000ffn)).toBe("bpf_prog_1_x+255");
    expect(found(0xffffffffc0400100n)).toBeUndefined();
  });

  test.each([
    ["symbols", { count: 1e9 }],
    ["exports", { exports: { address: start, count: 1e9, entryByteSize: 12 } }],
    ["an entry of no size", { exports: { address: start, count: 5, entryByteSize: 0 } }],
    ["negative counts", { count: -1 }],
  ])("counts no module has are refused: %s", (_, part) => {
    expect(() => readModuleSymbols(memory, { ...request, ...part })).toThrow(
      expect.objectContaining({ code: "MODULE_SYMBOLS_LIMIT" }),
    );
  });

  test("damaged tables give symbols, a typed error or a fault", () => {
    const original = Buffer.from(bytes);
    for (let at = 0; at < 24 * entries.length; at++) {
      for (const value of [0, 0x7f, 0xff]) {
        bytes[at] = value;
        try {
          const list = readModuleSymbols(memory, request);
          list.forEach((i) => list.name(i));
          list.find(0xffffffffc0100044n);
        } catch (error) {
          if (!isDwarflessError(error)) throw error;
        }
        bytes[at] = original[at]!;
      }
    }
  });
});
