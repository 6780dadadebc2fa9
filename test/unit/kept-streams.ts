import type { Streams } from "../../src/cli/streams.ts";

/** Streams that keep what was written, for tests. */
export interface KeptStreams extends Streams {
  stdout: string;
  stderr: string;
}

/** New streams that are no terminal. */
export function keptStreams(environment: Record<string, string> = {}): KeptStreams {
  const streams: KeptStreams = {
    stdout: "",
    stderr: "",
    out: (text) => void (streams.stdout += text),
    outBytes: (bytes) => void (streams.stdout += Buffer.from(bytes).toString("latin1")),
    err: (text) => void (streams.stderr += text),
    errIsTerminal: false,
    environment,
  };
  return streams;
}
