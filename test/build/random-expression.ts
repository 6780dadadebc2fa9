import fc from "fast-check";

/** A tree that is C once it is written. */
interface Tree {
  text: string;
}

const numbers = fc.oneof(
  fc.constantFrom(
    "0",
    "1",
    "2",
    "7",
    "31",
    "63",
    "127",
    "128",
    "255",
    "256",
    "0x7fffffff",
    "0x80000000",
    "0xffffffff",
  ),
  fc.constantFrom(
    "0x100000000",
    "0x7fffffffffffffff",
    "0x8000000000000000",
    "0xffffffffffffffff",
    "'a'",
    "010",
  ),
  fc.nat(1000).map(String),
);
const suffixes = fc.constantFrom("", "", "", "u", "l", "ul", "ll", "ull", "UL", "LLU");
const types = fc.constantFrom(
  "char",
  "signed char",
  "unsigned char",
  "short",
  "unsigned short",
  "int",
  "unsigned int",
  "long",
  "unsigned long",
  "long long",
  "unsigned long long",
  "_Bool",
);

const leaf: fc.Arbitrary<Tree> = fc
  .tuple(numbers, suffixes)
  .map(([number, suffix]) => ({ text: number.startsWith("'") ? number : `${number}${suffix}` }));

const tree = fc.letrec<{ node: Tree }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    fc
      .tuple(
        fc.constantFrom("+", "-", "*", "&", "|", "^", "==", "!=", "<", "<=", ">", ">=", "&&", "||"),
        tie("node"),
        tie("node"),
      )
      .map(([operator, left, right]) => ({ text: `(${left.text} ${operator} ${right.text})` })),
    // Divisors that are not 0, counts that are within the width: what C leaves undefined has no answer.
    fc.tuple(fc.constantFrom("/", "%"), tie("node"), tie("node")).map(([operator, left, right]) => ({
      text: `(${left.text} ${operator} ((${right.text} & 1023) + 1))`,
    })),
    fc
      .tuple(fc.constantFrom("<<", ">>"), tie("node"), tie("node"))
      .map(([operator, left, right]) => ({ text: `(${left.text} ${operator} (${right.text} & 31))` })),
    fc.tuple(fc.constantFrom("-", "~", "!", "+"), tie("node")).map(([operator, operand]) => ({
      text: `${operator} ${operand.text}`,
    })),
    fc.tuple(types, tie("node")).map(([type, operand]) => ({ text: `(${type})${operand.text}` })),
    fc.tuple(tie("node"), tie("node"), tie("node")).map(([condition, a, b]) => ({
      text: `(${condition.text} ? ${a.text} : ${b.text})`,
    })),
    tie("node").map((operand) => ({ text: `sizeof(${operand.text})` })),
    fc.tuple(types, types).map(([a, b]) => ({ text: `sizeof(${a}) + sizeof((${b})1 + 1)` })),
  ),
}));

/** Arithmetic expressions over literals, as text; without the comma, at which gcc 12 fails within itself. */
export const arithmetic: fc.Arbitrary<string> = tree.node.map(({ text }) => text);
