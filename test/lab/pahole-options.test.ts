/** Every option of dwarfless-pahole against pahole itself: the same exit code, and the same BTF. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dwarfless, dwarflessPahole, isInstalled, mustRun } from "./commands.ts";
import { peers } from "./peers.ts";

const peer = peers();
const reason = peer.reason ?? (isInstalled("gcc") ? undefined : "no gcc");

/** Units in two languages, with what the options switch: floats, 64-bit enums, per-CPU variables, equal names. */
const units: readonly (readonly [name: string, standard: string, text: string])[] = [
  [
    "a.c",
    "c11",
    `struct s { int a; float f; char c[3][4]; unsigned b : 3; };
     enum big { B = 0x100000000ULL }; enum big bb; int glob = 3; struct s ss;
     int f(int a, struct s *p) { return a + p->a; }`,
  ],
  [
    "percpu.c",
    "c99",
    `struct __kabi_x { int a; }; struct __kabi_x kx;
     __attribute__((section(".data..percpu"))) int pcpu_a = 1;
     __attribute__((section(".data..percpu"))) static long pcpu_b = 2;
     float fl(float x, struct __kabi_x *p) { return x + pcpu_a + pcpu_b + p->a; }`,
  ],
  [
    "c1.c",
    "c11",
    "struct fw; struct fw *p1; int shared(int a) { return a; } static int sv = 1; int *q = &sv;",
  ],
  [
    "c2.c",
    "c11",
    "struct fw { int z; }; struct fw *p2; int shared2(struct fw *f) { return f->z; } static int sv = 2; int *q2 = &sv;",
  ],
];

describe.skipIf(reason !== undefined)(
  `pahole's options${reason === undefined ? "" : ` (skipped: ${reason})`}`,
  () => {
    let directory: string;
    beforeAll(() => {
      directory = mkdtempSync(path.join(tmpdir(), "dwarfless-options-"));
      for (const [name, standard, text] of units) {
        writeFileSync(path.join(directory, name), text);
        mustRun("gcc", ["-g", "-O1", `-std=${standard}`, "-c", name, "-o", name.replace(".c", ".o")], {
          directory,
        });
      }
      const objects = units.map(([name]) => name.replace(".c", ".o"));
      mustRun("ld", ["-r", ...objects, "-o", "all.o"], { directory });
      writeFileSync(path.join(directory, "text"), "no BTF\n");
      writeFileSync(path.join(directory, "empty"), "");
      peer.pahole(["--btf_encode_detached=base.btf", "c1.o"], { directory });
    });
    afterAll(() => rmSync(directory, { recursive: true }));

    /** Run both with these options; give exit codes, whether each wrote, and how the outputs differ. */
    function both(options: readonly string[]): {
      statuses: number[];
      written: boolean[];
      differences: string;
    } {
      const programs = [peer.pahole, dwarflessPahole];
      const outputs = ["theirs.btf", "ours.btf"].map((name) => path.join(directory, name));
      const statuses = programs.map((program, index) => {
        rmSync(outputs[index]!, { force: true });
        return program([...options, `--btf_encode_detached=${outputs[index]}`, "all.o"], { directory })
          .status;
      });
      const written = outputs.map((output) => existsSync(output));
      const base = options.includes("--btf_base=base.btf") ? ["--base", "base.btf"] : [];
      const differences = written.every(Boolean)
        ? dwarfless(["btf", "diff", ...outputs, ...base], { directory }).stdout.toString()
        : "";
      return { statuses, written, differences };
    }

    it.each([
      "",
      "--btf_features=default",
      "--btf_features=",
      "--btf_features=+",
      "--btf_features=+global_var",
      "--btf_features=all",
      "--btf_features=xall",
      "--btf_features=global_var,+float",
      "--btf_features=float --btf_features=enum64",
      "--btf_gen_floats --btf_features=enum64",
      "--btf_features=enum64 --skip_encoding_btf_enum64",
      "--btf_features=global_var --skip_encoding_btf_vars",
      "--features=float",
      "--btf_features_strict=default",
      "--btf_gen_all",
      "--btf_gen_all --btf_features=enum64",
      "--btf_gen_floats",
      "--btf_gen_optimized",
      "--skip_encoding_btf_vars",
      "--skip_encoding_btf_enum64",
      "--skip_encoding_btf_type_tag --skip_encoding_btf_decl_tag",
      "--skip_encoding_btf_inconsistent_proto",
      "--btf_encode_force",
      "--btf_attributes",
      "--reproducible_build",
      "--kabi_prefix=__kabi",
      "--kabi_prefix __kabi_",
      "-X a",
      "-Xa.c -Xperc",
      "--cu_excl c1",
      "--lang=c99",
      "--lang=C11,rust",
      "--lang=asm",
      "--lang_exclude=c11",
      "--lang_exclude=c11,c99",
      "-F dwarf",
      "-F ctf,dwarf",
      "--hashbits=10",
      "--fixup_silly_bitfields",
      "-j",
      "-j2 -JV",
      "--btf_base=base.btf",
      "--btf_base=base.btf --btf_features=default",
      "-a -w 4 --first_obj_only --sizes",
      // Mistakes: only the exit code counts.
      "--foo",
      "--btf",
      "-k",
      "--lang=klingon",
      "--btf_features_strict=klingon",
      "--hashbits=32",
      "--btf_base=absent",
      "--btf_base=text",
      "--btf_base=empty",
      "--btf_base=all.o",
    ])("%s", (options) => {
      const { statuses, written, differences } = both(options.split(" ").filter((word) => word !== ""));
      expect(statuses[1]).toBe(statuses[0]);
      expect(written[1]).toBe(written[0]);
      expect(differences).toBe("");
    });

    it("says the same of bad bases, in the last line", () => {
      for (const base of ["absent", "text", "empty", "all.o"]) {
        const options = ["-J", `--btf_base=${base}`, "c1.o"];
        const [theirs, ours] = [peer.pahole, dwarflessPahole].map(
          (program) => program(options, { directory }).stderr,
        );
        expect(ours!.trim().split("\n").at(-1)).toBe(theirs!.trim().split("\n").at(-1));
      }
    });

    it("lists the same ambiguous options", () => {
      for (const option of ["--btf", "--lan", "--btf_e=x", "--skip_e"]) {
        const [theirs, ours] = [peer.pahole, dwarflessPahole].map(
          (program) => program([option], { directory }).stderr,
        );
        expect(ours!.replaceAll("dwarfless-pahole", "pahole")).toBe(
          theirs!.replace(/^\S*\/pahole:/, "pahole:"),
        );
      }
    });
  },
);
