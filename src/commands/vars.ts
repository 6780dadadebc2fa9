import { LookupError } from "../program/index.ts";
import type { Kernel, KernelVariable } from "../kernel/index.ts";
import { hex } from "./hex.ts";
import { globPattern } from "./pattern.ts";

/** A row of `vars`. */
export interface VariableRow {
  name: string;
  /** As C writes it. */
  type: string;
  /** `"0x…"`; of a per-CPU variable its symbol's, to which a CPU's offset is added. */
  address: string;
  /** Bytes. */
  size: number;
  /** Section it was linked into; null where only its symbol is known. */
  section: string | null;
  /** null for the kernel itself. */
  module: string | null;
  /** Where the type comes from: btf, sidecar, module, declared. */
  source: string;
  perCpu: boolean;
}

/**
 * Typed variables whose name fits a pattern (`*` and `?`); all without one.
 * @throws {LookupError} for a plain name that is no typed variable, saying what is known of it
 */
export function listVariables(kernel: Kernel, pattern?: string): KernelVariable[] {
  if (pattern !== undefined && !/[*?]/.test(pattern)) {
    const found = kernel.variables.findAll(pattern);
    if (found.length === 0) throw unknownVariable(kernel, pattern);
    return found;
  }
  const fits = pattern === undefined ? undefined : globPattern(pattern);
  const found: KernelVariable[] = [];
  for (const variable of kernel.variables.all()) {
    if (fits === undefined || fits.test(variable.name)) found.push(variable);
  }
  return found;
}

/** Why a name is no variable with a type: it is nothing at all, or a symbol that no BTF describes. */
export function unknownVariable(kernel: Kernel, name: string): Error {
  const symbols = kernel.symbols.named(name).filter(({ kind }) => kind !== "function");
  if (symbols.length === 0) {
    try {
      kernel.program.variable(name);
    } catch (error) {
      if (error instanceof LookupError) return error;
      throw error;
    }
  }
  const { address } = symbols[0]!;
  const id = kernel.buildId === undefined ? "" : ` for build id ${kernel.buildId.text}`;
  return new LookupError(
    "variable",
    name,
    [],
    `any BTF: there is a symbol at ${hex(address)} of unknown type; a sidecar${id} would supply it`,
  );
}

/** A variable as JSON has it. */
export function variableRow(variable: KernelVariable): VariableRow {
  const { name, type, address, byteSize, section, module, source, perCpu } = variable;
  return {
    name,
    type: type.typeName(),
    address: hex(address),
    size: byteSize,
    section: section ?? null,
    module: module ?? null,
    source,
    perCpu,
  };
}

/** Address, size, where the type is from, and the declaration. */
export function variableLine(variable: KernelVariable): string {
  const { name, type, address, byteSize, source, module, perCpu } = variable;
  const where = module === undefined ? "" : `  [${module}]`;
  const copies = perCpu ? "  (per CPU)" : "";
  const place = address.toString(16).padStart(16, "0");
  return `${place} ${String(byteSize).padStart(8)}  ${source.padEnd(8)}  ${type.declare(name)};${copies}${where}`;
}
