import { Btf, joinBtf } from "../../btf/index.ts";
import type { EncodeOptions } from "../../encode/options.ts";
import type { EncodeResult } from "../../encode/result.ts";

/** The encoder's door; tests put their own in. */
export type Encode = (path: string, options: EncodeOptions) => Promise<EncodeResult>;

/**
 * One BTF from several files: each file after the first is encoded as split BTF over what came
 * before, and the split is then appended, since ids and string offsets simply go on.
 * Without DWARF in one of them there is none of the whole, as with pahole.
 */
export async function encodeFiles(
  files: readonly [string, ...string[]],
  options: EncodeOptions,
  encode: Encode,
): Promise<EncodeResult> {
  const [first, ...others] = files;
  let whole = await encode(first, options);
  for (const file of others) {
    if (whole.btf === undefined) return whole;
    const base = options.base === undefined ? undefined : Btf.parse(options.base);
    const soFar = Btf.parse(whole.btf, base && { base });
    const below = base === undefined ? soFar : Btf.parse(joinBtf(base, soFar));
    const next = await encode(file, {
      ...options,
      base: base === undefined ? whole.btf : joinBtf(base, soFar),
      // Without a base of the caller's there is nothing whose rule would have to be followed.
      arrayRule: options.arrayRule ?? (base === undefined ? "nested" : "auto"),
    });
    const diagnostics = [...whole.diagnostics, ...next.diagnostics];
    if (next.btf === undefined) return { ...next, diagnostics };
    const btf = joinBtf(soFar, Btf.parse(next.btf, { base: below }));
    // A distilled base would have to name what all files use; it belongs to modules, which are one file.
    const { distilledBase: _, ...rest } = whole;
    whole = { ...rest, btf, diagnostics };
  }
  return whole;
}
