import { describe, expect, it } from "vitest";
import { defaultFeatures, featureNames, featuresOf } from "../encode/options.ts";
import { UsageError } from "../io/index.ts";
import { planEncode, type EncodeFlags } from "./encode-arguments.ts";

describe("planEncode", () => {
  it("leaves variables and features to the encoder, and Rust out, by default", () => {
    const plan = planEncode("vmlinux", {});
    expect(plan.output).toBe("vmlinux.btf");
    expect(plan.options.variables).toBeUndefined();
    expect(plan.options.features).toBeUndefined();
    expect(plan.options.languages).toBeUndefined();
    expect(plan.options.excludedLanguages).toEqual(new Set([0x1c]));
    expect(plan.options.jobs).toBeGreaterThan(0);
  });

  it.each<[EncodeFlags, object]>([
    [{ vars: "all" }, { variables: "all" }],
    [{ encode_all_btf_vars: true }, { variables: "all" }],
    [{ encode_all_btf_vars: true, vars: "all" }, { variables: "all" }],
    [{ vars: "none" }, { variables: "none" }],
    [{ features: "default" }, { features: defaultFeatures }],
    [{ features: "var,float" }, { features: featuresOf(["var", "float"]) }],
    [{ features: "all" }, { features: featuresOf(featureNames) }],
    [{ jobs: "3" }, { jobs: 3 }],
    [{ arrayRule: "flat" }, { arrayRule: "flat" }],
    [{ splitVars: "s" }, { splitVariables: true }],
    [
      { splitVars: "s", functionStatics: false },
      { splitVariables: true, splitMinorVariables: false },
    ],
    [{ report: "r" }, { report: true }],
    [{ base: ["b"] }, { baseName: "b" }],
    [{ lang: "c11" }, { languages: new Set([0x1d]) }],
    [{ lang_exclude: "asm" }, { excludedLanguages: new Set([0x8001]) }],
  ])("%j", (flags, options) => {
    expect(planEncode("f", flags).options).toMatchObject(options);
  });

  it("takes a module's own BTF as a second base", () => {
    const plan = planEncode("f", { base: ["b", "own"], splitVars: "s" });
    expect(plan).toMatchObject({ base: "b", overOwn: true, splitOutput: "s" });
  });

  it("takes Rust when it is asked for", () => {
    expect(planEncode("f", { lang: "rust" }).options.excludedLanguages).toBeUndefined();
    expect(planEncode("f", { lang_exclude: "none" }).options.excludedLanguages).toBeUndefined();
  });

  it("writes no BTF of its own with --in-place", () => {
    expect(planEncode("f", { inPlace: true }).output).toBeUndefined();
  });

  it.each<[EncodeFlags, RegExp]>([
    [{ vars: "some" }, /^--vars: 'some' is not one of percpu, all, none$/],
    [{ arrayRule: "x" }, /^--array-rule: 'x' is not one of/],
    [{ features: "var,foo" }, /^--features: no feature 'foo': one of encode_force, /],
    [{ lang: "klingon" }, /^--lang: no language 'klingon': one of c89, /],
    [{ lang_exclude: "x" }, /^--lang_exclude: no language 'x'/],
    [{ jobs: "0" }, /^-j: '0' is not a number/],
    [{ jobs: "-1" }, /^-j: '-1' is not a number/],
    [{ jobs: "2x" }, /^-j: '2x' is not a number/],
    [{ jobs: "99999" }, /^-j: '99999' is not a number/],
    [{ inPlace: true, output: "o" }, /exclude each other/],
    [{ splitVars: "s", base: ["b"], output: "o" }, /writes nothing but that split/],
    [{ splitVars: "s", base: ["own"], inPlace: true }, /writes nothing but that split/],
    [{ functionStatics: false }, /what --split-vars leaves out/],
    [{ splitVars: "s", vars: "all" }, /exclude each other/],
    [{ encode_all_btf_vars: true, vars: "none" }, /exclude each other/],
    [{ output: "x", splitVars: "x" }, /^x: named as an output twice$/],
    [{ output: "x", report: "x" }, /^x: named as an output twice$/],
    [{ output: "f" }, /^f: both an input and an output/],
    [{ splitVars: "s", base: ["b", "c"] }, /^a second --base is for modules/],
    [{ splitVars: "s", base: ["own", "own"] }, /^a second --base is for modules/],
    [{ base: ["b", "own"] }, /^a second --base is for modules/],
    [{ output: "b", base: ["b"] }, /^b: both an input and an output/],
  ])("refuses %j", (flags, message) => {
    expect(() => planEncode("f", flags)).toThrow(UsageError);
    expect(() => planEncode("f", flags)).toThrow(message);
  });
});
