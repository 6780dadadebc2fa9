/** x86-64 kernels in made memory that a dump can be opened on: image, page tables, symbol tables, VMCOREINFO. */
import type { Dump } from "../../src/dump/index.ts";
import { buildKallsyms, type BuildSymbol } from "./kallsyms.ts";
import { PageTableBuilder, tableShapes } from "./page-tables.ts";
import type { SparseMemory } from "./sparse-memory.ts";

export interface DumpedKernelOptions {
  memory: SparseMemory;
  virtual: bigint;
  physical: number;
  release?: string;
  /** Value of `panic_cpu`; by default no CPU has panicked. */
  panicCpu?: number;
  /** 8-byte words at further symbols. */
  variables?: Record<string, readonly bigint[]>;
}

const imageBase = 0xffff_ffff_8000_0000n;
const tablesOffset = 0x1_0000;
/** Fewer symbols are not believed to be a kernel's. */
const fillerCount = 2600;

export class DumpedKernel {
  readonly memory: SparseMemory;
  readonly #options: DumpedKernelOptions;
  readonly #offsets = new Map<string, number>();
  readonly #tableLines: string[];

  constructor(options: DumpedKernelOptions) {
    const { memory, virtual, physical, release = "6.1.0", panicCpu = -1, variables = {} } = options;
    this.memory = memory;
    this.#options = options;
    const put = (name: string, offset: number, bytes: Uint8Array | string = ""): void => {
      this.#offsets.set(name, offset);
      memory.write(physical + offset, bytes);
    };
    const words = (...values: bigint[]): Uint8Array => new Uint8Array(BigUint64Array.from(values).buffer);
    // No gaps: a search goes through the memory around what it finds.
    memory.write(physical, new Uint8Array(tablesOffset));
    put("_stext", 0, Uint8Array.of(0xf3));
    put("linux_banner", 0x2040, `Linux version ${release} (a@b) (cc) #1 SMP\n\0`);
    put("init_uts_ns", 0x3000, `${"\0".repeat(16)}Linux\0`);
    memory.write(physical + 0x3000 + 16 + 130, `${release}\0`);
    put("init_task", 0x5000, "swapper/0\0");
    put("phys_base", 0x6000, words(BigInt.asUintN(64, BigInt(physical) - virtual + imageBase)));
    put("panic_cpu", 0x6008, words(BigInt.asUintN(32, BigInt(panicCpu))));
    for (const [index, [name, values]] of Object.entries(variables).entries())
      put(name, 0x6100 + index * 0x40, words(...values));

    const root = physical + 0x10_0000;
    this.#offsets.set("init_top_pgt", root - physical);
    const symbols: BuildSymbol[] = [...this.#offsets].map(([name, offset]) => ({
      name,
      letter: "D",
      address: virtual + BigInt(offset),
    }));
    for (let index = 0; index < fillerCount; index++)
      symbols.push({ name: `filler_${index}`, letter: "t", address: virtual + BigInt(0x7000 + index) });
    symbols.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
    const built = buildKallsyms(symbols, {
      layout: "6.4",
      encoding: "base-relative",
      longLengths: true,
      address: virtual + BigInt(tablesOffset),
      relativeBase: virtual,
    });
    memory.write(physical + tablesOffset, built.bytes);
    this.#tableLines = [...built.labels].map(([name, address]) => `SYMBOL(${name})=${address.toString(16)}`);
    const tables = new PageTableBuilder(memory, tableShapes[0]!, root);
    for (let offset = 0; offset < tablesOffset + built.bytes.length; offset += 4096)
      tables.map(virtual + BigInt(offset), BigInt(physical + offset));
  }

  virtualOf(name: string): bigint {
    return this.#options.virtual + BigInt(this.#offsets.get(name)!);
  }

  /** What the kernel says of itself: since v6.0 with the places of its symbol tables. */
  vmcoreinfo(options: { tables?: boolean; release?: boolean; more?: readonly string[] } = {}): string {
    const { tables = true, release = true, more = [] } = options;
    const { physical, virtual } = this.#options;
    const lines = [
      ...(release ? [`OSRELEASE=${this.#options.release ?? "6.1.0"}`] : []),
      "PAGESIZE=4096",
      `NUMBER(phys_base)=${BigInt(physical) - virtual + imageBase}`,
      ...["_stext", "init_uts_ns", "init_top_pgt"].map(
        (name) => `SYMBOL(${name})=${this.virtualOf(name).toString(16)}`,
      ),
      "OFFSET(uts_namespace.name)=16",
      ...(tables ? this.#tableLines : []),
      ...more,
    ];
    return `${lines.join("\n")}\n`;
  }
}

/** A dump of such memory, as a hypervisor writes one. */
export function dumpOf(memory: SparseMemory, more: Partial<Dump> = {}): Dump {
  return {
    name: "made",
    format: "elf",
    flattened: false,
    machine: 62,
    littleEndian: true,
    notes: [],
    vmcoreinfo: undefined,
    fromHypervisor: true,
    virtualSegments: [],
    facts: [],
    diagnostics: [],
    frozen: true,
    ranges: memory.ranges,
    readInto: (target, address) => memory.readInto(target, address),
    close: () => {},
    ...more,
  };
}
