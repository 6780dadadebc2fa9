import { ExpressionError } from "./expression-error.ts";
import { tokenize } from "./lexer.ts";
import type { Range, Token } from "./tokens.ts";

/** Deepest nesting of parentheses, prefix operators, branches and declarators. */
export const maximumDepth = 200;

/** Most tokens read again, over all times that a type turned out to be none. */
const maximumReread = 20_000;

/** The tokens of one expression with a place among them, and the depth of nesting. */
export class TokenStream {
  readonly text: string;
  readonly #tokens: readonly Token[];
  #index = 0;
  #depth = 0;
  #reread = 0;

  /** @throws {ExpressionError} as `tokenize` */
  constructor(text: string) {
    this.text = text;
    this.#tokens = tokenize(text);
  }

  /** Index of the current token; may be set back to an earlier one. */
  get position(): number {
    return this.#index;
  }

  set position(index: number) {
    this.#reread += Math.max(0, this.#index - index);
    if (this.#reread > maximumReread) {
      throw this.error("EXPRESSION_LIMIT", "too many ways to read this; write fewer nested parentheses");
    }
    this.#index = index;
  }

  get current(): Token {
    return this.#tokens[this.#index]!;
  }

  /** The token behind the current one by `count`; the end token beyond the end. */
  peek(count = 1): Token {
    return this.#tokens[Math.min(this.#index + count, this.#tokens.length - 1)]!;
  }

  /** End of the token before the current one. */
  get previousEnd(): number {
    return this.#index === 0 ? 0 : this.#tokens[this.#index - 1]!.end;
  }

  advance(): Token {
    const token = this.current;
    if (token.kind !== "end") this.#index++;
    return token;
  }

  isAt(punctuator: string): boolean {
    return isPunctuator(this.current, punctuator);
  }

  isAtWord(word: string): boolean {
    const { kind, text, quoted } = this.current;
    return kind === "name" && quoted !== true && text === word;
  }

  accept(punctuator: string): boolean {
    if (!this.isAt(punctuator)) return false;
    this.#index++;
    return true;
  }

  /** @throws {ExpressionError} `EXPRESSION_SYNTAX` unless the punctuator comes now */
  expect(punctuator: string, where: string): Token {
    if (!this.isAt(punctuator)) throw this.unexpected(`"${punctuator}" ${where}`);
    return this.advance();
  }

  /** @throws {ExpressionError} `EXPRESSION_SYNTAX` unless a name comes now */
  expectName(what: string): Token {
    if (this.current.kind !== "name") throw this.unexpected(what);
    return this.advance();
  }

  /** Go one level deeper for the time of `parse`. */
  nested<Result>(parse: () => Result): Result {
    if (this.#depth >= maximumDepth) throw this.tooDeep();
    this.#depth++;
    try {
      return parse();
    } finally {
      this.#depth--;
    }
  }

  tooDeep(): ExpressionError {
    return this.error("EXPRESSION_LIMIT", `nested more than ${maximumDepth} levels deep`);
  }

  unexpected(wanted: string): ExpressionError {
    const { kind, text } = this.current;
    const found = kind === "end" ? "the end" : text.length > 40 ? `"${text.slice(0, 40)}..."` : `"${text}"`;
    return this.error("EXPRESSION_SYNTAX", `expected ${wanted}, found ${found}`);
  }

  error(code: string, problem: string, range: Range = this.current): ExpressionError {
    return new ExpressionError(code, problem, this.text, range);
  }
}

export function isPunctuator(token: Token, text: string): boolean {
  return token.kind === "punctuator" && token.text === text;
}
