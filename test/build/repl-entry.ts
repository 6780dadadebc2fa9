import process from "node:process";
import { startRepl } from "../../src/repl/index.ts";
import { kernelProgram } from "./kernel-program.ts";

// The debugger over the small kernel of tests, as a program of its own: bundled and run by tests.
process.exitCode = await startRepl(
  kernelProgram().program,
  { input: process.stdin, output: process.stdout, error: process.stderr, environment: process.env },
  {
    banner: "a small kernel",
    commands: [{ name: "words", description: "its words", run: async (words) => `${words.join("\n")}\n` }],
  },
);
