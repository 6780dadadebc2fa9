import { Btf } from "../btf/index.ts";
import { FormatError } from "../io/index.ts";
import { type Checksum, checksumOf, type ModulePart } from "./sidecar-file.ts";
import { firstMisfit } from "./variable-sizes.ts";

/** What a sidecar file has for one module, unpacked and not yet compared with anything. */
export interface SidecarModule {
  part: ModulePart;
  bytes: Uint8Array;
  /** The file that it is from. */
  path: string;
  /** The kernel's BTF that everything in that file is split from. */
  kernelBase: Checksum | undefined;
}

/** What is known of a loaded module. */
export interface ModuleSubject {
  /** Lower-case hexadecimal; undefined where the kernel does not keep it. */
  buildId: string | undefined;
  /** The kernel's BTF, and its checksum. */
  kernelBtf: Btf;
  kernelChecksum: () => Checksum;
  /** The module's own, over the kernel's. */
  own: Btf | undefined;
  ownBytes: () => Uint8Array;
}

/**
 * The variables of a loaded module. It must be the same build: by its build id where the kernel keeps it,
 * and by the checksums of everything that the variables are split from.
 * @throws {FormatError} `SIDECAR_BUILD_ID`, `SIDECAR_DISAGREES`
 */
export function openModulePart(
  { part, bytes, path, kernelBase }: SidecarModule,
  subject: ModuleSubject,
): Btf {
  const { buildId, kernelBtf, kernelChecksum, own, ownBytes } = subject;
  const refuse = (code: string, problem: string): FormatError =>
    new FormatError(code, `module ${part.name}: ${problem}`, { file: path });
  if (buildId !== undefined && part.buildId !== buildId) {
    throw refuse("SIDECAR_BUILD_ID", `its build id is ${part.buildId}, the dump's ${buildId}`);
  }
  if (kernelBase === undefined || !equals(kernelBase, kernelChecksum())) {
    throw refuse("SIDECAR_DISAGREES", "split from another kernel's BTF than the dump's");
  }
  if (part.base === undefined) {
    // Without BTF that is the module's own nothing but its build id says that it is this one.
    if (buildId === undefined) throw refuse("SIDECAR_BUILD_ID", "the dump does not have its build id");
  } else if (own === undefined || !equals(part.base, checksumOf(ownBytes()))) {
    throw refuse("SIDECAR_DISAGREES", "split from another BTF than the module's in the dump");
  }
  const btf = Btf.parse(bytes, { base: part.base === undefined ? kernelBtf : own!, name: path });
  const misfit = firstMisfit(btf);
  if (misfit !== undefined) throw refuse("SIDECAR_DISAGREES", misfit);
  return btf;
}

function equals(one: Checksum, other: Checksum): boolean {
  return one.byteSize === other.byteSize && one.sha256 === other.sha256;
}
