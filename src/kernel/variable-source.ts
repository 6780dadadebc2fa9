import { type Btf, BTF_KIND_DATASEC, BTF_KIND_VAR, infoKind, type TypeId } from "../btf/index.ts";
import { findPieces, pieceOf, type Proposal, type SectionPiece } from "./section-pieces.ts";

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

/** Symbols, as far as placing variables needs them. */
export interface SymbolPlaces {
  /** Addresses of all symbols of that name. */
  addressesOf(name: string): readonly bigint[];
  /** Whether a symbol stands at one of these bytes. */
  hasSymbolIn(address: bigint, byteSize: number): boolean;
}

/** Up to so many names are indexed at once. */
const smallCount = 1000;
/** Lookups by searching strings (3 ms in a sidecar of 5 MB) before the names are indexed (30 ms). */
const searchesBeforeIndex = 3;
/** Variables that are heard before a section has its place. */
const enoughVoters = 24;
/** So many must agree for a variable to count that has no symbol itself. */
const sureVoters = 16;
/** Names with more symbols say too little to be heard. */
const maximumProposals = 64;
/**
 * What objcopy --prefix-symbols puts before the names of code that runs before or beside the kernel:
 * drivers/firmware/efi/libstub, arch/{x86/boot/startup,arm64/kernel/pi}, arch/arm64/kvm/hyp/nvhe.
 */
const renamingPrefixes = ["__pi_", "__efistub_", "__kvm_nvhe_"];

/**
 * The VARs of one BTF at the addresses that symbols give them.
 *
 * A DATASEC says where a variable stands in its section but not where the section is in memory. Each
 * variable whose symbol is unique proposes an address for its section, and the section is where most
 * of a sample put it, or where the kernel itself says that it is. A variable counts when a symbol of its name stands exactly at its place, or when its
 * section is placed beyond doubt and no symbol contradicts; the rest is left out, never guessed.
 */
export class VariableSource {
  readonly btf: Btf;
  readonly #symbols: SymbolPlaces;
  readonly #known: ReadonlyMap<string, bigint>;
  #sections: Section[] | undefined;
  #byName: Map<string, SectionEntry[]> | undefined;
  #searches = 0;
  #count = 0;

  /** @param sections addresses of sections that are known from elsewhere, by name */
  constructor(btf: Btf, symbols: SymbolPlaces, sections: ReadonlyMap<string, bigint> = new Map()) {
    this.btf = btf;
    this.#symbols = symbols;
    this.#known = sections;
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
      sections.push({
        id,
        name: btf.name(id),
        place: "unknown",
        isGiven: false,
        start: 0n,
        pieces: undefined,
      });
      this.#count += btf.vlen(id);
    }
    this.#sections = sections;
    return sections;
  }

  #place(section: Section, index: number): PlacedVariable | undefined {
    const { btf } = this;
    const variable = btf.sectionEntryType(section.id, index);
    if (btf.kind(variable) !== BTF_KIND_VAR) return undefined;
    const name = btf.name(variable);
    const address = this.#addressOf(section, index);
    if (address === undefined) return undefined;
    const byteSize = btf.sectionEntryByteSize(section.id, index);
    if (!this.#isAt(name, address)) {
      if (section.pieces === undefined) {
        section.pieces = findPieces(section.start, section.isGiven ? [] : this.#proposals(section));
        return this.#place(section, index);
      }
      if (!this.#isUncontested(section, index, address, byteSize)) return undefined;
    }
    return { name, btf, type: btf.sizeOrType(variable), address, byteSize, section: section.name };
  }

  #addressOf(section: Section, index: number): bigint | undefined {
    if (section.place === "unknown") this.#vote(section);
    if (section.place === "none") return undefined;
    const offset = this.btf.sectionEntryOffset(section.id, index);
    const { start } = section.pieces === undefined ? section : pieceOf(section.pieces, offset);
    return BigInt.asUintN(64, start + BigInt(offset));
  }

  /** Where variables with just one symbol put their section, in the order of offsets. */
  *#proposals(section: Section): Generator<Proposal> {
    const { btf } = this;
    for (let index = 0, count = btf.vlen(section.id); index < count; index++) {
      const variable = btf.sectionEntryType(section.id, index);
      if (btf.kind(variable) !== BTF_KIND_VAR) continue;
      const [place, ...others] = this.#placesOf(btf.name(variable));
      if (place === undefined || others.length > 0) continue;
      const offset = btf.sectionEntryOffset(section.id, index);
      yield { offset, start: place - BigInt(offset) };
    }
  }

  /**
   * The kernel's tables leave some symbols out, those of its EFI stub for example; then none may stand there,
   * and others must show that the section has not grown before it.
   */
  #isUncontested(section: Section, index: number, address: bigint, byteSize: number): boolean {
    const piece = pieceOf(section.pieces!, this.btf.sectionEntryOffset(section.id, index));
    const isSure =
      piece.agreeing >= sureVoters &&
      piece.disagreeing * 10 <= piece.agreeing &&
      this.btf.sectionEntryOffset(section.id, index) <= piece.lastOffset;
    return (section.isGiven || isSure) && byteSize > 0 && !this.#symbols.hasSymbolIn(address, byteSize);
  }

  #isAt(name: string, address: bigint): boolean {
    return this.#placesOf(name).includes(address);
  }

  /** Where symbols of that name are, or of that name as code linked for another place has it. */
  #placesOf(name: string): readonly bigint[] {
    const places = [...this.#symbols.addressesOf(name)];
    for (const prefix of renamingPrefixes) places.push(...this.#symbols.addressesOf(`${prefix}${name}`));
    return places;
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
        const places = this.#placesOf(btf.name(variable));
        if (places.length === 0 || places.length > maximumProposals) continue;
        for (const place of places) {
          const start = place - BigInt(btf.sectionEntryOffset(section.id, index));
          votes.set(start, (votes.get(start) ?? 0) + 1);
        }
        voters++;
      }
    }
    const best = bestOf(votes, voters);
    const known = this.#known.get(section.name);
    if (known !== undefined) {
      // What symbols say otherwise speaks against both.
      section.place = best === undefined || best === known ? "known" : "none";
      section.isGiven = section.place === "known";
      section.start = known;
      return;
    }
    const start = best ?? this.#startLeftOver(section);
    section.place = start === undefined ? "none" : "known";
    if (start !== undefined) section.start = start;
  }

  /**
   * A section of few variables whose names others have too: the symbol that is none of theirs is its
   * own, if just one is left.
   */
  #startLeftOver(section: Section): bigint | undefined {
    const { btf } = this;
    // Not to be asked again by the sections that are asked now.
    section.place = "none";
    const starts = new Set<bigint>();
    for (let index = 0, count = Math.min(btf.vlen(section.id), enoughVoters); index < count; index++) {
      const name = btf.name(btf.sectionEntryType(section.id, index));
      const taken = this.#entriesNamed(name).map((entry) => this.#addressOf(entry.section, entry.index));
      const left = this.#placesOf(name).filter((place) => !taken.includes(place));
      if (left.length !== 1) continue;
      starts.add(left[0]! - BigInt(btf.sectionEntryOffset(section.id, index)));
    }
    return starts.size === 1 ? [...starts][0] : undefined;
  }
}

/** The proposal of more than half of the voters, if no other has as many. */
function bestOf(votes: ReadonlyMap<bigint, number>, voters: number): bigint | undefined {
  const [best, second] = [...votes].sort(([, one], [, other]) => other - one);
  if (best === undefined || best[1] * 2 <= voters) return undefined;
  return second !== undefined && second[1] === best[1] ? undefined : best[0];
}

interface Section {
  id: TypeId;
  name: string;
  place: "unknown" | "known" | "none";
  /** Its address is in memory: nothing has to be concluded. */
  isGiven: boolean;
  /** Address of offset 0; may be "below zero" for zero-based per-CPU sections. */
  start: bigint;
  /** Found when a variable has no symbol where `start` has it. */
  pieces: readonly SectionPiece[] | undefined;
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
