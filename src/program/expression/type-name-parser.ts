import { primitiveOf, primitiveWords } from "../primitive.ts";
import type { Expression, NamedType, TypeName, TypeQualifier } from "./syntax-tree.ts";
import { isPunctuator, maximumDepth, type TokenStream } from "./token-stream.ts";
import type { Token } from "./tokens.ts";

/** What a name stands for; a program answers. */
export interface TypeNames {
  /** True if a typedef or base type has this name. */
  isTypeName(name: string, module?: string): boolean;
}

const wideInteger = "__int128";
const baseWords: ReadonlySet<string> = new Set([...primitiveWords, "void", wideInteger]);
const qualifierWords: ReadonlyMap<string, TypeQualifier> = new Map([
  ["const", "const"],
  ["volatile", "volatile"],
  ["restrict", "restrict"],
  ["__restrict", "restrict"],
]);
/** The kernel's annotations for its checkers; they say nothing about the layout. */
const ignoredWords: ReadonlySet<string> = new Set([
  "__user",
  "__rcu",
  "__percpu",
  "__iomem",
  "__kernel",
  "__force",
]);
const tagWords: ReadonlySet<string> = new Set(["struct", "union", "enum"]);
export const typeofWords: ReadonlySet<string> = new Set(["typeof", "__typeof__", "__typeof"]);

/** True for a word that can only begin a type. */
export function isTypeWord(token: Token): boolean {
  if (token.kind !== "name" || token.quoted === true) return false;
  const { text } = token;
  return (
    baseWords.has(text) ||
    tagWords.has(text) ||
    typeofWords.has(text) ||
    qualifierWords.has(text) ||
    ignoredWords.has(text)
  );
}

/** Reads type names as C has them in casts (C11, 6.7.7). */
export class TypeNameParser {
  readonly #stream: TokenStream;
  readonly #names: TypeNames;
  readonly #parseExpression: () => Expression;

  /** @param parseExpression reads one at the stream's place, for array lengths and `typeof`. */
  constructor(stream: TokenStream, names: TypeNames, parseExpression: () => Expression) {
    this.#stream = stream;
    this.#names = names;
    this.#parseExpression = parseExpression;
  }

  /** True where a type name begins, `offset` tokens ahead; a word that may be something else counts too. */
  isTypeStart(offset = 0): boolean {
    const token = this.#stream.peek(offset);
    if (token.kind !== "name") return false;
    if (isTypeWord(token)) return true;
    if (isPunctuator(this.#stream.peek(offset + 1), "::")) {
      const name = this.#stream.peek(offset + 2);
      return name.kind === "name" && this.#names.isTypeName(name.text, token.text);
    }
    return this.#names.isTypeName(token.text);
  }

  /** @throws {ExpressionError} */
  parse(): TypeName {
    return this.#declared(false);
  }

  #declared(mayHaveName: boolean): TypeName {
    const stream = this.#stream;
    const start = stream.current.start;
    const base = this.#specifiers();
    let type = base;
    const derivations = this.#declarator(mayHaveName);
    if (derivations.length > maximumDepth) throw stream.tooDeep();
    for (const derive of derivations) type = derive(type, { start, end: stream.previousEnd });
    return type;
  }

  #specifiers(): TypeName {
    const stream = this.#stream;
    const start = stream.current.start;
    const qualifiers: TypeQualifier[] = [];
    const words: string[] = [];
    let type: TypeName | undefined;
    for (;;) {
      if (this.#acceptQualifier(qualifiers)) continue;
      const token = stream.current;
      if (token.kind !== "name") break;
      const isBaseWord = token.quoted !== true && baseWords.has(token.text);
      if (isBaseWord && type === undefined) {
        if (words.length === 5) throw stream.unexpected("a type");
        words.push(token.text);
        stream.advance();
      } else if (type === undefined && words.length === 0) {
        type = this.#named();
      } else {
        break;
      }
    }
    const end = stream.previousEnd;
    if (type === undefined) {
      if (words.length === 0) throw stream.unexpected("a type");
      const isKnown =
        words.includes(wideInteger) || words.join() === "void" || primitiveOf(words) !== undefined;
      if (!isKnown) {
        throw stream.error("EXPRESSION_SYNTAX", `"${words.join(" ")}" is no type of C`, { start, end });
      }
      type = { kind: "named", tag: undefined, name: words.join(" "), start, end };
    }
    return qualifiers.length === 0 ? type : { kind: "qualified", qualifiers, target: type, start, end };
  }

  #acceptQualifier(qualifiers: TypeQualifier[]): boolean {
    const { kind, text, quoted } = this.#stream.current;
    if (kind !== "name" || quoted === true) return false;
    const qualifier = qualifierWords.get(text);
    if (qualifier !== undefined) qualifiers.push(qualifier);
    else if (!ignoredWords.has(text)) return false;
    this.#stream.advance();
    return true;
  }

  /** `struct x`, `typeof(...)`, or a typedef; each may stand in a module: `struct ext4::x`. */
  #named(): TypeName {
    const stream = this.#stream;
    const first = stream.current;
    const { start } = first;
    if (first.quoted !== true && typeofWords.has(first.text)) return this.#typeof();
    let tag: NamedType["tag"];
    if (first.quoted !== true && tagWords.has(first.text)) {
      tag = first.text as "struct" | "union" | "enum";
      stream.advance();
      if (stream.isAt("{")) {
        throw stream.error("EXPRESSION_UNSUPPORTED", `a ${tag} can be named here, not declared`);
      }
    }
    let name = stream.expectName(tag === undefined ? "a type" : `the name of the ${tag}`);
    let module: string | undefined;
    if (stream.accept("::")) {
      module = name.text;
      name = stream.expectName("a type");
    }
    const range = { start, end: name.end };
    return { kind: "named", tag, name: name.text, ...(module === undefined ? {} : { module }), ...range };
  }

  #typeof(): TypeName {
    const stream = this.#stream;
    const { start } = stream.advance();
    stream.expect("(", "after typeof");
    const inner = stream.nested((): TypeName => {
      if (this.isTypeStart()) return this.#declared(false);
      const operand = this.#parseExpression();
      return { kind: "typeof", operand, start, end: operand.end };
    });
    stream.expect(")", "to close typeof");
    return { ...inner, start, end: stream.previousEnd };
  }

  /** What an abstract declarator makes of its base type, in the order to do it. */
  #declarator(mayHaveName: boolean): Derivation[] {
    const stream = this.#stream;
    const derivations: Derivation[] = [];
    while (stream.accept("*")) {
      if (derivations.length > maximumDepth * 2) throw stream.tooDeep();
      derivations.push((target, range) => ({ kind: "pointer", target, ...range }));
      const qualifiers: TypeQualifier[] = [];
      while (this.#acceptQualifier(qualifiers));
      if (qualifiers.length > 0) {
        derivations.push((target, range) => ({ kind: "qualified", qualifiers, target, ...range }));
      }
    }
    let inner: Derivation[] = [];
    if (stream.isAt("(") && this.#isNestedDeclarator(mayHaveName)) {
      stream.advance();
      inner = stream.nested(() => this.#declarator(mayHaveName));
      stream.expect(")", "to close the declarator");
    } else if (mayHaveName && stream.current.kind === "name") {
      stream.advance();
    }
    const suffixes: Derivation[] = [];
    while (stream.isAt("[") || stream.isAt("(")) {
      if (suffixes.length > maximumDepth) throw stream.tooDeep();
      suffixes.push(stream.isAt("[") ? this.#array() : this.#function());
    }
    return [...derivations, ...suffixes.reverse(), ...inner];
  }

  /** Tells `(*)` from the parameters of a function without a name. */
  #isNestedDeclarator(mayHaveName: boolean): boolean {
    const next = this.#stream.peek();
    if (isPunctuator(next, ")")) return false;
    if (next.kind === "punctuator") return ["*", "(", "["].includes(next.text);
    return mayHaveName && !this.isTypeStart(1);
  }

  #array(): Derivation {
    const stream = this.#stream;
    stream.advance();
    const length = stream.isAt("]") ? undefined : stream.nested(this.#parseExpression);
    stream.expect("]", "to close the array");
    return (element, range) => ({ kind: "array", element, length, ...range });
  }

  #function(): Derivation {
    const stream = this.#stream;
    stream.advance();
    const parameters: TypeName[] = [];
    let isVariadic = false;
    if (stream.isAt(")")) {
      // `f()` says nothing about parameters.
      isVariadic = true;
    } else if (stream.isAtWord("void") && isPunctuator(stream.peek(), ")")) {
      stream.advance();
    } else {
      do {
        if (stream.accept("...")) {
          isVariadic = true;
          break;
        }
        parameters.push(stream.nested(() => this.#declared(true)));
      } while (stream.accept(","));
    }
    stream.expect(")", "to close the parameters");
    return (result, range) => ({ kind: "function", result, parameters, isVariadic, ...range });
  }
}

type Derivation = (target: TypeName, range: { start: number; end: number }) => TypeName;
