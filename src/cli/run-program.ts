import { isDwarflessError } from "../io/index.ts";
import { exitNegative, exitUsage } from "./exit-code.ts";
import { processStreams, type Streams } from "./streams.ts";
import { errnoOf } from "./write-all.ts";

/**
 * Run a program's `main` and exit with what it returns. Whatever it throws becomes one line on
 * stderr and exit code 2; `DWARFLESS_DEBUG=1` shows the stack. A reader that closes stdout early
 * (`| head`) ends the program without a word.
 */
export async function runProgram(
  name: string,
  main: (args: readonly string[], streams: Streams) => Promise<number>,
): Promise<void> {
  const streams = processStreams();
  process.on("uncaughtException", (error) => {
    // The prompt's reader has gone.
    if (errnoOf(error) === "EPIPE") process.exit(0);
    process.exit(reportError(name, error, streams));
  });
  try {
    process.exitCode = await main(process.argv.slice(2), streams);
  } catch (error) {
    process.exitCode = reportError(name, error, streams);
  }
}

/** What is left to do for Node, the system does sooner: once nothing is awaited any more, end. */
export function endWhenIdle(): void {
  if (process.getActiveResourcesInfo().length === 0) process.exit();
}

/** One line for anything thrown; gives the exit code. */
export function reportError(name: string, error: unknown, streams: Streams): number {
  if (streams.environment["DWARFLESS_DEBUG"] && error instanceof Error && error.stack !== undefined) {
    streams.err(`${error.stack}\n`);
  }
  streams.err(`${name}: ${errorLine(error)}\n`);
  return isDwarflessError(error) && notFoundCodes.has(error.code) ? exitNegative : exitUsage;
}

/** What was asked for is not there: an answer, and no misuse. */
const notFoundCodes: ReadonlySet<string> = new Set(["LOOKUP", "EXPRESSION_NAME"]);

/** The text of anything thrown, on one line and without control characters. */
export function errorLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = oneLine(text);
  if (isDwarflessError(error)) return line;
  if (isOutOfMemory(error)) return `out of memory: ${line}`;
  return `internal error: ${line}`;
}

/** Replace line ends and control characters, which names in hostile input may hold. */
export function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, (run) => (run.trim() === "" ? " " : "?"));
}

function isOutOfMemory(error: unknown): boolean {
  return (
    error instanceof RangeError &&
    /allocation failed|Invalid (typed array|array buffer) length/i.test(error.message)
  );
}
