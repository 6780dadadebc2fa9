import { expect, test } from "vitest";
import { randomNumbers } from "../../test/build/mutate.ts";
import { addressAt, addressOrder, makeAddressColumns, upperBound } from "./addresses.ts";

/** Addresses in no order, many of them more than once. */
function scattered(count: number): ReturnType<typeof makeAddressColumns> {
  const columns = makeAddressColumns(count);
  const random = randomNumbers(count);
  for (let i = 0; i < count; i++) {
    columns.high[i] = random(4) === 0 ? 0xffff_ffff : random(3);
    columns.low[i] = random(2) === 0 ? random(2 ** 32) : random(50) * 0x1_0001;
  }
  return columns;
}

test.each([100, 20_000])("%i addresses in no order are found as if they were in one", (count) => {
  const columns = scattered(count);
  const order = addressOrder(columns)!;
  const indexes = Array.from({ length: count }, (_, i) => i);
  const key = (i: number): bigint => addressAt(columns, i);
  const plain = indexes.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : a - b));
  expect([...order]).toEqual(plain);
  for (let i = 0; i < count; i += 97) {
    const position = upperBound(columns, order, key(i));
    expect(key(order[position - 1]!)).toBe(key(i));
    if (position < count) expect(key(order[position]!)).toBeGreaterThan(key(i));
  }
});

test("addresses in order need none", () => {
  const columns = makeAddressColumns(3);
  columns.low.set([1, 1, 2]);
  expect(addressOrder(columns)).toBeUndefined();
  expect(upperBound(columns, undefined, 1n)).toBe(2);
  expect(upperBound(columns, undefined, 0n)).toBe(0);
});
