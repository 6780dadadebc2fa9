import type { Program } from "../program.ts";
import { basicType } from "../conversions.ts";
import { KernelObject } from "../object.ts";
import { isScalar } from "../scalar.ts";
import { Type } from "../type.ts";
import { choose } from "./conditional.ts";
import { designate } from "./designation.ts";
import { errorAt, ExpressionError } from "./expression-error.ts";
import { type Meaning, ProgramNames } from "./program-names.ts";
import type {
  BinaryNode,
  CastNode,
  ConditionalNode,
  ContainerOfNode,
  Expression,
  IndexNode,
  MemberNode,
  NameNode,
  PerCpuNode,
  TypeName,
  UnaryNode,
} from "./syntax-tree.ts";
import { characterValue, numberObject, stringObject } from "./literals.ts";
import { comparison } from "./comparison.ts";
import type { Range } from "./tokens.ts";
import { decayedType, resolveType, type TypeExpressions } from "./type-resolver.ts";

/** `sizeof` and `offsetof` have C's `size_t`. */
const sizeTypeName = "unsigned long";

/**
 * Evaluates parsed expressions over a program. One that only asks for types (`sizeof`, `typeof`, the
 * branch not taken) reads no memory: wherever a value would be read, it takes 1, which divides,
 * shifts and is true.
 */
export class Evaluation implements TypeExpressions {
  readonly text: string;
  readonly names: ProgramNames;
  readonly #program: Program;
  readonly #isTypeOnly: boolean;
  #typeOnly: Evaluation | undefined;

  constructor(program: Program, text: string, isTypeOnly = false) {
    this.#program = program;
    this.text = text;
    this.names = new ProgramNames(program);
    this.#isTypeOnly = isTypeOnly;
  }

  /** The object that an expression means: a place where it has one, else a value. */
  evaluate(node: Expression): KernelObject {
    // Chains such as 1+1+1 and a.b[0].c lean to the left and may be long: no recursion along them.
    const chain: (BinaryNode | MemberNode | IndexNode)[] = [];
    let start = node;
    while (start.kind === "binary" || start.kind === "member" || start.kind === "index") {
      chain.push(start);
      start = start.kind === "binary" ? start.left : start.base;
    }
    let object = this.#at(start.at, () => this.#single(start));
    for (let index = chain.length - 1; index >= 0; index--) {
      const link = chain[index]!;
      const before = object;
      object = this.#at(link.at, () => this.#link(link, before));
    }
    return object;
  }

  /** Type of an expression, which is not evaluated. */
  typeOf(node: Expression): Type {
    return this.#unevaluated(node).type;
  }

  /** Value of an integer expression. */
  integer(node: Expression): bigint {
    return this.#integerOf(this.rvalue(node), node);
  }

  #integerOf(object: KernelObject, node: Range): bigint {
    return this.#at(node, () => {
      const value = object.operand().value;
      const { kind } = object.type.underlying;
      if (typeof value === "bigint" && kind !== "pointer" && kind !== "array" && kind !== "function")
        return value;
      throw this.#error("EXPRESSION_TYPE", `"${object.type.typeName()}" is not an integer`, node);
    });
  }

  /** The type that a type name means. */
  type(name: TypeName): Type {
    return resolveType(name, this);
  }

  /** An expression whose value is about to be taken. */
  rvalue(node: Expression): KernelObject {
    return this.#settled(this.evaluate(node));
  }

  #settled(object: KernelObject): KernelObject {
    if (!this.#isTypeOnly) return object;
    const type = decayedType(object);
    return isScalar(type.underlying)
      ? KernelObject.scalar(this.#program, type, 1n, object.bitFieldSize)
      : object;
  }

  #unevaluated(node: Expression): KernelObject {
    if (this.#isTypeOnly) return this.evaluate(node);
    this.#typeOnly ??= new Evaluation(this.#program, this.text, true);
    return this.#typeOnly.evaluate(node);
  }

  #single(node: Expression): KernelObject {
    const program = this.#program;
    switch (node.kind) {
      case "number":
        return numberObject(program, node.literal);
      case "character":
        return KernelObject.scalar(program, basicType("int"), characterValue(program, node.byte));
      case "string":
        return stringObject(program, node.bytes);
      case "name":
        return this.#name(node);
      case "unary":
        return this.#unary(node);
      case "conditional":
        return this.#conditional(node);
      case "cast":
        return this.#cast(node);
      case "sizeof": {
        const object = this.#unevaluated(node.operand);
        return this.#size(object.byteSize);
      }
      case "sizeof-type":
        return this.#size(this.type(node.type).byteSize);
      case "offsetof":
        return this.#size(designate(this.type(node.type), node.designator, this));
      case "container-of":
        return this.#containerOf(node);
      case "per-cpu":
        return this.#perCpu(node);
      case "binary":
      case "member":
      case "index":
        return this.evaluate(node);
    }
  }

  #link(node: BinaryNode | MemberNode | IndexNode, left: KernelObject): KernelObject {
    switch (node.kind) {
      case "member":
        return this.#member(node, left);
      case "index":
        return this.#index(left, node.index);
      case "binary":
        return this.#binary(node, left);
    }
  }

  #name(node: NameNode): KernelObject {
    const meaning = this.#meaning(node);
    if (meaning.kind === "object") return meaning.object;
    const problem = `the type of "${node.name}" is not known; say it: (type)${node.name}`;
    throw this.#error("EXPRESSION_TYPE", problem, node.at);
  }

  #meaning(node: NameNode): Meaning {
    const isPlain = node.module === undefined && node.address === undefined;
    const constant = isPlain ? this.#constant(node.name) : undefined;
    if (constant !== undefined) return { kind: "object", object: constant };
    try {
      return this.names.getMeaning(node);
    } catch (error) {
      if (isPlain && this.names.isTypeName(node.name)) {
        throw this.#error("EXPRESSION_TYPE", `"${node.name}" is a type, not a value`, node.at);
      }
      throw errorAt(error, this.text, node.at);
    }
  }

  /** Names that C programmers take for granted, where the program has none such. */
  #constant(name: string): KernelObject | undefined {
    const program = this.#program;
    if (name === "NULL") return KernelObject.scalar(program, Type.pointerTo(Type.void()), 0n);
    if ((name === "true" || name === "false") && !this.names.isKnown(name)) {
      return KernelObject.scalar(program, basicType("int"), name === "true" ? 1n : 0n);
    }
    return undefined;
  }

  /** `.` and `->` are one: what is left of them is gone through if it is a pointer. */
  #member(node: MemberNode, left: KernelObject): KernelObject {
    const { kind, target } = left.type.underlying;
    if (kind === "array" && node.isArrow) return left.index(0).member(node.name);
    if (kind === "pointer" && target!.underlying.kind === "pointer") {
      throw this.#error("EXPRESSION_TYPE", `"${left.type.typeName()}" points to a pointer`, node.at);
    }
    return (kind === "pointer" ? this.#settled(left) : left).member(node.name);
  }

  #index(base: KernelObject, indexNode: Expression): KernelObject {
    const { kind } = base.type.underlying;
    if (kind === "array" || kind === "pointer") {
      const position = this.integer(indexNode);
      return (kind === "pointer" ? this.#settled(base) : base).index(position);
    }
    // C's `1[array]`.
    const other = this.evaluate(indexNode);
    const otherKind = other.type.underlying.kind;
    if (otherKind !== "array" && otherKind !== "pointer") {
      throw this.#error(
        "EXPRESSION_TYPE",
        `"${base.type.typeName()}" is neither an array nor a pointer`,
        indexNode,
      );
    }
    const position = this.#integerOf(this.#settled(base), indexNode);
    return (otherKind === "pointer" ? this.#settled(other) : other).index(position);
  }

  #unary(node: UnaryNode): KernelObject {
    switch (node.operator) {
      case "&":
        return this.#addressOf(node.operand);
      case "*": {
        const pointer = this.rvalue(node.operand);
        // A function's name is its own address, and what that points to is the function again.
        return pointer.type.underlying.kind === "function" ? pointer : pointer.dereference();
      }
      case "!":
        return this.#int(!this.rvalue(node.operand).isTruthy);
      default:
        return this.rvalue(node.operand).unary(node.operator);
    }
  }

  #addressOf(node: Expression): KernelObject {
    if (node.kind === "name") {
      const meaning = this.#meaning(node);
      if (meaning.kind === "symbol") {
        return KernelObject.scalar(this.#program, Type.pointerTo(Type.void()), meaning.address);
      }
      return meaning.object.addressOf();
    }
    return this.evaluate(node).addressOf();
  }

  #binary(node: BinaryNode, left: KernelObject): KernelObject {
    const { operator } = node;
    switch (operator) {
      case ",":
        return this.evaluate(node.right);
      case "&&":
      case "||": {
        const isLeftTrue = this.#settled(left).isTruthy;
        const isDecided = isLeftTrue === (operator === "||");
        return this.#int(isDecided ? isLeftTrue : this.rvalue(node.right).isTruthy);
      }
      case "==":
      case "!=":
      case "<":
      case "<=":
      case ">":
      case ">=":
        return this.#int(comparison(operator, this.#settled(left), this.rvalue(node.right)));
      default:
        return this.#settled(left).binary(operator, this.rvalue(node.right));
    }
  }

  #conditional(node: ConditionalNode): KernelObject {
    const condition = this.rvalue(node.condition);
    const isTrue = condition.isTruthy;
    const branch = (isTaken: boolean, branchNode: Expression | undefined): KernelObject => {
      if (branchNode === undefined) return condition;
      return isTaken ? this.evaluate(branchNode) : this.#unevaluated(branchNode);
    };
    const whenTrue = branch(isTrue, node.whenTrue);
    const whenFalse = branch(!isTrue, node.whenFalse);
    return choose(isTrue ? whenTrue : whenFalse, isTrue ? whenFalse : whenTrue, this.#isTypeOnly);
  }

  #cast(node: CastNode): KernelObject {
    const type = this.type(node.type);
    if (node.operand.kind === "name") {
      const meaning = this.#meaning(node.operand);
      if (meaning.kind === "symbol") return KernelObject.reference(this.#program, type, meaning.address);
    }
    // A literal keeps its value, so that `(void *)0` is a null pointer also where only types are asked for.
    const object = node.operand.kind === "number" ? this.evaluate(node.operand) : this.rvalue(node.operand);
    const { kind } = type.underlying;
    if (kind === "struct" || kind === "union" || kind === "array" || kind === "function") {
      if (object.type.typeName() === type.typeName()) return object;
      const problem = `cannot cast to "${type.typeName()}"; cast a pointer: *(${Type.pointerTo(type).typeName()})`;
      throw this.#error("EXPRESSION_TYPE", problem, node.at);
    }
    return object.cast(type);
  }

  #containerOf(node: ContainerOfNode): KernelObject {
    const type = this.type(node.type);
    const byteOffset = designate(type, node.designator, this);
    const pointer = this.rvalue(node.pointer);
    const { kind } = decayedType(pointer).underlying;
    if (kind !== "pointer") {
      throw this.#error("EXPRESSION_TYPE", `"${pointer.type.typeName()}" is not a pointer`, node.pointer);
    }
    const address = this.#at(node.pointer, () => pointer.operand().value as bigint);
    return KernelObject.scalar(this.#program, Type.pointerTo(type), address - byteOffset);
  }

  #perCpu(node: PerCpuNode): KernelObject {
    const cpu = this.integer(node.cpu);
    const program = this.#program;
    if (cpu < 0n || cpu > 0xffffn) throw this.#error("EXPRESSION_VALUE", `no CPU ${cpu}`, node.cpu);
    if (node.isPointer) {
      const pointer = this.rvalue(node.operand);
      if (decayedType(pointer).underlying.kind !== "pointer") {
        throw this.#error("EXPRESSION_TYPE", `"${pointer.type.typeName()}" is not a pointer`, node.operand);
      }
      return this.#isTypeOnly ? pointer : program.perCpuPointer(pointer, Number(cpu));
    }
    const object = this.evaluate(node.operand);
    if (this.#isTypeOnly) return object;
    if (!object.isPerCpu) throw this.#error("EXPRESSION_TYPE", "not a per-CPU variable", node.operand);
    return program.perCpu(object, Number(cpu));
  }

  #int(value: boolean): KernelObject {
    return KernelObject.scalar(this.#program, basicType("int"), value);
  }

  #size(byteSize: number | bigint): KernelObject {
    return KernelObject.scalar(this.#program, basicType(sizeTypeName), BigInt(byteSize));
  }

  /** Gives the errors of objects, types and memory a place. */
  #at(range: Range, act: () => KernelObject): KernelObject;
  #at(range: Range, act: () => bigint): bigint;
  #at(range: Range, act: () => KernelObject | bigint): KernelObject | bigint {
    try {
      return act();
    } catch (error) {
      throw errorAt(error, this.text, range);
    }
  }

  #error(code: string, problem: string, range: Range): ExpressionError {
    return new ExpressionError(code, problem, this.text, range);
  }
}
