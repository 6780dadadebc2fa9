/** A kernel's memory made in a test: an image with a few variables at its place, mapped by page tables. */
import { PageTableBuilder, type TableShape } from "./page-tables.ts";
import { SparseMemory } from "./sparse-memory.ts";

export interface MockKernelOptions {
  shape: TableShape;
  /** Virtual and physical address of the image's first page. */
  virtual: bigint;
  physical: number;
  /** Value of the variable that says how they differ: `phys_base` or `kimage_voffset`. */
  distance: bigint;
  release?: string;
  /** Further 8-byte variables. */
  variables?: Record<string, bigint>;
  memory?: SparseMemory;
}

const pageCount = 16;

/** An image of one 64 KiB stretch with `_stext`, `linux_banner`, `init_uts_ns`, …, and `swapper_pg_dir` behind it. */
export class MockKernel {
  readonly memory: SparseMemory;
  readonly tables: PageTableBuilder;
  readonly #options: MockKernelOptions;
  readonly #offsets = new Map<string, number>();

  constructor(options: MockKernelOptions) {
    const { shape, virtual, physical } = options;
    const release = options.release ?? "6.1.0";
    this.#options = options;
    this.memory = options.memory ?? new SparseMemory();
    this.tables = new PageTableBuilder(this.memory, shape, physical + pageCount * 4096);
    for (let offset = 0; offset < pageCount * 4096; offset += 2 ** shape.pageShift)
      this.tables.map(virtual + BigInt(offset), BigInt(physical + offset));
    this.#place("_stext", 0, Uint8Array.of(0xf3, 0x0f, 0x1e, 0xfa));
    this.#place("linux_banner", 0x2040, `Linux version ${release} (someone@somewhere) (cc) #1 SMP\n\0`);
    this.#place("init_uts_ns", 0x3000, "");
    for (const [index, text] of ["Linux", "host", release, "#1 SMP", "machine", "(none)"].entries())
      this.memory.write(physical + 0x3000 + 16 + index * 65, `${text}\0`);
    this.#place("init_task", 0x5000, Uint8Array.of(1));
    const distanceName = shape.architecture === "x86-64" ? "phys_base" : "kimage_voffset";
    const variables = { [distanceName]: options.distance, ...options.variables };
    for (const [index, [name, value]] of Object.entries(variables).entries())
      this.#place(name, 0x6000 + index * 8, new Uint8Array(BigUint64Array.of(value).buffer));
    const rootName = shape.architecture === "x86-64" ? "init_top_pgt" : "swapper_pg_dir";
    this.#offsets.set(rootName, this.tables.format.root - physical);
  }

  readonly virtualOf = (name: string): bigint | undefined => {
    const offset = this.#offsets.get(name);
    return offset === undefined ? undefined : this.#options.virtual + BigInt(offset);
  };

  readonly physicalOf = (name: string): number | undefined => {
    const offset = this.#offsets.get(name);
    return offset === undefined ? undefined : this.#options.physical + offset;
  };

  /** VMCOREINFO lines for what every kernel states; `more` are further ones. */
  vmcoreinfo(more: readonly string[] = []): string {
    const lines = [
      `OSRELEASE=${this.#options.release ?? "6.1.0"}`,
      `PAGESIZE=${2 ** this.#options.shape.pageShift}`,
    ];
    for (const name of ["_stext", "init_uts_ns", "swapper_pg_dir", "init_top_pgt"]) {
      const address = this.virtualOf(name);
      if (address !== undefined) lines.push(`SYMBOL(${name})=${address.toString(16)}`);
    }
    lines.push("OFFSET(uts_namespace.name)=16", ...more);
    return `${lines.join("\n")}\n`;
  }

  #place(name: string, offset: number, bytes: Uint8Array | string): void {
    this.#offsets.set(name, offset);
    this.memory.write(this.#options.physical + offset, bytes);
  }
}
