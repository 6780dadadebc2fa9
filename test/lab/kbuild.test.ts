/** `make PAHOLE=dwarfless-pahole`: the kernel build's own scripts, from Debian's linux-kbuild. */
import { copyFileSync, mkdirSync, realpathSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import {
  dwarfless,
  isInstalled,
  mustRun,
  projectDirectory,
  run,
  withTemporaryDirectory,
} from "./commands.ts";
import { cacheDirectory, kernelMissing } from "./kernels.ts";
import { peerCommand, peers } from "./peers.ts";

const peer = peers();
const tools = ["make", "gcc", "objcopy", "apt-get", "dpkg"].filter((tool) => !isInstalled(tool));
const reason =
  kernelMissing("7.2-amd64") ??
  peer.reason ??
  (tools.length > 0 ? `not installed: ${tools.join(", ")}` : undefined);
const pahole = path.join(projectDirectory, "dist/cli/dwarfless-pahole.js");

describe.skipIf(reason !== undefined)(
  `kernel build${reason === undefined ? "" : ` (skipped: ${reason})`}`,
  () => {
    const kbuild = (): string => mustRun("scripts/lab/kbuild.sh", []).stdout.toString().trim();

    it("passes pahole-version.sh, and Makefile.btf then asks for what we know", async () => {
      await withTemporaryDirectory((directory) => {
        const scripts = path.join(kbuild(), "scripts");
        writeFileSync(
          path.join(directory, "Makefile"),
          [
            `CONFIG_PAHOLE_VERSION := $(shell sh ${scripts}/pahole-version.sh ${pahole})`,
            "CONFIG_PAHOLE_HAS_LANG_EXCLUDE := y",
            "test-le = $(shell test $1 -le $2 && echo y)",
            "test-ge = $(shell test $1 -ge $2 && echo y)",
            `include ${scripts}/Makefile.btf`,
            "all:",
            "\t@echo $(CONFIG_PAHOLE_VERSION); echo $(PAHOLE_FLAGS)",
            "",
          ].join("\n"),
        );
        const [version, flags] = mustRun("make", ["-s", "-C", directory]).stdout.toString().split("\n");
        expect(version).toBe("132");
        const words = flags!.split(" ");
        expect(words).toContain("--btf_features=layout");
        const known = mustRun(pahole, ["--supported_btf_features"]).stdout.toString().trim().split(",");
        const lists = words.filter((word) => word.startsWith("--btf_features="));
        for (const name of lists.flatMap((word) => word.slice("--btf_features=".length).split(","))) {
          expect(known).toContain(name);
        }
      });
    });

    it("gives a module and an image their BTF through gen-btf.sh and resolve_btfids", async () => {
      await withTemporaryDirectory((directory) => {
        const folder = kbuild();
        const kernel = path.join(cacheDirectory, "kernels/7.2-amd64");
        const module = path.join(directory, "veth.ko");
        mustRun("objcopy", ["-R", ".BTF", path.join(kernel, "debug-modules/drivers/net/veth.ko"), module]);
        copyFileSync(module, path.join(directory, "image"));
        symlinkSync(realpathSync(path.join(kernel, "vmlinux")), path.join(directory, "vmlinux"));
        mkdirSync(path.join(directory, "include/config"), { recursive: true });
        writeFileSync(path.join(directory, "include/config/auto.conf"), "");
        // Debian's resolve_btfids needs sid's libraries.
        const [loader, ...words] = peerCommand(peer.root, "none");
        const resolver = [
          loader,
          ...words.slice(0, -1),
          path.join(folder, "tools/bpf/resolve_btfids/resolve_btfids"),
        ];
        const environment = {
          PAHOLE: pahole,
          PAHOLE_FLAGS:
            "-j2 --btf_features=encode_force,var,float,enum64,decl_tag,type_tag,optimized_func,consistent_func,decl_tag_kfuncs --btf_features=attributes --btf_features=layout --lang_exclude=rust",
          RESOLVE_BTFIDS: resolver.join(" "),
          CC: "gcc",
          OBJCOPY: "objcopy",
          objtree: ".",
        };
        const script = path.join(folder, "scripts/gen-btf.sh");
        mustRun("sh", [script, "--btf_base", "vmlinux", "veth.ko"], { directory, environment });
        const check = ["--kernel", "7.2", "--load"];
        expect(
          dwarfless(["btf", "check", "veth.ko", "--base", "vmlinux", ...check], { directory }).status,
        ).toBe(0);
        const declarations = dwarfless(["btf", "dump", "veth.ko", "decls", "--base", "vmlinux"], {
          directory,
        });
        expect(declarations.stdout.toString()).toContain("static int veth_open(struct net_device *dev);");

        mustRun("sh", [script, "image"], { directory, environment });
        expect(dwarfless(["btf", "check", "image.btf.o", ...check], { directory }).status).toBe(0);
        expect(statSync(path.join(directory, "image.btf.o")).size).toBeGreaterThan(1000);
        expect(run("sh", ["-c", "ls *.BTF.1"], { directory }).status).not.toBe(0);
      });
    });
  },
);
