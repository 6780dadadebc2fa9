import { UsageError } from "../io/index.ts";
import { type PrimitiveName, primitiveOf, primitiveWords } from "./primitive.ts";
import { Type, type TypeParameter } from "./type.ts";
import type { NameSpace } from "./type-search.ts";
import { QUALIFIER_CONST, QUALIFIER_RESTRICT, QUALIFIER_VOLATILE, type Qualifiers } from "./type-spelling.ts";

/** Where the parser finds types by their bare names. */
export interface NamedTypes {
  /** @throws {LookupError} */
  getNamed(space: NameSpace, name: string): Type;
  primitive(name: PrimitiveName): Type;
}

/** Longest type name taken, in characters. */
const maximumLength = 4096;
/** Deepest nesting of parentheses. */
const maximumDepth = 64;

const qualifierBits: Readonly<Record<string, Qualifiers>> = {
  const: QUALIFIER_CONST,
  volatile: QUALIFIER_VOLATILE,
  restrict: QUALIFIER_RESTRICT,
};

/**
 * The type that a C type name (C11 6.7.7) means.
 * @throws {UsageError} `TYPE_NAME`
 * @throws {LookupError} for a name that is no type
 */
export function parseTypeName(text: string, types: NamedTypes): Type {
  if (text.length > maximumLength)
    throw new UsageError(`a type name of ${text.length} characters`, "TYPE_NAME");
  return new TypeNameParser(text, types).parse();
}

/** Turns the type to the left into the declared one. */
type Wrap = (inner: Type) => Type;

class TypeNameParser {
  readonly #text: string;
  readonly #types: NamedTypes;
  readonly #tokens: string[];
  #at = 0;
  #depth = 0;

  constructor(text: string, types: NamedTypes) {
    this.#text = text;
    this.#types = types;
    const tokens = text.match(/[A-Za-z_][A-Za-z0-9_]*|0[xX][0-9a-fA-F]+|[0-9]+|\.\.\.|\S/g);
    this.#tokens = tokens ?? [];
  }

  parse(): Type {
    const specifiers = this.#specifiers();
    const type = this.#declarator()(specifiers);
    if (this.#at < this.#tokens.length) throw this.#unexpected();
    return type;
  }

  #specifiers(): Type {
    let qualifiers = 0;
    let type: Type | undefined;
    const words: string[] = [];
    for (let token = this.#peek(); token !== undefined; token = this.#peek()) {
      const bit = qualifierBit(token);
      if (bit !== undefined) qualifiers |= bit;
      else if (primitiveWords.has(token) && type === undefined && !(token === "bool" && words.length === 0)) {
        words.push(token);
      } else if (type !== undefined || words.length > 0 || !isIdentifier(token)) break;
      else if (token === "struct" || token === "union" || token === "enum") {
        this.#at++;
        const tag = this.#peek();
        if (tag === undefined || !isIdentifier(tag)) throw this.#unexpected();
        type = this.#types.getNamed(token, tag);
      } else type = token === "void" ? Type.void() : this.#types.getNamed("ordinary", token);
      this.#at++;
    }
    if (words.length > 0) {
      const primitive = primitiveOf(words);
      if (primitive === undefined) throw this.#unexpected();
      type = this.#types.primitive(primitive);
    }
    if (type === undefined) throw this.#unexpected();
    return type.qualified(qualifiers);
  }

  /** Pointers, then what is in parentheses, then arrays and parameters: C reads them from the inside. */
  #declarator(): Wrap {
    if (++this.#depth > maximumDepth) throw this.#unexpected();
    const pointers: Qualifiers[] = [];
    while (this.#take("*")) {
      let qualifiers = 0;
      for (let bit = qualifierBit(this.#peek()); bit !== undefined; bit = qualifierBit(this.#peek())) {
        qualifiers |= bit;
        this.#at++;
      }
      pointers.push(qualifiers);
    }
    let inner: Wrap = (type) => type;
    const next = this.#tokens[this.#at + 1];
    if (this.#peek() === "(" && (next === "*" || next === "(" || next === "[")) {
      this.#at++;
      inner = this.#declarator();
      this.#expect(")");
    }
    const suffixes: Wrap[] = [];
    for (;;) {
      if (this.#take("[")) suffixes.push(this.#array());
      else if (this.#take("(")) suffixes.push(this.#function());
      else break;
    }
    this.#depth--;
    return (type) => {
      for (const qualifiers of pointers) type = Type.pointerTo(type).qualified(qualifiers);
      for (const suffix of suffixes.reverse()) type = suffix(type);
      return inner(type);
    };
  }

  #array(): Wrap {
    if (this.#take("]")) return (type) => Type.arrayOf(type, undefined);
    const length = Number(this.#peek());
    if (!Number.isSafeInteger(length)) throw this.#unexpected();
    this.#at++;
    this.#expect("]");
    return (type) => Type.arrayOf(type, length);
  }

  #function(): Wrap {
    const parameters: TypeParameter[] = [];
    let isVariadic = false;
    if (this.#take(")")) isVariadic = true;
    else if (this.#peek() === "void" && this.#tokens[this.#at + 1] === ")") this.#at += 2;
    else {
      do {
        if (this.#take("...")) {
          isVariadic = true;
          break;
        }
        const specifiers = this.#specifiers();
        parameters.push({ name: "", type: this.#declarator()(specifiers) });
      } while (this.#take(","));
      this.#expect(")");
    }
    return (type) => Type.function(type, parameters, isVariadic);
  }

  #peek(): string | undefined {
    return this.#tokens[this.#at];
  }

  #take(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at++;
    return true;
  }

  #expect(token: string): void {
    if (!this.#take(token)) throw this.#unexpected();
  }

  #unexpected(): UsageError {
    const token = this.#peek();
    const where = token === undefined ? "ends too early" : `has an unexpected "${token}"`;
    return new UsageError(`type name "${this.#text}" ${where}`, "TYPE_NAME");
  }
}

function isIdentifier(token: string): boolean {
  return /^[A-Za-z_]/.test(token);
}

function qualifierBit(token: string | undefined): Qualifiers | undefined {
  return token !== undefined && Object.hasOwn(qualifierBits, token) ? qualifierBits[token] : undefined;
}
