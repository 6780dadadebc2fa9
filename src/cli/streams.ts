/** Where a command writes, and what it may ask about its surroundings. Tests put buffers here. */
export interface Streams {
  /** Facts. */
  out: (text: string) => void;
  /** Facts that are no text. */
  outBytes: (bytes: Uint8Array) => void;
  /** Warnings, errors, progress. */
  err: (text: string) => void;
  /** True when `err` ends at a terminal, so a progress bar makes sense. */
  errIsTerminal: boolean;
  environment: Readonly<Record<string, string | undefined>>;
}

/** The streams of this process. */
export function processStreams(): Streams {
  return {
    out: (text) => void process.stdout.write(text),
    outBytes: (bytes) => void process.stdout.write(bytes),
    err: (text) => void process.stderr.write(text),
    errIsTerminal: process.stderr.isTTY === true,
    environment: process.env,
  };
}
