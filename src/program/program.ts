import { UsageError } from "../io/index.ts";
import type { VirtualMemory } from "../memory/memory.ts";
import { LookupError, ObjectTypeError } from "./errors.ts";
import { formatObject } from "./format.ts";
import type { FormatOptions } from "./format-options.ts";
import { nearestNames } from "./near-names.ts";
import { KernelObject, type ObjectContext } from "./object.ts";
import type { Scalar } from "./scalar.ts";
import type { Type } from "./type.ts";
import type { TypeTable } from "./type-table.ts";

/** A symbol that an address lies in. */
export interface SymbolAt {
  readonly name: string;
  /** Bytes from the symbol's start. */
  readonly offset: bigint;
  /** Name of the module; undefined for the kernel itself. */
  readonly module?: string | undefined;
}

/** A named symbol. */
export interface ProgramSymbol {
  readonly name: string;
  readonly address: bigint;
  readonly module?: string | undefined;
}

/** Names of addresses. */
export interface Symbolizer {
  /** The symbol an address lies in; undefined for addresses outside of the kernel's and its modules' images. */
  symbolAt(address: bigint): SymbolAt | undefined;
  /** The symbol that a name means, see `oneOfSeveral`. @throws {AmbiguousError} */
  find(name: string, module?: string): ProgramSymbol | undefined;
}

/** Where a variable's type comes from. */
export type VariableSource = "btf" | "module" | "sidecar" | "declared";

/** A variable of the program with its type. */
export interface Variable {
  readonly name: string;
  readonly type: Type;
  /** Of per-CPU variables: as the symbol has it, which is no place in memory. */
  readonly address: bigint;
  readonly source: VariableSource;
  readonly perCpu: boolean;
  readonly module?: string | undefined;
}

/** Typed variables by name. */
export interface VariableTable {
  /** The variable that a name means, see `oneOfSeveral`. @throws {AmbiguousError} */
  find(name: string, module?: string): Variable | undefined;
  /** All of a name: statics of several files, and of several functions. */
  findAll(name: string, module?: string): Iterable<Variable>;
  /** Names for completion, and for the nearest to one that is not there. */
  names(): Iterable<string>;
}

/** What a program is made of. Nothing here knows Linux; whoever opens a dump does. */
export interface ProgramParts {
  readonly memory: VirtualMemory;
  readonly types: TypeTable;
  readonly symbolizer: Symbolizer;
  readonly variables: VariableTable;
  /** Address of a per-CPU object on one CPU. @throws when there is no such CPU */
  readonly perCpuAddress: (address: bigint, cpu: number) => bigint;
}

/** Evaluates a C expression. */
export type Evaluator = (program: Program, expression: string) => KernelObject;

/** One kernel: its memory, types, symbols and variables. */
export class Program implements ObjectContext {
  readonly memory: VirtualMemory;
  readonly types: TypeTable;
  readonly symbolizer: Symbolizer;
  readonly variables: VariableTable;
  /** What {@link Program.eval} calls; set by the layer that knows C expressions. */
  evaluator: Evaluator | undefined;
  readonly #perCpuAddress: (address: bigint, cpu: number) => bigint;

  constructor(parts: ProgramParts) {
    this.memory = parts.memory;
    this.types = parts.types;
    this.symbolizer = parts.symbolizer;
    this.variables = parts.variables;
    this.#perCpuAddress = parts.perCpuAddress;
  }

  /**
   * A variable as an object. A per-CPU variable has to go through {@link Program.perCpu} before it
   * can be read.
   * @throws {LookupError} {@link AmbiguousError}
   */
  variable(name: string, module?: string): KernelObject {
    const found = this.variables.find(name, module);
    if (found === undefined) {
      throw new LookupError("variable", name, nearestNames(name, this.variables.names()));
    }
    return KernelObject.reference(this, found.type, found.address, 0, 0, found.perCpu);
  }

  /** True for the name of a variable, or of several. */
  hasVariable(name: string): boolean {
    const { done } = this.variables.findAll(name)[Symbol.iterator]().next();
    return done !== true;
  }

  /** The object of a type at an address. @throws {LookupError} for a name of no type */
  object(address: bigint, type: Type | string): KernelObject {
    return KernelObject.reference(this, typeof type === "string" ? this.type(type) : type, address);
  }

  /** A scalar value of a type, converted as a cast would. @throws {LookupError} {@link ObjectTypeError} */
  value(type: Type | string, value: Scalar | boolean): KernelObject {
    return KernelObject.scalar(this, typeof type === "string" ? this.type(type) : type, value);
  }

  /** The type that C calls so: `struct task_struct *`, `unsigned long [4]`. @throws {LookupError} {@link UsageError} */
  type(name: string): Type {
    return this.types.get(name);
  }

  /** The symbol of a name, or the one that an address lies in. @throws {LookupError} {@link AmbiguousError} */
  symbol(key: string | bigint, module?: string): ProgramSymbol & { readonly offset: bigint } {
    if (typeof key === "string") {
      const found = this.symbolizer.find(key, module);
      if (found === undefined) throw new LookupError("symbol", key);
      return { ...found, offset: 0n };
    }
    const found = this.symbolizer.symbolAt(key);
    if (found === undefined) throw new LookupError("symbol", `0x${key.toString(16)}`);
    return { ...found, address: key - found.offset };
  }

  /**
   * A per-CPU variable (or an object at a per-CPU address) as one CPU has it.
   * @throws {ObjectTypeError} for an object that has no address
   */
  perCpu(object: KernelObject, cpu: number): KernelObject {
    const { type, address, bitOffset, bitFieldSize } = object;
    if (address === undefined) throw new ObjectTypeError("a value has no address");
    return KernelObject.reference(this, type, this.#perCpuAddress(address, cpu), bitOffset, bitFieldSize);
  }

  /** A pointer to per-CPU memory (what `alloc_percpu` returns) as one CPU's pointer. */
  perCpuPointer(pointer: KernelObject, cpu: number): KernelObject {
    return KernelObject.scalar(this, pointer.type, this.#perCpuAddress(pointer.scalar() as bigint, cpu));
  }

  /** The value of a C expression. @throws {UsageError} for text that is none */
  eval(expression: string): KernelObject {
    if (this.evaluator === undefined)
      throw new UsageError("no evaluator of C expressions is set", "EVALUATOR");
    return this.evaluator(this, expression);
  }

  /** Text of an object as C would initialise it. */
  format(object: KernelObject, options?: FormatOptions): string {
    return formatObject(object, options, (address) => this.#symbolAround(address));
  }

  /**
   * The symbol an address lies in, if it lies in it: kallsyms has no sizes, so what stands behind the
   * last variable of a section would seem to be part of it. Where the variable has a type, that says.
   */
  #symbolAround(address: bigint): SymbolAt | undefined {
    const found = this.symbolizer.symbolAt(address);
    if (found === undefined || found.offset === 0n) return found;
    const start = address - found.offset;
    const all = [...this.variables.findAll(found.name, found.module)];
    const byteSize = all.find((variable) => variable.address === start)?.type.byteSizeIf;
    return byteSize === undefined || found.offset < BigInt(byteSize) ? found : undefined;
  }
}
