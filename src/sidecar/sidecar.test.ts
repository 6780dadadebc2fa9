import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Btf, BtfBuilder } from "../btf/index.ts";
import { openSidecar } from "./sidecar.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "dwarfless-sidecar-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** A kernel's BTF; `order` changes ids and nothing else, `byteSize` makes it another kernel's. */
function kernelBtf(order: "one" | "other" = "one", byteSize = 8, variable = false): Uint8Array {
  const builder = new BtfBuilder();
  if (order === "other") builder.addTypedef("u8", builder.addInt("unsigned char", 1));
  const int = builder.addInt("int", 4);
  const thing = builder.addStruct("thing", byteSize, [{ name: "a", type: int, bitOffset: 0 }]);
  builder.addStruct("large", 100, []);
  if (variable) {
    const entry = { type: builder.addVar("a_thing", thing), offset: 0, byteSize };
    builder.addDatasec(".data", byteSize, [entry]);
  }
  return builder.finish();
}

/** Variables split from {@link kernelBtf} of order "one". */
function splitBtf(): Uint8Array {
  const base = Btf.parse(kernelBtf());
  const builder = new BtfBuilder({ base });
  const pointer = builder.addPtr(2);
  const entries = [
    { type: builder.addVar("a_thing", 2), offset: 0, byteSize: 8 },
    { type: builder.addVar("a_pointer", pointer), offset: 8, byteSize: 8 },
  ];
  builder.addDatasec(".data", 16, entries);
  return builder.finish();
}

function write(name: string, bytes: Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return path;
}

const dump = { btf: Btf.parse(kernelBtf()), buildId: "ab".repeat(20) };

test("a complete BTF that agrees", async () => {
  const path = write("all.btf", kernelBtf("other", 8, true));
  const sidecar = await openSidecar(path, dump);
  expect(sidecar).toMatchObject({ path, overDump: false, check: "2 named types equal the dump's" });
});

test("a complete BTF of another kernel is refused by its first difference", async () => {
  const path = write("wrong.btf", kernelBtf("one", 16, true));
  await expect(openSidecar(path, dump)).rejects.toMatchObject({
    code: "SIDECAR_DISAGREES",
    message: `${path}: of another kernel than the dump: struct thing: 16 bytes, in the dump 8 bytes`,
  });
});

test("split BTF over the dump's own", async () => {
  const sidecar = await openSidecar(write("split", splitBtf()), dump);
  expect(sidecar.overDump).toBe(true);
  expect(sidecar.check).toBe("split from the dump's own BTF: all 2 variables fit their types");
});

test("split BTF over a base that lies beside it", async () => {
  const folder = mkdtempSync(join(directory, "pair-"));
  writeFileSync(join(folder, "vars"), splitBtf());
  writeFileSync(join(folder, "base"), kernelBtf());
  const other = { btf: Btf.parse(kernelBtf("other")), buildId: undefined };
  const sidecar = await openSidecar(join(folder, "vars"), other);
  expect(sidecar.overDump).toBe(false);
  expect(sidecar.check).toBe(`over ${join(folder, "base")}: 2 named types equal the dump's`);
});

test("split BTF without its base is refused", async () => {
  const folder = mkdtempSync(join(directory, "alone-"));
  const path = join(folder, "vars");
  writeFileSync(path, splitBtf());
  const other = { btf: Btf.parse(kernelBtf("other")), buildId: undefined };
  await expect(openSidecar(path, other)).rejects.toMatchObject({
    code: "SIDECAR_DISAGREES",
    message: expect.stringContaining("split from another BTF than the dump's ("),
  });
});

test("a folder: the one that agrees, and an empty one", async () => {
  const folder = mkdtempSync(join(directory, "folder-"));
  await expect(openSidecar(folder, dump)).rejects.toMatchObject({ code: "SIDECAR_ABSENT" });
  writeFileSync(join(folder, "a.btf"), kernelBtf("one", 16, true));
  writeFileSync(join(folder, "b.btf"), kernelBtf("other", 8, true));
  expect((await openSidecar(folder, dump)).path).toBe(join(folder, "b.btf"));
});

test("a file that is no BTF", async () => {
  const path = write("text", Buffer.from("not BTF at all, whatever its name says"));
  await expect(openSidecar(path, dump)).rejects.toMatchObject({ code: "BTF_MAGIC" });
});

test("split BTF without sections of variables shows by its references that it is from another base", async () => {
  const base = Btf.parse(kernelBtf());
  const builder = new BtfBuilder({ base });
  builder.addVar("a_thing", 2);
  // A folder without files that could be its base.
  const path = join(mkdtempSync(join(directory, "alone-")), "no-sections.btf");
  writeFileSync(path, builder.finish());
  expect((await openSidecar(path, { btf: base, buildId: undefined })).btf.base).toBe(base);
  const other = new BtfBuilder();
  other.addFunc("not_a_thing", other.addFuncProto(0, []));
  other.addStruct("large", 100, [{ name: "a_longer_name", type: 0, bitOffset: 0 }]);
  const subject = { btf: other.toBtf(), buildId: undefined };
  await expect(openSidecar(path, subject)).rejects.toThrow(/split from another BTF/);
});
