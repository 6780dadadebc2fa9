/** Languages by pahole's names, as DW_LANG_ codes (DWARF 5, 7.12 and the list of codes added since). */
const codes: Readonly<Record<string, number>> = {
  c89: 0x01,
  c: 0x02,
  ada83: 0x03,
  "c++": 0x04,
  cobol74: 0x05,
  cobol85: 0x06,
  fortran77: 0x07,
  fortran90: 0x08,
  pascal83: 0x09,
  modula2: 0x0a,
  java: 0x0b,
  c99: 0x0c,
  ada95: 0x0d,
  fortran95: 0x0e,
  pli: 0x0f,
  objc: 0x10,
  "objc++": 0x11,
  upc: 0x12,
  d: 0x13,
  python: 0x14,
  opencl: 0x15,
  go: 0x16,
  modula3: 0x17,
  haskell: 0x18,
  "c++03": 0x19,
  "c++11": 0x1a,
  ocaml: 0x1b,
  rust: 0x1c,
  c11: 0x1d,
  swift: 0x1e,
  julia: 0x1f,
  dylan: 0x20,
  "c++14": 0x21,
  fortran03: 0x22,
  fortran08: 0x23,
  renderscript: 0x24,
  bliss: 0x25,
  asm: 0x8001,
};

/** Names of all languages that {@link parseLanguages} knows. */
export const languageNames: readonly string[] = Object.keys(codes);

/**
 * Codes of a comma-separated list of languages; upper case is as good as lower.
 * @param unknown called with the first name that is none, to throw what suits the caller
 */
export function parseLanguages(list: string, unknown: (name: string) => Error): Set<number> {
  const languages = new Set<number>();
  for (const name of list.split(",")) {
    const lower = name.toLowerCase();
    if (!Object.hasOwn(codes, lower)) throw unknown(name);
    languages.add(codes[lower]!);
  }
  return languages;
}
