import cliProgress from "cli-progress";
import type { Streams } from "./streams.ts";

/** A bar over bytes of DWARF, on stderr, and only where that is a terminal. */
export interface Progress {
  /** For `EncodeOptions.onProgress`; absent where nothing is to be shown. */
  onProgress?: (done: number, total: number) => void;
  /** Take the bar away. */
  stop: () => void;
}

/** @param label what is being worked on, printed beside the bar */
export function startProgress(streams: Streams, label: string): Progress {
  if (!streams.errIsTerminal) return { stop: () => {} };
  let bar: cliProgress.SingleBar | undefined;
  return {
    onProgress: (done, total) => {
      if (bar === undefined) {
        bar = new cliProgress.SingleBar({
          stream: process.stderr,
          format: `${label} [{bar}] {percentage} % | {duration_formatted}`,
          hideCursor: true,
          clearOnComplete: true,
          fps: 5,
        });
        bar.start(total, done);
      }
      bar.update(done);
    },
    stop: () => bar?.stop(),
  };
}
