import { inspect } from "node:util";
import { KernelObject, LookupError, nearestNames, type Program, toJson } from "../program/index.ts";

/**
 * Kernel objects as JavaScript sees them: `task.mm.pgd`, `task.comm[0]`, `task.pid + 1`.
 *
 * A property is a member of the struct or union (pointers are gone through), a number an element;
 * what is no member is looked up among the methods of {@link KernelObject}, and `view.$` is the object
 * itself, for members that have the name of a method. Nothing can be written.
 */
export type ObjectView = Readonly<Record<string, unknown>> & { readonly $: KernelObject };

/** What a proxy stands for; util.inspect looks at this and not at the proxy. */
class Viewed {
  readonly object: KernelObject;

  constructor(object: KernelObject) {
    this.object = object;
  }

  [inspect.custom](): string {
    // util.inspect calls this on the proxy, where `object` would be a member.
    return (views.get(this) ?? this.object).format(replFormat);
  }
}

/** How objects are printed: as elsewhere, but long arrays cut. */
export const replFormat: { readonly maximumElements: number } = { maximumElements: 200 };

/** Properties that engines and libraries ask every object for. */
const silent: ReadonlySet<string> = new Set([
  "then",
  "constructor",
  "prototype",
  "inspect",
  "nodeType",
  "$$typeof",
]);

/** Views by proxy, to tell them from other objects. */
const views = new WeakMap<object, KernelObject>();
const programs = new WeakMap<object, Program>();

/** The view of an object. */
export function viewOf(object: KernelObject): ObjectView {
  const view = new Proxy(new Viewed(object), handler) as unknown as ObjectView;
  views.set(view, object);
  return view;
}

/** The object or program behind a view; other values as they are. */
export function unwrap(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  return views.get(value) ?? programs.get(value) ?? value;
}

/** Objects as views, also in arrays and iterators; functions give views and take them. */
export function wrap(value: unknown): unknown {
  if (value instanceof KernelObject) return viewOf(value);
  if (Array.isArray(value)) return value.map(wrap);
  if (isIterator(value)) return wrapIterator(value);
  return value;
}

/** A function over objects as one over views. */
export function wrapFunction(call: (...args: unknown[]) => unknown): (...args: unknown[]) => unknown {
  return (...args) => wrap(call(...args.map(unwrap)));
}

class ViewedProgram {
  readonly program: Program;

  constructor(program: Program) {
    this.program = program;
  }

  [inspect.custom](): string {
    return "Program (variables and functions of the kernel by name, and the methods of Program)";
  }
}

/** The program's own methods and properties, and beside them every variable, enumerator and function by its name. */
export function programView(program: Program, find: (name: string) => KernelObject): object {
  const view = new Proxy(new ViewedProgram(program), {
    get(target, key) {
      if (key === inspect.custom) return () => target[inspect.custom]();
      if (typeof key === "symbol") return undefined;
      if (silent.has(key) || key === "toJSON") return undefined;
      return key in program ? ownProperty(program, key) : viewOf(find(key));
    },
    has: (_, key) => key in program || (typeof key === "string" && program.hasVariable(key)),
    set: refuse,
    defineProperty: refuse,
    deleteProperty: refuse,
  });
  programs.set(view, program);
  return view;
}

const handler: ProxyHandler<Viewed> = {
  get(target, key) {
    const { object } = target;
    if (typeof key === "symbol") return symbolProperty(target, key);
    if (key === "$") return object;
    if (/^(?:0|[1-9][0-9]*)$/.test(key)) return viewOf(object.index(BigInt(key)));
    if (isComposite(object)) {
      const member = object.memberIf(key);
      if (member !== undefined) return viewOf(member);
    }
    if (key === "toJSON") return () => toJson(object);
    if (silent.has(key)) return undefined;
    if (key in object) return ownProperty(object, key);
    const { type } = object;
    const names = isComposite(object) ? memberNames(object) : [];
    throw new LookupError("member", key, nearestNames(key, names), `"${type.typeName()}"`);
  },
  has: (target, key) => typeof key === "string" && (key === "$" || memberNames(target.object).includes(key)),
  ownKeys: (target) => memberNames(target.object),
  getOwnPropertyDescriptor(target, key) {
    if (typeof key !== "string" || !memberNames(target.object).includes(key)) return undefined;
    return { value: viewOf(target.object.member(key)), enumerable: true, configurable: true };
  },
  set: refuse,
  defineProperty: refuse,
  deleteProperty: refuse,
};

function refuse(): never {
  throw new TypeError("the kernel's memory is only read");
}

function symbolProperty(target: Viewed, key: symbol): unknown {
  const { object } = target;
  if (key === Symbol.toPrimitive) return (hint: string) => primitiveOf(object, hint);
  if (key === Symbol.iterator && object.type.underlying.kind === "array") {
    return () => wrapIterator(object.elements());
  }
  return key === inspect.custom ? () => target[inspect.custom]() : undefined;
}

/** Whether the object, or what it points to, has members. */
function isComposite(object: KernelObject): boolean {
  const { underlying } = object.type;
  return (underlying.kind === "pointer" ? underlying.target!.underlying : underlying).isComposite;
}

/** Names of members of an object, or of what it points to. */
export function memberNames(object: KernelObject): string[] {
  if (!isComposite(object)) return [];
  const { underlying } = object.type;
  return (underlying.kind === "pointer" ? underlying.target! : underlying).memberNames();
}

/**
 * The value that JavaScript calculates with: strings for text, numbers for what has at most 32 bits,
 * else bigints, so that it depends on the type and never on the value.
 */
function primitiveOf(object: KernelObject, hint: string): string | number | bigint {
  const { underlying } = object.type;
  const { kind } = underlying;
  const isText =
    (kind === "array" || (kind === "pointer" && hint === "string")) &&
    underlying.target!.primitive === "char";
  if (isText) return object.string();
  if (kind === "struct" || kind === "union" || kind === "array" || kind === "function") {
    if (hint === "string") return object.format(replFormat);
    throw new TypeError(`"${object.type.typeName()}" is not a number`);
  }
  const value = object.value();
  if (hint === "string") {
    if (kind === "pointer") return `0x${value.toString(16)}`;
    return (
      (kind === "enum" && typeof value === "bigint" && underlying.enumeratorName(value)) || String(value)
    );
  }
  if (typeof value !== "bigint") return Number(value);
  return object.isBitField ? narrow(value, object.bitFieldSize) : narrow(value, underlying.byteSize * 8);
}

function narrow(value: bigint, bitSize: number): number | bigint {
  return bitSize <= 32 ? Number(value) : value;
}

function ownProperty(target: object, key: string): unknown {
  const value: unknown = Reflect.get(target, key, target);
  if (typeof value !== "function") return wrap(value);
  return wrapFunction((...args) => Reflect.apply(value, target, args) as unknown);
}

function isIterator(value: unknown): value is Iterable<unknown> {
  return typeof value === "object" && value !== null && "next" in value && Symbol.iterator in value;
}

function* wrapIterator(values: Iterable<unknown>): Generator<unknown> {
  for (const value of values) yield wrap(value);
}
