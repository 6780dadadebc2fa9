/** What TypeScript does not know of itself here. */

/** WebAssembly made of AssemblyScript: see `scripts/assemblyscript.mjs`. */
declare module "*?wasm" {
  export const base64: string;
}

/** The same in JavaScript. */
declare module "*?js" {
  export function instantiate(imports: object): Record<string, (...args: number[]) => number>;
}

/** What is used here of the JavaScript interface of WebAssembly, which TypeScript declares only for browsers. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  function compile(bytes: Uint8Array): Promise<Module>;
  class Instance {
    constructor(module: Module, imports: object);
    readonly exports: object;
  }
  class Memory {
    /** In pages of 64 KiB. */
    constructor(limits: { initial: number; maximum: number });
    readonly buffer: ArrayBuffer;
  }
}
