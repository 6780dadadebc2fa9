import { LimitError } from "../io/index.ts";
import { printableName } from "../btf/index.ts";

/**
 * Spelling of a type as C declares it, by the rules of drgn's `type_name()`, so that the two can be
 * compared: arithmetic types as C programmers write them, no bodies of anonymous types, qualifiers of
 * an array dropped, type tags unseen.
 */

export const QUALIFIER_CONST = 1;
export const QUALIFIER_VOLATILE = 2;
export const QUALIFIER_RESTRICT = 4;
/** Bits of QUALIFIER_. */
export type Qualifiers = number;

/** What the speller needs to know of a type. */
export interface SpelledType {
  readonly kind: string;
  readonly qualifiers: Qualifiers;
  /** Without `struct` and the like; undefined for what has no name. */
  readonly name: string | undefined;
  readonly target: SpelledType | undefined;
  /** Of arrays; undefined when it is not known. */
  readonly length: number | undefined;
  readonly parameters: readonly { readonly name: string; readonly type: SpelledType }[];
  readonly isVariadic: boolean;
}

/** Longest spelling, in characters. */
const maximumLength = 64 * 1024;
/** Deepest nesting of declarators and parameter lists. */
const maximumDepth = 256;

const qualifierWords = ["const", "volatile", "restrict"];

/** `const volatile ` for the bits that are set, without the final space. */
export function spellQualifiers(qualifiers: Qualifiers): string {
  return qualifierWords.filter((_, bit) => (qualifiers & (1 << bit)) !== 0).join(" ");
}

/**
 * `name` declared as a type, or with an empty name the type's own spelling.
 * @throws {LimitError} `TYPE_SPELLING` for types that contain themselves, or endlessly many.
 */
export function spellType(type: SpelledType, name = ""): string {
  return spell(type, name, { depth: 0, length: 0 });
}

interface Progress {
  depth: number;
  length: number;
}

function spell(type: SpelledType, inner: string, progress: Progress): string {
  // The name is wrapped from the inside outwards until a type without a target stands in front.
  for (let hops = 0; hops < maximumDepth; hops++) {
    const target = type.target;
    switch (target === undefined ? "" : type.kind) {
      case "pointer": {
        const words = spellQualifiers(type.qualifiers);
        const gap = words === "" ? "" : inner === "" ? ` ${words}` : ` ${words} `;
        const isWrapped = target!.kind === "array" || target!.kind === "function";
        inner = isWrapped ? `(*${gap}${inner})` : `*${gap}${inner}`;
        break;
      }
      case "array":
        inner = `${inner}[${type.length ?? ""}]`;
        break;
      case "function":
        inner = `${inner}(${spellParameters(type, progress)})`;
        break;
      default: {
        const base = baseName(type);
        const words = spellQualifiers(type.qualifiers);
        return counted(
          `${words}${words === "" ? "" : " "}${base}${inner === "" ? "" : ` ${inner}`}`,
          progress,
        );
      }
    }
    type = target!;
  }
  throw limit(`a type wrapped in more than ${maximumDepth} others`);
}

function spellParameters(type: SpelledType, progress: Progress): string {
  const { parameters, isVariadic } = type;
  if (parameters.length === 0) return isVariadic ? "" : "void";
  if (++progress.depth > maximumDepth) throw limit(`parameters more than ${maximumDepth} levels deep`);
  const texts = parameters.map((parameter) => spell(parameter.type, printableName(parameter.name), progress));
  progress.depth--;
  if (isVariadic) texts.push("...");
  return counted(texts.join(", "), progress);
}

function baseName(type: SpelledType): string {
  const name = type.name === undefined ? undefined : printableName(type.name);
  switch (type.kind) {
    case "struct":
    case "union":
    case "enum":
      return `${type.kind} ${name ?? "<anonymous>"}`;
    default:
      return name ?? type.kind;
  }
}

function counted(text: string, progress: Progress): string {
  progress.length += text.length;
  if (progress.length > maximumLength) throw limit(`a spelling of more than ${maximumLength} characters`);
  return text;
}

function limit(problem: string): LimitError {
  return new LimitError("TYPE_SPELLING", problem);
}
