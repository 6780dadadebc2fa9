import { FormatError, LimitError } from "../io/index.ts";
import { kindName } from "./constants.ts";
import { btfSectionName } from "./header.ts";
import { isEnum } from "./modifiers.ts";
import type { Btf, TypeId } from "./reader.ts";

/**
 * Throws what the program in `wasm/assembly/` found: types without an end, and those
 * that C cannot have.
 * @param problem a number of `wasm/assembly/host.ts`
 * @param id the type; of a gap its words of 64 bits, and `bits` beyond them
 */
export function throwProblem(btf: Btf, problem: number, id: TypeId, bits: number): never {
  const limit = (code: string, text: string): LimitError =>
    new LimitError(code, text, { section: btfSectionName });
  switch (problem) {
    case 1:
      throw cycle(btf, id);
    case 2:
      throw limit("BTF_DEPTH", `type ${id} lies behind more than ${deepestDependency} others`);
    case 3:
    case 9:
      throw limit("BTF_DEPTH", `type ${id} lies within too many others`);
    case 4:
      throw limit("BTF_DEPTH", `type ${id} lies more than 128 types deep`);
    case 5:
      throw limit("BTF_C_TEXT", `type ${id} is wrapped in more than 256 others`);
    case 6:
      throw limit("BTF_C_TEXT", `type ${id} lies more than 64 definitions deep`);
    case 7:
      throw limit("BTF_C_TEXT", `text of more than ${1 << 26} bytes`);
    case 8:
      throw new FormatError("BTF_C_TEXT", `${kindName(btf.kind(id))} ${id} stands where a type should`, {
        section: btfSectionName,
      });
    default:
      throw limit("BTF_PADDING", `gap of ${id * 64 + bits} bits`);
  }
}

/** Deepest path of references followed; kernels stay below 100. */
export const deepestDependency = 1500;

function cycle(btf: Btf, id: TypeId): FormatError {
  const what = isEnum(btf.kind(id)) ? "enum" : kindName(btf.kind(id));
  return new FormatError("BTF_CYCLE", `${what} ${id} '${btf.name(id)}' contains itself`, {
    ...(btf.inputName !== undefined && { file: btf.inputName }),
    section: btfSectionName,
  });
}
