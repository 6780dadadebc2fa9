/**
 * One of Debian's kernels with other BTF in its image: made by the kernel build's own steps from the
 * kernel's DWARF, with all variables, and put where the shipped BTF was.
 */
import { constants, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Btf, BTF_KIND_FUNC, BTF_KIND_FUNC_PROTO, extractBtf } from "../../src/btf/index.ts";
import { mustRun } from "../lab/commands.ts";
import { kbuild, ownPahole, paholeFlags, resolveBtfids } from "../lab/kbuild.ts";
import type { Kernel } from "../lab/kernels.ts";
import { elfSection, overwriteSection } from "./elf-section.ts";
import { moduleClosure } from "./module-closure.ts";

export interface RewrittenKernel {
  /** An ELF file, which the emulator boots by its PVH entry: without the boot loader's part and without KASLR. */
  image: string;
  /** What `/sys/kernel/btf/vmlinux` must then be. */
  btf: Buffer;
  /** What dwarfless-pahole wrote. */
  encoded: Btf;
}

/**
 * A finished image has just the room of its first BTF, so that functions whose ids the kernel does not hold
 * are left out, and what only they refer to. Every variable and every other type is in it.
 */
export function rewriteKernel(of: Kernel, directory: string): RewrittenKernel {
  const folder = kbuild();
  const { flags } = paholeFlags(folder, directory);
  const encodedFile = path.join(directory, "encoded.btf");
  const words = ["-J", ...flags, "--btf_features=global_var"];
  mustRun(ownPahole, [...words, `--btf_encode_detached=${encodedFile}`, of.vmlinux], { directory });
  const encoded = Btf.parse(readFileSync(encodedFile));
  const fitting = path.join(directory, "fitting.btf");
  writeFileSync(fitting, extractBtf(encoded, rootsOf(encoded, heldFunctions(of.vmlinux))));

  const image = path.join(directory, "image");
  copyFileSync(of.vmlinux, image, constants.COPYFILE_FICLONE);
  const [program, ...prefix] = resolveBtfids(folder);
  mustRun(program!, [...prefix, "--btf", fitting, image]);
  const room = elfSection(image, ".BTF")!.length;
  const btf = widen(readFileSync(`${image}.BTF`), room);
  overwriteSection(image, ".BTF", btf);
  mustRun(program!, [...prefix, "--patch_btfids", `${image}.BTF_ids`, image]);
  return { image, btf, encoded };
}

/**
 * The modules without the BTF they came with, which was split from the BTF that is no longer there; the
 * kernel refuses what does not fit. `names`: with all that they depend on.
 */
export function writePlainModules(of: Kernel, names: readonly string[], directory: string): string {
  const output = path.join(directory, "modules");
  mkdirSync(output);
  for (const { name, bytes } of moduleClosure(of, names)) {
    const file = path.join(output, `${name}.ko`);
    writeFileSync(file, bytes);
    mustRun("objcopy", ["-R", ".BTF", "-R", ".BTF.base", file]);
  }
  return output;
}

/** Names of the functions whose ids the kernel keeps in .BTF_ids. */
function heldFunctions(vmlinux: string): Set<string> {
  const symbols = mustRun("nm", [vmlinux]).stdout.toString("latin1");
  return new Set([...symbols.matchAll(/ __BTF_ID__func__(\w+)__\d+$/gm)].map((match) => match[1]!));
}

function* rootsOf(btf: Btf, held: ReadonlySet<string>): Generator<number> {
  for (let id = 1; id < btf.typeCount; id++) {
    const kind = btf.kind(id);
    if (kind === BTF_KIND_FUNC ? held.has(btf.name(id)) : kind !== BTF_KIND_FUNC_PROTO) yield id;
  }
}

/** The same BTF in exactly so many bytes: zeros at the end of the strings, which come last. */
function widen(btf: Buffer, byteSize: number): Buffer {
  if (btf.length > byteSize) throw new Error(`BTF of ${btf.length} bytes where ${byteSize} fit`);
  const wide = Buffer.alloc(byteSize);
  btf.copy(wide);
  // hdr_len, str_off, str_len
  const [header, offset, length] = [4, 16, 20].map((at) => btf.readUInt32LE(at)) as [number, number, number];
  if (header + offset + length !== btf.length) throw new Error("the strings are not last in this BTF");
  wide.writeUInt32LE(length + byteSize - btf.length, 20);
  return wide;
}
