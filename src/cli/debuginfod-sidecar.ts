import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { debuginfodServers, debuginfoUrl, fetchDebuginfo } from "../debuginfod/index.ts";
import { FormatError, UsageError } from "../io/index.ts";
import { Kernel } from "../kernel/index.ts";
import { addToStore, isBuildId } from "../sidecar/index.ts";
import type { EncodeFile } from "./encode-command.ts";
import { makeSidecar } from "./make-sidecar.ts";
import { startProgress } from "./progress.ts";
import { oneLine } from "./run-program.ts";
import type { Streams } from "./streams.ts";

/** What a sidecar is wanted for. */
export interface WantedKernel {
  buildId: string;
  /** The BTF of the dump; undefined when only the build id was given. */
  base: Uint8Array | undefined;
}

/** The kernel of a dump, or a build id alone. */
export async function kernelOf(files: readonly string[]): Promise<WantedKernel> {
  const subject = files[0]!;
  if (isBuildId(subject)) return { buildId: subject, base: undefined };
  const kernel = await Kernel.open(files, { sidecar: "none", modules: false });
  try {
    const buildId = kernel.buildId?.text;
    if (buildId === undefined) {
      throw new FormatError("SIDECAR_BUILD_ID", "the dump's build id is not known", { file: subject });
    }
    const { kernelBtf, foundation } = kernel;
    return { buildId, base: kernelBtf && foundation.memory.read(kernelBtf.address, kernelBtf.byteSize) };
  } finally {
    kernel.close();
  }
}

/** What to ask whom, and where the result goes. */
export interface DebuginfodRequest {
  kernel: WantedKernel;
  /** As in DEBUGINFOD_URLS, which is the default. */
  servers: string | undefined;
  store: string;
  functionStatics: boolean;
  jobs?: string;
}

/**
 * Ask debuginfod servers for a kernel's DWARF, keep a sidecar of it, drop the DWARF.
 * @returns the sidecar; undefined when no server has that kernel
 */
export async function sidecarFromDebuginfod(
  { kernel: { buildId, base }, servers: given, store, ...making }: DebuginfodRequest,
  streams: Streams,
  encodeFile: EncodeFile,
): Promise<string | undefined> {
  const servers = debuginfodServers(given);
  if (servers.length === 0) {
    throw new UsageError(
      given === undefined ? "DEBUGINFOD_URLS names no server" : `'${given}' is no http or https URL`,
    );
  }
  const folder = mkdtempSync(join(tmpdir(), "dwarfless-debuginfo-"));
  try {
    const path = join(folder, "vmlinux");
    let failed = false;
    for (const server of servers) {
      // What is asked of whom is always said: a build id tells which kernel somebody has.
      streams.err(`dwarfless: asking ${oneLine(debuginfoUrl(server, buildId))}\n`);
      const progress = startProgress(streams, "debuginfo");
      const request = {
        server,
        buildId,
        path,
        ...(progress.onProgress && { onProgress: progress.onProgress }),
      };
      const byteSize = await fetchDebuginfo(request)
        .catch((error: unknown) => {
          if (!(error instanceof FormatError)) throw error;
          failed = true;
          streams.err(`dwarfless: ${oneLine(error.message)}\n`);
          return undefined;
        })
        .finally(() => progress.stop());
      if (byteSize === undefined) continue;
      const bytes = await makeSidecar(
        { file: path, buildId, ...making, ...(base && { base }) },
        streams,
        encodeFile,
      );
      return addToStore(store, bytes, path);
    }
    // That nobody has it can be said only when everybody has answered.
    if (failed) throw new UsageError("a server did not answer, and no other has it");
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
