import { ExpressionError } from "./expression-error.ts";
import { readEscape } from "./escapes.ts";
import { type NumberLiteral, punctuators, type Range, type Token } from "./tokens.ts";

/** Longest expression read, in UTF-16 units. */
export const maximumLength: number = 64 * 1024;

const blank = /(?:[ \t\r\n\f\v]|\/\/[^\n]*|\/\*[^]*?\*\/)+/y;
// `state.3`: compilers number the statics of functions so; a number behind a point is nothing else in C.
const name = /[A-Za-z_$][A-Za-z0-9_$]*(?:\.[0-9]+(?![A-Za-z0-9_]))*/y;
// `0xe+1` is a sum here; C's preprocessor would take it for one bad number.
const numberLike = /0[xX][A-Za-z0-9_.]*|\.?[0-9](?:[eE][+-][0-9]|[A-Za-z0-9_.])*/y;
const integer = /^(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|(0[0-7]*)(?![xXbB])|([1-9][0-9]*))([A-Za-z]*)$/;
const suffix = /^(?:(u)?(l|ll|L|LL)?|(l|ll|L|LL)(u))$/;

/**
 * The tokens of an expression, the last one of kind `end`.
 * @throws {ExpressionError} `EXPRESSION_SYNTAX`, `EXPRESSION_LIMIT`
 */
export function tokenize(text: string): Token[] {
  if (text.length > maximumLength) {
    const problem = `expression of ${text.length} characters; at most ${maximumLength} are read`;
    throw new ExpressionError("EXPRESSION_LIMIT", problem, text, {
      start: maximumLength,
      end: maximumLength,
    });
  }
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    at += matchLength(blank, text, at);
    if (at >= text.length) break;
    const token = readToken(text, at);
    tokens.push(token);
    at = token.end;
  }
  tokens.push({ kind: "end", text: "", start: text.length, end: text.length });
  return tokens;
}

function readToken(text: string, start: number): Token {
  const character = text[start]!;
  if (character === "'" || character === '"') return readQuoted(text, start, character);
  if (character === "`") return readQuotedName(text, start);
  const nameLength = matchLength(name, text, start);
  if (nameLength > 0) return plain("name", text, start, start + nameLength);
  const numberLength = matchLength(numberLike, text, start);
  if (numberLength > 0) return readNumber(text, start, start + numberLength);
  if (text.startsWith("/*", start)) throw syntax("comment without end", text, { start, end: start + 2 });
  for (const spelling of punctuators) {
    if (text.startsWith(spelling, start)) return plain("punctuator", text, start, start + spelling.length);
  }
  const whole = String.fromCodePoint(text.codePointAt(start)!);
  throw syntax(`${JSON.stringify(whole)} has no meaning in C`, text, { start, end: start + whole.length });
}

function plain(kind: "name" | "punctuator", text: string, start: number, end: number): Token {
  return { kind, text: text.slice(start, end), start, end };
}

/** A symbol's name as it is, for names that C cannot spell: `` `foo.constprop.0` ``. */
function readQuotedName(text: string, start: number): Token {
  const end = text.indexOf("`", start + 1);
  if (end < 0)
    throw syntax("name in back quotes without end", text, { start: text.length, end: text.length });
  if (end === start + 1) throw syntax("empty name", text, { start, end: end + 1 });
  return { kind: "name", text: text.slice(start + 1, end), start, end: end + 1, quoted: true };
}

function readNumber(text: string, start: number, end: number): Token {
  const source = text.slice(start, end);
  const range = { start, end };
  const parts = integer.exec(source);
  if (parts === null) throw syntax(numberProblem(source), text, range);
  const [, hexadecimal, binary, octal, decimal] = parts;
  const ending = suffix.exec(parts[5]!.replaceAll("U", "u"));
  if (ending === null) throw syntax(`bad ending "${parts[5]!}" of a number`, text, range);
  const value =
    hexadecimal !== undefined
      ? BigInt(`0x${hexadecimal}`)
      : binary !== undefined
        ? BigInt(`0b${binary}`)
        : octal !== undefined
          ? BigInt(`0o${octal}`)
          : BigInt(decimal!);
  if (value >> 64n !== 0n) throw syntax("number does not fit 64 bits", text, range);
  const number: NumberLiteral = {
    value,
    isDecimal: decimal !== undefined,
    isUnsigned: ending[1] !== undefined || ending[4] !== undefined,
    longCount: (ending[2] ?? ending[3] ?? "").length,
  };
  return { kind: "number", text: source, start, end, number };
}

function numberProblem(source: string): string {
  if (/^0[xX]/.test(source)) return "bad hexadecimal number";
  if (/^0[bB]/.test(source)) return "bad binary number";
  if (/^[0-9]*\.|^[0-9]+[eE]/.test(source)) return "floating-point numbers are not supported";
  if (/^0[0-9]+[uUlL]*$/.test(source)) return "bad octal number";
  return "bad number";
}

function readQuoted(text: string, start: number, quote: string): Token {
  const bytes: number[] = [];
  let at = start + 1;
  for (;;) {
    const character = text[at];
    if (character === undefined || character === "\n") {
      const what = quote === '"' ? "string" : "character";
      throw syntax(`${what} without closing ${quote}`, text, { start: at, end: at + 1 });
    }
    at++;
    if (character === quote) break;
    if (character === "\\") {
      const escape = readEscape(text, at);
      if (escape === undefined) throw syntax("unknown escape", text, { start: at - 1, end: at + 1 });
      bytes.push(escape.byte);
      at = escape.end;
    } else {
      const point = text.codePointAt(at - 1)!;
      if (point < 0x80) {
        bytes.push(point);
      } else {
        const whole = String.fromCodePoint(point);
        bytes.push(...new TextEncoder().encode(whole));
        at += whole.length - 1;
      }
    }
  }
  const kind = quote === '"' ? "string" : "character";
  if (kind === "character" && bytes.length !== 1) {
    const problem = bytes.length === 0 ? "empty character" : "more than one byte in a character";
    throw syntax(problem, text, { start, end: at });
  }
  return { kind, text: text.slice(start, at), start, end: at, bytes: Uint8Array.from(bytes) };
}

function matchLength(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0].length ?? 0;
}

function syntax(problem: string, text: string, range: Range): ExpressionError {
  return new ExpressionError("EXPRESSION_SYNTAX", problem, text, range);
}
