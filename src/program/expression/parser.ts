import { ExpressionError } from "./expression-error.ts";
import type { BinaryOperator, DesignatorStep, Expression, UnaryOperator } from "./syntax-tree.ts";
import { isPunctuator, TokenStream } from "./token-stream.ts";
import type { Range, Token } from "./tokens.ts";
import { isTypeWord, TypeNameParser, type TypeNames } from "./type-name-parser.ts";

/** C's binary operators by how tightly they bind; `?:` stands between the comma and `||`. */
const precedences: ReadonlyMap<string, number> = new Map([
  [",", 1],
  ["||", 3],
  ["&&", 4],
  ["|", 5],
  ["^", 6],
  ["&", 7],
  ["==", 8],
  ["!=", 8],
  ["<", 9],
  ["<=", 9],
  [">", 9],
  [">=", 9],
  ["<<", 10],
  [">>", 10],
  ["+", 11],
  ["-", 11],
  ["*", 12],
  ["/", 12],
  ["%", 12],
]);
const tightestComma = 1;
const loosestBinary = 3;

const unaryOperators: ReadonlySet<string> = new Set(["+", "-", "~", "!", "*", "&"]);
const assignments: ReadonlySet<string> = new Set([
  "=",
  "+=",
  "-=",
  "*=",
  "/=",
  "%=",
  "&=",
  "^=",
  "|=",
  "<<=",
  ">>=",
  "++",
  "--",
]);
const offsetofWords: ReadonlySet<string> = new Set(["offsetof", "__builtin_offsetof"]);

/**
 * Parse a C expression.
 * @param names tells typedefs from variables, which C's grammar needs.
 * @throws {ExpressionError} `EXPRESSION_SYNTAX`, `EXPRESSION_UNSUPPORTED`, `EXPRESSION_LIMIT`
 */
export function parseExpression(text: string, names: TypeNames): Expression {
  const parser = new Parser(new TokenStream(text), names);
  return parser.whole(() => parser.expression());
}

/** Parse a type name as in a cast: `struct list_head *`, `int (*)(void)`. */
export function parseTypeName(text: string, names: TypeNames): ReturnType<TypeNameParser["parse"]> {
  const parser = new Parser(new TokenStream(text), names);
  return parser.whole(() => parser.types.parse());
}

class Parser {
  readonly types: TypeNameParser;
  readonly #stream: TokenStream;

  constructor(stream: TokenStream, names: TypeNames) {
    this.#stream = stream;
    this.types = new TypeNameParser(stream, names, () => this.expression());
  }

  /** What `parse` reads, if nothing follows. */
  whole<Result>(parse: () => Result): Result {
    const result = parse();
    this.#refuseAssignment();
    if (this.#stream.current.kind !== "end") throw this.#stream.unexpected("an operator or the end");
    return result;
  }

  expression(): Expression {
    return this.#binary(tightestComma);
  }

  /** An expression without a comma of its own: an argument. */
  #argument(): Expression {
    return this.#stream.nested(() => this.#conditional());
  }

  #binary(minimum: number): Expression {
    const stream = this.#stream;
    let left = minimum < loosestBinary ? this.#conditional() : this.#unary();
    for (;;) {
      const operator = stream.current;
      const precedence = operator.kind === "punctuator" ? precedences.get(operator.text) : undefined;
      if (precedence === undefined || precedence < minimum) return left;
      // Behind a conditional only a comma may come: what binds tighter, it has already read.
      stream.advance();
      const right = this.#binary(precedence + 1);
      left = {
        kind: "binary",
        operator: operator.text as BinaryOperator,
        left,
        right,
        at: operator,
        start: left.start,
        end: right.end,
      };
    }
  }

  #conditional(): Expression {
    const stream = this.#stream;
    const condition = this.#binary(loosestBinary);
    this.#refuseAssignment();
    if (!stream.isAt("?")) return condition;
    const at = stream.advance();
    const whenTrue = stream.isAt(":") ? undefined : stream.nested(() => this.expression());
    stream.expect(":", 'after "?"');
    const whenFalse = stream.nested(() => this.#conditional());
    return {
      kind: "conditional",
      condition,
      whenTrue,
      whenFalse,
      at,
      start: condition.start,
      end: whenFalse.end,
    };
  }

  #refuseAssignment(): void {
    const { kind, text } = this.#stream.current;
    if (kind === "punctuator" && assignments.has(text)) {
      throw this.#stream.error(
        "EXPRESSION_UNSUPPORTED",
        `"${text}" would change the kernel's memory, which is only read`,
      );
    }
  }

  #unary(): Expression {
    const stream = this.#stream;
    const token = stream.current;
    if (token.kind === "punctuator") {
      if (unaryOperators.has(token.text)) {
        stream.advance();
        const operand = stream.nested(() => this.#unary());
        const operator = token.text as UnaryOperator;
        return { kind: "unary", operator, operand, at: token, start: token.start, end: operand.end };
      }
      if (token.text === "(") {
        const cast = this.#castIf();
        if (cast !== undefined) return cast;
      }
      this.#refuseAssignment();
    } else if (stream.isAtWord("sizeof")) {
      return this.#sizeof();
    }
    return this.#postfix(this.#primary());
  }

  /**
   * `(type) operand`. A typedef's name in parentheses is a cast if an operand can follow, also
   * where a variable has that name.
   */
  #castIf(): Expression | undefined {
    const stream = this.#stream;
    const position = stream.position;
    const open = stream.advance();
    if (!this.types.isTypeStart()) {
      stream.position = position;
      return undefined;
    }
    const isSurelyType = isTypeWord(stream.current);
    const type = this.#typeIf(isSurelyType);
    const close = stream.current;
    if (type !== undefined && (isSurelyType || (isPunctuator(close, ")") && beginsOperand(stream.peek())))) {
      stream.expect(")", "to close the cast");
      if (stream.isAt("{"))
        throw stream.error("EXPRESSION_UNSUPPORTED", "compound literals are not supported");
      const operand = stream.nested(() => this.#unary());
      return {
        kind: "cast",
        type,
        operand,
        at: { start: open.start, end: close.end },
        start: open.start,
        end: operand.end,
      };
    }
    stream.position = position;
    return undefined;
  }

  /** A type, or undefined where words that need not be a type do not go on as one. */
  #typeIf(isSurelyType: boolean): ReturnType<TypeNameParser["parse"]> | undefined {
    if (isSurelyType) return this.#stream.nested(() => this.types.parse());
    try {
      return this.#stream.nested(() => this.types.parse());
    } catch (error) {
      if (error instanceof ExpressionError && error.code === "EXPRESSION_SYNTAX") return undefined;
      throw error;
    }
  }

  #sizeof(): Expression {
    const stream = this.#stream;
    const at = stream.advance();
    if (stream.isAt("(") && this.types.isTypeStart(1)) {
      const position = stream.position;
      stream.advance();
      const isSurelyType = isTypeWord(stream.current);
      const type = this.#typeIf(isSurelyType);
      if (type !== undefined && (isSurelyType || stream.isAt(")"))) {
        const { end } = stream.expect(")", "to close sizeof");
        return { kind: "sizeof-type", type, at, start: at.start, end };
      }
      stream.position = position;
    }
    const operand = stream.nested(() => this.#unary());
    return { kind: "sizeof", operand, at, start: at.start, end: operand.end };
  }

  #postfix(base: Expression): Expression {
    const stream = this.#stream;
    for (;;) {
      const token = stream.current;
      const { start } = base;
      if (token.kind !== "punctuator") return base;
      if (token.text === "." || token.text === "->") {
        stream.advance();
        const name = stream.expectName("the name of a member");
        base = {
          kind: "member",
          base,
          name: name.text,
          isArrow: token.text === "->",
          at: name,
          start,
          end: name.end,
        };
      } else if (token.text === "[") {
        stream.advance();
        const index = stream.nested(() => this.expression());
        const { end } = stream.expect("]", "to close the index");
        base = { kind: "index", base, index, at: { start: token.start, end }, start, end };
      } else if (token.text === "(") {
        throw stream.error("EXPRESSION_UNSUPPORTED", "functions cannot be called: nothing runs in a dump");
      } else {
        return base;
      }
    }
  }

  #primary(): Expression {
    const stream = this.#stream;
    const token = stream.current;
    const range = { at: token, start: token.start, end: token.end };
    switch (token.kind) {
      case "number":
        stream.advance();
        return { kind: "number", literal: token.number!, ...range };
      case "character":
        stream.advance();
        return { kind: "character", byte: token.bytes![0]!, ...range };
      case "string":
        return this.#string();
      case "name":
        return this.#nameOrMacro(token);
      default:
        if (!stream.isAt("(")) throw stream.unexpected("an expression");
        return this.#parenthesized(token);
    }
  }

  #parenthesized(open: Token): Expression {
    const stream = this.#stream;
    stream.advance();
    if (stream.isAt("{")) throw stream.error("EXPRESSION_UNSUPPORTED", "statements are not supported");
    const inner = stream.nested(() => this.expression());
    const { end } = stream.expect(")", "to close the parenthesis");
    return { ...inner, start: open.start, end };
  }

  #string(): Expression {
    const first = this.#stream.current;
    const bytes: number[] = [];
    let end = first.end;
    while (this.#stream.current.kind === "string") {
      const token = this.#stream.advance();
      for (const byte of token.bytes!) bytes.push(byte);
      end = token.end;
    }
    return {
      kind: "string",
      bytes: Uint8Array.from(bytes),
      at: { start: first.start, end },
      start: first.start,
      end,
    };
  }

  #nameOrMacro(first: Token): Expression {
    const stream = this.#stream;
    if (first.quoted !== true) {
      if (isPunctuator(stream.peek(), "(")) {
        if (offsetofWords.has(first.text)) return this.#offsetof();
        if (first.text === "container_of") return this.#containerOf();
        if (first.text === "per_cpu" || first.text === "per_cpu_ptr") return this.#perCpu();
      }
      if (isTypeWord(first)) throw stream.error("EXPRESSION_SYNTAX", "a type where a value should stand");
    }
    let name = stream.advance();
    let module: string | undefined;
    if (stream.accept("::")) {
      module = name.text;
      name = stream.expectName("a name in the module");
    }
    let end = name.end;
    let address: bigint | undefined;
    if (stream.accept("@")) {
      const number = stream.current;
      if (number.kind !== "number") throw stream.unexpected("an address");
      stream.advance();
      address = number.number!.value;
      end = number.end;
    }
    const start = first.start;
    return {
      kind: "name",
      name: name.text,
      ...(module === undefined ? {} : { module }),
      ...(address === undefined ? {} : { address }),
      at: { start, end },
      start,
      end,
    };
  }

  #offsetof(): Expression {
    const stream = this.#stream;
    const at = stream.advance();
    stream.expect("(", "after offsetof");
    const type = stream.nested(() => this.types.parse());
    stream.expect(",", "between the type and its member");
    const designator = this.#designator();
    const { end } = stream.expect(")", "to close offsetof");
    return { kind: "offsetof", type, designator, at, start: at.start, end };
  }

  #containerOf(): Expression {
    const stream = this.#stream;
    const at = stream.advance();
    stream.expect("(", "after container_of");
    const pointer = this.#argument();
    stream.expect(",", "between the pointer and the type");
    const type = stream.nested(() => this.types.parse());
    stream.expect(",", "between the type and its member");
    const designator = this.#designator();
    const { end } = stream.expect(")", "to close container_of");
    return { kind: "container-of", pointer, type, designator, at, start: at.start, end };
  }

  #perCpu(): Expression {
    const stream = this.#stream;
    const at = stream.advance();
    const isPointer = at.text === "per_cpu_ptr";
    stream.expect("(", `after ${at.text}`);
    const operand = this.#argument();
    stream.expect(",", "between the variable and the CPU's number");
    const cpu = this.#argument();
    const { end } = stream.expect(")", `to close ${at.text}`);
    return { kind: "per-cpu", operand, cpu, isPointer, at, start: at.start, end };
  }

  #designator(): DesignatorStep[] {
    const stream = this.#stream;
    const first = stream.expectName("the name of a member");
    const steps: DesignatorStep[] = [{ kind: "member", name: first.text, at: first }];
    for (;;) {
      const token = stream.current;
      if (stream.accept(".")) {
        const name = stream.expectName("the name of a member");
        steps.push({ kind: "member", name: name.text, at: name });
      } else if (stream.accept("[")) {
        const index = stream.nested(() => this.expression());
        const { end } = stream.expect("]", "to close the index");
        const at: Range = { start: token.start, end };
        steps.push({ kind: "index", index, at });
      } else {
        return steps;
      }
    }
  }
}

/** True for a token that the operand of a cast can begin with. */
function beginsOperand(token: Token): boolean {
  if (token.kind === "punctuator") return unaryOperators.has(token.text) || token.text === "(";
  return token.kind !== "end";
}
