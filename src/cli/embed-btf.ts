import { replaceSections } from "../elf/index.ts";
import type { EncodeResult } from "../encode/result.ts";
import type { Diagnostic } from "../io/index.ts";

/**
 * Put the BTF of an encode into an ELF file: `.BTF`, and `.BTF.base` when there is a distilled base.
 * A `.BTF.base` of an earlier encode is taken out, since it could not fit.
 * The file is replaced whole or not at all; what a symbolic link points to is replaced, not the link.
 * @returns remarks on the result
 * @throws {FileError} {@link FormatError}
 */
export function embedBtf(path: string, btf: Uint8Array, result: EncodeResult): Diagnostic[] {
  const [outcome] = replaceSections(path, [
    { name: ".BTF", bytes: btf },
    { name: ".BTF.base", bytes: result.distilledBase },
  ]);
  if (outcome !== "set-aside") return [];
  const text =
    "the .BTF that is part of the program image stays in it as .BTF.image; readers of the file see the new one";
  return [{ severity: "warning", code: "BTF_SET_ASIDE", text, location: { file: path } }];
}
