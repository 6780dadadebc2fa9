import { closeSync, openSync, unlinkSync, writeSync } from "node:fs";
import { FormatError, LimitError } from "../io/index.ts";

/** A kernel's debuginfo has 400 to 900 MB; with everything in it no more than this. */
const maximumBytes = 8 * 2 ** 30;
/** Milliseconds until a server must have begun to answer, and that it may pause. A server may unpack an archive first. */
const patience = 120_000;

/** What to get, and what to tell of it. */
export interface DebuginfoRequest {
  /** `http://HOST:PORT`, as in DEBUGINFOD_URLS. */
  server: string;
  /** Lower-case hexadecimal. */
  buildId: string;
  /** File to write; it must not be there. */
  path: string;
  onProgress?: (done: number, total: number) => void;
}

/** The servers of DEBUGINFOD_URLS, in order: words separated by blanks. */
export function debuginfodServers(text: string | undefined = process.env["DEBUGINFOD_URLS"]): string[] {
  return (text ?? "").split(/\s+/).filter((word) => /^https?:\/\//i.test(word));
}

/** Where a server has the debuginfo of a build id (debuginfod(8), "WEBAPI"). */
export function debuginfoUrl(server: string, buildId: string): string {
  return `${server.replace(/\/+$/, "")}/buildid/${buildId}/debuginfo`;
}

/**
 * Get the debuginfo of a build id into a file.
 * @returns bytes written; undefined when the server has none
 * @throws {FormatError} `DEBUGINFOD` for any other failure; nothing is left of the file then
 */
export async function fetchDebuginfo(request: DebuginfoRequest): Promise<number | undefined> {
  const { server, buildId, path, onProgress } = request;
  const url = debuginfoUrl(server, buildId);
  const abort = new AbortController();
  let timer = setTimeout(() => abort.abort(), patience);
  let descriptor: number | undefined;
  try {
    const response = await fetch(url, { signal: abort.signal });
    if (response.status !== 200) {
      await response.body?.cancel();
      if (response.status === 404) return undefined;
      throw new FormatError("DEBUGINFOD", `the server answers ${response.status}`, { file: url });
    }
    const total = Number(
      response.headers.get("content-length") ?? response.headers.get("x-debuginfod-size") ?? 0,
    );
    if (total > maximumBytes) throw tooLarge(url);
    descriptor = openSync(path, "wx", 0o600);
    let done = 0;
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      clearTimeout(timer);
      timer = setTimeout(() => abort.abort(), patience);
      if (done + chunk.length > maximumBytes) throw tooLarge(url);
      for (let at = 0; at < chunk.length;) at += writeSync(descriptor, chunk, at);
      done += chunk.length;
      onProgress?.(done, total);
    }
    if (total > 0 && done < total) {
      throw new FormatError("DEBUGINFOD", `the server sent ${done} of ${total} bytes`, { file: url });
    }
    return done;
  } catch (error) {
    if (descriptor !== undefined) unlinkSync(path);
    if (error instanceof FormatError) throw error;
    throw new FormatError("DEBUGINFOD", causeOf(error, abort.signal.aborted), { file: url });
  } finally {
    clearTimeout(timer);
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function tooLarge(url: string): LimitError {
  return new LimitError("DEBUGINFOD", `more than ${maximumBytes} bytes`, { file: url });
}

function causeOf(error: unknown, isTimeout: boolean): string {
  if (isTimeout) return `no answer within ${patience / 1000} s`;
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  const inner = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : undefined;
  return inner === undefined ? error.message : `${error.message}: ${inner}`;
}
