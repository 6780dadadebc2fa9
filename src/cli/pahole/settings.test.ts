import { describe, expect, it } from "vitest";
import { defaultFeatureNames, featureNames } from "../../encode/options.ts";
import { parsePaholeArguments, PaholeExit, type PaholeSettings } from "./settings.ts";

function parse(...args: string[]): PaholeSettings {
  return parsePaholeArguments(["-J", ...args], {});
}

function features(...args: string[]): string[] {
  return [...parse(...args).features].sort();
}

function exitOf(args: string[], environment: Record<string, string> = {}): PaholeExit {
  try {
    parsePaholeArguments(args, environment);
  } catch (error) {
    if (error instanceof PaholeExit) return error;
    throw error;
  }
  throw new Error("no exit");
}

const sorted = (names: readonly string[]): string[] => [...names].sort();

// Every expectation was measured with pahole 1.32 by what its output holds.
describe("features", () => {
  it.each<[string[], readonly string[]]>([
    [[], ["var", "decl_tag", "type_tag", "enum64"]],
    [["--btf_features="], []],
    [["--btf_features=default"], defaultFeatureNames],
    [["--btf_features=+"], defaultFeatureNames],
    [["--btf_features=+global_var"], [...defaultFeatureNames, "global_var"]],
    [["--btf_features=default,global_var"], [...defaultFeatureNames, "global_var"]],
    [["--features=float"], ["float"]],
    [["--btf_features= global_var"], []],
    [["--btf_features=global_var,+float"], ["global_var"]],
    [["--btf_features=all"], featureNames],
    [["--btf_features=var,all"], featureNames],
    [["--btf_features=xall"], []],
    [["--btf_gen_all"], featureNames],
    [["--btf_gen_all", "--btf_features=enum64"], featureNames],
    [
      ["--btf_features=float", "--btf_features=enum64"],
      ["enum64", "float"],
    ],
    [["--btf_gen_floats", "--btf_features=enum64"], ["enum64"]],
    [
      ["--btf_features=enum64", "--btf_gen_floats"],
      ["enum64", "float"],
    ],
    [["--btf_features=enum64", "--skip_encoding_btf_enum64"], []],
    [["--skip_encoding_btf_vars"], ["decl_tag", "enum64", "type_tag"]],
    [["--btf_features=global_var", "--skip_encoding_btf_vars"], ["global_var"]],
    [["--encode_all_btf_vars"], ["decl_tag", "enum64", "global_var", "type_tag", "var"]],
    [["--btf_features=force_cu_merging"], []],
    [["--btf_features_strict=default"], defaultFeatureNames],
  ])("%j", (args, expected) => {
    expect(features(...args)).toEqual(sorted(expected));
  });

  it("ignores unknown names, and says so with -V", () => {
    expect(parse("--btf_features=foo,var").notes).toEqual(["Ignoring unsupported feature 'foo'"]);
  });

  it("refuses unknown names in a strict list", () => {
    const exit = exitOf(["-J", "--btf_features_strict=+var,foo,bar"]);
    expect(exit.exitCode).toBe(1);
    expect(exit.stderr).toMatch(
      /^Feature 'foo' in 'var,foo,bar' is not supported\. {2}Supported BTF features are:\nencode_force,var,/,
    );
  });
});

describe("what Linux 7.2's kbuild passes", () => {
  it("is understood", () => {
    const settings = parse(
      ..."-j --btf_features=encode_force,var,float,enum64,decl_tag,type_tag,optimized_func,consistent_func,decl_tag_kfuncs --btf_features=attributes --btf_features=layout -j8 --lang_exclude=rust --btf_base vmlinux --btf_encode_detached=x.ko.BTF.1 x.ko".split(
        " ",
      ),
    );
    expect([...settings.features].sort()).toEqual([...defaultFeatureNames, "attributes", "layout"].sort());
    expect(settings).toMatchObject({
      inPlace: true,
      detached: "x.ko.BTF.1",
      base: "vmlinux",
      jobs: 8,
      files: ["x.ko"],
      excludedLanguages: new Set([0x1c]),
    });
  });
});

describe("other options", () => {
  it("takes the number of jobs as pahole does", () => {
    expect(parse().jobs).toBe(1);
    expect(parse("-j").jobs).toBe(0);
    expect(parse("-j3").jobs).toBe(3);
    expect(parse("-jx").jobs).toBe(1);
    expect(parse("-j-3").jobs).toBe(1);
  });

  it("reads languages in any case, and from the environment", () => {
    expect(parse("--lang=C11,rust").languages).toEqual(new Set([0x1d, 0x1c]));
    const settings = parsePaholeArguments(["-J", "f"], { PAHOLE_LANG_EXCLUDE: "asm" });
    expect(settings.excludedLanguages).toEqual(new Set([0x8001]));
    const both = parsePaholeArguments(["-J", "--lang_exclude=c99"], { PAHOLE_LANG_EXCLUDE: "asm" });
    expect(both.excludedLanguages).toEqual(new Set([0x0c]));
  });

  it.each(["foo", "", "c11,", "c11, c99", "c17"])("refuses the language list '%s'", (list) => {
    const exit = exitOf(["-J", `--lang=${list}`]);
    expect(exit.exitCode).toBe(1);
    expect(exit.stderr).toMatch(/^dwarfless-pahole: unknown language "[^"]*"\n$/);
  });

  it("keeps the last of two prefixes of units", () => {
    expect(parse("-X", "a", "-X", "b").excludedUnitPrefix).toBe("b");
  });

  it("reads DWARF only when the list of formats has it", () => {
    expect(parse("-F", "btf").readsDwarf).toBe(false);
    expect(parse("-F", "btf,dwarf").readsDwarf).toBe(true);
  });

  it("ignores beside an encode what only changes the printing", () => {
    expect(
      parse("-a", "-w", "4", "--sizes", "-C", "x", "--skip_missing", "--fixup_silly_bitfields", "f").files,
    ).toEqual(["f"]);
  });
});

describe("answers and mistakes", () => {
  it.each([
    [["--version"], "v1.32\n"],
    [["--vers", "--foo"], "v1.32\n"],
    [["--numeric_version"], "132\n"],
    [["--numeric_version", "--version"], "v1.32\n"],
    [["--supported_btf_features", "x"], `${featureNames.join(",")},force_cu_merging\n`],
  ])("%j prints", (args, stdout) => {
    expect(exitOf(args)).toMatchObject({ exitCode: 0, stdout, stderr: "" });
  });

  it.each([
    [["--foo"], 64, "unrecognized option '--foo'\nTry `"],
    [["a.o"], 64, "printing types: only BTF encoding is supported"],
    [["-C", "list_head", "a.o"], 64, "--class_name: only BTF encoding is supported"],
    [["-J", "-Z"], 64, "--ctf_encode is not supported"],
    [["-J", "--running_kernel_vmlinux"], 64, "--running_kernel_vmlinux is not supported"],
  ])("%j exits", (args, exitCode, text) => {
    const exit = exitOf(args);
    expect(exit.exitCode).toBe(exitCode);
    expect(exit.stderr).toContain(`dwarfless-pahole: ${text}`);
  });

  it("knows pahole's limit of --hashbits", () => {
    expect(exitOf(["-J", "--hashbits=32"])).toMatchObject({
      exitCode: 1,
      stderr: "Invalid --hashbits value (32) should be less than 32\n",
    });
    expect(parse("--hashbits=31").files).toEqual([]);
  });

  it("prints help that names every option with an effect", () => {
    expect(exitOf(["--help"]).stdout).toContain("--btf_encode_detached=OUT");
    expect(exitOf(["--usage"]).stdout).toContain("[--btf_base=VALUE]");
  });
});
