/** What a token of an expression is. */
export type TokenKind = "end" | "name" | "number" | "character" | "string" | "punctuator";

/** Half-open range of an expression's text, in UTF-16 units. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export interface Token extends Range {
  readonly kind: TokenKind;
  /** Spelling of a punctuator; a name without its back quotes; else the source text. */
  readonly text: string;
  /** Value of a number. */
  readonly number?: NumberLiteral;
  /** Bytes of a character (one) or string, without the final NUL. */
  readonly bytes?: Uint8Array;
  /** True for a name in back quotes: never a keyword. */
  readonly quoted?: boolean;
}

export interface NumberLiteral {
  readonly value: bigint;
  readonly isDecimal: boolean;
  readonly isUnsigned: boolean;
  /** How often `l` stands in the suffix: 0, 1 or 2. */
  readonly longCount: number;
}

/** Longest first, so that the first match is the right one. */
export const punctuators = [
  "<<=",
  ">>=",
  "...",
  "->",
  "++",
  "--",
  "<<",
  ">>",
  "<=",
  ">=",
  "==",
  "!=",
  "&&",
  "||",
  "::",
  "+=",
  "-=",
  "*=",
  "/=",
  "%=",
  "&=",
  "^=",
  "|=",
  "(",
  ")",
  "[",
  "]",
  "{",
  "}",
  ".",
  ",",
  ";",
  "&",
  "*",
  "+",
  "-",
  "~",
  "!",
  "/",
  "%",
  "<",
  ">",
  "^",
  "|",
  "?",
  ":",
  "=",
  "@",
] as const;
