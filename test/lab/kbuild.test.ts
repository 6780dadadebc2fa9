/** `make PAHOLE=dwarfless-pahole`: the kernel build's own scripts, from Debian's linux-kbuild. */
import { copyFileSync, mkdirSync, realpathSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { dwarfless, mustRun, run, withTemporaryDirectory } from "./commands.ts";
import { kbuild, kbuildMissing, ownPahole, paholeFlags, resolveBtfids } from "./kbuild.ts";
import { cacheDirectory, kernelMissing } from "./kernels.ts";

const reason = kernelMissing("7.2-amd64") ?? kbuildMissing();

describe.skipIf(reason !== undefined)(
  `kernel build${reason === undefined ? "" : ` (skipped: ${reason})`}`,
  () => {
    it("passes pahole-version.sh, and Makefile.btf then asks for what we know", async () => {
      await withTemporaryDirectory((directory) => {
        const { version, flags: words } = paholeFlags(kbuild(), directory);
        expect(version).toBe("132");
        expect(words).toContain("--btf_features=layout");
        const known = mustRun(ownPahole, ["--supported_btf_features"]).stdout.toString().trim().split(",");
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
        const environment = {
          PAHOLE: ownPahole,
          PAHOLE_FLAGS:
            "-j2 --btf_features=encode_force,var,float,enum64,decl_tag,type_tag,optimized_func,consistent_func,decl_tag_kfuncs --btf_features=attributes --btf_features=layout --lang_exclude=rust",
          RESOLVE_BTFIDS: resolveBtfids(folder).join(" "),
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

        // The way to have all variables without knowing the flags: words behind the program's name.
        const withVariables = `${ownPahole} --btf_features=default,global_var`;
        const version = mustRun("sh", ["-c", `sh ${folder}/scripts/pahole-version.sh ${withVariables}`]);
        expect(version.stdout.toString().trim()).toBe("132");
        mustRun("sh", [script, "image"], {
          directory,
          environment: { ...environment, PAHOLE: withVariables },
        });
        const variables = dwarfless(["btf", "dump", "image.btf.o", "decls"], { directory });
        expect(variables.stdout.toString()).toContain("static struct rtnl_link_ops veth_link_ops;");
      });
    });
  },
);
