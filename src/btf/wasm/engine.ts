// oxlint-disable-next-line typescript/triple-slash-reference -- whoever compiles this file needs what is declared there
/// <reference path="./ambient.d.ts" />

import { LimitError } from "../../io/index.ts";
import { btfSectionName } from "../header.ts";

/** What a program may call: numbers in, numbers out. */
export type HostFunctions = Readonly<Record<string, (...args: number[]) => void>>;

/** Memory of WebAssembly, or a buffer in its place. */
export interface ProgramMemory {
  readonly buffer: ArrayBuffer;
}

type JavaScript = { instantiate: (imports: object) => object };

/** What is made of one entry file of `assembly/`. */
export class WasmProgram<Functions extends object> {
  readonly #base64: string;
  readonly #loadJavaScript: (() => Promise<JavaScript>) | undefined;
  #module: WebAssembly.Module | undefined;
  #javaScript: JavaScript | undefined;

  /** @param loadJavaScript the same for {@link WasmProgram.prepare} */
  constructor(base64: string, loadJavaScript?: () => Promise<JavaScript>) {
    this.#base64 = base64;
    this.#loadJavaScript = loadJavaScript;
  }

  /**
   * Where memory for WebAssembly cannot be had, load the same in JavaScript: V8 wants 8 GiB of addresses for
   * each, which `ulimit -v` may forbid. And compile ahead where only that is allowed, as in a page of some
   * browsers from 4 KiB on.
   */
  async prepare(): Promise<void> {
    if (this.#javaScript !== undefined) return;
    if (makeMemory(1) === undefined) {
      this.#javaScript = await this.#loadJavaScript?.();
      return;
    }
    try {
      this.#compiled();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#module = await WebAssembly.compile(decodeBase64(this.#base64));
    }
  }

  /**
   * Memory for {@link WasmProgram.start}.
   * @throws {LimitError} `BTF_MEMORY`, unless {@link WasmProgram.prepare} was awaited
   */
  memory(byteSize: number): ProgramMemory {
    if (this.#javaScript !== undefined) return { buffer: new ArrayBuffer(byteSize + (-byteSize & 7)) };
    const memory = makeMemory(byteSize);
    if (memory !== undefined) return memory;
    const problem = `no memory of ${byteSize} bytes for WebAssembly: is the address space limited (ulimit -v)?`;
    throw new LimitError("BTF_MEMORY", problem, { section: btfSectionName });
  }

  /** Start the program over a memory in which it finds what it needs; @param places where that is */
  start(memory: ProgramMemory, places: object, host: HostFunctions): Functions {
    const imports = { env: { memory }, given: { ...places, ...host } };
    if (this.#javaScript !== undefined) return this.#javaScript.instantiate(imports) as Functions;
    return new WebAssembly.Instance(this.#compiled(), imports).exports as Functions;
  }

  #compiled(): WebAssembly.Module {
    return (this.#module ??= new WebAssembly.Module(decodeBase64(this.#base64)));
  }
}

const pageByteSize = 1 << 16;

/** Memory of at least so many bytes; undefined where there is none to be had. */
export function makeMemory(byteSize: number): ProgramMemory | undefined {
  const initial = Math.ceil(byteSize / pageByteSize);
  try {
    return new WebAssembly.Memory({ initial, maximum: initial });
  } catch (error) {
    if (error instanceof RangeError || error instanceof ReferenceError) return undefined;
    throw error;
  }
}

/** Node decodes faster than a loop does; a browser has neither `Buffer` nor haste. */
function decodeBase64(base64: string): Uint8Array<ArrayBuffer> {
  const { Buffer } = globalThis as { Buffer?: { from: (text: string, encoding: string) => Uint8Array } };
  if (Buffer !== undefined) return Buffer.from(base64, "base64") as Uint8Array<ArrayBuffer>;
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
