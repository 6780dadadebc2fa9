import { joinBtf } from "../btf/index.ts";
import {
  type ElfSectionInput,
  type ElfSymbolInput,
  ET_EXEC,
  NT_GNU_BUILD_ID,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_WRITE,
  SHT_NOTE,
  STB_GLOBAL,
  STB_LOCAL,
  STB_WEAK,
  STT_FUNC,
  STT_NOTYPE,
  STT_OBJECT,
  writeElf,
} from "../elf/index.ts";
import { FormatError, isDwarflessError } from "../io/index.ts";
import type { KernelSymbol } from "../kallsyms/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { kernelTypes, linkedAddress } from "./export.ts";

export interface ElfExportOptions {
  /** Addresses that the kernel was linked at, instead of those it had; modules, which have none, are left out. */
  linked: boolean;
}

export interface ElfExport {
  bytes: Uint8Array;
  /** What could not be taken in, for people. */
  missing: string[];
}

/** A run of memory that becomes a section. */
interface Place {
  name: string;
  start: bigint;
  end: bigint;
  flags: number;
}

/**
 * What other tools want of a kernel in one ELF file (ET_EXEC): its symbols, in sections that cover its image and
 * its modules, its types in `.BTF`, its build id, and its code as the dump has it.
 *
 * Functions are as long as /proc/kallsyms would have them, up to the next symbol; data are as long as their types,
 * or of size 0, which means that it is not known.
 *
 * @throws {FormatError} `KERNEL_BTF` where the kernel carries no types; `KERNEL_OFFSET` for linked addresses, where
 *   nothing says how far it was moved
 */
export function kernelElf(kernel: Kernel, { linked }: ElfExportOptions): ElfExport {
  const { memory, vmcoreinfo } = kernel.foundation;
  const offset = vmcoreinfo?.kernelOffset;
  if (linked && offset === undefined) {
    const file = kernel.dump.name;
    throw new FormatError("KERNEL_OFFSET", "it does not say how far the kernel was moved", { file });
  }
  const addressOf = linked ? linkedAddress(kernel, offset!) : (address: bigint): bigint => address;
  const places = [...imagePlaces(kernel), ...(linked ? [] : modulePlaces(kernel))];
  const missing: string[] = [];
  const sections = places.map(({ name, start, end, flags }): ElfSectionInput => {
    const address = addressOf(start);
    const byteSize = Number(end - start);
    if (name === ".text") {
      try {
        return { name, flags, alignment: 16, address, bytes: memory.read(start, byteSize) };
      } catch (error) {
        if (!isDwarflessError(error)) throw error;
        missing.push(`no code in it: ${error.message}`);
      }
    }
    return { name, flags, alignment: 1, address, bytes: byteSize };
  });
  sections.push({ name: ".BTF", flags: 0, alignment: 8, bytes: btfBytes(kernel) });
  const buildId = kernel.buildId?.text;
  if (buildId !== undefined) {
    const bytes = buildIdNote(Buffer.from(buildId, "hex"), memory.littleEndian);
    sections.push({ name: ".note.gnu.build-id", type: SHT_NOTE, flags: 0, alignment: 4, bytes });
  }
  const bytes = writeElf({
    type: ET_EXEC,
    machine: memory.translation.architecture.machine,
    is64: true,
    littleEndian: memory.littleEndian,
    sections,
    symbols: [...elfSymbols(kernel, places, addressOf, linked)],
  });
  return { bytes, missing };
}

/** The kernel's image: code, constants, and what is between them, which is data. */
function imagePlaces({ foundation: { symbols } }: Kernel): Place[] {
  const start = symbols.addressOf("_text") ?? symbols.addressOf("_stext");
  const end = symbols.addressOf("_end");
  if (start === undefined || end === undefined || end <= start) return [];
  const known = [
    { name: ".text", from: "_stext", to: "_etext", flags: SHF_ALLOC | SHF_EXECINSTR },
    { name: ".rodata", from: "__start_rodata", to: "__end_rodata", flags: SHF_ALLOC },
    { name: ".init.text", from: "_sinittext", to: "_einittext", flags: SHF_ALLOC | SHF_EXECINSTR },
  ]
    .map(({ name, from, to, flags }) => ({
      name,
      flags,
      start: symbols.addressOf(from) ?? end,
      end: symbols.addressOf(to) ?? start,
    }))
    .sort((a, b) => (a.start < b.start ? -1 : 1));
  const places: Place[] = [];
  let last = start;
  let gaps = 0;
  const fillTo = (address: bigint): void => {
    if (address <= last) return;
    const name = gaps++ === 0 ? ".data" : `.data.${gaps}`;
    places.push({ name, start: last, end: address, flags: SHF_ALLOC | SHF_WRITE });
  };
  for (const place of known) {
    if (place.start < last || place.end <= place.start || place.end > end) continue;
    fillTo(place.start);
    places.push(place);
    last = place.end;
  }
  fillTo(end);
  return places;
}

function modulePlaces({ modules }: Kernel): Place[] {
  return modules.flatMap(({ name, regions }) =>
    regions
      .filter(({ byteSize }) => byteSize > 0)
      .map(({ kind, address, byteSize }) => {
        const isCode = /text$|^core$|^init$/i.test(kind);
        return {
          name: `${name}.${kind.replace(/^MOD_/, "").toLowerCase()}`,
          start: address,
          end: address + BigInt(byteSize),
          flags: SHF_ALLOC | (isCode ? SHF_EXECINSTR : SHF_WRITE),
        };
      }),
  );
}

function* elfSymbols(
  kernel: Kernel,
  places: readonly Place[],
  addressOf: (address: bigint) => bigint,
  linked: boolean,
): Generator<ElfSymbolInput> {
  const sizes = new Map<string, number>();
  for (const { name, address, byteSize } of kernel.variables.all()) sizes.set(`${address} ${name}`, byteSize);
  const ordered = places
    .map((place, index) => ({ ...place, index }))
    .sort((a, b) => (a.start < b.start ? -1 : 1));
  const sectionOf = (address: bigint): (typeof ordered)[number] | undefined => {
    let low = 0;
    let high = ordered.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ordered[middle]!.start <= address) low = middle + 1;
      else high = middle;
    }
    const place = ordered[low - 1];
    // Labels of the end of a section are in it, where no other begins there.
    return place !== undefined && address <= place.end ? place : undefined;
  };
  for (const symbol of kernel.symbols.symbols()) {
    if (linked && symbol.module !== undefined) continue;
    const { name, address, kind } = symbol;
    const section = sectionOf(address);
    const room = section === undefined ? Infinity : Number(section.end - address);
    const byteSize =
      kind === "function" ? Math.min(symbol.byteSize, room) : (sizes.get(`${address} ${name}`) ?? 0);
    yield {
      name,
      value: addressOf(address),
      byteSize,
      binding: bindingOf(symbol),
      type: kind === "function" ? STT_FUNC : kind === "absolute" ? STT_NOTYPE : STT_OBJECT,
      section: section?.index,
    };
  }
}

function bindingOf({ letter }: KernelSymbol): number {
  if (/[wv]/i.test(letter)) return STB_WEAK;
  return letter === letter.toUpperCase() ? STB_GLOBAL : STB_LOCAL;
}

/** As the kernel has it; with a sidecar over it, both in one. */
function btfBytes(kernel: Kernel): Uint8Array {
  const types = kernelTypes(kernel);
  const own = kernel.kernelBtf!;
  if (types !== own.btf) return joinBtf(own.btf, types);
  return kernel.foundation.memory.read(own.address, own.byteSize);
}

/** An ELF note named GNU (gABI 5, "Note Section"). */
function buildIdNote(buildId: Uint8Array, littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(16 + Math.ceil(buildId.length / 4) * 4);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 4, littleEndian);
  view.setUint32(4, buildId.length, littleEndian);
  view.setUint32(8, NT_GNU_BUILD_ID, littleEndian);
  bytes.set(Buffer.from("GNU\0"), 12);
  bytes.set(buildId, 16);
  return bytes;
}
