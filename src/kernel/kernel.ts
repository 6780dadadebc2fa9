import { statSync } from "node:fs";
import { type Dump, openDump } from "../dump/index.ts";
import { type Diagnostic, DwarflessError } from "../io/index.ts";
import {
  bpfSymbols,
  type LoadedSymbols,
  type ModuleRegion as SymbolRegion,
  readModuleSymbols,
  SymbolTable,
} from "../kallsyms/index.ts";
import { oneOfSeveral, Program, type Type, TypeTable } from "../program/index.ts";
import { evaluate } from "../program/expression/index.ts";
import { openSidecar, type Sidecar, type SidecarSubject } from "../sidecar/index.ts";
import { type KernelBuildId, kernelBuildId } from "./build-id.ts";
import { readBpfSymbols } from "./bpf-symbols.ts";
import type { Foundation } from "./foundation.ts";
import { readKernelBtf, type KernelBtf } from "./kernel-btf.ts";
import { findKernel } from "./ladder.ts";
import { type KernelModule, moduleTables, readModules } from "./modules.ts";
import { otherKernels } from "./other-kernels.ts";
import { PerCpuArea } from "./per-cpu.ts";
import { type ModuleSidecar, openModuleSidecars } from "./module-sidecars.ts";
import { openFoundSidecar, usualFolders } from "./sidecar-places.ts";
import { VariableTable } from "./variables.ts";

export interface KernelOptions {
  /** A sidecar, a folder of them, or `none`; by default it is looked for beside the dump. */
  sidecar?: string;
  /** False: modules are left out. */
  modules?: boolean;
  /** When to give up searching memory, as `Date.now()` counts. */
  deadline?: number;
}

/** A kernel inside a dump: everything that is found in its memory, and a program over it. */
export class Kernel {
  readonly dump: Dump;
  readonly foundation: Foundation;
  /** The kernel's own types; undefined when it carries none. */
  readonly kernelBtf: KernelBtf | undefined;
  readonly sidecar: Sidecar | undefined;
  readonly modules: readonly KernelModule[];
  readonly symbols: SymbolTable;
  readonly perCpu: PerCpuArea;
  readonly types: TypeTable;
  readonly variables: VariableTable;
  readonly program: Program;
  readonly diagnostics: readonly Diagnostic[];

  private constructor(
    dump: Dump,
    foundation: Foundation,
    kernelBtf: KernelBtf | undefined,
    sidecar: Sidecar | undefined,
    diagnostics: Diagnostic[],
    options: KernelOptions,
  ) {
    this.dump = dump;
    this.foundation = foundation;
    this.kernelBtf = kernelBtf;
    this.sidecar = sidecar;
    this.diagnostics = diagnostics;
    const { memory, symbols } = foundation;
    this.perCpu = new PerCpuArea(memory, symbols);
    const btf = kernelBtf?.btf;
    this.types = new TypeTable(btf === undefined ? [] : [{ name: "vmlinux", btf }]);
    if (sidecar !== undefined) this.types.add({ name: sidecar.path, btf: sidecar.btf });
    this.modules =
      options.modules === false || btf === undefined
        ? []
        : readModules({ memory, symbols, btf, findStruct: this.#findStruct, diagnostics });
    const loaded = this.modules.map((module) => this.#symbolsOf(module, diagnostics));
    const bpf = readBpfSymbols(memory, symbols, this.#findStruct, diagnostics);
    if (bpf.length > 0) loaded.push({ symbols: bpfSymbols(bpf) });
    this.symbols = new SymbolTable(
      symbols,
      loaded.filter((each) => each !== undefined),
    );
    for (const { name, btf: own } of this.modules) {
      if (typeof own !== "string") this.types.add({ name, btf: own });
    }
    const ofModules = openModuleSidecars({
      memory,
      modules: this.modules,
      kernelBtf,
      sidecar,
      folders: moduleFolders(dump.name, options.sidecar),
      findStruct: this.#findStruct,
      diagnostics,
    });
    for (const [module, { path, btf: own }] of ofModules) {
      this.types.add({ name: `${path} (${module.name})`, btf: own });
    }
    this.variables = this.#makeVariables(ofModules);
    this.program = this.#makeProgram();
  }

  /**
   * Open a dump: one file, or the parts of a split one.
   * @throws {FormatError} {@link FileError} {@link UnsupportedError}
   */
  static async open(paths: readonly string[], options: KernelOptions = {}): Promise<Kernel> {
    const dump = await openDump(paths);
    try {
      return await Kernel.over(dump, options);
    } catch (error) {
      dump.close();
      throw error;
    }
  }

  /** The kernel in a dump that is open already; closed with it. */
  static async over(dump: Dump, options: KernelOptions = {}): Promise<Kernel> {
    const diagnostics: Diagnostic[] = [...dump.diagnostics];
    const { deadline } = options;
    const foundation = findKernel(dump, { diagnostics, ...(deadline !== undefined && { deadline }) });
    let kernelBtf: KernelBtf | undefined;
    try {
      kernelBtf = readKernelBtf(foundation.memory, foundation.symbols);
    } catch (error) {
      if (!(error instanceof DwarflessError)) throw error;
      diagnostics.push({
        severity: "warning",
        code: "KERNEL_BTF",
        text: `BTF of the kernel: ${error.message}`,
      });
    }
    const found = kernelBtf;
    const subject: SidecarSubject = {
      btf: found?.btf,
      buildId: kernelBuildId(foundation)?.text,
      ...(found && { btfBytes: () => foundation.memory.read(found.address, found.byteSize) }),
    };
    const { sidecar: path } = options;
    const sidecar =
      path === undefined
        ? await openFoundSidecar(dump.name, subject, diagnostics)
        : path === "none"
          ? undefined
          : await openSidecar(path, subject);
    return new Kernel(dump, foundation, kernelBtf, sidecar, diagnostics, options);
  }

  /** Build id of the kernel image; undefined where it is not known for certain. */
  get buildId(): KernelBuildId | undefined {
    return kernelBuildId(this.foundation);
  }

  /** Other kernels whose remains are known to be in this memory, a line of text each; looked for at each call. */
  otherKernels(): readonly string[] {
    return otherKernels(this.dump, this.foundation, this.#findStruct);
  }

  close(): void {
    this.dump.close();
  }

  readonly #findStruct = (name: string): Type | undefined => {
    const type = this.types.find(`struct ${name}`);
    return type?.isComplete === true ? type : undefined;
  };

  readonly #findType = (name: string): Type | undefined => this.types.find(name);

  #symbolsOf(module: KernelModule, diagnostics: Diagnostic[]): LoadedSymbols | undefined {
    const { memory } = this.foundation;
    const region = (each: { address: bigint; byteSize: number }): SymbolRegion => ({
      start: each.address,
      byteSize: BigInt(each.byteSize),
    });
    try {
      const tables = moduleTables(memory, module, this.#findStruct);
      if (tables === undefined) return undefined;
      return {
        symbols: readModuleSymbols(memory, tables),
        regions: module.regions.map(region),
        perCpu: module.perCpu && region(module.perCpu),
      };
    } catch (error) {
      if (!(error instanceof DwarflessError)) throw error;
      const text = `symbols of module ${module.name}: ${error.message}`;
      diagnostics.push({ severity: "warning", code: "MODULE_SYMBOLS", text });
      return undefined;
    }
  }

  #makeVariables(ofModules: ReadonlyMap<KernelModule, ModuleSidecar>): VariableTable {
    const { memory, symbols } = this.foundation;
    return new VariableTable({
      memory,
      symbols,
      btf: this.kernelBtf?.btf,
      sidecar: this.sidecar?.btf,
      modules: this.modules.flatMap((module) => {
        const { name, perCpu } = module;
        const btf = typeof module.btf === "string" ? undefined : module.btf;
        const sidecar = ofModules.get(module);
        if (btf === undefined && sidecar === undefined) return [];
        const own = this.symbols.loaded.find((each) => each.symbols.module === name)?.symbols;
        return [
          {
            name,
            btf,
            ...(sidecar !== undefined && { sidecar }),
            symbols: () => own,
            isPerCpu: (address: bigint) =>
              perCpu !== undefined &&
              address >= perCpu.address &&
              address < perCpu.address + BigInt(perCpu.byteSize),
          },
        ];
      }),
      perCpu: this.perCpu,
      findType: this.#findType,
      enumerator: (name) => this.types.findEnumerator(name)?.value,
    });
  }

  #makeProgram(): Program {
    const { symbols } = this;
    const program = new Program({
      memory: this.foundation.memory,
      types: this.types,
      symbolizer: {
        symbolAt: (address) => {
          const found = symbols.find(address);
          if (found === undefined) return undefined;
          const { name, module, byteSize, kind } = found.symbol;
          // Behind the last label of a section lies what has no symbol, string constants for example.
          if (kind !== "function" && found.offset > 0 && found.offset >= byteSize) return undefined;
          return { name, offset: BigInt(found.offset), module };
        },
        find: (name, module) => {
          const all = symbols.named(name, module === "vmlinux" ? "" : module);
          const found = oneOfSeveral("symbol", name, all, ({ letter }) => letter !== letter.toLowerCase());
          return found && { name, address: found.address, module: found.module };
        },
      },
      variables: {
        find: (name, module) => this.variables.find(name, module),
        findAll: (name, module) => this.variables.findAll(name, module),
        names: () => this.variables.names(),
      },
      perCpuAddress: (address, cpu) => this.perCpu.address(address, cpu),
    });
    program.evaluator = evaluate;
    return program;
  }
}

/** Where sidecars of modules are looked for: where the kernel's is, when that is a matter of folders. */
function moduleFolders(dumpPath: string, named: string | undefined): string[] {
  if (named === undefined) return usualFolders(dumpPath);
  return statSync(named, { throwIfNoEntry: false })?.isDirectory() === true ? [named] : [];
}
