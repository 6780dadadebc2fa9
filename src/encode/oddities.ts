/** What was done with DIEs that BTF has no word for, by the code that the converter counts them under. */
const texts: Readonly<Record<string, string>> = {
  ATOMIC_AS_VOLATILE: "_Atomic types written as volatile",
  COMPLEX_AS_ARRAY: "complex numbers written as arrays of two",
  FLOAT_AS_BYTES: "floating-point types of a size BTF does not know written as bytes",
  ENUM_VALUE_CUT: "enumerators cut to 32 bits",
  ENUM_WITHOUT_NAME_AND_VALUES: "enumerations without name and values",
  MEMBER_BEYOND_2_MIB: "members left out: beyond 2 MiB in a struct with bit fields",
};

/** One line for a diagnostic. */
export function oddityText(code: string, count: number): string {
  const opaque = /^OPAQUE_TAG_(0x[0-9a-f]+)$/.exec(code);
  const text = opaque === null ? (texts[code] ?? code) : `types of tag ${opaque[1]} written as bytes`;
  return `${count} ${text}`;
}

/** How many DIEs became an opaque block of bytes, or lost something, by code. */
export class Oddities {
  readonly counts: Map<string, number> = new Map();

  add(code: string): void {
    this.counts.set(code, (this.counts.get(code) ?? 0) + 1);
  }
}
