import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FileSource, MemorySource, type ByteSource } from "./byte-source.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "dwarfless-io-"));
  writeFileSync(
    path.join(folder, "ten"),
    Uint8Array.from({ length: 10 }, (_, i) => i),
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.each([
  [
    "MemorySource",
    (): ByteSource =>
      new MemorySource(
        Uint8Array.from({ length: 10 }, (_, i) => i),
        "ten",
      ),
  ],
  ["FileSource", (): ByteSource => new FileSource(path.join(folder, "ten"))],
])("%s", (_name, open) => {
  it("reads what is inside", () => {
    const source = open();
    expect(source.byteSize).toBe(10);
    expect([...source.read(0, 10)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect([...source.read(10, 0)]).toEqual([]);
    const target = new Uint8Array(3);
    source.readInto(target, 7);
    expect([...target]).toEqual([7, 8, 9]);
  });

  it.each([
    [0, 11],
    [10, 1],
    [-1, 1],
    [0, -1],
    [NaN, 1],
    [2 ** 60, 1],
  ])("refuses a range that is not wholly inside: %d, %d bytes", (offset, byteSize) => {
    expect(() => open().read(offset, byteSize)).toThrowError(expect.objectContaining({ code: "TRUNCATED" }));
  });
});

describe("FileSource", () => {
  it.each([
    ["a file that is not there", "missing", "no such file or directory"],
    ["a folder", ".", "is a directory"],
  ])("refuses %s", (_what, name, text) => {
    expect(() => new FileSource(path.join(folder, name))).toThrowError(text);
  });

  it("refuses a pipe instead of waiting for its writer", (context) => {
    const fifo = path.join(folder, "pipe");
    context.skip(spawnSync("mkfifo", [fifo]).status !== 0, "no mkfifo here");
    expect(() => new FileSource(fifo)).toThrowError("not a regular file");
  });
});
