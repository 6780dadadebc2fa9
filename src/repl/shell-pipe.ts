import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { UsageError } from "../io/index.ts";

/** A command's words, and where the shell is to bring what it prints. */
export interface Piped {
  words: string;
  /** What stands behind `|`, or from `>` on; undefined where there is neither. */
  shell: string | undefined;
}

/**
 * Parts a line at the first `|`, or at a blank and `>`, outside of quotes: `list init_task.mm->mmap` has neither.
 * What is behind belongs to the shell, further pipes too.
 */
export function splitPipe(text: string): Piped {
  const token = /'[^']*'|"[^"]*"|\|\s*|(?<=^|\s)>/g;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const words = text.slice(0, match.index);
    if (match[0].startsWith("|")) return { words, shell: text.slice(token.lastIndex) };
    if (match[0] === ">") return { words, shell: `cat ${text.slice(match.index)}` };
  }
  return { words: text, shell: undefined };
}

/** Streams of the prompt, as far as a shell's command takes part in them. */
export interface ShellStreams {
  input: Readable & { isTTY?: boolean; isRaw?: boolean; setRawMode?: (isRaw: boolean) => unknown };
  output: Writable & { isTTY?: boolean };
  error: Writable;
  environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Gives a text to a command of the user's shell (`SHELL`, else `/bin/sh`), which writes where the prompt does and at a
 * terminal has that for itself: a pager works, and Ctrl-C ends the command and not the prompt.
 * @throws {UsageError} where the shell cannot run the command, or a redirection fails; it has said why itself
 */
export async function runThroughShell(shell: string, text: string, streams: ShellStreams): Promise<void> {
  const { input, output, error, environment } = streams;
  const program = environment["SHELL"] || "/bin/sh";
  const isTerminal = input.isTTY === true && output.isTTY === true;
  const wasRaw = input.isRaw === true;
  const ignore = (): void => {};
  if (isTerminal) {
    process.on("SIGINT", ignore);
    input.pause();
    if (wasRaw) input.setRawMode?.(false);
  }
  try {
    const end = isTerminal ? "inherit" : "pipe";
    const child = spawn(program, ["-c", shell], { stdio: ["pipe", end, end], env: { ...environment } });
    child.stdout?.pipe(output, { end: false });
    child.stderr?.pipe(error, { end: false });
    // It may end before it has read everything, as `head` does.
    child.stdin!.on("error", ignore);
    child.stdin!.end(text);
    const [code] = (await once(child, "close")) as [number | null];
    const isRefused = code === 126 || code === 127 || (code !== 0 && shell.startsWith("cat >"));
    if (isRefused) throw new UsageError(`${program} did not run: ${shell}`);
  } finally {
    if (isTerminal) {
      process.off("SIGINT", ignore);
      if (wasRaw) input.setRawMode?.(true);
      input.resume();
    }
  }
}
