/**
 * C's arithmetic types by one spelling each. DWARF (and so BTF) spells them "long unsigned int"; C
 * programmers and drgn spell them "unsigned long".
 */

/** The arithmetic types of C, in drgn's spelling. */
export type PrimitiveName =
  | "_Bool"
  | "char"
  | "signed char"
  | "unsigned char"
  | "short"
  | "unsigned short"
  | "int"
  | "unsigned int"
  | "long"
  | "unsigned long"
  | "long long"
  | "unsigned long long"
  | "float"
  | "double"
  | "long double";

export interface PrimitiveFacts {
  kind: "bool" | "int" | "float";
  /** On LP64 machines, which all of today's are. */
  byteSize: number;
  isSigned: boolean;
  /** Integer conversion rank (C11 6.3.1.1); 0 for floating-point types. */
  rank: number;
  /** Spelling in DWARF as GCC and clang write it. */
  dwarfName: string;
}

const facts = (
  kind: "bool" | "int" | "float",
  byteSize: number,
  isSigned: boolean,
  rank: number,
  dwarfName: string,
): PrimitiveFacts => ({ kind, byteSize, isSigned, rank, dwarfName });

export const primitives: Readonly<Record<PrimitiveName, PrimitiveFacts>> = {
  _Bool: facts("bool", 1, false, 0, "_Bool"),
  // Whether plain char is signed differs between machines; BTF says it, this is the x86 answer.
  char: facts("int", 1, true, 1, "char"),
  "signed char": facts("int", 1, true, 1, "signed char"),
  "unsigned char": facts("int", 1, false, 1, "unsigned char"),
  short: facts("int", 2, true, 2, "short int"),
  "unsigned short": facts("int", 2, false, 2, "short unsigned int"),
  int: facts("int", 4, true, 3, "int"),
  "unsigned int": facts("int", 4, false, 3, "unsigned int"),
  long: facts("int", 8, true, 4, "long int"),
  "unsigned long": facts("int", 8, false, 4, "long unsigned int"),
  "long long": facts("int", 8, true, 5, "long long int"),
  "unsigned long long": facts("int", 8, false, 5, "long long unsigned int"),
  float: facts("float", 4, true, 0, "float"),
  double: facts("float", 8, true, 0, "double"),
  "long double": facts("float", 16, true, 0, "long double"),
};

/** Words that can be part of the spelling of an arithmetic type. */
export const primitiveWords: ReadonlySet<string> = new Set([
  "_Bool",
  "bool",
  "char",
  "short",
  "int",
  "long",
  "signed",
  "unsigned",
  "float",
  "double",
]);

/**
 * The arithmetic type that a list of words spells in any of C's orders ("long unsigned int" is
 * `unsigned long`); undefined for words that spell none.
 */
export function primitiveOf(words: readonly string[]): PrimitiveName | undefined {
  const count = { signed: 0, unsigned: 0, short: 0, long: 0, int: 0, char: 0, bool: 0, float: 0, double: 0 };
  if (words.length === 0 || words.length > 5) return undefined;
  for (const word of words) {
    const key = word === "_Bool" ? "bool" : word;
    if (!Object.hasOwn(count, key)) return undefined;
    count[key as keyof typeof count]++;
  }
  const { signed, unsigned, short, long, int, char, bool, float, double } = count;
  if (signed + unsigned > 1 || short > 1 || long > 2 || int > 1) return undefined;
  if (bool + char + float + double > 0) {
    if (bool + char + float + double > 1 || int + short > 0) return undefined;
    if (char === 1) {
      if (long > 0) return undefined;
      return unsigned === 1 ? "unsigned char" : signed === 1 ? "signed char" : "char";
    }
    if (signed + unsigned > 0) return undefined;
    if (double === 1) return long === 1 ? "long double" : long === 0 ? "double" : undefined;
    if (long > 0) return undefined;
    return bool === 1 ? "_Bool" : "float";
  }
  if (short === 1) return long > 0 ? undefined : unsigned === 1 ? "unsigned short" : "short";
  if (long === 2) return unsigned === 1 ? "unsigned long long" : "long long";
  if (long === 1) return unsigned === 1 ? "unsigned long" : "long";
  return unsigned === 1 ? "unsigned int" : "int";
}

const spellings = new Map<string, PrimitiveName | undefined>();

/** {@link primitiveOf} of a name as BTF has it; remembers the few names there are. */
export function primitiveNamed(name: string): PrimitiveName | undefined {
  // `bool` as the name of a type is a typedef of the kernel, not the keyword.
  if (name === "bool" || name.length > 32) return undefined;
  if (spellings.has(name)) return spellings.get(name);
  const found = primitiveOf(name.split(" "));
  if (spellings.size < 256) spellings.set(name, found);
  return found;
}
