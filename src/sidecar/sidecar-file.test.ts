import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Btf, BtfBuilder } from "../btf/index.ts";
import { isDwarflessError } from "../io/index.ts";
import { openSidecar } from "./sidecar.ts";
import { checksumOf, readSidecar, readSidecarHeader, writeSidecar } from "./sidecar-file.ts";

const buildId = "0123456789abcdef0123456789abcdef01234567";
const otherId = "ff23456789abcdef0123456789abcdef01234567";

function baseBytes(extra?: string): Uint8Array {
  const builder = new BtfBuilder();
  builder.addInt("int", 4, 1);
  builder.addStruct("task", 4, [{ name: "pid", type: 1, bitOffset: 0 }]);
  if (extra !== undefined) builder.addTypedef(extra, 1);
  return builder.finish();
}

function splitBytes(base: Uint8Array): Uint8Array {
  const builder = new BtfBuilder({ base: Btf.parse(base) });
  const variable = builder.addVar("panic_timeout", 1);
  builder.addDatasec(".data", 4, [{ type: variable, offset: 0, byteSize: 4 }]);
  return builder.finish();
}

function sidecar(base = baseBytes(), id = buildId): Uint8Array {
  const header = {
    release: "6.1.0-test",
    buildId: id,
    base: checksumOf(base),
    variables: 1,
    sections: [{ name: ".data", address: 0xffff_ffff_8100_0000n, byteSize: 64 }],
    provenance: { tool: "dwarfless test", source: "vmlinux" },
  };
  return writeSidecar(header, splitBytes(base));
}

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "dwarfless-sidecar-"))));
afterEach(() => rmSync(folder, { recursive: true }));

function file(bytes: Uint8Array, name = "kernel.sidecar"): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const subject = (base: Uint8Array, id: string | undefined = buildId): Parameters<typeof openSidecar>[1] => ({
  btf: Btf.parse(base),
  buildId: id,
  btfBytes: () => base,
});

test("reads back what was written, the same bytes each time", () => {
  const bytes = sidecar();
  const { header, btf } = readSidecar(bytes, "x");
  expect(header).toEqual({
    release: "6.1.0-test",
    buildId,
    base: checksumOf(baseBytes()),
    btf: checksumOf(btf),
    variables: 1,
    sections: [{ name: ".data", address: 0xffff_ffff_8100_0000n, byteSize: 64 }],
    modules: [],
    provenance: { tool: "dwarfless test", source: "vmlinux" },
  });
  expect(Uint8Array.from(btf)).toEqual(splitBytes(baseBytes()));
  expect(sidecar()).toEqual(bytes);
  expect(readSidecarHeader(bytes, "x")).toEqual(header);
});

describe("damage", () => {
  const refused = (bytes: Uint8Array): boolean => {
    try {
      readSidecar(bytes, "x");
      return false;
    } catch (error) {
      if (!isDwarflessError(error)) throw error;
      expect(error.message).toMatch(/^x: damaged sidecar: /);
      expect(error.message).not.toContain("\n");
      return true;
    }
  };

  test("no beginning of it is taken", () => {
    const bytes = sidecar();
    for (let length = 0; length < bytes.length; length++)
      expect(refused(bytes.subarray(0, length))).toBe(true);
  });

  test("no other byte is taken anywhere", () => {
    const bytes = sidecar();
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = bytes.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(refused(changed), `bit ${bit}`).toBe(true);
    }
    expect(refused(Buffer.concat([bytes, Uint8Array.of(0)]))).toBe(true);
  });

  test("a BTF that is larger than its header says is not unpacked", () => {
    const bytes = sidecar();
    const header = Buffer.from(bytes)
      .toString("latin1")
      .match(/"btf":\{"byteSize":(\d+)/)!;
    expect(Number(header[1])).toBeGreaterThan(0);
    const big = writeSidecar({ ...readSidecarHeader(bytes, "x") }, new Uint8Array(1 << 20));
    const swapped = Buffer.concat([bytes.subarray(0, endOfHeader(bytes)), big.subarray(endOfHeader(big))]);
    expect(refused(sealed(swapped))).toBe(true);
    expect(() => readSidecar(sealed(bytes), "x")).not.toThrow();
  });

  test("no BTF is taken for another's in a file of several", () => {
    const modules = ["one", "two"].map((name) => ({ ...module, name, bytes: Buffer.from(name) }));
    const bytes = Buffer.from(
      writeSidecar(readSidecarHeader(sidecar(), "x"), splitBytes(baseBytes()), modules),
    );
    expect(readSidecar(bytes, "x").modules.map((each) => Buffer.from(each).toString())).toEqual([
      "one",
      "two",
    ]);
    const text = bytes.subarray(48, endOfHeader(bytes)).toString();
    const [one, two] = modules.map(({ bytes: own }) => checksumOf(own).sha256) as [string, string];
    const swapped = text.replace(one, "x").replace(two, one).replace('"x"', `"${two}"`);
    expect(swapped.length).toBe(text.length);
    bytes.set(Buffer.from(swapped), 48);
    expect(refused(sealed(bytes))).toBe(true);
  });
});

const module = { name: "loop", buildId: otherId, base: undefined, variables: 1 };

/** The same bytes with a checksum that fits them, as whoever changes a file on purpose makes it. */
function sealed(bytes: Uint8Array): Uint8Array {
  const changed = bytes.slice();
  createHash("sha256").update(changed.subarray(48)).digest().copy(changed, 16);
  return changed;
}

function endOfHeader(bytes: Uint8Array): number {
  return 48 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(12, true);
}

describe("against a dump", () => {
  test("its own is taken, by build id and checksum", async () => {
    const found = await openSidecar(file(sidecar()), subject(baseBytes()));
    expect(found).toMatchObject({ overDump: true });
    expect(found.check).toBe(
      "equal build id; split from the dump's own BTF by its checksum: all 1 variables fit their types",
    );
    expect(found.btf.name(found.btf.startId)).toBe("panic_timeout");
  });

  test("another build id is refused, whatever its types", async () => {
    const path = file(sidecar(baseBytes(), otherId));
    await expect(openSidecar(path, subject(baseBytes()))).rejects.toMatchObject({ code: "SIDECAR_BUILD_ID" });
  });

  test("another base is refused, also under the same build id", async () => {
    const path = file(sidecar(baseBytes("other")));
    await expect(openSidecar(path, subject(baseBytes()))).rejects.toMatchObject({
      code: "SIDECAR_DISAGREES",
    });
  });

  test("without a build id in the dump the checksum decides", async () => {
    const path = file(sidecar());
    expect(await openSidecar(path, { ...subject(baseBytes()), buildId: undefined })).toMatchObject({
      overDump: true,
    });
  });

  test("a dump without BTF cannot use what is split from it", async () => {
    const path = file(sidecar());
    await expect(openSidecar(path, { btf: undefined, buildId })).rejects.toMatchObject({
      code: "SIDECAR_DISAGREES",
    });
  });

  test("a folder is asked for the build id", async () => {
    file(sidecar(), `${buildId}.sidecar`);
    file(sidecar(baseBytes(), otherId), `${otherId}.sidecar`);
    expect((await openSidecar(folder, subject(baseBytes()))).path).toBe(join(folder, `${buildId}.sidecar`));
  });
});
