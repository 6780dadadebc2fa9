import type { FeatureName } from "../../encode/options.ts";
import { listedFeatureNames, parseFeatureList } from "../feature-list.ts";
import { parseLanguages } from "../languages.ts";
import { getOptions, OptionError } from "./get-options.ts";
import { paholeOptions } from "./option-table.ts";
import { helpText, usageText } from "./usage.ts";

/** The version whose behaviour this program has. */
export const paholeVersion = { major: 1, minor: 32 } as const;

/** argp's exit code for bad usage, `EX_USAGE` of sysexits.h. */
export const exitBadUsage = 64;

/** What the arguments ask for, when they ask for an encode. */
export interface PaholeSettings {
  files: string[];
  features: Set<FeatureName>;
  /** `-J`: the result goes into the file, unless `detached` is given too. */
  inPlace: boolean;
  detached?: string;
  base?: string;
  /** 0 means as many as there are processors. */
  jobs: number;
  languages?: Set<number>;
  excludedLanguages?: Set<number>;
  excludedUnitPrefix?: string;
  kabiPrefix?: string;
  /** False when `-F` names only formats that are not DWARF. */
  readsDwarf: boolean;
  /** `-V` */
  verbose: boolean;
  /** Remarks on the arguments, for `-V`. */
  notes: string[];
}

/** The arguments ask for an answer, or are wrong: what to print, and the exit code. */
export class PaholeExit extends Error {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;

  constructor(exitCode: number, texts: { stdout?: string; stderr?: string }) {
    super(texts.stderr ?? texts.stdout ?? "");
    this.exitCode = exitCode;
    this.stdout = texts.stdout ?? "";
    this.stderr = texts.stderr ?? "";
  }
}

/** pahole's state without any feature list: the kinds of 2022 on, everything that came later off. */
const initialFeatures: readonly FeatureName[] = ["var", "decl_tag", "type_tag", "enum64"];

/** Options that turn one feature on or off. */
const switches: Readonly<Record<string, readonly [FeatureName, boolean]>> = {
  btf_encode_force: ["encode_force", true],
  skip_encoding_btf_vars: ["var", false],
  btf_gen_floats: ["float", true],
  btf_gen_optimized: ["optimized_func", true],
  skip_encoding_btf_decl_tag: ["decl_tag", false],
  skip_encoding_btf_type_tag: ["type_tag", false],
  skip_encoding_btf_enum64: ["enum64", false],
  skip_encoding_btf_inconsistent_proto: ["consistent_func", true],
  btf_attributes: ["attributes", true],
  reproducible_build: ["reproducible_build", true],
  encode_all_btf_vars: ["global_var", true],
};

/**
 * Read pahole's arguments with pahole 1.32's meaning.
 * @param environment only `PAHOLE_LANG_EXCLUDE` is looked at
 * @throws {PaholeExit} when there is something to print instead of something to encode
 */
export function parsePaholeArguments(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  programName = "dwarfless-pahole",
): PaholeSettings {
  const settings: PaholeSettings = {
    files: [],
    features: new Set(initialFeatures),
    inPlace: false,
    jobs: 1,
    readsDwarf: true,
    verbose: false,
    notes: [],
  };
  let name = programName;
  let hadFeatureList = false;
  let hashBits = 0;
  let language: string | undefined;
  let excludedLanguage = environment["PAHOLE_LANG_EXCLUDE"];
  const otherOptions: string[] = [];

  const addFeatures = (list: string, strict: boolean): void => {
    const { enabled, unknown, text } = parseFeatureList(list);
    if (strict && unknown.length > 0) throw unsupportedFeature(unknown[0]!, text);
    for (const feature of unknown) settings.notes.push(`Ignoring unsupported feature '${feature}'`);
    // The first list starts from nothing: what older options asked for before it is lost.
    if (!hadFeatureList) settings.features.clear();
    hadFeatureList = true;
    for (const feature of enabled) settings.features.add(feature);
  };

  try {
    for (const { option, value = "" } of getOptions(args, paholeOptions, settings.files)) {
      if (option.role === "refuse") {
        throw new PaholeExit(exitBadUsage, {
          stderr: `${name}: --${option.name} is not supported by dwarfless-pahole\n`,
        });
      }
      if (option.role === "print") {
        otherOptions.push(option.name);
        continue;
      }
      const feature = switches[option.name];
      if (feature !== undefined) {
        if (feature[1]) settings.features.add(feature[0]);
        else settings.features.delete(feature[0]);
        continue;
      }
      switch (option.name) {
        case "btf_encode":
          settings.inPlace = true;
          break;
        case "btf_encode_detached":
          settings.detached = value;
          break;
        case "btf_base":
          settings.base = value;
          break;
        case "features":
        case "btf_features":
          addFeatures(value, false);
          break;
        case "btf_features_strict":
          addFeatures(value, true);
          break;
        case "btf_gen_all":
          addFeatures("all", false);
          break;
        case "jobs":
          settings.jobs = value === "" ? 0 : Math.max(1, leadingInteger(value));
          break;
        case "lang":
          language = value;
          break;
        case "lang_exclude":
          excludedLanguage = value;
          break;
        case "cu_exclude":
          settings.excludedUnitPrefix = value;
          break;
        case "kabi_prefix":
          settings.kabiPrefix = value;
          break;
        case "format_path":
          settings.readsDwarf = value.split(",").includes("dwarf");
          break;
        case "hashbits":
          hashBits = leadingInteger(value);
          break;
        case "verbose":
          settings.verbose = true;
          break;
        case "program-name":
          name = value;
          break;
        case "version":
          throw answer(`v${paholeVersion.major}.${paholeVersion.minor}`);
        case "devel_version":
          throw answer(`v${paholeVersion.major}.${paholeVersion.minor}-dwarfless`);
        case "numeric_version":
          // Any later --version wins, as with pahole; so the answer waits for the end.
          otherOptions.push("numeric_version");
          break;
        case "supported_btf_features":
          throw answer(listedFeatureNames.join(","));
        case "help":
          throw answer(helpText(name));
        case "usage":
          throw answer(usageText(name));
        default:
        // fixup_silly_bitfields and skip_missing change what is printed only.
      }
    }
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    const hint = `Try \`${name} --help' or \`${name} --usage' for more information.`;
    throw new PaholeExit(exitBadUsage, { stderr: `${name}: ${error.message}\n${hint}\n` });
  }

  if (otherOptions.includes("numeric_version")) throw answer(`${paholeVersion.major}${paholeVersion.minor}`);
  if (!settings.inPlace && settings.detached === undefined) throw printsNothing(name, otherOptions[0]);
  const unknownLanguage = (unknown: string): PaholeExit =>
    new PaholeExit(1, { stderr: `${name}: unknown language "${unknown}"\n` });
  if (language !== undefined) settings.languages = parseLanguages(language, unknownLanguage);
  if (excludedLanguage !== undefined && excludedLanguage !== "") {
    settings.excludedLanguages = parseLanguages(excludedLanguage, unknownLanguage);
  }
  if (hashBits > 31) {
    throw new PaholeExit(1, { stderr: `Invalid --hashbits value (${hashBits}) should be less than 32\n` });
  }
  return settings;
}

function unsupportedFeature(feature: string, list: string): PaholeExit {
  return new PaholeExit(1, {
    stderr:
      `Feature '${feature}' in '${list}' is not supported.  Supported BTF features are:\n` +
      `${listedFeatureNames.join(",")}\n`,
  });
}

function answer(line: string): PaholeExit {
  return new PaholeExit(0, { stdout: `${line}\n` });
}

function printsNothing(name: string, option: string | undefined): PaholeExit {
  const subject = option === undefined ? "printing types" : `--${option}`;
  return new PaholeExit(exitBadUsage, {
    stderr: `${name}: ${subject}: only BTF encoding is supported: give -J or --btf_encode_detached=FILE\n`,
  });
}

/** As C's `atoi`: what follows the digits is ignored, no digits are 0. */
function leadingInteger(text: string): number {
  const value = Number.parseInt(text, 10);
  return Number.isNaN(value) ? 0 : value;
}
