import { readFileSync } from "node:fs";
import { join } from "node:path";
import { FormatError, writeFileAtomic } from "../io/index.ts";
import { readSidecar, sidecarName } from "./sidecar-file.ts";
import { addToStore, maximumSidecarBytes, readSidecarBytes } from "./store.ts";

/** How long a server may take for one sidecar, in milliseconds. */
const timeLimit = 60_000;

export function isUrl(text: string): boolean {
  return /^https?:\/\//i.test(text);
}

/** What came of asking a server. */
export interface Fetched {
  /** In the store. */
  path: string;
  /** `fetched`: now; `unchanged`: the server says that the one in the store is the newest. */
  how: "fetched" | "unchanged";
}

/**
 * Get the sidecar of a build id from a server that publishes a store: one GET of
 * `URL/BUILD-ID.sidecar`, with the ETag of the one that the store has from it already.
 * @returns undefined when the server has none
 * @throws {FormatError} `SIDECAR_HTTP` for everything else than a sidecar of that build id
 */
export async function fetchSidecar(
  url: string,
  buildId: string,
  store: string,
): Promise<Fetched | undefined> {
  const name = sidecarName(buildId);
  const address = `${url.replace(/\/+$/, "")}/${name}`;
  const path = join(store, name);
  const known = knownTag(store, buildId, address);
  const fail = (problem: string): FormatError => new FormatError("SIDECAR_HTTP", problem, { file: address });
  let response: Response;
  let bytes: Uint8Array;
  try {
    const headers: Record<string, string> = known === undefined ? {} : { "If-None-Match": known };
    response = await fetch(address, { headers, signal: AbortSignal.timeout(timeLimit) });
    if (response.status === 304 && known !== undefined) {
      await response.body?.cancel();
      return { path, how: "unchanged" };
    }
    if (response.status === 404) {
      await response.body?.cancel();
      return undefined;
    }
    if (response.status !== 200) {
      await response.body?.cancel();
      throw fail(`the server answers ${response.status}`);
    }
    bytes = await limitedBody(response, fail);
  } catch (error) {
    if (error instanceof FormatError) throw error;
    throw fail(causeOf(error));
  }
  const { header } = readSidecar(bytes, address);
  if (header.buildId !== buildId) throw fail(`it is of build id ${header.buildId}`);
  addToStore(store, bytes, address);
  const tag = response.headers.get("etag");
  if (tag !== null && tag.length <= 256) {
    writeFileAtomic(tagFile(store, buildId), [Buffer.from(JSON.stringify({ address, tag }))], 0o644);
  }
  return { path, how: "fetched" };
}

async function limitedBody(response: Response, fail: (problem: string) => FormatError): Promise<Uint8Array> {
  const stated = Number(response.headers.get("content-length") ?? 0);
  const chunks: Uint8Array[] = [];
  let byteSize = 0;
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    byteSize += chunk.length;
    if (Math.max(byteSize, stated) > maximumSidecarBytes) throw fail("too large for a sidecar");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tagFile(store: string, buildId: string): string {
  return join(store, `${buildId}.etag`);
}

/** The ETag under which a server gave the sidecar that lies, undamaged, in the store. */
function knownTag(store: string, buildId: string, address: string): string | undefined {
  try {
    const found: unknown = JSON.parse(readFileSync(tagFile(store, buildId), "utf8"));
    const path = join(store, sidecarName(buildId));
    readSidecar(readSidecarBytes(path), path);
    const { address: from, tag } = found as { address?: unknown; tag?: unknown };
    return from === address && typeof tag === "string" && /^[\x21-\x7e]+$/.test(tag) ? tag : undefined;
  } catch {
    // Without a tag it is fetched anew.
    return undefined;
  }
}

/** @internal Why a request failed, in one line. */
export function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `no answer within ${timeLimit / 1000} s`;
  const { cause } = error;
  const inner = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : undefined;
  return inner === undefined ? error.message : `${error.message}: ${inner}`;
}
