/** Encode files that a test makes: bytes in, BTF out. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "vitest";
import { Btf, formatProblem, rawLines, validateBtf, type ValidateOptions } from "../../src/btf/index.ts";
import { encodeFile } from "../../src/encode/index.ts";
import type { EncodeOptions } from "../../src/encode/options.ts";
import type { EncodeResult } from "../../src/encode/result.ts";
import { dwarfElf, type DwarfElfSpec } from "../build/dwarf-elf.ts";

/** Encode a file with these bytes. */
export async function encodeBytes(bytes: Uint8Array, options: EncodeOptions = {}): Promise<EncodeResult> {
  return encodeBeside(bytes, {}, options);
}

/** Encode a file that others stand beside, by name. The file itself is called `input`. */
export async function encodeBeside(
  bytes: Uint8Array,
  others: Readonly<Record<string, Uint8Array>>,
  options: EncodeOptions = {},
): Promise<EncodeResult> {
  const folder = mkdtempSync(path.join(tmpdir(), "dwarfless-encode-"));
  try {
    const file = path.join(folder, "input");
    writeFileSync(file, bytes);
    for (const [name, content] of Object.entries(others)) writeFileSync(path.join(folder, name), content);
    return await encodeFile(file, { jobs: 1, ...options });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export interface Encoded {
  result: EncodeResult;
  btf: Btf;
  /** Raw dump, one line per type and element. */
  lines: string[];
}

/** Encode assembled DWARF; what comes out must be what a kernel takes. */
export async function encodeDwarf(
  spec: DwarfElfSpec,
  options: EncodeOptions = {},
  validation: ValidateOptions = { resolve: true },
): Promise<Encoded> {
  const result = await encodeBytes(dwarfElf(spec), options);
  if (result.btf === undefined) throw new Error("nothing was encoded");
  const base = options.base === undefined ? {} : { base: Btf.parse(options.base) };
  const btf = Btf.parse(result.btf, base);
  expect(validateBtf(btf, validation).map(formatProblem)).toEqual([]);
  return { result, btf, lines: [...rawLines(btf)] };
}

/** Id of the only type with this kind and name. */
export function idOf(btf: Btf, kind: number, name: string): number {
  const ids: number[] = [];
  for (let id = 1; id < btf.typeCount; id++) if (btf.kind(id) === kind && btf.name(id) === name) ids.push(id);
  expect(ids.length, `types of kind ${kind} named "${name}"`).toBe(1);
  return ids[0]!;
}
