import { paholeOptions, type PaholeOption } from "./option-table.ts";

/** What the options that have an effect do; the others are listed by name only. */
const descriptions: readonly (readonly [string, string])[] = [
  ["-J, --btf_encode", "encode and put the result into FILE as section .BTF"],
  ["    --btf_encode_detached=OUT", "write raw BTF to OUT instead"],
  ["    --btf_base=BASE", "encode as split BTF over BASE (raw BTF, or ELF with .BTF)"],
  ["    --btf_features=LIST", "features by name; +LIST adds to the default set; also default, all"],
  ["    --btf_features_strict=LIST", "the same, but an unknown name is an error"],
  ["    --features=LIST", "the same as --btf_features"],
  ["    --supported_btf_features", "list the features"],
  ["-j, --jobs[=N]", "number of threads; all processors without N"],
  ["    --lang=LIST", "take units in these languages only"],
  ["    --lang_exclude=LIST", "leave out units in these languages (also: PAHOLE_LANG_EXCLUDE)"],
  ["-X, --cu_exclude=PREFIX", "leave out units whose name starts so"],
  ["    --kabi_prefix=PREFIX", "cut names that start so down to PREFIX"],
  ["-F, --format_path=LIST", "encode only if the list has dwarf"],
  ["    --encode_all_btf_vars", "all global and static variables: feature global_var"],
  ["    --btf_encode_force", "feature encode_force"],
  ["    --btf_gen_floats", "feature float"],
  ["    --btf_gen_optimized", "feature optimized_func"],
  ["    --btf_gen_all", "every feature"],
  ["    --btf_attributes", "feature attributes"],
  ["    --reproducible_build", "feature reproducible_build; the output never depends on -j"],
  ["    --skip_encoding_btf_vars", "no variables"],
  ["    --skip_encoding_btf_decl_tag", "no DECL_TAG"],
  ["    --skip_encoding_btf_type_tag", "no TYPE_TAG"],
  ["    --skip_encoding_btf_enum64", "no ENUM64"],
  ["    --skip_encoding_btf_inconsistent_proto", "feature consistent_func"],
  ["-V, --verbose", "say what was left out, on stderr"],
  ["    --version", "v1.32"],
  ["    --numeric_version", "132"],
  ["    --devel_version", "v1.32-dwarfless"],
];

/** Text of `--help`, without the last line end. */
export function helpText(name: string): string {
  const width = 42;
  const lines = descriptions.map(([option, text]) =>
    option.length < width - 1
      ? `  ${option.padEnd(width)}${text}`
      : `  ${option}\n  ${"".padEnd(width)}${text}`,
  );
  const others = wrapped(
    paholeOptions.filter(({ role }) => role === "print").map(({ name: option }) => `--${option}`),
  );
  return [
    `Usage: ${name} -J [OPTION...] FILE...`,
    "BTF from DWARF, with the options of pahole 1.32.",
    "",
    ...lines,
    "",
    "Without effect beside an encode, for they only change what pahole prints:",
    ...others,
    "",
    `Example: ${name} -J -j4 --btf_features=default --lang_exclude=rust --btf_encode_detached=vmlinux.btf vmlinux`,
  ].join("\n");
}

/** Text of `--usage`, without the last line end. */
export function usageText(name: string): string {
  const encoding = paholeOptions.filter(({ role }) => role === "encode").map(bracketed);
  return wrapped([`Usage: ${name}`, ...encoding, "FILE..."], "            ")
    .join("\n")
    .trimStart();
}

function bracketed({ name, short, argument }: PaholeOption): string {
  const value = { none: "", required: "=VALUE", optional: "[=VALUE]" }[argument];
  return short === undefined ? `[--${name}${value}]` : `[-${short}] [--${name}${value}]`;
}

function wrapped(words: readonly string[], indent = "  "): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of words) {
    if (line.length + word.length > 78 && line !== indent) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += `${word} `;
  }
  lines.push(line.trimEnd());
  return lines;
}
