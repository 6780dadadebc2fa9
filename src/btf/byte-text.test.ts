import { expect, test } from "vitest";
import { BtfBuilder } from "./builder.ts";
import { ByteText, gather } from "./byte-text.ts";

function written(fill: (text: ByteText) => void): string {
  return gather((write) => {
    const text = new ByteText();
    fill(text);
    text.flush(write);
  });
}

test.each([0, 7, 10, 99, 100, 65_536, 999_999_999, 1_000_000_000, 2_147_483_648, 4_294_967_295])(
  "%d in decimal",
  (value) => {
    expect(written((text) => text.putNumber(value))).toBe(`${value}`);
  },
);

test("a name longer than the buffer, behind what was there", () => {
  const builder = new BtfBuilder();
  const id = builder.addInt("n".repeat(1_000_000), 4);
  const btf = builder.toBtf();
  const text = written((out) => {
    out.put("<");
    expect(out.putName(btf, btf.nameOffset(id))).toBe(1_000_000);
    out.put(">");
  });
  expect(text === `<${"n".repeat(1_000_000)}>`).toBe(true);
});

test("a piece is written when there is enough, and everything once", () => {
  const sizes: number[] = [];
  const text = new ByteText();
  for (let count = 0; count < 200_000; count++) {
    text.put("ab");
    text.flushPiece((piece) => sizes.push(piece.length));
  }
  text.flush((piece) => sizes.push(piece.length));
  text.flush((piece) => sizes.push(piece.length));
  expect(sizes).toEqual([131_072, 131_072, 131_072, 6784]);
});
