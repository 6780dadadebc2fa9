import { spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fetchSidecar } from "./http.ts";
import { serveStore } from "./serve.ts";
import { writeSidecar } from "./sidecar-file.ts";
import { addToStore, listStore, maximumSidecarBytes } from "./store.ts";

const buildId = "0123456789abcdef0123456789abcdef01234567";
const otherId = "ff23456789abcdef0123456789abcdef01234567";
const provenance = { tool: "test", source: "vmlinux" };

function sidecar(release: string, id = buildId): Uint8Array {
  const header = { release, buildId: id, base: undefined, variables: 0, sections: [], provenance };
  return writeSidecar(header, Buffer.from(release));
}

let published: string;
let store: string;
let servers: Server[];
beforeEach(() => {
  published = mkdtempSync(join(tmpdir(), "dwarfless-published-"));
  store = join(mkdtempSync(join(tmpdir(), "dwarfless-store-")), "made", "when-needed");
  servers = [];
});
afterEach(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(published, { recursive: true });
  rmSync(join(store, "../.."), { recursive: true, force: true });
});

function listen(server: Server): Promise<string> {
  servers.push(server);
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () =>
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    );
  });
}

const answering = (listener: RequestListener): Promise<string> => listen(createServer(listener));

test("gets what is published, asks again by its tag, and gets what is newer", async () => {
  addToStore(published, sidecar("one"), "x");
  const lines: string[] = [];
  const url = await listen(serveStore(published, (line) => lines.push(line)));
  const path = join(store, `${buildId}.sidecar`);
  expect(await fetchSidecar(`${url}/`, buildId, store)).toEqual({ path, how: "fetched" });
  expect(readFileSync(path)).toEqual(Buffer.from(sidecar("one")));
  expect(await fetchSidecar(url, buildId, store)).toEqual({ path, how: "unchanged" });
  addToStore(published, sidecar("two"), "x");
  expect(await fetchSidecar(url, buildId, store)).toEqual({ path, how: "fetched" });
  expect(listStore(store)).toMatchObject([{ path, header: { release: "two" } }]);
  expect(lines.map((line) => line.slice(-3))).toEqual(["200", "304", "200"]);
});

test("does not keep a tag for a file that was damaged since", async () => {
  addToStore(published, sidecar("one"), "x");
  const url = await listen(serveStore(published, () => {}));
  const { path } = (await fetchSidecar(url, buildId, store))!;
  writeFileSync(path, readFileSync(path).subarray(0, 60));
  expect(await fetchSidecar(url, buildId, store)).toEqual({ path, how: "fetched" });
});

test("says that a server has none", async () => {
  const url = await listen(serveStore(published, () => {}));
  expect(await fetchSidecar(url, buildId, store)).toBeUndefined();
});

test("serves sidecars and a list, nothing else of the folder or outside of it", async () => {
  addToStore(published, sidecar("one"), "x");
  writeFileSync(join(published, "secret"), "x");
  const url = await listen(serveStore(published, () => {}));
  const status = async (path: string, method = "GET"): Promise<number> =>
    (await fetch(url + path, { method })).status;
  for (const path of ["/secret", "/../secret", "/%2e%2e/secret", `/x/${buildId}.sidecar`, "//"]) {
    expect(await status(path), path).toBe(404);
  }
  expect(await status(`/${buildId}.sidecar`, "HEAD")).toBe(200);
  expect(await status(`/${buildId}.sidecar`, "DELETE")).toBe(405);
  expect(await (await fetch(url)).json()).toMatchObject({
    schema: 1,
    sidecars: [{ buildId, release: "one" }],
  });
});

test("a store that cannot be read is an answer, not the end of the server", async () => {
  writeFileSync(join(published, "file"), "x");
  const url = await listen(serveStore(join(published, "file"), () => {}));
  for (let i = 0; i < 2; i++) expect((await fetch(url)).status).toBe(500);
  expect((await fetch(`${url}/${buildId}.sidecar`)).status).toBe(404);
});

test("lists what is named as a sidecar and is none", () => {
  symlinkSync("/nowhere/at/all", join(published, `${buildId}.sidecar`));
  mkdirSync(join(published, `${otherId}.sidecar`));
  const pipe = join(published, `ee${otherId.slice(2)}.sidecar`);
  const problems = ["no such file", "is a directory"];
  if (spawnSync("mkfifo", [pipe]).status === 0) problems.splice(1, 0, "not a regular file");
  const found = listStore(published).map(({ header }) => header);
  expect(found).toEqual(problems.map((problem) => expect.stringContaining(problem) as string));
});

test.each<[string, RequestListener, RegExp]>([
  ["garbage", (_, response) => response.end("<html>"), /damaged sidecar: no sidecar file$/],
  ["an error", (_, response) => response.writeHead(500).end(), /the server answers 500$/],
  ["another kernel's", (_, response) => response.end(sidecar("one", otherId)), /it is of build id ff23/],
  [
    "too much",
    (_, response) => {
      const chunk = Buffer.alloc(1 << 20);
      const more = (): void => {
        while (response.write(chunk));
        response.once("drain", more);
      };
      more();
    },
    /too large for a sidecar$/,
  ],
  [
    "a length that is too much",
    (_, response) => response.writeHead(200, { "Content-Length": maximumSidecarBytes + 1 }).write("x"),
    /too large for a sidecar$/,
  ],
  ["half of one", (_, response) => response.end(sidecar("one").subarray(0, 80)), /damaged sidecar/],
  ["a closed connection", (request) => request.destroy(), /: /],
])("refuses %s and keeps nothing", async (_, listener, message) => {
  const url = await answering(listener);
  const asked = fetchSidecar(url, buildId, store);
  await expect(asked).rejects.toThrow(message);
  await expect(asked).rejects.toMatchObject({ code: expect.stringMatching(/^SIDECAR_/) as string });
  expect(() => readdirSync(store)).toThrow(/ENOENT/);
});
