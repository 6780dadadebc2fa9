import { type Btf, BTF_KIND_FUNC } from "../../btf/index.ts";
import { UsageError } from "../../io/index.ts";
import { LookupError } from "../errors.ts";
import { KernelObject } from "../object.ts";
import type { Program, Variable } from "../program.ts";
import { NamedTypes } from "../named-types.ts";
import { Type } from "../type.ts";
import { stringOffsets } from "../type-search.ts";
import type { FoundEnumerator } from "../type-table.ts";
import type { NameChoice } from "./syntax-tree.ts";

/** Name of the kernel itself where a module's may stand: `vmlinux::modules`. */
export const kernelModuleName = "vmlinux";

/** What a name in an expression stands for. */
export type Meaning =
  | { kind: "object"; object: KernelObject }
  /** A symbol whose type nobody knows. */
  | { kind: "symbol"; name: string; address: bigint };

/** What the names of expressions mean in a program. */
export class ProgramNames extends NamedTypes {
  readonly #program: Program;

  constructor(program: Program) {
    super(program.types);
    this.#program = program;
  }

  /**
   * What a name means: a variable, else an enumerator, else a function, else a symbol without a type.
   * @throws {LookupError} with like names; {@link AmbiguousError}
   */
  getMeaning(choice: NameChoice): Meaning {
    const { name, module, address } = choice;
    const meaning =
      address === undefined ? this.#byName(name, module) : this.#atAddress(name, module, address);
    if (meaning !== undefined) return meaning;
    if (address !== undefined) throw new LookupError("symbol", `${name}@0x${address.toString(16)}`);
    throw this.#unknown(name, module);
  }

  /** True for names that {@link ProgramNames.getMeaning} knows, without the costs of an error. */
  isKnown(name: string, module?: string): boolean {
    return this.#byName(name, module) !== undefined;
  }

  #byName(name: string, module: string | undefined): Meaning | undefined {
    const program = this.#program;
    const variable = program.variables.find(name, module);
    if (variable !== undefined) return this.#object(variable);
    const enumerator = module === undefined ? this.#enumerator(name) : undefined;
    if (enumerator !== undefined) {
      return { kind: "object", object: KernelObject.scalar(program, enumerator.type, enumerator.value) };
    }
    const symbol = program.symbolizer.find(name, module);
    if (symbol === undefined) return undefined;
    return this.#symbol(name, symbol.address, symbol.module);
  }

  /** @throws {UsageError} where enums of the name disagree: each file of a kernel may have its own */
  #enumerator(name: string): FoundEnumerator | undefined {
    const byValue = new Map<bigint, FoundEnumerator>();
    for (const found of this.#program.types.findEnumerators(name)) {
      if (!byValue.has(found.value)) byValue.set(found.value, found);
    }
    const [first, second] = byValue.values();
    if (second === undefined) return first;
    const said = [...byValue.values()].slice(0, 4).map((each) => `${each.value} in ${each.type.typeName()}`);
    const more = byValue.size > said.length ? ", ..." : "";
    throw new UsageError(`"${name}" has several values: ${said.join(", ")}${more}`, "EXPRESSION_NAME");
  }

  #variables(name: string): Variable[] {
    return [...this.#program.variables.findAll(name)];
  }

  #atAddress(name: string, module: string | undefined, address: bigint): Meaning | undefined {
    for (const variable of this.#variables(name)) {
      if (variable.address === address && isFrom(variable.module, module)) return this.#object(variable);
    }
    const symbol = this.#program.symbolizer.symbolAt(address);
    const isThere = symbol?.name === name && symbol.offset === 0n && isFrom(symbol.module, module);
    return isThere ? this.#symbol(name, address, symbol.module) : undefined;
  }

  #object(variable: Variable): Meaning {
    const { type, address, perCpu } = variable;
    return { kind: "object", object: KernelObject.reference(this.#program, type, address, 0, 0, perCpu) };
  }

  /** A function where the BTF of its module has one of the name, else a symbol without a type. */
  #symbol(name: string, address: bigint, module: string | undefined): Meaning {
    for (const source of this.#program.types.sources) {
      if (source.name !== (module ?? kernelModuleName)) continue;
      const type = functionNamed(source.btf, name);
      if (type !== undefined) {
        return { kind: "object", object: KernelObject.reference(this.#program, type, address) };
      }
    }
    return { kind: "symbol", name, address };
  }

  #unknown(name: string, module: string | undefined): LookupError {
    if (module !== undefined) return new LookupError("variable", name, [], `module ${module}`);
    try {
      this.#program.variable(name);
    } catch (error) {
      if (error instanceof LookupError) return error;
    }
    return new LookupError("variable", name);
  }
}

function isFrom(module: string | undefined, wanted: string | undefined): boolean {
  return wanted === undefined || (module ?? kernelModuleName) === wanted;
}

/** Type of an own function of a BTF. */
function functionNamed(btf: Btf, name: string): Type | undefined {
  const wanted = new Set(stringOffsets(btf, name));
  if (wanted.size === 0) return undefined;
  const { words, offsets: records, startId } = btf;
  for (let index = 0; index < records.length; index++) {
    if (!wanted.has(words[records[index]!]!)) continue;
    const id = startId + index;
    if (btf.kind(id) === BTF_KIND_FUNC) return Type.of(btf, id);
  }
  return undefined;
}
