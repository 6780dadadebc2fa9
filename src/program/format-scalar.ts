import type { Type } from "./type.ts";

/** Text of bare values: integers, floats, characters, strings. */

/** `char`, `signed char` or `unsigned char` by name; a typedef of one is none (drgn's rule). */
export function isCharacter(type: Type): boolean {
  const primitive = type.kind === "int" ? type.primitive : undefined;
  return primitive === "char" || primitive === "signed char" || primitive === "unsigned char";
}

/** An integer in base 8, 10 or 16; one of more than 64 bits as its bits in hexadecimal. */
export function integerText(value: bigint, base: 8 | 10 | 16, bitSize: number): string {
  if (bitSize > 64) return `0x${BigInt.asUintN(bitSize, value).toString(16)}`;
  if (base === 10) return value.toString();
  const sign = value < 0n ? "-" : "";
  const digits = (value < 0n ? -value : value).toString(base);
  if (base === 16) return `${sign}0x${digits}`;
  return value === 0n ? "0" : `${sign}0${digits}`;
}

/** A float with all digits it takes to read the same value back (C's `%.17g`); whole ones end in `.0`. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  if (Number.isInteger(value)) return `${Object.is(value, -0) ? "-" : ""}${BigInt(value)}.0`;
  const [mantissa = "", exponent = "0"] = value.toExponential(16).split("e");
  const power = Number(exponent);
  // C switches to an exponent below 1e-4; a number with a fraction is never too large for digits.
  const text = power < -4 ? mantissa : value.toFixed(Math.max(0, 16 - power));
  const trimmed = text.replace(/0+$/, "").replace(/\.$/, "");
  if (power >= -4) return trimmed;
  return `${trimmed}e-${String(-power).padStart(2, "0")}`;
}

const escapes: Readonly<Record<number, string>> = {
  0: "\\0",
  7: "\\a",
  8: "\\b",
  9: "\\t",
  10: "\\n",
  11: "\\v",
  12: "\\f",
  13: "\\r",
  92: "\\\\",
};

/** A byte as it stands in a C literal between `quote`s; nothing but printable ASCII comes out. */
export function characterText(byte: number, quote: "'" | '"'): string {
  const escape = escapes[byte];
  if (escape !== undefined) return escape;
  if (byte < 0x20 || byte >= 0x7f) return `\\x${byte.toString(16).padStart(2, "0")}`;
  const character = String.fromCharCode(byte);
  return character === quote ? `\\${character}` : character;
}

/** Bytes as a C string literal. */
export function stringText(bytes: Uint8Array): string {
  let text = '"';
  for (const byte of bytes) text += characterText(byte, '"');
  return `${text}"`;
}
