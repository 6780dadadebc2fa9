import { describe, expect, it } from "vitest";
import { ExpressionError } from "./expression-error.ts";
import { parseExpression, parseTypeName } from "./parser.ts";
import { sexpr, typeText } from "../../../test/build/expression-text.ts";

const typedefs = new Set(["u64", "pid_t", "size_t", "list_t", "ext4::journal_t"]);
const names = {
  isTypeName: (name: string, module?: string): boolean =>
    typedefs.has(module === undefined ? name : `${module}::${name}`),
};
const parse = (text: string): string => sexpr(parseExpression(text, names));
const kind = (text: string): string => parseExpression(text, names).kind;

describe("parseExpression", () => {
  it.each([
    ["1", "1"],
    ["0x1fUL", "31ul"],
    ["0b101ll", "5ll"],
    ["017u", "15u"],
    ["18446744073709551615", "18446744073709551615"],
    ["0xe+1", "(+ 14 1)"],
    ["'a'", "'97'"],
    ["'\\n'", "'10'"],
    ["'\\x41'", "'65'"],
    ["'\\101'", "'65'"],
    ["'\\''", "'39'"],
    ['"ab" "\\0c"', '"97,98,0,99"'],
    ["a", "a"],
    ["a /* one */ + // two\n b", "(+ a b)"],
    ["a + b * c", "(+ a (* b c))"],
    ["a * b + c", "(+ (* a b) c)"],
    ["a - b - c", "(- (- a b) c)"],
    ["a << b + c", "(<< a (+ b c))"],
    ["a < b << c", "(< a (<< b c))"],
    ["a == b < c", "(== a (< b c))"],
    ["a & b == c", "(& a (== b c))"],
    ["a ^ b & c", "(^ a (& b c))"],
    ["a | b ^ c", "(| a (^ b c))"],
    ["a && b | c", "(&& a (| b c))"],
    ["a || b && c", "(|| a (&& b c))"],
    ["a ? b : c ? d : e", "(? a b (? c d e))"],
    ["a ? b, c : d", "(? a (, b c) d)"],
    ["a ?: b", "(? a - b)"],
    ["a || b ? c : d", "(? (|| a b) c d)"],
    ["a, b, c", "(, (, a b) c)"],
    ["-a * b", "(* (-u a) b)"],
    ["!~-+a", "(!u (~u (-u (+u a))))"],
    ["*a.b", "(*u (. a b))"],
    ["*a->b[1].c", "(*u (. ([] (-> a b) 1) c))"],
    ["(*a).b", "(. (*u a) b)"],
    ["&a[1]", "(&u ([] a 1))"],
    ["a & &b", "(& a (&u b))"],
    ["a[b, c]", "([] a (, b c))"],
    ["a.struct", "(. a struct)"],
    ["(int)a", "(cast int a)"],
    ["(unsigned long)-1", "(cast unsigned long (-u 1))"],
    ["(u64)a", "(cast u64 a)"],
    ["(u64)-a", "(cast u64 (-u a))"],
    ["(u64)*a", "(cast u64 (*u a))"],
    ["(v)-a", "(- v a)"],
    ["(u64)", "u64"],
    ["(u64)->b", "(-> u64 b)"],
    ["(u64.b)", "(. u64 b)"],
    ["(u64 * 2)", "(* u64 2)"],
    ["(u64 *)a", "(cast u64 * a)"],
    ["(u64)(pid_t)a.b", "(cast u64 (cast pid_t (. a b)))"],
    ["((struct a *)b)->c", "(-> (cast struct a * b) c)"],
    ["(struct a *)b->c", "(cast struct a * (-> b c))"],
    ["(struct a **)b + 1", "(+ (cast struct a ** b) 1)"],
    ["(ext4::journal_t *)a", "(cast ext4::journal_t * a)"],
    ["(struct ext4::j *)a", "(cast struct ext4::j * a)"],
    ["(void (*)(int, ...))a", "(cast fn(int, ...)->void * a)"],
    ["(const char *const)a", "(cast const(const(char) *) a)"],
    ["(struct page __rcu *)a", "(cast struct page * a)"],
    ["(int[2])a", "(cast [2]int a)"],
    ["(typeof(a.b) *)c", "(cast typeof((. a b)) * c)"],
    ["(typeof(struct x))c", "(cast struct x c)"],
    ["sizeof a", "(sizeof a)"],
    ["sizeof a + 1", "(+ (sizeof a) 1)"],
    ["sizeof(a)[1]", "(sizeof ([] a 1))"],
    ["sizeof(struct a)", "(sizeof-type struct a)"],
    ["sizeof(u64)", "(sizeof-type u64)"],
    ["sizeof(struct a) * 2", "(* (sizeof-type struct a) 2)"],
    ["sizeof (int)a", "!EXPRESSION_SYNTAX 13"],
    ["sizeof(u64.x)", "(sizeof (. u64 x))"],
    ["offsetof(struct a, b.c[1].d)", "(offsetof struct a b.c[1].d)"],
    ["offsetof", "offsetof"],
    ["container_of(p->q, struct a, b.c)", "(container_of (-> p q) struct a b.c)"],
    ["container_of", "container_of"],
    ["per_cpu(runqueues, 1).curr", "(. (per_cpu runqueues 1) curr)"],
    ["per_cpu_ptr(&a, 0)", "(per_cpu_ptr (&u a) 0)"],
    ["ext4::a.b", "(. ext4::a b)"],
    ["a@0xffff", "a@0xffff"],
    ["ext4::a@0x10", "ext4::a@0x10"],
    ["state.3", "state.3"],
    ["state.3.4.b", "(. state.3.4 b)"],
    ["`a.constprop.0`", "a.constprop.0"],
    ["&`sizeof`", "(&u sizeof)"],
  ])("reads %s", (text, expected) => {
    const refusal = /^!(\w+) (\d+)$/.exec(expected);
    if (refusal === null) expect(parse(text)).toBe(expected);
    else
      expect(() => parse(text)).toThrow(
        expect.objectContaining({ code: refusal[1], column: Number(refusal[2]) }),
      );
  });

  it.each([
    ["", 1, "expected an expression, found the end"],
    ["1 +", 4, "expected an expression, found the end"],
    ["(1", 3, 'expected ")" to close the parenthesis, found the end'],
    ["1 2", 3, 'expected an operator or the end, found "2"'],
    ["a b", 3, 'expected an operator or the end, found "b"'],
    ["a->", 4, "expected the name of a member, found the end"],
    ["a[1", 4, 'expected "]" to close the index, found the end'],
    ["a ? b", 6, 'expected ":" after "?", found the end'],
    ["08", 1, "bad octal number"],
    ["0x", 1, "bad hexadecimal number"],
    ["0b2", 1, "bad binary number"],
    ["1.5", 1, "floating-point numbers are not supported"],
    ["a + 1e5", 5, "floating-point numbers are not supported"],
    ["12abc", 1, 'bad ending "abc" of a number'],
    ["1lul", 1, 'bad ending "lul" of a number'],
    ["1lL", 1, 'bad ending "lL" of a number'],
    ["0x10000000000000000", 1, "number does not fit 64 bits"],
    ["''", 1, "empty character"],
    ["'ab'", 1, "more than one byte in a character"],
    ["'é'", 1, "more than one byte in a character"],
    ["'a", 3, "character without closing '"],
    ['"a\nb"', 3, 'string without closing "'],
    ["'\\q'", 2, "unknown escape"],
    ["'\\400'", 2, "unknown escape"],
    ["a /* b", 3, "comment without end"],
    ["a + “", 5, '"“" has no meaning in C'],
    ["a # b", 3, '"#" has no meaning in C'],
    ["`a", 3, "name in back quotes without end"],
    ["a = 1", 3, '"=" would change'],
    ["a.b += 1", 5, '"+=" would change'],
    ["++a", 1, '"++" would change'],
    ["a++", 2, '"++" would change'],
    ["f(1)", 2, "functions cannot be called"],
    ["a->f()", 5, "functions cannot be called"],
    ["(struct a){1}", 11, "compound literals"],
    ["({ 1; })", 2, "statements"],
    ["(struct { int a; } *)b", 9, "a struct can be named here, not declared"],
    ["(struct)a", 8, "expected the name of the struct"],
    ["struct a", 1, "a type where a value should stand"],
    ["1 + int", 5, "a type where a value should stand"],
    ["(unsigned long a", 16, 'expected ")" to close the cast, found "a"'],
    ["offsetof(struct a)", 18, 'expected "," between the type and its member'],
    ["container_of(a, struct b)", 25, 'expected "," between the type and its member'],
    ["per_cpu(a)", 10, 'expected "," between the variable'],
    ["a@b", 3, "expected an address"],
    ["a;", 2, 'expected an operator or the end, found ";"'],
    ["a\n+ *\n  ) ", 3, 'line 3, column 3: expected an expression, found ")"'],
  ])("points into %j at column %i", (text, column, message) => {
    let thrown: unknown;
    try {
      parse(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ExpressionError);
    expect((thrown as ExpressionError).column).toBe(column);
    expect((thrown as ExpressionError).message).toContain(message);
  });

  it("tells what lacks an end from what is wrong", () => {
    const isIncomplete = (text: string): boolean => {
      try {
        parse(text);
      } catch (error) {
        return (error as ExpressionError).isIncomplete;
      }
      return false;
    };
    for (const text of ["1 +", "(a", "a[", "a ?", "sizeof(", "a /* b", "`a", " ( 1 + \n"]) {
      expect([text, isIncomplete(text)]).toEqual([text, text !== "a /* b"]);
    }
    for (const text of ["1 2", ")", "a = 1", "08", "1"])
      expect([text, isIncomplete(text)]).toEqual([text, false]);
  });
});

describe("limits of the parser", () => {
  const code = (text: string): string => {
    try {
      kind(text);
      return "parsed";
    } catch (error) {
      if (error instanceof ExpressionError) return error.code;
      throw error;
    }
  };

  it.each([
    ["parentheses", (n: number) => "(".repeat(n) + "1" + ")".repeat(n)],
    ["prefix operators", (n: number) => "!".repeat(n) + "1"],
    ["indexes", (n: number) => "a[".repeat(n) + "1" + "]".repeat(n)],
    ["casts", (n: number) => "(int)".repeat(n) + "1"],
    ["branches", (n: number) => "a ? ".repeat(n) + "1" + " : 2".repeat(n)],
    ["other branches", (n: number) => "1" + " ? 2 : a".repeat(n)],
    ["pointers", (n: number) => `(int ${"*".repeat(n)})a`],
    ["declarators", (n: number) => `(int ${"(*".repeat(n)}${")".repeat(n)})a`],
    ["arrays of a type", (n: number) => `(int ${"[1]".repeat(n)})a`],
    ["array lengths", (n: number) => "sizeof(int[".repeat(n) + "1" + "])".repeat(n)],
    ["typeof", (n: number) => "sizeof(" + "typeof(".repeat(n) + "1" + ")".repeat(n) + ")"],
    ["per_cpu", (n: number) => "per_cpu(".repeat(n) + "a" + ",0)".repeat(n)],
  ])("reads 60 nested %s and refuses 1000 and 5000", (_, make) => {
    expect(code(make(60))).toBe("parsed");
    expect(code(make(1000))).toBe("EXPRESSION_LIMIT");
    expect(code(make(5000))).toBe("EXPRESSION_LIMIT");
  });

  it("reads long chains that do not nest", () => {
    expect(code("1" + "+1".repeat(30000))).toBe("parsed");
    expect(code("a" + ".b".repeat(30000))).toBe("parsed");
    expect(code("1" + "||0".repeat(20000))).toBe("parsed");
  });

  it("refuses text of more than 64 KiB", () => {
    expect(code(" ".repeat(65535) + "1")).toBe("parsed");
    expect(code(" ".repeat(65536) + "1")).toBe("EXPRESSION_LIMIT");
  });

  it("does not try all ways to read what could be types", () => {
    expect(code("(u64[".repeat(100))).toBe("EXPRESSION_LIMIT");
    expect(code("sizeof(u64[".repeat(100))).toBe("EXPRESSION_LIMIT");
    expect(code("(u64[".repeat(99) + "1" + "])".repeat(99))).not.toBe("RangeError");
  });
});

describe("parseTypeName", () => {
  it.each([
    ["int", "int"],
    ["long unsigned int", "long unsigned int"],
    ["unsigned const long", "const(unsigned long)"],
    ["struct a", "struct a"],
    ["struct a *[4]", "[4]struct a *"],
    ["struct a (*)[4]", "[4]struct a *"],
    ["int[2][3]", "[2][3]int"],
    ["int *(*(*)(void))[3]", "fn()->[3]int ***"],
    ["int (*)(int a, struct b *c)", "fn(int, struct b *)->int *"],
    ["int (*[2])(u64 (*)(int))", "[2]fn(fn(int)->u64 *)->int *"],
    ["int ()", "fn(...)->int"],
    ["char []", "[]char"],
    ["u64 const *volatile", "volatile(const(u64) *)"],
    ["enum a", "enum a"],
  ])("reads %s", (text, expected) => {
    expect(typeText(parseTypeName(text, names))).toBe(expected);
  });

  it.each([
    ["", 1],
    ["int int int int int int", 21],
    ["struct", 7],
    ["struct a b", 10],
    ["int (*", 7],
    ["unsigned u64", 10],
  ])("refuses %j at column %i", (text, column) => {
    expect(() => parseTypeName(text, names)).toThrow(expect.objectContaining({ column }));
  });
});
