import type { Writable } from "node:stream";

/** Characters written between two looks at whether to go on. */
const chunkLength = 8192;

/** Writes long texts in pieces, so that they can be stopped. */
export class Printer {
  readonly #output: Writable;
  #isStopped = false;
  #isPrinting = false;

  constructor(output: Writable) {
    this.#output = output;
  }

  get isPrinting(): boolean {
    return this.#isPrinting;
  }

  /** Let the text that is being written end here. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Write a text and a newline; gives up when stopped, and says how much is left out. */
  async print(text: string): Promise<void> {
    if (text.length <= chunkLength) {
      await this.#write(`${text}\n`);
      return;
    }
    this.#isStopped = false;
    this.#isPrinting = true;
    try {
      for (let at = 0; at < text.length; at += chunkLength) {
        if (this.#isStopped) {
          await this.#write(`\n(interrupted: ${text.length - at} characters left out)\n`);
          return;
        }
        await this.#write(text.slice(at, at + chunkLength));
        // Lets the key that stops the printing arrive.
        await new Promise((resolve) => setImmediate(resolve));
      }
      await this.#write("\n");
    } finally {
      this.#isPrinting = false;
    }
  }

  #write(text: string): Promise<void> {
    return new Promise((resolve) => {
      const output = this.#output;
      if (output.destroyed || output.write(text)) {
        resolve();
        return;
      }
      const done = (): void => {
        output.off("drain", done);
        output.off("close", done);
        resolve();
      };
      output.on("drain", done);
      output.on("close", done);
    });
  }
}
