import { ListedSymbols } from "./listed-symbols.ts";
import { SectionBounds } from "./section-bounds.ts";
import type { SymbolKind } from "./section-bounds.ts";
import type { SymbolList } from "./symbol-list.ts";

/** A symbol of a kernel or of something loaded into it. What it says is decoded when asked for. */
export class KernelSymbol {
  /** Where it is from, and its number there. */
  readonly list: SymbolList;
  readonly index: number;
  readonly #table: SymbolTable;

  /** @internal Use {@link SymbolTable.symbol}. */
  constructor(table: SymbolTable, list: SymbolList, index: number) {
    this.#table = table;
    this.list = list;
    this.index = index;
  }

  get name(): string {
    return this.list.name(this.index);
  }

  /** As /proc/kallsyms prints it. */
  get letter(): string {
    return this.list.letter(this.index);
  }

  get address(): bigint {
    return this.list.address(this.index);
  }

  /** Own size of a module's symbol, else the distance to the next (`SymbolList.size`). */
  get byteSize(): number {
    return this.list.size(this.index);
  }

  /** Module, or `bpf` and the like; undefined for the kernel. */
  get module(): string | undefined {
    return this.list instanceof ListedSymbols ? this.list.module : undefined;
  }

  get kind(): SymbolKind {
    return this.#table.kindOf(this);
  }
}

/** A run of a module's memory. */
export interface ModuleRegion {
  start: bigint;
  byteSize: bigint;
}

/** A module's symbols and where the module lies. */
export interface LoadedSymbols {
  symbols: ListedSymbols;
  /** Memory of the module (`mem` or the layouts of `struct module`); without it symbols alone say. */
  regions?: readonly ModuleRegion[];
  /** Its part of the first per-CPU area, as symbols address it. */
  perCpu?: ModuleRegion | undefined;
}

/** All symbols of a kernel and its modules. */
export class SymbolTable {
  readonly kernel: SymbolList;
  /** Modules in the order of the kernel's list, then BPF. */
  readonly loaded: readonly LoadedSymbols[];
  #bounds: SectionBounds | undefined;
  readonly #regions: { start: bigint; end: bigint; list: ListedSymbols }[] = [];
  readonly #withoutRegions: ListedSymbols[] = [];
  readonly #perCpu = new Map<SymbolList, ModuleRegion>();

  constructor(kernel: SymbolList, loaded: readonly LoadedSymbols[] = []) {
    this.kernel = kernel;
    this.loaded = loaded;
    for (const { symbols, regions, perCpu } of loaded) {
      if (perCpu !== undefined) this.#perCpu.set(symbols, perCpu);
      if (regions === undefined || regions.length === 0) this.#withoutRegions.push(symbols);
      for (const { start, byteSize } of regions ?? []) {
        if (byteSize > 0n) this.#regions.push({ start, end: start + byteSize, list: symbols });
      }
    }
    this.#regions.sort((left, right) => (left.start < right.start ? -1 : left.start > right.start ? 1 : 0));
  }

  get count(): number {
    return this.loaded.reduce((sum, { symbols }) => sum + symbols.count, this.kernel.count);
  }

  /**
   * All symbols of a name: the kernel's first, then each module's.
   * @param module only those of this module; "" for the kernel's only
   */
  named(name: string, module?: string): KernelSymbol[] {
    const found: KernelSymbol[] = [];
    for (const list of this.#lists(module)) {
      for (const index of list.indexesOf(name)) found.push(this.symbol(list, index));
    }
    return found;
  }

  /** The symbol nearest at or below an address in the same part of memory. */
  find(address: bigint): { symbol: KernelSymbol; offset: number } | undefined {
    const wrapped = BigInt.asUintN(64, address);
    const region = this.#regionOf(wrapped);
    if (region !== undefined) {
      const nearest = region.list.find(wrapped);
      // Below the first symbol of a region the nearest is in another, and says nothing.
      if (nearest === undefined || wrapped - BigInt(nearest.offset) < region.start) return undefined;
      return { symbol: this.symbol(region.list, nearest.index), offset: nearest.offset };
    }
    // Small numbers are no addresses, though per-CPU variables have such "addresses" until v6.14.
    if (wrapped < kernelHalf) return undefined;
    let best: { list: SymbolList; index: number; offset: number } | undefined;
    for (const list of [this.kernel, ...this.#withoutRegions]) {
      const nearest = list.find(wrapped);
      if (nearest === undefined || (best !== undefined && best.offset <= nearest.offset)) continue;
      best = { list, ...nearest };
    }
    return best === undefined
      ? undefined
      : { symbol: this.symbol(best.list, best.index), offset: best.offset };
  }

  /** All symbols exactly at an address. */
  at(address: bigint): KernelSymbol[] {
    const found: KernelSymbol[] = [];
    for (const list of this.#lists()) {
      for (const index of list.indexesAt(address)) found.push(this.symbol(list, index));
    }
    return found;
  }

  /** All symbols in the order of /proc/kallsyms. */
  *symbols(): IterableIterator<KernelSymbol> {
    for (const list of this.#lists()) {
      for (let index = 0; index < list.count; index++) yield this.symbol(list, index);
    }
  }

  /** Names that start with `prefix`, each once, up to `maximum`; without the kernel's padding symbols (`__pfx_`). */
  namesWithPrefix(prefix: string, maximum: number): string[] {
    const found = new Set<string>();
    for (const list of this.#lists()) {
      for (let index = 0; index < list.count && found.size < maximum; index++) {
        const name = list.name(index);
        if (name.startsWith(prefix) && (!name.startsWith("__pfx_") || prefix.startsWith("__pfx_"))) {
          found.add(name);
        }
      }
    }
    return [...found];
  }

  /** The symbol with a number in one of this table's lists. */
  symbol(list: SymbolList, index: number): KernelSymbol {
    return new KernelSymbol(this, list, index);
  }

  /** What a symbol of this table stands for, by the section it lies in. */
  kindOf({ list, address, letter }: KernelSymbol): SymbolKind {
    if (list === this.kernel) {
      this.#bounds ??= new SectionBounds(list);
      return this.#bounds.kindOf(address, letter);
    }
    const perCpu = this.#perCpu.get(list);
    if (perCpu !== undefined && BigInt.asUintN(64, address - perCpu.start) < perCpu.byteSize) return "percpu";
    if (letter === "t" || letter === "T") return "function";
    return letter === "a" || letter === "A" ? "absolute" : "data";
  }

  *#lists(module?: string): IterableIterator<SymbolList> {
    if (module === undefined || module === "") yield this.kernel;
    for (const { symbols } of this.loaded) {
      if (module === undefined || symbols.module === module) yield symbols;
    }
  }

  #regionOf(address: bigint): { start: bigint; list: ListedSymbols } | undefined {
    let from = 0;
    let to = this.#regions.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#regions[middle]!.start <= address) from = middle + 1;
      else to = middle;
    }
    const region = this.#regions[from - 1];
    return region !== undefined && address < region.end ? region : undefined;
  }
}

/** Kernels live in the upper half of the address space on every supported machine. */
const kernelHalf = 1n << 63n;
