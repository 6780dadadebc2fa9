/** The talk with `libbpf.c`: questions on its descriptor 3, answers on 4, what it says of the tests on 1. */
import { spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import type { Question } from "./answers.ts";

/** Run a program of tests to its end, answering it. Gives its standard output. */
export function converse(
  executable: string,
  directory: string,
  leftOut: readonly string[],
  answer: (question: Question) => Uint8Array[] | number,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(executable, [], {
      cwd: directory,
      env: { ...process.env, LEFT_OUT: `\n${leftOut.join("\n")}\n` },
      stdio: ["ignore", "pipe", "inherit", "pipe", "pipe"],
      timeout: 240_000,
      killSignal: "SIGKILL",
    });
    const output: Buffer[] = [];
    child.stdout!.on("data", (chunk: Buffer) => output.push(chunk));
    let waiting = Buffer.alloc(0);
    const replies = child.stdio[4] as Writable;
    (child.stdio[3] as Readable).on("data", (chunk: Buffer) => {
      waiting = Buffer.concat([waiting, chunk]);
      const question = readQuestion(waiting);
      if (question === undefined) return;
      waiting = Buffer.alloc(0);
      try {
        replies.write(replyBytes(answer(question)));
      } catch (error) {
        child.kill("SIGKILL");
        reject(error as Error);
      }
    });
    replies.on("error", () => {});
    child.on("error", reject);
    child.on("close", (status) => {
      const text = Buffer.concat(output).toString("utf8");
      if (status === 0) resolve(text);
      else reject(new Error(`${executable} ended with ${status}: ${text.slice(-500)}`));
    });
  });
}

/** Undefined until all of it is there. The other side waits for its answer before it asks again. */
function readQuestion(bytes: Buffer): Question | undefined {
  if (bytes.length < 20) return undefined;
  const name = bytes.toString("latin1", 0, 16).replaceAll("\0", "");
  const blobs: Uint8Array[] = [];
  let at = 20;
  for (let count = bytes.readUInt32LE(16); count > 0; count--) {
    if (bytes.length < at + 4) return undefined;
    const byteSize = bytes.readUInt32LE(at);
    at += 4;
    if (bytes.length < at + byteSize) return undefined;
    // Copied: types are read as words, which must be aligned.
    blobs.push(Uint8Array.from(bytes.subarray(at, at + byteSize)));
    at += byteSize;
  }
  return { name, blobs };
}

function replyBytes(answer: Uint8Array[] | number): Buffer {
  const words = (...values: number[]): Buffer => Buffer.from(Uint32Array.from(values).buffer);
  if (typeof answer === "number") return words(answer, 0);
  return Buffer.concat([words(0, answer.length), ...answer.flatMap((blob) => [words(blob.length), blob])]);
}

/** What the cases came to. */
export interface Findings {
  passed: string[];
  /** With what the test wrote about it. */
  failed: string[];
  leftOut: string[];
}

/** Of the marks between which `libbpf.c` puts what a case says. */
export function parseFindings(output: string): Findings {
  const findings: Findings = { passed: [], failed: [], leftOut: [] };
  let name = "";
  let said: string[] = [];
  for (const line of output.split("\n")) {
    if (line.startsWith("@left out ")) findings.leftOut.push(line.slice("@left out ".length));
    else if (line.startsWith("@start ")) {
      name = line.slice("@start ".length);
      said = [];
    } else if (line === "@end 0") findings.passed.push(name);
    else if (line.startsWith("@end ")) findings.failed.push(`${name}: ${said.join("\n")}`);
    else if (!line.includes(":PASS:") && line !== "") said.push(line);
  }
  return findings;
}
