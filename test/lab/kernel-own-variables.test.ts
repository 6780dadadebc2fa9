/**
 * A kernel with every variable in its own BTF, without building one: the build's own steps over one of
 * Debian's kernels, whose image then boots with that BTF. A dump of it needs nothing beside it.
 * `kernel-build.test.ts` is the long form, with a kernel built from source.
 */
import { createHash } from "node:crypto";
import path from "node:path";
import { expect, test } from "vitest";
import { BTF_KIND_VAR } from "../../src/btf/index.ts";
import { dumpImage } from "../guest/dumps.ts";
import { emulatorMissing } from "../guest/platform.ts";
import { rewriteKernel, writePlainModules } from "../guest/rewritten-kernel.ts";
import { dwarfless } from "./commands.ts";
import { compareVariables, drgnVariables } from "./drgn-variables.ts";
import { kbuildMissing } from "./kbuild.ts";
import { kernel, kernelMissing, withTemporaryDirectory } from "./lab.ts";
import type { VariableRow } from "./variable-differences.ts";

const name = "7.2-amd64";

test(`${name} with all variables in its image: typed from the dump alone`, async (context) => {
  const missing = kernelMissing(name) ?? kbuildMissing() ?? emulatorMissing("amd64");
  context.skip(missing !== undefined, missing);
  await withTemporaryDirectory(async (directory) => {
    const of = kernel(name);
    const { image, btf, encoded } = rewriteKernel(of, directory);
    const prepare = "sha256sum </sys/kernel/btf/vmlinux | cut -d ' ' -f 1 >/oracle/btf-digest";
    const modules = writePlainModules(of, ["virtio_pci", "virtio_blk", "qemu_fw_cfg"], directory);
    const dump = await dumpImage({ ...of, vmlinuz: image, modules }, prepare, directory);
    const digest = createHash("sha256").update(btf).digest("hex");
    expect(dump.said("btf-digest").trim()).toBe(digest);
    // Functions that the image had no room for are missed by nothing but this.
    const complaints = dump.said("dmesg").match(/.*(BPF: |Cannot find|failed to validate).*/g) ?? [];
    expect(complaints.filter((line) => !line.includes("Cannot find the stub function"))).toEqual([]);

    // No sidecar of this user's is found.
    const environment = {
      environment: { DWARFLESS_STORE: path.join(directory, "none"), DEBUGINFOD_URLS: "" },
    };
    const listed = dwarfless(["vars", dump.file("elf"), "--json"], environment);
    const { variables } = JSON.parse(listed.stdout.toString("utf8")) as { variables: VariableRow[] };
    const ours = variables.filter((row) => row.module === null && row.source === "btf");
    let described = 0;
    for (let id = 1; id < encoded.typeCount; id++) if (encoded.kind(id) === BTF_KIND_VAR) described++;
    const subject = { dump: dump.file("elf"), vmlinux: of.vmlinux, directory };
    const theirs = drgnVariables(subject, dump.said("kallsyms"), ours);
    const { equal, reasons, unexplained } = compareVariables(theirs, ours, dump.said("kallsyms"));
    console.log(
      `${of.release}: ${described} described, ${ours.length} placed, ${equal} of ${theirs.length} as drgn's, ${JSON.stringify(reasons)}`,
    );
    expect(unexplained.slice(0, 20)).toEqual([]);
    expect(equal).toBeGreaterThan(30_000);
  });
});
