import { type Btf, BTF_KIND_DATASEC, BTF_KIND_VAR, infoKind, type TypeId } from "../btf/index.ts";

/** Where the type of a variable comes from. */
export type VariableOrigin = "btf" | "module" | "sidecar" | "declared";

/** A variable that BTF describes, put at its place in memory. */
export interface PlacedVariable {
  name: string;
  btf: Btf;
  type: TypeId;
  /** Of a per-CPU variable: its symbol's, to which a CPU's offset is added. */
  address: bigint;
  byteSize: number;
  section: string;
}

/** Symbols by name and address, as far as placing variables needs them. */
export interface SymbolPlaces {
  /** Addresses of all symbols of that name. */
  addressesOf(name: string): readonly bigint[];
  /** Names of all symbols at exactly that address. */
  namesAt(address: bigint): readonly string[];
}

/** Up to so many names are indexed at once. */
const smallCount = 1000;
/** Lookups by searching strings (3 ms in a sidecar of 5 MB) before the names are indexed (30 ms). */
const searchesBeforeIndex = 3;
/** Unique symbols that are heard before a section has its place. */
const enoughVoters = 24;

/**
 * The VARs of one BTF at the addresses that symbols give them.
 *
 * A DATASEC says where a variable stands in its section but not where the section is in memory. Each
 * variable whose symbol is unique proposes an address for its section, and the section is where most
 * of a sample put it. A variable counts only when a symbol of its name stands exactly at its place:
 * what cannot be confirmed is left out, never guessed.
 */
export class VariableSource {
  readonly btf: Btf;
  readonly #symbols: SymbolPlaces;
  #sections: Section[] | undefined;
  #byName: Map<string, SectionEntry[]> | undefined;
  #searches = 0;
  #count = 0;

  constructor(btf: Btf, symbols: SymbolPlaces) {
    this.btf = btf;
    this.#symbols = symbols;
  }

  /** All variables of a name; several functions or files may have one. */
  find(name: string): PlacedVariable[] {
    const found: PlacedVariable[] = [];
    for (const { section, index } of this.#entriesNamed(name)) {
      const placed = this.#place(section, index);
      if (placed !== undefined) found.push(placed);
    }
    return found;
  }

  #entriesNamed(name: string): readonly SectionEntry[] {
    if (this.#byName === undefined && (this.count <= smallCount || this.#searches++ >= searchesBeforeIndex)) {
      this.#byName = this.#indexNames();
    }
    return this.#byName === undefined ? this.#search(name) : (this.#byName.get(name) ?? []);
  }

  #indexNames(): Map<string, SectionEntry[]> {
    const byName = new Map<string, SectionEntry[]>();
    const { btf } = this;
    for (const section of this.#allSections()) {
      for (let index = 0, count = btf.vlen(section.id); index < count; index++) {
        const name = btf.name(btf.sectionEntryType(section.id, index));
        const entries = byName.get(name);
        if (entries === undefined) byName.set(name, [{ section, index }]);
        else entries.push({ section, index });
      }
    }
    return byName;
  }

  /** Without reading any name: those that could be it, by where strings are. */
  #search(name: string): SectionEntry[] {
    const { btf } = this;
    const offsets = nameOffsets(btf, name);
    const found: SectionEntry[] = [];
    if (offsets.size === 0) return found;
    for (const section of this.#allSections()) {
      for (let index = 0, count = btf.vlen(section.id); index < count; index++) {
        if (offsets.has(btf.nameOffset(btf.sectionEntryType(section.id, index))))
          found.push({ section, index });
      }
    }
    return found;
  }

  /** Every variable with a confirmed place, section by section. */
  *all(): Generator<PlacedVariable> {
    for (const section of this.#allSections()) {
      for (let index = 0, count = this.btf.vlen(section.id); index < count; index++) {
        const placed = this.#place(section, index);
        if (placed !== undefined) yield placed;
      }
    }
  }

  /** Names of all variables described. */
  *names(): Generator<string> {
    const { btf } = this;
    for (const { id } of this.#allSections()) {
      for (let index = 0, count = btf.vlen(id); index < count; index++) {
        yield btf.name(btf.sectionEntryType(id, index));
      }
    }
  }

  /** False when nothing is described at all. */
  get hasSections(): boolean {
    return this.#allSections().length > 0;
  }

  /** Number of variables described, placed or not. */
  get count(): number {
    this.#allSections();
    return this.#count;
  }

  #allSections(): Section[] {
    if (this.#sections !== undefined) return this.#sections;
    const sections: Section[] = [];
    const { btf } = this;
    const { words, offsets, startId } = btf;
    for (let index = 0; index < offsets.length; index++) {
      if (infoKind(words[offsets[index]! + 1]!) !== BTF_KIND_DATASEC) continue;
      const id = startId + index;
      sections.push({ id, name: btf.name(id), place: "unknown", start: 0n });
      this.#count += btf.vlen(id);
    }
    this.#sections = sections;
    return sections;
  }

  #place(section: Section, index: number): PlacedVariable | undefined {
    const { btf } = this;
    const variable = btf.sectionEntryType(section.id, index);
    if (btf.kind(variable) !== BTF_KIND_VAR) return undefined;
    if (section.place === "unknown") this.#vote(section);
    if (section.place === "none") return undefined;
    const name = btf.name(variable);
    const address = BigInt.asUintN(64, section.start + BigInt(btf.sectionEntryOffset(section.id, index)));
    if (!this.#isAt(name, address)) return undefined;
    return {
      name,
      btf,
      type: btf.sizeOrType(variable),
      address,
      byteSize: btf.sectionEntryByteSize(section.id, index),
      section: section.name,
    };
  }

  /** Early boot code is linked with its symbols renamed: `__pi_NAME`, `__efistub_NAME`. */
  #isAt(name: string, address: bigint): boolean {
    if (this.#symbols.addressesOf(name).includes(address)) return true;
    return this.#symbols.namesAt(address).some((symbol) => symbol.endsWith(`_${name}`));
  }

  #vote(section: Section): void {
    const { btf } = this;
    const count = btf.vlen(section.id);
    const votes = new Map<bigint, number>();
    let voters = 0;
    // Spread over the section: neighbours often come from one file and share their oddities.
    const stride = Math.max(1, Math.floor(count / (enoughVoters * 2)));
    for (let first = 0; first < stride && voters < enoughVoters; first++) {
      for (let index = first; index < count && voters < enoughVoters; index += stride) {
        const variable = btf.sectionEntryType(section.id, index);
        if (btf.kind(variable) !== BTF_KIND_VAR) continue;
        const addresses = this.#symbols.addressesOf(btf.name(variable));
        if (addresses.length !== 1) continue;
        const start = addresses[0]! - BigInt(btf.sectionEntryOffset(section.id, index));
        votes.set(start, (votes.get(start) ?? 0) + 1);
        voters++;
      }
    }
    if (voters === 0) this.#voteWithDuplicates(section, votes);
    section.place = "none";
    for (const [start, number] of votes) {
      if (number * 2 <= Math.max(voters, 1)) continue;
      section.place = "known";
      section.start = start;
    }
  }

  /** All variables of a section share their names (`__modver_attr`): only one start fits every one of them. */
  #voteWithDuplicates(section: Section, votes: Map<bigint, number>): void {
    const { btf } = this;
    const count = Math.min(btf.vlen(section.id), enoughVoters);
    const fits = new Map<bigint, number>();
    for (let index = 0; index < count; index++) {
      const name = btf.name(btf.sectionEntryType(section.id, index));
      for (const address of this.#symbols.addressesOf(name)) {
        const start = address - BigInt(btf.sectionEntryOffset(section.id, index));
        fits.set(start, (fits.get(start) ?? 0) + 1);
      }
    }
    const perfect = [...fits].filter(([, number]) => number === count);
    if (count > 1 && perfect.length === 1) votes.set(perfect[0]![0], 1);
  }
}

interface Section {
  id: TypeId;
  name: string;
  place: "unknown" | "known" | "none";
  /** Address of offset 0; may be "below zero" for zero-based per-CPU sections. */
  start: bigint;
}

interface SectionEntry {
  section: Section;
  index: number;
}

/** Every string offset at which a name can be read, base included; strings may share their tails. */
export function nameOffsets(btf: Btf, name: string): Set<number> {
  const found = new Set<number>();
  const wanted = Buffer.from(`${name}\0`);
  for (let at: Btf | undefined = btf; at !== undefined; at = at.base) {
    const { stringsBytes, startStringOffset } = at;
    const strings = Buffer.from(stringsBytes.buffer, stringsBytes.byteOffset, stringsBytes.byteLength);
    for (let index = strings.indexOf(wanted); index >= 0; index = strings.indexOf(wanted, index + 1)) {
      found.add(startStringOffset + index);
    }
  }
  return found;
}
