/**
 * What an encode is asked for. Names of features are pahole 1.32's.
 * Source of the meanings: pahole's manual page; measured against 1.32.
 */

/** Features in pahole 1.32's order of listing. */
export const featureNames = [
  "encode_force",
  "var",
  "float",
  "decl_tag",
  "type_tag",
  "enum64",
  "optimized_func",
  "consistent_func",
  "decl_tag_kfuncs",
  "reproducible_build",
  "distilled_base",
  "global_var",
  "attributes",
  "true_signature",
  "layout",
] as const;

export type FeatureName = (typeof featureNames)[number];
export type Features = Readonly<Record<FeatureName, boolean>>;

/** pahole's `default` set. */
export const defaultFeatureNames: readonly FeatureName[] = [
  "encode_force",
  "var",
  "float",
  "decl_tag",
  "type_tag",
  "enum64",
  "optimized_func",
  "consistent_func",
  "decl_tag_kfuncs",
];

/** A feature record with exactly `enabled` on. */
export function featuresOf(enabled: Iterable<FeatureName>): Features {
  const set = new Set(enabled);
  return Object.fromEntries(featureNames.map((name) => [name, set.has(name)])) as Record<
    FeatureName,
    boolean
  >;
}

export const defaultFeatures: Features = featuresOf(defaultFeatureNames);

/**
 * Which variables get a VAR.
 * `percpu`: those in `.data..percpu`; `all`: every global and file-static variable, and statics of
 * functions, in every allocated section; `none`: no variable.
 */
export type VariableSelection = "percpu" | "all" | "none";

/** How the dimensions of an array are written: one ARRAY each (pahole 1.32) or one product (up to 1.31). */
export type ArrayRule = "nested" | "flat" | "auto";

export interface EncodeOptions {
  /** Features; `var` and `global_var` are overridden by `variables` when that is given. */
  features?: Features;
  variables?: VariableSelection;
  /**
   * Also make split BTF over the result with every variable the result has not. With a base: make
   * nothing but split BTF over the base with every variable the base has not.
   */
  splitVariables?: boolean;
  /** False: the split leaves out statics of functions and what compilers and macros name (`__func__.1`). */
  splitMinorVariables?: boolean;
  /** Raw BTF bytes to encode over (split BTF). */
  base?: Uint8Array;
  /**
   * With `splitVariables` over a base: the file's own BTF, itself split from the base, such as a module
   * carries. What is made is then split from both.
   */
  ownBase?: Uint8Array;
  /** Name of the base for messages. */
  baseName?: string;
  /** Worker threads, 1 and up. The output does not depend on it. */
  jobs?: number;
  /** DW_LANG_ codes to take; undefined takes all. */
  languages?: ReadonlySet<number>;
  /** DW_LANG_ codes to leave out. */
  excludedLanguages?: ReadonlySet<number>;
  /** Leave out units whose name starts with one of these. */
  excludedUnitPrefixes?: readonly string[];
  /** pahole's `--kabi_prefix`: a name that starts with it is replaced by the prefix. */
  kabiPrefix?: string;
  /** `auto` follows the base BTF (a nested array in it means nested), else nested. */
  arrayRule?: ArrayRule;
  /** Collect what was left out, and why. */
  report?: boolean;
  /** Called with bytes of `.debug_info` done and in all. */
  onProgress?: (done: number, total: number) => void;
}

/** One symbol, variable or function that the BTF has not, and the rule that left it out. */
export interface Omission {
  kind: "symbol" | "variable" | "function";
  name: string;
  /** `"0x…"`, absent when there is none. */
  address?: string;
  section?: string;
  /** Stable code of the rule. */
  rule: string;
}

/** What `--report` writes, beside the file's name. */
export interface EncodeReport {
  schema: 1;
  omissions: Omission[];
  counts: {
    /** STT_OBJECT symbols in allocated sections. */
    dataSymbols: number;
    /** Of those, at how many a typed variable starts. */
    dataSymbolsTyped: number;
    /** Data symbols at whose address DWARF describes a variable. */
    dataSymbolsDescribed: number;
    variables: number;
    functions: number;
    types: number;
  };
}
