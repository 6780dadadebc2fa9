import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FileError } from "../io/index.ts";
import { checkWritable, writeOutput } from "./output-file.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "dwarfless-output-"));
  mkdirSync(join(folder, "folder"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("writeOutput", () => {
  it("follows a symbolic link, also one that points nowhere yet", () => {
    writeFileSync(join(folder, "target"), "old");
    symlinkSync("target", join(folder, "link"));
    writeOutput(join(folder, "link"), Uint8Array.of(1));
    expect(lstatSync(join(folder, "link")).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(folder, "target"))).toHaveLength(1);
    symlinkSync("later", join(folder, "dangling"));
    writeOutput(join(folder, "dangling"), Uint8Array.of(1));
    expect(lstatSync(join(folder, "dangling")).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(folder, "later"))).toHaveLength(1);
    symlinkSync("circle", join(folder, "circle"));
    expect(() => writeOutput(join(folder, "circle"), Uint8Array.of(1))).toThrow(/ELOOP$/);
  });

  it("writes to a device, and leaves it one", () => {
    writeOutput("/dev/null", Uint8Array.of(1));
    expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
  });

  it("keeps the permissions of a file that is there", () => {
    const path = join(folder, "kept");
    writeFileSync(path, "old");
    chmodSync(path, 0o604);
    writeOutput(path, Uint8Array.of(1), 0o640);
    expect(statSync(path).mode & 0o777).toBe(0o604);
  });

  it("refuses a folder", () => {
    expect(() => writeOutput(join(folder, "folder"), Uint8Array.of(1))).toThrow(/is a directory$/);
  });
});

describe("checkWritable", () => {
  it("accepts what can be written", () => {
    checkWritable(join(folder, "new"));
    checkWritable("/dev/null");
    checkWritable("-");
  });

  it.each(["folder", "absent/x", "target/x"])("refuses %s", (name) => {
    expect(() => checkWritable(join(folder, name))).toThrow(FileError);
  });
});
