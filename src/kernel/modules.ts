import type { Btf } from "../btf/index.ts";
import { type Diagnostic, DwarflessError, FaultError } from "../io/index.ts";
import type { ModuleTables, SymbolList } from "../kallsyms/index.ts";
import type { VirtualMemory } from "../memory/index.ts";
import type { Type } from "../program/index.ts";
import { readModuleBtf } from "./kernel-btf.ts";
import { walkList } from "./list.ts";
import { StructReader } from "./struct-reader.ts";

/** `enum module_state`: nothing of an unformed module may be believed. */
const MODULE_STATE_UNFORMED = 3n;

/** A run of memory that a module's code or data lies in. */
export interface ModuleRegion {
  /** MOD_TEXT, MOD_DATA, …; `core` and `init` before v6.4. */
  kind: string;
  address: bigint;
  byteSize: number;
}

/** A loaded module as the kernel lists it. */
export interface KernelModule {
  name: string;
  /** Of its `struct module`. */
  address: bigint;
  regions: readonly ModuleRegion[];
  /** Address of its per-CPU section as linked; undefined where it has none. */
  perCpu: { address: bigint; byteSize: number } | undefined;
  /** Lower-case hexadecimal; undefined where the kernel does not keep it. */
  buildId: string | undefined;
  /** Types over the kernel's, or why there are none. */
  btf: Btf | string;
  /** Where its BTF lies; undefined where it has none. */
  btfAddress: bigint | undefined;
}

/** What is needed to find modules. */
export interface ModuleSources {
  memory: VirtualMemory;
  symbols: SymbolList;
  btf: Btf;
  /** A complete struct of the kernel's BTF. */
  findStruct: (name: string) => Type | undefined;
  diagnostics: Diagnostic[];
}

/**
 * The modules of a kernel (`modules`, kernel/module/main.c) with their BTF (`btf_modules`,
 * kernel/bpf/btf.c). Both list heads are `struct list_head` by what they are for.
 */
export function readModules(sources: ModuleSources): KernelModule[] {
  const { memory, symbols, diagnostics } = sources;
  const head = symbols.addressOf("modules");
  const type = sources.findStruct("module");
  if (head === undefined || type === undefined) return [];
  const reader = new StructReader(memory, type);
  const btfOf = readBtfModules(sources);
  const modules: KernelModule[] = [];
  const listOffset = reader.byteOffset("list");
  for (const node of walkList(memory, head, "modules", diagnostics)) {
    const address = BigInt.asUintN(64, node - listOffset);
    try {
      if (reader.unsigned(address, "state") === MODULE_STATE_UNFORMED) continue;
      const name = reader.text(address, "name");
      modules.push({
        name,
        address,
        regions: readRegions(memory, reader, address),
        perCpu: readPerCpu(reader, address),
        buildId: readBuildId(memory, reader, address),
        ...moduleBtf(sources, name, btfOf.get(address)),
      });
    } catch (error) {
      if (!(error instanceof DwarflessError)) throw error;
      const text = `module at 0x${address.toString(16)}: ${error.message}`;
      diagnostics.push({ severity: "warning", code: "MODULE", text });
      if (!(error instanceof FaultError)) break;
    }
  }
  return modules;
}

function readRegions(memory: VirtualMemory, reader: StructReader, module: bigint): ModuleRegion[] {
  const regions: ModuleRegion[] = [];
  const add = (kind: string, address: bigint, byteSize: bigint): void => {
    if (address !== 0n && byteSize > 0n && byteSize < 1n << 32n) {
      regions.push({ kind, address, byteSize: Number(byteSize) });
    }
  };
  if (reader.has("mem")) {
    // v6.4 (ac3b43283923): one entry for each kind of memory.
    const array = reader.typeOf("mem").underlying;
    const element = new StructReader(memory, array.target!);
    const byteSize = BigInt(element.type.byteSize);
    for (let index = 0; index < Math.min(array.length ?? 0, memoryKinds.length); index++) {
      const at = module + reader.byteOffset("mem") + BigInt(index) * byteSize;
      add(memoryKinds[index]!, element.unsigned(at, "base"), element.unsigned(at, "size"));
    }
    return regions;
  }
  for (const kind of ["core", "init"]) {
    // v4.5 (7523e4dc5057) put these into a struct of their own.
    const base = reader.firstOf(`${kind}_layout.base`, `module_${kind}`);
    const size = reader.firstOf(`${kind}_layout.size`, `${kind}_size`);
    if (base === undefined || size === undefined) continue;
    add(kind, reader.unsigned(module, base), reader.unsigned(module, size));
  }
  return regions;
}

/** `enum mod_mem_type`, include/linux/module.h since v6.4. */
const memoryKinds = ["text", "data", "rodata", "ro_after_init", "init.text", "init.data", "init.rodata"];

function readPerCpu(reader: StructReader, module: bigint): KernelModule["perCpu"] {
  if (!reader.has("percpu") || !reader.has("percpu_size")) return undefined;
  const byteSize = Number(reader.unsigned(module, "percpu_size"));
  const address = reader.unsigned(module, "percpu");
  return byteSize > 0 && address !== 0n ? { address, byteSize } : undefined;
}

function readBuildId(memory: VirtualMemory, reader: StructReader, module: bigint): string | undefined {
  if (!reader.has("build_id")) return undefined;
  const byteSize = reader.typeOf("build_id").byteSizeIf ?? 0;
  const bytes = memory.read(module + reader.byteOffset("build_id"), Math.min(byteSize, 64));
  return bytes.every((byte) => byte === 0) ? undefined : Buffer.from(bytes).toString("hex");
}

interface BtfRecord {
  data: bigint;
  byteSize: number;
}

/** BTF of modules by the address of their `struct module`. */
function readBtfModules(sources: ModuleSources): Map<bigint, BtfRecord> {
  const { memory, symbols, findStruct, diagnostics } = sources;
  const found = new Map<bigint, BtfRecord>();
  const head = symbols.addressOf("btf_modules");
  const entryType = findStruct("btf_module");
  const btfType = findStruct("btf");
  if (head === undefined || entryType === undefined || btfType === undefined) return found;
  const entry = new StructReader(memory, entryType);
  const btf = new StructReader(memory, btfType);
  const listOffset = entry.byteOffset("list");
  for (const node of walkList(memory, head, "btf_modules", diagnostics)) {
    const address = BigInt.asUintN(64, node - listOffset);
    try {
      const at = entry.unsigned(address, "btf");
      found.set(entry.unsigned(address, "module"), {
        data: btf.unsigned(at, "data"),
        byteSize: Number(btf.unsigned(at, "data_size")),
      });
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      const text = `btf_module at 0x${address.toString(16)}: ${error.message}`;
      diagnostics.push({ severity: "warning", code: "MODULE_BTF", text });
    }
  }
  return found;
}

function moduleBtf(
  sources: ModuleSources,
  name: string,
  record: BtfRecord | undefined,
): Pick<KernelModule, "btf" | "btfAddress"> {
  if (record === undefined) {
    return { btf: "the kernel keeps no BTF of this module", btfAddress: undefined };
  }
  const btf = readModuleBtf(sources.memory, name, record.data, record.byteSize, sources.btf);
  if (typeof btf === "string") {
    const text = `BTF of module ${name}: ${btf}`;
    sources.diagnostics.push({ severity: "warning", code: "MODULE_BTF", text });
  }
  return { btf, btfAddress: record.data };
}

/**
 * Where a module's symbols are: `module.kallsyms` (struct mod_kallsyms, v4.5), and its exports.
 * @returns undefined for kernels that do not keep them so
 * @throws {FaultError}
 */
export function moduleTables(
  memory: VirtualMemory,
  module: KernelModule,
  findStruct: (name: string) => Type | undefined,
): ModuleTables | undefined {
  const moduleType = findStruct("module");
  const tableType = findStruct("mod_kallsyms");
  if (moduleType === undefined || tableType === undefined) return undefined;
  const reader = new StructReader(memory, moduleType);
  if (!reader.has("kallsyms")) return undefined;
  const at = reader.unsigned(module.address, "kallsyms");
  if (at === 0n) return undefined;
  const table = new StructReader(memory, tableType);
  const entry = findStruct("kernel_symbol");
  const hasExports = entry?.byteSizeIf !== undefined && reader.has("syms") && reader.has("num_syms");
  return {
    module: module.name,
    symtab: table.unsigned(at, "symtab"),
    count: Number(table.unsigned(at, "num_symtab")),
    strtab: table.unsigned(at, "strtab"),
    typetab: table.has("typetab") ? table.unsigned(at, "typetab") : undefined,
    exports: hasExports
      ? {
          address: reader.unsigned(module.address, "syms"),
          count: Number(reader.unsigned(module.address, "num_syms")),
          entryByteSize: entry!.byteSize,
        }
      : undefined,
  };
}
