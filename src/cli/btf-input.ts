import { basename, dirname } from "node:path";
import { Btf } from "../btf/index.ts";
import { FormatError, UnsupportedError } from "../io/index.ts";
import { type Allocate, readBtfFile, readDistilledBase } from "../sidecar/index.ts";

const kernelBtfFolder = "/sys/kernel/btf";

/**
 * The BTF in a file, over its base where it is split: `base` (a file, or BTF that is there already), or the distilled base beside it in
 * the same ELF file, or for `/sys/kernel/btf/MODULE` the running kernel's.
 * @param allocate `bytesWithRoom` for what is printed whole
 * @throws {FormatError} `BTF_SPLIT` when it is split and no base is known; {@link FileError}
 */
export async function loadBtf(path: string, givenBase?: string | Btf, allocate?: Allocate): Promise<Btf> {
  const bytes = await readBtfFile(path, allocate);
  const base = await loadBase(path, givenBase);
  try {
    return Btf.parse(bytes, { name: path, ...(base && { base }) });
  } catch (error) {
    if (base === undefined && error instanceof FormatError) refuseSplitWithoutBase(bytes, path);
    if (base !== undefined && error instanceof FormatError && isReferenceError(error)) {
      const problem = `${error.problem}: is ${base.inputName ?? "the base"} the BTF it was split from?`;
      throw new FormatError(error.code, problem, error.location);
    }
    throw error;
  }
}

async function loadBase(path: string, given: string | Btf | undefined): Promise<Btf | undefined> {
  const distilled = await readDistilledBase(path);
  if (distilled !== undefined) {
    if (given !== undefined) {
      throw new UnsupportedError(
        "BTF_DISTILLED",
        "has a distilled base of its own, .BTF.base: leave --base away",
        {
          file: path,
        },
      );
    }
    return Btf.parse(distilled, { name: `${path} (.BTF.base)` });
  }
  if (typeof given === "string") return Btf.parse(await readBtfFile(given), { name: given });
  if (given !== undefined) return given;
  const kernel = runningKernelBase(path);
  return kernel === undefined ? undefined : Btf.parse(await readBtfFile(kernel), { name: kernel });
}

/** Of a module of the running kernel, `/sys/kernel/btf/MODULE`, what its BTF was split from. */
export function runningKernelBase(path: string): string | undefined {
  if (dirname(path) !== kernelBtfFolder || basename(path) === "vmlinux") return undefined;
  return `${kernelBtfFolder}/vmlinux`;
}

/** @throws {FormatError} `BTF_SPLIT` for what looks split, when no base is known */
export function refuseSplitWithoutBase(bytes: Uint8Array, path: string): void {
  if (!looksSplit(bytes)) return;
  throw new FormatError(
    "BTF_SPLIT",
    "split BTF, as modules have: give the BTF it was split from with --base (that kernel's vmlinux)",
    { file: path },
  );
}

/** The string section of a base begins with NUL; a split one's has no reason to. */
function looksSplit(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.byteLength < 24) return false;
  const littleEndian = view.getUint8(0) === 0x9f;
  const stringsOffset = view.getUint32(4, littleEndian) + view.getUint32(16, littleEndian);
  const first = bytes[stringsOffset];
  // Cut off before its strings, a file says nothing of the kind.
  return view.getUint32(20, littleEndian) === 0 || (first !== undefined && first !== 0);
}

function isReferenceError(error: FormatError): boolean {
  return error.code === "BTF_TYPE_ID" || error.code === "BTF_STRING_OFFSET";
}
