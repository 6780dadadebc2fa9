/**
 * Broken dumps of real kernels: cut off anywhere, and with bytes changed in headers, tables and
 * lists. What comes of each is a kernel that is the right one, or a typed error, in bounded memory.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Dump, openDumpSources } from "../../src/dump/index.ts";
import { FileSource, isDwarflessError } from "../../src/io/index.ts";
import { Kernel } from "../../src/kernel/index.ts";
import { randomNumbers } from "../build/mutate.ts";
import { type Patch, PatchedSource } from "../build/patched-source.ts";
import { loadSegments } from "../guest/core-file.ts";
import { type DumpKind, dumpMissing, guestDump, type GuestDump } from "../guest/dumps.ts";
import { peers } from "./peers.ts";

/** Milliseconds; after that a search for a kernel that is not there gives up. */
const deadline = 3000;
/** Bytes that all cases together may add to what the process has. */
const memoryLimit = 1_000_000_000;
const name = "6.1-amd64";
const missing = dumpMissing(name) ?? peers().reason;

interface Outcome {
  right: number;
  refused: number;
  failures: string[];
}

const dumps = new Map<DumpKind, GuestDump>();
let memoryBefore = 0;

beforeAll(async () => {
  if (missing !== undefined) return;
  for (const kind of ["idle", "no-note", "kdump"] as const) dumps.set(kind, await guestDump(name, kind));
  memoryBefore = process.memoryUsage().rss;
});
afterAll(() => expect(process.memoryUsage().rss - memoryBefore).toBeLessThan(memoryLimit));

/**
 * [guest, format, dumps cut off, dumps with changed bytes]: 110 and 2,000 in all. Fewest of what
 * costs most: where the tables of a compressed dump are cut off, all that is left is searched.
 */
const containers: readonly (readonly [DumpKind, string, number, number])[] = [
  ["idle", "elf", 35, 500],
  ["idle", "kdump-zlib", 5, 100],
  ["no-note", "lime", 25, 250],
  ["kdump", "vmcore", 30, 600],
  ["kdump", "zlib-d31", 10, 400],
  ["kdump", "flattened-d31", 5, 150],
];

describe.each(containers)("%s %s", (kind, format, cuts, changes) => {
  test("cut off", async (context) => {
    context.skip(missing !== undefined, missing);
    const dump = dumps.get(kind)!;
    const random = randomNumbers(1);
    await withFile(dump.file(format), async (file) => {
      const outcome = await judge(cuts, dump, async (index) => {
        // Some in the headers, the rest anywhere.
        const size =
          index % 5 === 0 ? random(65536) : Math.floor((random(1 << 30) / (1 << 30)) * file.byteSize);
        const source = new PatchedSource(file, [], size);
        return { text: `cut at 0x${size.toString(16)}`, source };
      });
      console.log(`${kind} ${format}: ${JSON.stringify(outcome)}`);
      expect(outcome.failures.slice(0, 5)).toEqual([]);
    });
  });

  test("with other bytes in headers and tables", async (context) => {
    context.skip(missing !== undefined, missing);
    await withFile(dumps.get(kind)!.file(format), async (file) => {
      const failures: string[] = [];
      for (let seed = 0; seed < changes; seed++) {
        // Headers, segments, notes and bitmaps lie in the first blocks of every format; pages' descriptors after them.
        const patches = changesIn(seed, seed % 2 === 0 ? 1024 : 65536, file);
        try {
          readEverywhere(await openDumpSources([new PatchedSource(file, patches)]), seed);
        } catch (error) {
          if (!isDwarflessError(error)) failures.push(`${describePatches(patches)}: ${String(error)}`);
        }
      }
      expect(failures.slice(0, 5)).toEqual([]);
    });
  });
});

test("200 changes of the tables and lists that a kernel is found by", async (context) => {
  context.skip(missing !== undefined, missing);
  const dump = dumps.get("idle")!;
  await withFile(dump.file("elf"), async (file) => {
    const regions = await tablesInMemory(file, dump);
    const outcome = await judge(200, dump, async (seed) => {
      const random = randomNumbers(seed);
      const [table, regionOffset, byteSize] = regions[seed % regions.length]!;
      const patches = Array.from({ length: 1 + random(3) }, () => ({
        offset: regionOffset + random(byteSize),
        byte: random(256),
      }));
      return { text: `${table}: ${describePatches(patches)}`, source: new PatchedSource(file, patches) };
    });
    console.log(`tables: ${JSON.stringify(outcome)}`);
    expect(outcome.failures.slice(0, 5)).toEqual([]);
  });
});

async function withFile(path: string, body: (file: FileSource) => Promise<void>): Promise<void> {
  const file = new FileSource(path);
  try {
    await body(file);
  } finally {
    file.close();
  }
}

interface BrokenDump {
  text: string;
  source: PatchedSource;
}

/** Open a kernel in each of `count` broken dumps. */
async function judge(
  count: number,
  dump: GuestDump,
  make: (index: number) => Promise<BrokenDump>,
): Promise<Outcome> {
  const truth = new Truth(dump);
  const outcome: Outcome = { right: 0, refused: 0, failures: [] };
  for (let index = 0; index < count; index++) {
    const { text, source } = await make(index);
    try {
      const opened = await openDumpSources([source]);
      const kernel = await Kernel.over(opened, { sidecar: "none", deadline: Date.now() + deadline });
      const wrong = truth.judge(kernel);
      if (wrong === undefined) outcome.right++;
      else outcome.failures.push(`${text}: ${wrong}`);
      kernel.close();
    } catch (error) {
      if (isDwarflessError(error)) outcome.refused++;
      else outcome.failures.push(`${text}: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }
  return outcome;
}

/** What an opened kernel must not be wrong about without a word. */
class Truth {
  readonly #banner: string;
  readonly #addresses = new Map<string, bigint>();

  constructor(dump: GuestDump) {
    this.#banner = dump.said("version").trim();
    for (const match of dump
      .said("kallsyms")
      .matchAll(/^(\S+) \S (init_task|linux_banner|_stext|jiffies)$/gm)) {
      this.#addresses.set(match[2]!, BigInt(`0x${match[1]!}`));
    }
  }

  judge(kernel: Kernel): string | undefined {
    const { banner } = kernel.foundation;
    if (banner.trim() !== this.#banner) return `banner ${JSON.stringify(banner)}`;
    for (const [symbol, address] of this.#addresses) {
      const found = kernel.symbols.named(symbol);
      // A changed name is another name. An address that is not the guest's is a lie, unless it was said.
      if (found.length > 0 && !found.some((each) => each.address === address)) {
        if (kernel.diagnostics.length === 0) return `${symbol} at 0x${found[0]!.address.toString(16)}`;
      }
    }
    return undefined;
  }
}

function changesIn(seed: number, reach: number, file: FileSource): Patch[] {
  const random = randomNumbers(seed);
  const limit = Math.min(reach, file.byteSize);
  return Array.from({ length: 1 + random(3) }, () => {
    const offset = random(limit);
    const byte = random(2) === 0 ? file.read(offset, 1)[0]! ^ (1 << random(8)) : random(256);
    return { offset, byte };
  });
}

function describePatches(patches: readonly Patch[]): string {
  return patches.map(({ offset, byte }) => `0x${offset.toString(16)} is ${byte}`).join(", ");
}

/** Bytes or a typed fault, wherever one looks. */
function readEverywhere(dump: Dump, seed: number): void {
  const random = randomNumbers(seed);
  const page = new Uint8Array(4096);
  for (let index = 0; index < 16; index++) {
    try {
      dump.readInto(page, random(1 << 16) * 4096);
    } catch (error) {
      if (!isDwarflessError(error)) throw error;
    }
  }
  dump.close();
}

/** Where in the core file tables lie that a kernel is opened by: [name, file offset, bytes], at most a page of each. */
async function tablesInMemory(file: FileSource, dump: GuestDump): Promise<[string, number, number][]> {
  const segments = loadSegments(dump.file("elf"));
  const kernel = await Kernel.over(await openDumpSources([file]), { sidecar: "none" });
  const place = (name: string, address: bigint): [string, number, number][] => {
    const physical = kernel.foundation.memory.translate(address);
    const segment = segments.find(({ physicalAddress, byteSize }) => {
      const start = Number(physicalAddress);
      return physical >= start && physical < start + byteSize;
    });
    if (segment === undefined) return [];
    const offset = segment.offset + physical - Number(segment.physicalAddress);
    return [[name, offset, 4096 - Number(address & 4095n)]];
  };
  const symbols =
    "kallsyms_num_syms kallsyms_names kallsyms_markers kallsyms_token_table kallsyms_token_index kallsyms_offsets " +
    "kallsyms_relative_base __start_BTF modules btf_modules init_uts_ns init_top_pgt __per_cpu_offset " +
    "vmcoreinfo_note vmcoreinfo_data";
  const regions = symbols.split(" ").flatMap((symbol) => {
    const found = kernel.symbols.named(symbol)[0];
    return found === undefined ? [] : place(symbol, found.address);
  });
  for (const module of kernel.modules.slice(0, 5)) regions.push(...place(module.name, module.address));
  expect(regions.length).toBeGreaterThan(10);
  return regions;
}
