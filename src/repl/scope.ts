import { UsageError } from "../io/index.ts";
import { type KernelObject, offsetOf, type Program, Type } from "../program/index.ts";
import { evaluate, evaluateType, ExpressionError } from "../program/expression/index.ts";
import { KernelObject as ObjectClass } from "../program/index.ts";
import { programView, wrap, wrapFunction } from "./object-view.ts";

/**
 * Names that JavaScript has at hand: `program`, the C operators that are no JavaScript (`sizeof`,
 * `offsetof`, `container_of`, `per_cpu`, `per_cpu_ptr`, `cast`), and `c` for whole expressions.
 * They take views and give views.
 */
export function makeScope(
  program: Program,
  more: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const scope: Record<string, unknown> = {
    program: programView(program, (name) => findByName(program, name)),
    c: wrapFunction((text) => evaluate(program, asText(text, "c(EXPRESSION)"))),
    sizeof: wrapFunction((of) => (of instanceof ObjectClass ? of.byteSize : typeOf(program, of).byteSize)),
    offsetof: wrapFunction((type, member) =>
      offsetOf(typeOf(program, type), asText(member, "offsetof(TYPE, MEMBER)")),
    ),
    container_of: wrapFunction((pointer, type, member) =>
      asObject(pointer, "container_of(POINTER, TYPE, MEMBER)").containerOf(
        typeOf(program, type),
        asText(member, "container_of(POINTER, TYPE, MEMBER)"),
      ),
    ),
    per_cpu: wrapFunction((variable, cpu) => {
      const object =
        typeof variable === "string"
          ? program.variable(variable)
          : asObject(variable, "per_cpu(VARIABLE, CPU)");
      return program.perCpu(object, asNumber(cpu));
    }),
    per_cpu_ptr: wrapFunction((pointer, cpu) =>
      program.perCpuPointer(asObject(pointer, "per_cpu_ptr(POINTER, CPU)"), asNumber(cpu)),
    ),
    cast: wrapFunction((type, value) => castValue(program, typeOf(program, type), value)),
  };
  for (const [name, value] of Object.entries(more)) {
    scope[name] =
      typeof value === "function" ? wrapFunction(value as (...args: unknown[]) => unknown) : wrap(value);
  }
  return scope;
}

/** What a bare name means in C, also a name that C cannot spell. */
export function findByName(program: Program, name: string): KernelObject {
  try {
    return evaluate(program, `\`${name.replaceAll("`", "")}\``);
  } catch (error) {
    // The place in a text of one name says nothing.
    if (error instanceof ExpressionError) throw error.cause ?? error;
    throw error;
  }
}

function typeOf(program: Program, type: unknown): Type {
  return type instanceof Type ? type : evaluateType(program, asText(type, "a type's name"));
}

function castValue(program: Program, type: Type, value: unknown): KernelObject {
  if (value instanceof ObjectClass) return value.cast(type);
  if (typeof value === "bigint" || typeof value === "number" || typeof value === "boolean") {
    return program.value(type, value);
  }
  throw new UsageError("usage: cast(TYPE, OBJECT or number)");
}

function asObject(value: unknown, usage: string): KernelObject {
  if (value instanceof ObjectClass) return value;
  throw new UsageError(`usage: ${usage}`);
}

function asText(value: unknown, usage: string): string {
  if (typeof value === "string") return value;
  throw new UsageError(`usage: ${usage}`);
}

function asNumber(value: unknown): number {
  const number = value instanceof ObjectClass ? value.number() : Number(value);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new UsageError(`no CPU ${String(value)}`);
}
