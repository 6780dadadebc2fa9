import { type Kernel, type KernelModule, releaseOf, StructReader } from "../kernel/index.ts";
import { DwarflessError, FaultError } from "../io/index.ts";
import {
  ORC_TYPE_UNDEFINED,
  orcNullEntry,
  type OrcEntry,
  type OrcLookupLocation,
  OrcTable,
  orcVersionOf,
  type OrcVersion,
} from "../orc/index.ts";
import { kernelType } from "./kernel-types.ts";

const orcHeaderByteSize = 20;
/** Answers kept; forgotten all at once beyond. */
const maximumKept = 1 << 16;

/** ORC of a kernel and its modules, by address of code. */
export class OrcSource {
  readonly version: OrcVersion | undefined;
  /** Why there is none, for people; undefined when there is. */
  readonly problem: string | undefined;
  readonly #kernel: Kernel;
  readonly #table: OrcTable | undefined;
  readonly #start: bigint = 0n;
  readonly #end: bigint = 0n;
  readonly #modules: readonly ModuleCode[];
  readonly #kept = new Map<bigint, OrcEntry | undefined>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#modules = kernel.modules.flatMap((module) =>
      module.regions.map(({ address, byteSize }) => ({
        module,
        start: address,
        end: address + BigInt(byteSize),
      })),
    );
    try {
      this.version = readVersion(kernel);
      if (this.version === undefined) {
        this.problem = "the format of this kernel's ORC is not known";
        return;
      }
      this.#table = openKernelTable(kernel, this.version);
      if (this.#table === undefined) {
        this.problem = "this kernel has no ORC";
        return;
      }
      this.#start = this.#table.entryAddress(0);
      this.#end = this.#table.entryAddress(this.#table.count - 1);
    } catch (error) {
      if (!(error instanceof DwarflessError)) throw error;
      this.problem = `ORC: ${error.message}`;
    }
  }

  /** Entries of the kernel's own table; 0 without one. */
  get count(): number {
    return this.#table?.count ?? 0;
  }

  /** The entry for an address; undefined outside of all code that has any, and where it cannot be read. */
  find(address: bigint): OrcEntry | undefined {
    if (this.#kept.has(address)) return this.#kept.get(address);
    if (this.#kept.size >= maximumKept) this.#kept.clear();
    let found: OrcEntry | undefined;
    try {
      found = this.#tableOf(address)?.find(address);
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
    }
    this.#kept.set(address, found);
    return found;
  }

  /** The entry to leave a frame by. A return address may be the first of the next function: the call counts. */
  forFrame(pc: bigint, exact: boolean): OrcEntry | undefined {
    if (pc === 0n) return orcNullEntry;
    return this.find(exact ? pc : pc - 1n);
  }

  /** True where a return address can point. */
  isCode(pc: bigint): boolean {
    const entry = this.find(pc - 1n);
    return entry !== undefined && entry.type !== ORC_TYPE_UNDEFINED;
  }

  #tableOf(address: bigint): OrcTable | undefined {
    if (address >= this.#start && address < this.#end) return this.#table;
    const code = this.#modules.find(({ start, end }) => address >= start && address < end);
    if (code === undefined || this.version === undefined) return undefined;
    const { module } = code;
    let table = this.#moduleTables.get(module);
    if (table === undefined) {
      table = openModuleTable(this.#kernel, module, this.version) ?? null;
      this.#moduleTables.set(module, table);
    }
    return table ?? undefined;
  }

  readonly #moduleTables = new Map<KernelModule, OrcTable | null>();
}

interface ModuleCode {
  module: KernelModule;
  start: bigint;
  end: bigint;
}

function readVersion(kernel: Kernel): OrcVersion | undefined {
  const { memory, symbols } = kernel.foundation;
  const type = kernelType(kernel, "struct", "orc_entry");
  const header = symbols.addressOf("__start_orc_header");
  const framePointerEntry = symbols.addressOf("orc_fp_entry");
  return orcVersionOf({
    headerHash: header === undefined ? undefined : memory.read(header, orcHeaderByteSize),
    members: type?.isComplete
      ? { end: type.findMember("end") !== undefined, signal: type.findMember("signal") !== undefined }
      : undefined,
    framePointerFlags: framePointerEntry === undefined ? undefined : memory.readU16(framePointerEntry + 4n),
    release: releaseOf(kernel.foundation),
  });
}

function openKernelTable(kernel: Kernel, version: OrcVersion): OrcTable | undefined {
  const { memory, symbols } = kernel.foundation;
  const addresses = symbols.addressOf("__start_orc_unwind_ip");
  const addressesEnd = symbols.addressOf("__stop_orc_unwind_ip");
  const entries = symbols.addressOf("__start_orc_unwind");
  if (addresses === undefined || addressesEnd === undefined || entries === undefined) return undefined;
  const count = Number((addressesEnd - addresses) / 4n);
  return new OrcTable(memory, { addresses, entries, count, lookup: lookupOf(kernel) }, version);
}

function lookupOf(kernel: Kernel): OrcLookupLocation | undefined {
  const { symbols } = kernel.foundation;
  const address = symbols.addressOf("orc_lookup");
  const end = symbols.addressOf("orc_lookup_end");
  const textStart = symbols.addressOf("_stext");
  if (address === undefined || end === undefined || textStart === undefined || end <= address)
    return undefined;
  return { address, count: Number((end - address) / 4n), textStart };
}

function openModuleTable(kernel: Kernel, module: KernelModule, version: OrcVersion): OrcTable | undefined {
  const type = kernelType(kernel, "struct", "module");
  if (type === undefined) return undefined;
  const { memory } = kernel.foundation;
  const reader = new StructReader(memory, type);
  const paths = ["arch.orc_unwind_ip", "arch.orc_unwind", "arch.num_orcs"];
  if (!paths.every((path) => reader.has(path))) return undefined;
  try {
    const [addresses, entries, count] = paths.map((path) => reader.unsigned(module.address, path));
    if (addresses === 0n || entries === 0n) return undefined;
    return new OrcTable(memory, { addresses: addresses!, entries: entries!, count: Number(count) }, version);
  } catch (error) {
    // A module without a table is one whose frames cannot be left; the walk says so.
    if (error instanceof DwarflessError) return undefined;
    throw error;
  }
}
