import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { binary, type BinaryOperator, compare, isTruthy, unary, type UnaryOperator } from "./arithmetic.ts";
import { basicType, commonType, convert, type Operand, promote } from "./conversions.ts";
import { ObjectRangeError, ObjectTypeError } from "./errors.ts";
import { type PrimitiveName, primitives } from "./primitive.ts";
import type { Scalar } from "./scalar.ts";
import { Type } from "./type.ts";

const names = (Object.keys(primitives) as PrimitiveName[]).filter((name) => name !== "long double");

function operand(name: PrimitiveName, value: Scalar, bitFieldSize = 0): Operand {
  return { type: basicType(name), bitFieldSize, value };
}

function hasCompiler(): boolean {
  try {
    execFileSync("cc", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** A literal of C that has exactly this type and value. */
function spelled({ type, value }: Operand): string {
  if (typeof value === "number") return `(${type.name})${value}`;
  return `(${type.name})0x${BigInt.asUintN(64, value!).toString(16)}ull`;
}

/** Value as C prints it in the checker below. */
function printed({ type, value }: Operand): string {
  return `${type.typeName()} ${typeof value === "number" ? value.toString() : BigInt.asUintN(64, value!).toString(16)}`;
}

/** What C makes of expressions: `type value` each. */
function compiled(expressions: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), "dwarfless-arithmetic-"));
  try {
    const kinds = names
      .filter((name) => name !== "float" && name !== "double")
      .map((name) => `${name}: "${name}"`)
      .join(", ");
    const lines = expressions.map(
      (text) => `{ __auto_type v = (${text}); show(TYPE(v), (unsigned long long)(v), (double)(v)); }`,
    );
    writeFileSync(
      join(folder, "a.c"),
      `#include <stdio.h>
#include <string.h>
#define TYPE(v) _Generic(v, ${kinds}, float: "float", double: "double")
static void show(const char *type, unsigned long long whole, double real) {
  if (!strcmp(type, "float") || !strcmp(type, "double")) printf("%s %.17g\\n", type, real);
  else printf("%s %llx\\n", type, whole);
}
int main(void) {
${lines.join("\n")}
return 0; }
`,
    );
    execFileSync("cc", ["-O0", "-w", "-fwrapv", "-std=gnu11", "a.c", "-o", "a"], { cwd: folder });
    return execFileSync(join(folder, "a"), { encoding: "utf8" }).trim().split("\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The same text for the same float, however it was printed. */
function normalized(text: string): string {
  return text.replace(
    /^(float|double) (.*)$/,
    (_, type: string, value: string) => `${type} ${Number(value)}`,
  );
}

const anyOperand = fc.constantFrom(...names).chain((name): fc.Arbitrary<Operand> => {
  const { kind, byteSize, isSigned } = primitives[name];
  if (kind === "bool") return fc.boolean().map((value) => operand(name, value ? 1n : 0n));
  if (kind === "float") {
    return fc.integer({ min: -100_000, max: 100_000 }).map((value) => operand(name, value / 8));
  }
  const bits = byteSize * 8;
  const edge = fc.constantFrom(0n, 1n, -1n, 1n << BigInt(bits - 1), (1n << BigInt(bits - 1)) - 1n, 7n, -8n);
  const any = fc.oneof(edge, fc.bigInt({ min: -(1n << 64n), max: 1n << 64n }));
  return any.map((value) =>
    operand(name, isSigned ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)),
  );
});

const operators: BinaryOperator[] = ["+", "-", "*", "/", "%", "<<", ">>", "&", "|", "^"];

/** Our result, or undefined for what C leaves undefined or refuses. */
function defined(operator: BinaryOperator, left: Operand, right: Operand): Operand | undefined {
  try {
    const common = commonType(left, right);
    const rightValue = convert(right, common.type);
    if ((operator === "/" || operator === "%") && Number(rightValue) === 0) return undefined;
    // The quotient of the least number by -1 does not fit: the processor traps.
    if ((operator === "/" || operator === "%") && rightValue === -1n) return undefined;
    if (operator === "<<" || operator === ">>") {
      const width = promote(left).type.byteSize * 8;
      if (typeof right.value === "number" || right.value! < 0n || right.value! >= BigInt(width))
        return undefined;
    }
    return binary(operator, left, right);
  } catch (error) {
    if (error instanceof ObjectTypeError) return undefined;
    throw error;
  }
}

describe.skipIf(!hasCompiler())("arithmetic as the C compiler does it", () => {
  const sample = { numRuns: 500 };

  it("for binary operators", () => {
    const cases = fc
      .sample(fc.tuple(fc.constantFrom(...operators), anyOperand, anyOperand), sample)
      .map(([operator, left, right]) => ({ operator, left, right, result: defined(operator, left, right) }))
      .filter((each) => each.result !== undefined);
    expect(cases.length).toBeGreaterThan(250);
    const answers = compiled(
      cases.map(({ operator, left, right }) => `${spelled(left)} ${operator} ${spelled(right)}`),
    );
    cases.forEach(({ operator, left, right, result }, index) => {
      expect(normalized(printed(result!)), `${spelled(left)} ${operator} ${spelled(right)}`).toBe(
        normalized(answers[index]!),
      );
    });
  }, 60_000);

  it("for unary operators, comparisons and casts", () => {
    const cases = fc.sample(fc.tuple(anyOperand, anyOperand, fc.constantFrom(...names)), sample);
    const expressions: string[] = [];
    const results: string[] = [];
    const check = (text: string, result: () => Operand): void => {
      try {
        results.push(printed(result()));
        expressions.push(text);
      } catch (error) {
        if (!(error instanceof ObjectTypeError)) throw error;
      }
    };
    for (const [left, right, name] of cases) {
      const order = compare(left, right);
      for (const operator of ["+", "-", "~"] as UnaryOperator[]) {
        check(`${operator}${spelled(left)}`, () => unary(operator, left));
      }
      check(`${spelled(left)} < ${spelled(right)}`, () => operand("int", order < 0 ? 1n : 0n));
      check(`${spelled(left)} == ${spelled(right)}`, () => operand("int", order === 0 ? 1n : 0n));
      check(`!${spelled(left)}`, () => operand("int", isTruthy(left) ? 0n : 1n));
      // A float that does not fit an integer is undefined in C.
      const fits = typeof left.value === "bigint" || !["int", "bool"].includes(primitives[name].kind);
      if (fits)
        check(`(${name})${spelled(left)}`, () => ({
          ...operand(name, 0n),
          value: convert(left, basicType(name)),
        }));
    }
    const answers = compiled(expressions);
    results.forEach((result, index) => {
      expect(normalized(result), expressions[index]!).toBe(normalized(answers[index]!));
    });
  }, 60_000);
});

describe("arithmetic", () => {
  const pointer = (target: Type, value: bigint): Operand => ({
    type: Type.pointerTo(target),
    bitFieldSize: 0,
    value,
  });

  it("promotes bit fields by their width", () => {
    expect(promote(operand("unsigned int", 1n, 3)).type.typeName()).toBe("int");
    expect(promote(operand("unsigned int", 1n, 32)).type.typeName()).toBe("unsigned int");
    expect(promote(operand("unsigned long", 1n, 31)).type.typeName()).toBe("int");
    expect(promote(operand("unsigned long", 1n, 40))).toMatchObject({ bitFieldSize: 40 });
    expect(binary("+", operand("unsigned long", (1n << 40n) - 1n, 40), operand("int", 1n)).value).toBe(0n);
  });

  it("wraps pointers at 2^64 and counts in elements", () => {
    const ints = pointer(basicType("int"), 0xfffffffffffffffcn);
    expect(binary("+", ints, operand("int", 1n)).value).toBe(0n);
    expect(binary("+", operand("long", -1n), ints).value).toBe(0xfffffffffffffff8n);
    expect(binary("-", ints, operand("unsigned int", 1n)).value).toBe(0xfffffffffffffff8n);
    expect(binary("-", ints, pointer(basicType("int"), 0xfffffffffffffff0n)).value).toBe(3n);
    expect(binary("+", pointer(Type.void(), 5n), operand("int", 3n)).value).toBe(8n);
    expect(() => binary("-", ints, pointer(basicType("char"), 0n))).toThrow(ObjectTypeError);
    expect(() => binary("*", ints, operand("int", 1n))).toThrow(
      'invalid operands to binary * ("int *" and "int")',
    );
    expect(() => binary("-", operand("int", 1n), ints)).toThrow(ObjectTypeError);
    expect(() => binary("+", ints, operand("double", 1))).toThrow(ObjectTypeError);
  });

  it("compares pointers as addresses, with numbers too", () => {
    const high = pointer(basicType("int"), 0xffffffff81000000n);
    expect(compare(high, pointer(basicType("char"), 1n))).toBe(1);
    expect(compare(high, operand("int", 0n))).toBe(1);
    expect(() => compare(high, operand("double", 0))).toThrow(ObjectTypeError);
  });

  it("refuses what has no result", () => {
    expect(() => binary("/", operand("int", 1n), operand("int", 0n))).toThrow(ObjectRangeError);
    expect(() => binary("%", operand("int", 1n), operand("int", 0n))).toThrow(ObjectRangeError);
    expect(() => binary("<<", operand("int", 1n), operand("int", -1n))).toThrow(ObjectRangeError);
    expect(() => unary("~", operand("double", 1))).toThrow(ObjectTypeError);
    expect(binary("<<", operand("int", 1n), operand("unsigned long", 1n << 63n)).value).toBe(0n);
    expect(binary(">>", operand("int", -1n), operand("int", 200n)).value).toBe(-1n);
  });

  it("saturates floats that leave the integer's range", () => {
    const int = basicType("int");
    expect(convert(operand("double", 1e300), int)).toBe(0x7fffffffn);
    expect(convert(operand("double", -1e300), int)).toBe(-0x80000000n);
    expect(convert(operand("double", NaN), int)).toBe(0n);
    expect(convert(operand("double", -1), basicType("unsigned int"))).toBe(0n);
    expect(convert(operand("double", Infinity), basicType("unsigned long"))).toBe((1n << 64n) - 1n);
  });
});
