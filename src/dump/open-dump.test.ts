import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { core } from "../../test/build/core.ts";
import { zstdFrame } from "../../test/build/compressed-page.ts";
import { MemorySource } from "../io/index.ts";
import { openDump, openDumpSources } from "./index.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "dwarfless-dump-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const image = core({
  loads: [
    { physicalAddress: 0x1000, virtualAddress: 0xffff_8880_0000_1000n, bytes: new Uint8Array(8192).fill(5) },
  ],
});

test("opens a file by its path, and reads until it is closed", async () => {
  const file = path.join(folder, "vmcore");
  writeFileSync(file, image);
  const dump = await openDump([file]);
  const target = new Uint8Array(4);
  dump.readInto(target, 0x1ffe);
  expect([...target]).toEqual([5, 5, 5, 5]);
  expect(dump.name).toBe(file);
  dump.close();
  dump.close();
  expect(() => dump.readInto(new Uint8Array(0x9000), 0x1000)).toThrowError();
});

const padded = (start: string | ArrayLike<number>): Uint8Array => {
  const bytes = new Uint8Array(8192);
  bytes.set(typeof start === "string" ? Buffer.from(start, "latin1") : start);
  return bytes;
};
const bzImage = padded([]);
bzImage.set(Buffer.from("HdrS"), 514);

test.each<[string, Uint8Array, string]>([
  ["an empty file", new Uint8Array(0), "an empty file"],
  [
    "gzip",
    gzipSync(image),
    "compressed with gzip: a dump is read at random places, unpack it first (gzip -d)",
  ],
  ["zstd", zstdFrame(image), "compressed with zstd"],
  ["xz", padded("\xfd7zXZ\0"), "compressed with xz"],
  ["diskdump", padded("DISKDUMP"), "a diskdump file"],
  [
    "QEMU's migration stream",
    padded("QEVM"),
    "a QEMU migration stream, which holds devices and memory together: use `virsh dump --memory-only`",
  ],
  [
    "libvirt's saved guest",
    padded("LibvirtQemudSave"),
    "a saved guest of libvirt, which holds devices and memory together: use `virsh dump --memory-only`",
  ],
  [
    "VMware",
    padded([0xd2, 0xbe, 0xd2, 0xbe]),
    "a VMware snapshot's state: the memory is in the .vmem file beside it",
  ],
  ["sadump", padded("sadu"), "a Fujitsu sadump file"],
  ["Windows", padded("PAGEDU64"), "a crash dump of Windows"],
  ["a bzImage", bzImage, "a kernel image (bzImage), not a memory dump"],
  [
    "a text",
    new Uint8Array(Buffer.from("dump of my machine\n".repeat(500))),
    "a text file, not a memory dump",
  ],
  ["a few bytes", Uint8Array.of(0, 1, 2), "no known format, and smaller than a page of memory"],
])("refuses %s by name, in one line", async (_what, bytes, text) => {
  const opened = openDumpSources([new MemorySource(bytes, "file")]);
  await expect(opened).rejects.toMatchObject({ code: "DUMP_NOT_A_DUMP" });
  await expect(opened).rejects.toThrowError(`file: ${text}`);
  await expect(opened).rejects.not.toThrowError(/\n/);
});

test.each([
  ["a file that is not there", "missing", "missing: cannot open: no such file or directory"],
  ["a folder", ".", "is a directory"],
])("refuses %s", async (_what, name, text) => {
  await expect(openDump([path.join(folder, name)])).rejects.toThrowError(text);
});

test("refuses devices and pipes", async (context) => {
  await expect(openDump(["/dev/null"])).rejects.toThrowError(
    "/dev/null: cannot open: a character device; copy the dump into a file first",
  );
  const fifo = path.join(folder, "pipe");
  context.skip(spawnSync("mkfifo", [fifo]).status !== 0, "no mkfifo here");
  await expect(openDump([fifo])).rejects.toThrowError("a pipe; copy the dump into a file first");
});

test("takes several files only where they are parts of one kdump", async () => {
  await expect(openDump([])).rejects.toMatchObject({ code: "USAGE" });
  await expect(
    openDumpSources([new MemorySource(image, "a"), new MemorySource(image, "b")]),
  ).rejects.toThrowError("a: only the parts of a split kdump can be opened together");
});
