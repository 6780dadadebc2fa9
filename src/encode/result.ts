import type { Diagnostic } from "../io/index.ts";
import type { EncodeReport } from "./options.ts";

export interface EncodeResult {
  /** The `.BTF` bytes, or undefined when the input holds no DWARF to encode. */
  btf: Uint8Array | undefined;
  /** `.BTF.base`: the distilled base, with feature `distilled_base` and a base. */
  distilledBase?: Uint8Array;
  /** Split BTF over `btf` with the remaining variables, with `splitVariables`. */
  splitVariables?: Uint8Array;
  /** Byte order of the output. */
  littleEndian: boolean;
  diagnostics: Diagnostic[];
  /** Present when asked for. */
  report?: EncodeReport;
  statistics: {
    units: number;
    typesBeforeDedup: number;
    types: number;
    functions: number;
    variables: number;
  };
}

// The door: `encodeFile(path, options): Promise<EncodeResult>` in encode-file.ts.
