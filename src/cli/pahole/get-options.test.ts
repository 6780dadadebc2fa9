import { describe, expect, it } from "vitest";
import { getOptions, OptionError } from "./get-options.ts";
import { paholeOptions } from "./option-table.ts";

/** The options found as `name` or `name=value`, then the operands. */
function parse(...args: string[]): { options: string[]; operands: string[] } {
  const operands: string[] = [];
  const options = [...getOptions(args, paholeOptions, operands)].map(({ option, value }) =>
    value === undefined ? option.name : `${option.name}=${value}`,
  );
  return { options, operands };
}

describe("getOptions", () => {
  it.each([
    [["--btf_base=b", "f"], ["btf_base=b"], ["f"]],
    [["--btf_base", "b", "f"], ["btf_base=b"], ["f"]],
    [["f", "--btf_base", "b"], ["btf_base=b"], ["f"]],
    [["--btf_encode_det=x"], ["btf_encode_detached=x"], []],
    [["--lang", "c11"], ["lang=c11"], []],
    [["--lang_e", "c11"], ["lang_exclude=c11"], []],
    [["--btf_encode"], ["btf_encode"], []],
    [["-JV"], ["btf_encode", "verbose"], []],
    [["-j"], ["jobs"], []],
    [["-j4"], ["jobs=4"], []],
    [["-j", "4"], ["jobs"], ["4"]],
    [["--jobs", "4"], ["jobs"], ["4"]],
    [["--jobs=4"], ["jobs=4"], []],
    [["-Xdrivers/"], ["cu_exclude=drivers/"], []],
    [["-X", "drivers/"], ["cu_exclude=drivers/"], []],
    [["-VX", "a", "b"], ["verbose", "cu_exclude=a"], ["b"]],
    [["-J", "--", "-V"], ["btf_encode"], ["-V"]],
    [["-"], [], ["-"]],
    [["--btf_base="], ["btf_base="], []],
  ])("reads %j", (args, options, operands) => {
    expect(parse(...args)).toEqual({ options, operands });
  });

  it.each([
    [["--foo"], "unrecognized option '--foo'"],
    [["--features_s=x"], "unrecognized option '--features_s=x'"],
    [["-k"], "invalid option -- 'k'"],
    [["-X"], "option requires an argument -- 'X'"],
    [["--btf_base"], "option '--btf_base' requires an argument"],
    [["--btf_gen_floats=1"], "option '--btf_gen_floats' doesn't allow an argument"],
    [["--lan", "c11"], "option '--lan' is ambiguous; possibilities: '--lang' '--lang_exclude'"],
    [
      ["--btf_e=x"],
      "option '--btf_e=x' is ambiguous; possibilities: '--btf_encode' '--btf_encode_detached' '--btf_encode_force'",
    ],
  ])("refuses %j", (args, message) => {
    expect(() => parse(...args)).toThrow(new OptionError(message));
  });

  it("gives an option before a mistake in the next is found", () => {
    const found = getOptions(["--version", "--foo"], paholeOptions, []);
    expect(found.next().value).toMatchObject({ option: { name: "version" } });
    expect(() => found.next()).toThrow(OptionError);
  });
});
