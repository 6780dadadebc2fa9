import type { Kernel } from "../kernel/index.ts";
import { writeAll } from "./write-all.ts";

/** Where a command writes, and what it may ask about its surroundings. Tests put buffers here. */
export interface Streams {
  /** Facts. */
  out: (text: string) => void;
  /** Facts that are no text, or text in UTF-8; the bytes may change after the call. */
  outBytes: (bytes: Uint8Array) => void;
  /** Warnings, errors, progress. */
  err: (text: string) => void;
  /** True when `err` ends at a terminal, so a progress bar makes sense. */
  errIsTerminal: boolean;
  environment: Readonly<Record<string, string | undefined>>;
  /** A kernel that is open already: commands of the prompt look into this one, and name no dump. */
  kernel?: Kernel;
}

/**
 * The streams of this process. What is written has left when the call returns, so that its bytes can be
 * used again; and Node's own streams, which take a while to set up, are not.
 */
export function processStreams(): Streams {
  const toOutput = (bytes: Uint8Array): void => {
    if (!writeAll(1, bytes, "standard output")) process.exit(0);
  };
  return {
    out: (text) => toOutput(Buffer.from(text)),
    outBytes: toOutput,
    err: (text) => void writeAll(2, Buffer.from(text), "standard error"),
    get errIsTerminal() {
      return process.stderr.isTTY === true;
    },
    environment: process.env,
  };
}
