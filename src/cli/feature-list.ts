import { defaultFeatureNames, featureNames, type FeatureName } from "../encode/options.ts";

/**
 * Names that pahole 1.32 knows and that need no switch here: units that refer to each other are
 * always followed.
 */
export const featuresWithoutEffect: readonly string[] = ["force_cu_merging"];

/** Every name a feature list may hold, in pahole's order. */
export const listedFeatureNames: readonly string[] = [...featureNames, ...featuresWithoutEffect];

export interface FeatureList {
  /** Features that the list turns on. */
  enabled: Set<FeatureName>;
  /** Names in the list that are none. */
  unknown: string[];
  /** The list without its leading `+`, for messages. */
  text: string;
}

/**
 * A feature list as pahole 1.32 reads it: names between commas; `default` stands for the default
 * set, `all` for every feature, and a `+` before the whole list adds the default set.
 */
export function parseFeatureList(list: string): FeatureList {
  const addsDefaults = list.startsWith("+");
  const text = addsDefaults ? list.slice(1) : list;
  const enabled = new Set<FeatureName>(addsDefaults ? defaultFeatureNames : []);
  const unknown: string[] = [];
  for (const name of text.split(",")) {
    if (name === "" || featuresWithoutEffect.includes(name)) continue;
    if (name === "default") for (const feature of defaultFeatureNames) enabled.add(feature);
    else if (name === "all") for (const feature of featureNames) enabled.add(feature);
    else if (isFeatureName(name)) enabled.add(name);
    else unknown.push(name);
  }
  return { enabled, unknown, text };
}

function isFeatureName(name: string): name is FeatureName {
  return (featureNames as readonly string[]).includes(name);
}
