import type { Btf } from "../btf/index.ts";
import type { SymbolList } from "../kallsyms/index.ts";
import type { VirtualMemory } from "../memory/index.ts";
import { oneOfSeveral, Type } from "../program/index.ts";
import { declaredType } from "./declared-check.ts";
import { declaredTypes } from "./declared.ts";
import type { PerCpuArea } from "./per-cpu.ts";
import {
  type PlacedVariable,
  type SymbolPlaces,
  type VariableOrigin,
  VariableSource,
} from "./variable-source.ts";

/** A variable of a kernel or module with its type and place. */
export interface KernelVariable {
  name: string;
  type: Type;
  /** Of a per-CPU variable: its symbol's. */
  address: bigint;
  byteSize: number;
  /** Section that it was linked into; undefined where only its symbol is known. */
  section: string | undefined;
  /** Undefined for the kernel itself. */
  module: string | undefined;
  /** Where its type comes from. */
  source: VariableOrigin;
  perCpu: boolean;
}

/** What a module contributes. */
export interface ModuleVariables {
  name: string;
  /** The module's own; undefined where it has none. */
  btf: Btf | undefined;
  /** What its own does not describe, and where its sections are. */
  sidecar?: { btf: Btf; sections: ReadonlyMap<string, bigint> };
  /** Made when asked for: reading a symbol table costs more than most lookups. */
  symbols: () => SymbolList | undefined;
  isPerCpu: (address: bigint) => boolean;
}

/** Everything variables can come from. */
export interface VariableTableSources {
  memory: VirtualMemory;
  symbols: SymbolList;
  btf: Btf | undefined;
  sidecar: Btf | undefined;
  modules: readonly ModuleVariables[];
  perCpu: PerCpuArea;
  findType: (name: string) => Type | undefined;
  enumerator: (name: string) => bigint | undefined;
}

interface Source {
  variables: VariableSource;
  origin: VariableOrigin;
  module: string | undefined;
  isPerCpu: (address: bigint) => boolean;
}

/** Variables by name: the kernel's own BTF first, then a sidecar, modules, and what is declared by convention. */
export class VariableTable {
  readonly #sources: VariableTableSources;
  #list: readonly Source[] | undefined;

  constructor(sources: VariableTableSources) {
    this.#sources = sources;
  }

  /** All variables of a name; of one module, of the kernel (`vmlinux`), or of all. */
  findAll(name: string, module?: string): KernelVariable[] {
    const found: KernelVariable[] = [];
    const places = new Set<bigint>();
    for (const source of this.#all()) {
      if (module !== undefined && (source.module ?? "vmlinux") !== module) continue;
      for (const placed of source.variables.find(name)) {
        if (places.has(placed.address)) continue;
        places.add(placed.address);
        found.push(variableOf(placed, source));
      }
    }
    if (found.length === 0 && (module === undefined || module === "vmlinux")) {
      const declared = this.#declared(name);
      if (declared !== undefined) found.push(declared);
    }
    return found;
  }

  /**
   * The variable that a name means, see `oneOfSeveral`. Symbols say which one other files see: BTF does not
   * know code that was linked for another place, such as a hypervisor's, beside the kernel's.
   * @throws {AmbiguousError}
   */
  find(name: string, module?: string): KernelVariable | undefined {
    const { symbols } = this.#sources;
    return oneOfSeveral("variable", name, this.findAll(name, module), (variable) =>
      symbols
        .indexesAt(variable.address)
        .some((index) => symbols.name(index) === name && /[A-Z]/.test(symbols.letter(index))),
    );
  }

  /** Every variable that has a type, each place and name once. */
  *all(): Generator<KernelVariable> {
    const seen = new Set<string>();
    for (const source of this.#all()) {
      for (const placed of source.variables.all()) {
        const key = `${placed.name}@${placed.address.toString(16)}`;
        if (seen.has(key)) continue;
        seen.add(key);
        yield variableOf(placed, source);
      }
    }
    for (const name of declaredTypes.keys()) {
      const declared = this.#declared(name);
      if (declared === undefined || seen.has(`${name}@${declared.address.toString(16)}`)) continue;
      yield declared;
    }
  }

  /** Names of what is described, whether or not it has a place: for completion and for near misses. */
  *names(): Generator<string> {
    for (const { variables } of this.#all()) yield* variables.names();
    yield* declaredTypes.keys();
  }

  /** Variables that each source describes: `btf`, `sidecar`, `module`. */
  counts(): ReadonlyMap<VariableOrigin, number> {
    const counts = new Map<VariableOrigin, number>();
    for (const { origin, variables } of this.#all()) {
      counts.set(origin, (counts.get(origin) ?? 0) + variables.count);
    }
    return counts;
  }

  #declared(name: string): KernelVariable | undefined {
    if (!declaredTypes.has(name)) return undefined;
    const { symbols, memory, perCpu, findType, enumerator } = this.#sources;
    const indexes = symbols.indexesOf(name);
    // Two symbols of that name: which one the convention means cannot be known.
    if (indexes.length !== 1) return undefined;
    const address = symbols.address(indexes[0]!);
    const isPerCpu = perCpu.contains(address);
    const place = { address, room: symbols.distanceToNext(indexes[0]!), perCpu: isPerCpu };
    const type = declaredType(name, place, memory, findType, enumerator);
    if (type === undefined) return undefined;
    return {
      name,
      type,
      address,
      byteSize: type.byteSizeIf ?? 0,
      section: undefined,
      module: undefined,
      source: "declared",
      perCpu: isPerCpu,
    };
  }

  #all(): readonly Source[] {
    if (this.#list !== undefined) return this.#list;
    const { btf, sidecar, modules, symbols, perCpu } = this.#sources;
    const list: Source[] = [];
    const places = placesOf(symbols);
    const inKernel = (address: bigint): boolean => perCpu.contains(address);
    const addKernel = (from: Btf, origin: VariableOrigin, at: SymbolPlaces = places): void => {
      list.push({
        variables: new VariableSource(from, at),
        origin,
        module: undefined,
        isPerCpu: inKernel,
      });
    };
    if (btf !== undefined) addKernel(btf, "btf");
    if (sidecar !== undefined) addKernel(sidecar, "sidecar");
    for (const module of modules) {
      const { name: owner, btf: own, sidecar: more, isPerCpu } = module;
      const ownPlaces = lazyPlaces(module.symbols);
      const addModule = (from: Btf, origin: VariableOrigin): void => {
        const variables = new VariableSource(from, ownPlaces, more?.sections);
        if (variables.hasSections) list.push({ variables, origin, module: owner, isPerCpu });
      };
      if (more !== undefined) addModule(more.btf, "sidecar");
      if (own === undefined) continue;
      addModule(own, "module");
      // A module may carry the types of the kernel's variables; what it has a symbol of is its own.
      addKernel(own, "module", {
        ...places,
        addressesOf: (name) => (ownPlaces.addressesOf(name).length > 0 ? [] : places.addressesOf(name)),
      });
    }
    this.#list = list;
    return list;
  }
}

function variableOf(placed: PlacedVariable, source: Source): KernelVariable {
  const { name, address, byteSize, section } = placed;
  return {
    name,
    type: Type.of(placed.btf, placed.type),
    address,
    byteSize,
    section,
    module: source.module,
    source: source.origin,
    perCpu: source.isPerCpu(address),
  };
}

function placesOf(symbols: SymbolList): SymbolPlaces {
  return {
    addressesOf: (name) => symbols.indexesOf(name).map((index) => symbols.address(index)),
    hasSymbolIn: (address, byteSize) => {
      const last = symbols.find(address + BigInt(byteSize) - 1n);
      return last !== undefined && symbols.address(last.index) >= address;
    },
  };
}

const noPlaces: SymbolPlaces = { addressesOf: () => [], hasSymbolIn: () => true };

function lazyPlaces(symbols: () => SymbolList | undefined): SymbolPlaces {
  let places: SymbolPlaces | undefined;
  const get = (): SymbolPlaces => {
    if (places !== undefined) return places;
    const list = symbols();
    return (places = list === undefined ? noPlaces : placesOf(list));
  };
  return {
    addressesOf: (name) => get().addressesOf(name),
    hasSymbolIn: (address, byteSize) => get().hasSymbolIn(address, byteSize),
  };
}
