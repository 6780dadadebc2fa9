import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { keptStreams } from "../../test/unit/kept-streams.ts";
import { BtfBuilder } from "../btf/index.ts";
import { runDwarfless } from "./program.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "dwarfless-oops-"));
  writeFileSync(log(), text);
});
afterAll(() => rmSync(folder, { recursive: true }));

const log = (): string => join(folder, "log");
const text = `[    1.000000] BUG: kernel NULL pointer dereference, address: 0000000000000018
[    1.000001] #PF: supervisor read access in kernel mode
[    1.000002] Oops: 0000 [#1] PREEMPT SMP NOPTI
[    1.000003] CPU: 1 PID: 42 Comm: <b>cook Tainted: G           O      6.1.0-9-test #1 x
[    1.000004] RIP: 0010:eat_it+0x0/0x40
[    1.000005] Code: 90 90 <48> 8b 47 18 c3
[    1.000006] RDX: 0000000000000000 RSI: 0000000000000000 RDI: 0000000000000000
[    1.000007] Kernel panic - not syncing: Fatal exception
`;

async function oops(...args: string[]): Promise<{ exitCode: number; stdout: string }> {
  const streams = keptStreams();
  const exitCode = await runDwarfless(["oops", ...args], streams, {
    encodeFile: () => Promise.reject(new Error()),
  });
  return { exitCode, stdout: streams.stdout };
}

test("says what happened, as text and JSON", async () => {
  const { exitCode, stdout } = await oops(log());
  expect(exitCode).toBe(0);
  expect(stdout).toContain("what        NULL pointer dereference in eat_it+0x0: read of offset 24\n");
  const document = JSON.parse((await oops(log(), "--json")).stdout) as {
    schema: number;
    record: { comm: string };
  };
  expect(document).toMatchObject({
    schema: 1,
    verdict: { class: "null-pointer", members: [] },
    record: { pid: 42 },
  });
});

test("names the member with a BTF file", async () => {
  const builder = new BtfBuilder();
  const long = builder.addInt("long int", 8);
  const meal = builder.addStruct("meal", 32, [{ name: "taste", type: long, bitOffset: 192 }]);
  builder.addFunc("eat_it", builder.addFuncProto(0, [{ name: "meal", type: builder.addPtr(meal) }]));
  const file = join(folder, "btf");
  writeFileSync(file, builder.finish());
  const { stdout } = await oops(log(), "--btf", file);
  expect(stdout).toContain("read of struct meal.taste (offset 24)\n");
});

test("writes Markdown, and one HTML file without the log's markup", async () => {
  expect((await oops(log(), "--markdown")).stdout).toMatch(/^# Oops in .*\n\n## Verdict\n/);
  const file = join(folder, "report.html");
  await oops(log(), "--html", file);
  const html = readFileSync(file, "utf8");
  expect(html).toMatch(/^<!doctype html>/);
  expect(html).toContain("&lt;b&gt;cook");
  expect(html).not.toContain("<b>");
  expect((await oops(log(), "--html", "-")).stdout).toBe(html);
});

test("refuses what does not go together, what is not there and what is no text", async () => {
  await expect(oops(log(), "--json", "--markdown")).rejects.toThrow("oops: --json or --markdown");
  await expect(oops(log(), "--json", "--html", "-")).rejects.toThrow("one of --json");
  await expect(oops(join(folder, "absent"))).rejects.toMatchObject({ name: "FileError" });
  writeFileSync(join(folder, "binary"), Buffer.alloc(4096));
  await expect(oops(join(folder, "binary"))).rejects.toThrow("no text (triage opens dumps)");
});

test("a log without trouble is no trouble", async () => {
  writeFileSync(join(folder, "quiet"), "[    1.0] hello\n");
  const { exitCode, stdout } = await oops(join(folder, "quiet"));
  expect(exitCode).toBe(0);
  expect(stdout).toContain("class       none\n");
});
