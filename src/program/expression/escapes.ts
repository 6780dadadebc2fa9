const simple: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
  e: 27,
  '"': 34,
  "'": 39,
  "?": 63,
  "\\": 92,
};

/**
 * The byte that an escape stands for, `at` being behind its backslash (C11, 6.4.4.4, and `\e`);
 * undefined for an unknown one and for a value above 255.
 */
export function readEscape(text: string, at: number): { byte: number; end: number } | undefined {
  const character = text[at] ?? "";
  const byte = Object.hasOwn(simple, character) ? simple[character] : undefined;
  if (byte !== undefined) return { byte, end: at + 1 };
  const digits = /^(?:[0-7]{1,3}|x[0-9a-fA-F]+)/.exec(text.slice(at, at + 64))?.[0];
  if (digits === undefined) return undefined;
  const value = digits.startsWith("x") ? Number.parseInt(digits.slice(1), 16) : Number.parseInt(digits, 8);
  return value > 255 ? undefined : { byte: value, end: at + digits.length };
}
