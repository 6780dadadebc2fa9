import { DwarflessError } from "../io/index.ts";

/** What a {@link LookupError} looked for. */
export type LookupKind = "type" | "member" | "variable" | "symbol" | "enumerator";

/** A name that is not there. `nearest` holds names that are, most alike first. */
export class LookupError extends DwarflessError {
  readonly kind: LookupKind;
  /** The name that was looked for. */
  readonly key: string;
  readonly nearest: readonly string[];

  constructor(kind: LookupKind, key: string, nearest: readonly string[] = [], where = "") {
    const advice = nearest.length === 0 ? "" : `; did you mean "${nearest[0]}"?`;
    super("LOOKUP", `no ${kind} "${key}"${where === "" ? "" : ` in ${where}`}${advice}`);
    this.kind = kind;
    this.key = key;
    this.nearest = nearest;
  }
}

/** Choices that a message lists; the rest is counted. */
const shownChoices = 4;

/** A name that several things have, of which none goes before the others. `choices` says each by its address. */
export class AmbiguousError extends DwarflessError {
  readonly choices: readonly string[];

  constructor(kind: "variable" | "symbol", name: string, addresses: readonly bigint[]) {
    const choices = addresses.map((address) => `${name}@0x${address.toString(16)}`);
    const more = choices.length > shownChoices ? `, and ${choices.length - shownChoices} more` : "";
    super(
      "AMBIGUOUS",
      `${choices.length} ${kind}s are named "${name}", say which: ${choices.slice(0, shownChoices).join(", ")}${more}`,
    );
    this.choices = choices;
  }
}

/** An operation that an object's type does not have, as a C compiler would say. */
export class ObjectTypeError extends DwarflessError {
  constructor(message: string) {
    super("TYPE", message);
  }
}

/** A value that does not lie where it is asked for: beyond a value's bytes, or not exact as a number. */
export class ObjectRangeError extends DwarflessError {
  constructor(message: string) {
    super("RANGE", message);
  }
}

/** The value of an object that has none, for another reason than memory that cannot be read. */
export class AbsentError extends DwarflessError {
  constructor(reason: string) {
    super("ABSENT", `the object is absent: ${reason}`);
  }
}
