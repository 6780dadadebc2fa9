import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { isDwarflessError } from "../io/index.ts";
import { checksumOf, isBuildId, sidecarName } from "./sidecar-file.ts";
import { listStore, readSidecarBytes, type StoredSidecar } from "./store.ts";

/**
 * Publish a store: `GET /BUILD-ID.sidecar`, with an ETag, and `GET /` for a list in JSON. Nothing else
 * is readable, and nothing is written. Any static file server does the same with the folder.
 */
export function serveStore(store: string, onRequest: (line: string) => void): Server {
  return createServer((request, response) => {
    const { method = "", url = "" } = request;
    const answer = (status: number, type: string, body: Uint8Array | string, tag?: string): void => {
      onRequest(`${method} ${url} ${status}`);
      response.writeHead(status, {
        "Content-Type": type,
        "Content-Length": Buffer.byteLength(body),
        "X-Content-Type-Options": "nosniff",
        ...(tag !== undefined && { ETag: tag }),
      });
      response.end(method === "HEAD" ? "" : body);
    };
    if (method !== "GET" && method !== "HEAD") return answer(405, "text/plain", "only GET and HEAD\n");
    if (url === "/") {
      const list = index(store);
      if (list === undefined) return answer(500, "text/plain", "the store cannot be read\n");
      return answer(200, "application/json", list);
    }
    const buildId = /^\/([0-9a-f]+)\.sidecar$/.exec(url)?.[1];
    if (!isBuildId(buildId)) return answer(404, "text/plain", "no such sidecar\n");
    let bytes: Uint8Array;
    try {
      bytes = readSidecarBytes(join(store, sidecarName(buildId)));
    } catch (error) {
      if (!isDwarflessError(error)) throw error;
      return answer(404, "text/plain", "no such sidecar\n");
    }
    const tag = `"${checksumOf(bytes).sha256.slice(0, 32)}"`;
    if (request.headers["if-none-match"] === tag) {
      onRequest(`${method} ${url} 304`);
      response.writeHead(304, { ETag: tag });
      response.end();
      return;
    }
    answer(200, "application/octet-stream", bytes, tag);
  });
}

/** What is in the store, as JSON; undefined when it cannot be read. */
function index(store: string): string | undefined {
  let stored: StoredSidecar[];
  try {
    stored = listStore(store);
  } catch (error) {
    if (isDwarflessError(error)) return undefined;
    throw error;
  }
  const sidecars = stored.flatMap(({ byteSize, header }) =>
    typeof header === "string"
      ? []
      : [{ buildId: header.buildId, release: header.release ?? null, variables: header.variables, byteSize }],
  );
  return `${JSON.stringify({ schema: 1, sidecars }, undefined, 1)}\n`;
}
