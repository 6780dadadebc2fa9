import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Btf, BtfBuilder } from "../btf/index.ts";
import type { Diagnostic } from "../io/index.ts";
import { checksumOf, writeSidecar } from "../sidecar/index.ts";
import { findSidecars, openFoundSidecar } from "./sidecar-places.ts";

const buildId = "0123456789abcdef0123456789abcdef01234567";
const otherId = "ff23456789abcdef0123456789abcdef01234567";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "dwarfless-places-"));
  vi.stubEnv("DWARFLESS_STORE", join(folder, "store"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const write = (name: string, bytes: Uint8Array): void => writeFileSync(join(folder, name), bytes);

function base(): Uint8Array {
  const builder = new BtfBuilder();
  builder.addInt("int", 4, 1);
  return builder.finish();
}

function sidecar(id = buildId): Uint8Array {
  const builder = new BtfBuilder({ base: Btf.parse(base()) });
  builder.addDatasec(".data", 4, [{ type: builder.addVar("panic_timeout", 1), offset: 0, byteSize: 4 }]);
  const provenance = { tool: "test", source: "vmlinux" };
  const header = { release: undefined, buildId: id, base: checksumOf(base()), variables: 1, sections: [] };
  return writeSidecar({ ...header, provenance }, builder.finish());
}

async function open(): Promise<{ path: string | undefined; texts: string[] }> {
  const diagnostics: Diagnostic[] = [];
  const subject = { btf: Btf.parse(base()), buildId, btfBytes: base };
  const found = await openFoundSidecar(join(folder, "vmcore"), subject, diagnostics);
  return { path: found?.path, texts: diagnostics.map(({ text }) => text) };
}

test("the usual places, in their order", () => {
  expect(findSidecars(join(folder, "vmcore"), buildId)).toEqual([]);
  const names = ["vmcore.sidecar", "vmcore.btf", `${buildId}.sidecar`, `${buildId}.btf`];
  for (const name of names) write(name, sidecar());
  write(`${otherId}.sidecar`, sidecar());
  expect(findSidecars(join(folder, "vmcore"), buildId)).toEqual(names.map((name) => join(folder, name)));
  expect(findSidecars(join(folder, "vmcore"), undefined)).toHaveLength(2);
});

test("what is damaged or of another kernel is named and passed over", async () => {
  write("vmcore.sidecar", sidecar().subarray(0, -1));
  write("vmcore.btf", sidecar(otherId));
  const damaged = await open();
  expect(damaged.path).toBeUndefined();
  expect(damaged.texts).toEqual([
    expect.stringMatching(/vmcore\.sidecar: damaged sidecar: [^\n]*: not used$/),
    expect.stringMatching(/vmcore\.btf: of another kernel: its build id is ff23[^\n]*: not used$/),
  ]);
  write(`${buildId}.sidecar`, sidecar());
  const found = await open();
  expect(found.path).toBe(join(folder, `${buildId}.sidecar`));
  expect(found.texts).toEqual(damaged.texts);
});
