import { availableParallelism } from "node:os";
import type { ArrayRule, EncodeOptions, FeatureName, VariableSelection } from "../encode/options.ts";
import { featuresOf } from "../encode/options.ts";
import { UsageError } from "../io/index.ts";
import { listedFeatureNames, parseFeatureList } from "./feature-list.ts";
import { languageNames, parseLanguages } from "./languages.ts";
import { standardOutput } from "./output-file.ts";

/** `dwarfless encode`'s options as they come from the command line. */
export interface EncodeFlags {
  output?: string;
  vars?: string;
  splitVars?: string;
  functionStatics?: boolean;
  base?: readonly string[];
  features?: string;
  jobs?: string;
  inPlace?: boolean;
  report?: string;
  lang?: string;
  lang_exclude?: string;
  encode_all_btf_vars?: boolean;
  arrayRule?: string;
  strict?: boolean;
  json?: boolean;
  verbose?: boolean;
}

/** What to do once the flags have been understood. */
export interface EncodePlan {
  /** For the encoder; base and progress are added by the command. */
  options: EncodeOptions;
  /** Where the BTF goes; undefined with `--in-place`, and where only the split is made. */
  output?: string;
  splitOutput?: string;
  /** A file with BTF, the encoded one for `own`. */
  base?: string;
  /** True: over the base lies the encoded file's own BTF, and what is made lies over both. */
  overOwn?: boolean;
  report?: string;
}

/** `--base` of this name: the BTF that FILE carries. */
const ownBase = "own";

const variableSelections: readonly VariableSelection[] = ["percpu", "all", "none"];
const arrayRules: readonly ArrayRule[] = ["nested", "flat", "auto"];
const maximumJobs = 1024;

/** @throws {UsageError} naming the option and what it expects. */
export function planEncode(file: string, flags: EncodeFlags): EncodePlan {
  if (flags.inPlace && flags.output !== undefined) {
    throw new UsageError("--in-place and -o exclude each other");
  }
  const isOnlySplit = flags.splitVars !== undefined && flags.base !== undefined;
  if (isOnlySplit && (flags.inPlace || flags.output !== undefined)) {
    throw new UsageError(
      "--split-vars over a --base writes nothing but that split: leave -o and --in-place away",
    );
  }
  if (flags.functionStatics === false && flags.splitVars === undefined) {
    throw new UsageError("--no-function-statics says what --split-vars leaves out");
  }
  const [base, second, ...more] = flags.base ?? [];
  if (second !== undefined && (second !== ownBase || base === ownBase || more.length > 0 || !isOnlySplit)) {
    throw new UsageError("a second --base is for modules: --split-vars OUT2 --base vmlinux --base own");
  }
  const variables = variableSelection(flags);
  if (flags.splitVars !== undefined && variables === "all") {
    throw new UsageError(
      "--split-vars and --vars=all exclude each other: no variable would be left for the split",
    );
  }
  const plan: EncodePlan = {
    options: {
      jobs: parseJobs(flags.jobs),
      ...(flags.features !== undefined && { features: parseFeatures(flags.features) }),
      ...(variables !== undefined && { variables }),
      ...(flags.arrayRule !== undefined && { arrayRule: oneOf("--array-rule", flags.arrayRule, arrayRules) }),
      ...(flags.splitVars !== undefined && { splitVariables: true }),
      ...(flags.functionStatics === false && { splitMinorVariables: false }),
      ...(flags.report !== undefined && { report: true }),
      ...(base !== undefined && { baseName: base }),
      ...languageOptions(flags),
    },
  };
  if (!flags.inPlace && !isOnlySplit) plan.output = flags.output ?? `${file}.btf`;
  if (flags.splitVars !== undefined) plan.splitOutput = flags.splitVars;
  if (base !== undefined) plan.base = base === ownBase ? file : base;
  if (second !== undefined) plan.overOwn = true;
  if (flags.report !== undefined) plan.report = flags.report;
  checkOutputsDiffer(file, plan);
  return plan;
}

function variableSelection(flags: EncodeFlags): VariableSelection | undefined {
  if (flags.vars === undefined) return flags.encode_all_btf_vars ? "all" : undefined;
  const selection = oneOf("--vars", flags.vars, variableSelections);
  if (flags.encode_all_btf_vars && selection !== "all") {
    throw new UsageError(`--encode_all_btf_vars and --vars=${selection} exclude each other`);
  }
  return selection;
}

function parseFeatures(list: string): ReturnType<typeof featuresOf> {
  const { enabled, unknown } = parseFeatureList(list);
  const name = unknown[0];
  if (name !== undefined) {
    throw new UsageError(
      `--features: no feature '${name}': one of ${listedFeatureNames.join(", ")}, default, all`,
    );
  }
  return featuresOf(enabled satisfies Set<FeatureName>);
}

function languageOptions(flags: EncodeFlags): Pick<EncodeOptions, "languages" | "excludedLanguages"> {
  const parse = (option: string, list: string): Set<number> =>
    parseLanguages(
      list,
      (name) => new UsageError(`${option}: no language '${name}': one of ${languageNames.join(", ")}`),
    );
  const options: Pick<EncodeOptions, "languages" | "excludedLanguages"> = {};
  if (flags.lang !== undefined) options.languages = parse("--lang", flags.lang);
  // Names of Rust types make BTF that no kernel loads; kernel builds leave those units out too.
  const excluded = flags.lang_exclude ?? (flags.lang === undefined ? "rust" : "none");
  if (excluded !== "none") options.excludedLanguages = parse("--lang_exclude", excluded);
  return options;
}

function parseJobs(text: string | undefined): number {
  if (text === undefined) return availableParallelism();
  const jobs = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
  if (jobs < 1 || jobs > maximumJobs) {
    throw new UsageError(`-j: '${text}' is not a number of threads from 1 to ${maximumJobs}`);
  }
  return jobs;
}

function oneOf<Choice extends string>(option: string, text: string, choices: readonly Choice[]): Choice {
  const choice = choices.find((candidate) => candidate === text);
  if (choice === undefined) throw new UsageError(`${option}: '${text}' is not one of ${choices.join(", ")}`);
  return choice;
}

function checkOutputsDiffer(file: string, plan: EncodePlan): void {
  const outputs = [plan.output, plan.splitOutput, plan.report].filter((path) => path !== undefined);
  const twice = outputs.find((path, index) => outputs.indexOf(path) !== index);
  if (twice !== undefined) throw new UsageError(`${twice}: named as an output twice`);
  const inputs = [file, plan.base];
  const overwritten = outputs.find((path) => path !== standardOutput && inputs.includes(path));
  if (overwritten !== undefined) {
    throw new UsageError(
      `${overwritten}: both an input and an output (to put the BTF into the file: --in-place)`,
    );
  }
}
