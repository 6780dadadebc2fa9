import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NameTable } from "./name-table.ts";

function shared(text: string): Uint8Array {
  const bytes = Buffer.from(text, "latin1");
  const target = new Uint8Array(new SharedArrayBuffer(bytes.length));
  target.set(bytes);
  return target;
}

const main = "\0alpha\0beta\0alpha\0b\0unfinished";

describe("NameTable", () => {
  it("gives one number to one name, however it is spelled", () => {
    const names = NameTable.create(shared(main), 1 << 16);
    const alpha = names.atOffset(1);
    expect(alpha).toBe(2);
    expect(names.atOffset(12)).toBe(alpha);
    expect(names.atOffset(12)).toBe(alpha);
    expect(names.ofString("alpha")).toBe(alpha);
    expect(names.ofBytes(Buffer.from("xalphax"), 1, 6)).toBe(alpha);
    expect(names.ofString("b")).toBe(names.atOffset(18));
    expect(names.ofString("b")).not.toBe(names.ofString("be"));
  });

  it("gives 0 to the empty name and -1 where there is none", () => {
    const names = NameTable.create(shared(main), 1 << 16);
    expect([names.atOffset(0), names.atOffset(6), names.ofString("")]).toEqual([0, 0, 0]);
    expect([names.atOffset(main.length), names.atOffset(2 ** 32 - 1)]).toEqual([-1, -1]);
    expect(names.atOffset(main.indexOf("unfinished"))).toBe(-1);
    const empty = NameTable.create(shared(""), 1 << 16);
    expect([empty.atOffset(0), empty.byteLength(0), empty.text(0)]).toEqual([-1, 0, ""]);
  });

  it.each(["a", "ab", "abc", "abcd", "ä", "\u00e4b", "漢字", "x".repeat(5000)])("keeps %j", (text) => {
    const names = NameTable.create(shared(main), 1 << 16);
    const id = names.ofString(text);
    expect(id).toBeGreaterThan(main.length);
    expect(names.text(id)).toBe(text);
    expect(names.byteLength(id)).toBe(Buffer.byteLength(text));
    expect(names.ofString(text)).toBe(id);
    const target = new Uint8Array(names.byteLength(id) + 2);
    expect(names.copyInto(id, target, 1)).toBe(target.length - 1);
    expect(Buffer.from(target.subarray(1, -1)).toString()).toBe(text);
  });

  it("is one table for all threads", () => {
    const first = NameTable.create(shared(main), 1 << 16);
    const second = new NameTable(first.handle);
    const gamma = second.ofString("gamma");
    expect(first.ofString("gamma")).toBe(gamma);
    expect(first.text(gamma)).toBe("gamma");
    expect(second.atOffset(12)).toBe(first.atOffset(12));
  });

  it("tells any two names apart", () => {
    const text = fc.string({ minLength: 1, maxLength: 5 }).filter((each) => !each.includes("\0"));
    fc.assert(
      fc.property(fc.array(text, { maxLength: 30 }), (list) => {
        const names = NameTable.create(shared(`\0${list.slice(0, 9).join("\0")}\0`), 1 << 16);
        const ids = list.map((each) => names.ofString(each));
        expect(ids.map((id) => names.text(id))).toEqual(list.map((each) => Buffer.from(each).toString()));
        expect(new Set(ids).size).toBe(new Set(list.map((each) => Buffer.from(each).toString())).size);
      }),
      { numRuns: 60 },
    );
  });

  it("goes on, without sharing, when its slots are used up", () => {
    const names = NameTable.create(shared(main), 1 << 20);
    const ids = Array.from({ length: 20_000 }, (_, i) => names.ofString(`name number ${i}`));
    expect(new Set(ids).size).toBe(20_000);
    expect(names.text(ids[19_999]!)).toBe("name number 19999");
  });

  it("refuses names beyond its room with a typed error", () => {
    const names = NameTable.create(shared(main), 100);
    expect(() => {
      for (let i = 0; i < 100; i++) names.ofString(`name number ${i}`);
    }).toThrowError(expect.objectContaining({ code: "NAMES_TOO_LONG" }));
  });

  it("refuses to hash overlapping tails of one long string again and again", () => {
    const long = `\0${"x".repeat(300_000)}\0`;
    const names = NameTable.create(shared(long), 1 << 16);
    expect(() => {
      for (let i = 1; i < 300_000; i++) names.atOffset(i);
    }).toThrowError(expect.objectContaining({ code: "NAMES_TOO_LONG" }));
  });
});
