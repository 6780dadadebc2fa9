import type { Architecture, ImageVariables, LinearRun, PageTableFormat } from "../arch/index.ts";
import type { PhysicalMemory } from "../dump/dump.ts";
import { FaultError, FormatError } from "../io/index.ts";
import { AddressSpace } from "./address-space.ts";
import { findBytes } from "./find-bytes.ts";
import { PhysicalWords } from "./physical-words.ts";
import type { ScanOptions } from "./scan.ts";
import type { Translation } from "./translation.ts";

/** Symbols of a kernel image, as tables found in memory give them: at least one of the two kinds of addresses. */
export interface ImageSymbols {
  /** Physical address: tables that count from their own place (since 7.0) give these. */
  physicalOf?: (name: string) => number | undefined;
  /** Run-time virtual address. */
  virtualOf?: (name: string) => bigint | undefined;
}

export interface SymbolTranslationOptions extends Pick<ScanOptions, "deadline" | "ranges"> {
  /** Physical minus virtual address of the image, modulo 2^64, where it is known from elsewhere. */
  imageDelta?: bigint;
}

export interface SymbolTranslation {
  translation: Translation;
  /** Physical minus virtual address of the image, modulo 2^64. */
  imageDelta: bigint;
  /** What agreed, for people. */
  checks: string[];
}

/**
 * The translation of a kernel that no VMCOREINFO describes, from the symbols of its image:
 *
 * 1. how far the image is from its virtual addresses, by the kernel's own variable for that (`phys_base`,
 *    `kimage_voffset`); if only virtual addresses are known, by trying every "Linux version " in memory as
 *    `linux_banner` until that variable's value agrees;
 * 2. the page tables, by trying the formats the architecture has until one puts symbols where they are.
 *
 * @throws {FormatError} `TRANSLATION` when nothing agrees, with what was tried.
 */
export function translationFromSymbols(
  memory: PhysicalMemory,
  architecture: Architecture,
  symbols: ImageSymbols,
  options: SymbolTranslationOptions = {},
): SymbolTranslation {
  const words = new PhysicalWords(memory, architecture.littleEndian);
  const { delta, check } = imageDeltaOf(memory, architecture, symbols, options, words);
  const image = new Image(symbols, delta, words);
  const rootName = architecture.rootSymbols.find((name) => image.physicalOf(name) !== undefined);
  if (rootName === undefined) throw failure(`no symbol ${architecture.rootSymbols.join(" or ")}`);
  const landmarks = image.landmarks();
  if (landmarks.length === 0) throw failure("no symbol to test page tables by");
  const formats = architecture.formatsAt(image.physicalOf(rootName)!, image);
  const format = formats.find((each) => agrees(memory, architecture, each, landmarks));
  if (format === undefined)
    throw failure(
      `${formats.length} forms of page tables at ${rootName}, none puts ${landmarks[0]!.name} right`,
    );
  const stext = landmarks[0]!.virtual;
  const translation: Translation = {
    architecture,
    pageByteSize: 2 ** format.pageShift,
    tables: format,
    runs: [architecture.imageRun(delta, stext, image.virtualOf("_end"))],
    how: `variable ${architecture.distanceVariable} and ${rootName} of the image`,
  };
  const linear = linearRun(memory, translation, architecture.linearRuns(image, stext), landmarks);
  return {
    translation: linear === undefined ? translation : { ...translation, runs: [...translation.runs, linear] },
    imageDelta: delta,
    checks: [
      check,
      `page tables put ${landmarks.map((each) => each.name).join(", ")} where the image has them`,
    ],
  };
}

/** Tested by; every kernel has them, and they lie in different sections. */
const landmarkNames = ["_stext", "linux_banner", "init_task", "init_uts_ns", "phys_base", "kimage_voffset"];

interface Landmark {
  name: string;
  virtual: bigint;
  physical: number;
}

/** Symbols of an image whose place in memory is known; also reads their variables. */
class Image implements ImageVariables {
  readonly #symbols: ImageSymbols;
  readonly #delta: bigint;
  readonly #words: PhysicalWords;

  constructor(symbols: ImageSymbols, delta: bigint, words: PhysicalWords) {
    this.#symbols = symbols;
    this.#delta = delta;
    this.#words = words;
  }

  physicalOf(name: string): number | undefined {
    const physical = this.#symbols.physicalOf?.(name);
    if (physical !== undefined) return physical;
    const virtual = this.#symbols.virtualOf?.(name);
    return virtual === undefined ? undefined : Number(BigInt.asUintN(64, virtual + this.#delta));
  }

  virtualOf(name: string): bigint | undefined {
    const physical = this.physicalOf(name);
    return physical === undefined ? undefined : BigInt.asUintN(64, BigInt(physical) - this.#delta);
  }

  u32(name: string): number | undefined {
    const address = this.physicalOf(name);
    return address === undefined ? undefined : this.#words.u32(address);
  }

  u64(name: string): bigint | undefined {
    const address = this.physicalOf(name);
    return address === undefined ? undefined : this.#words.u64(address);
  }

  landmarks(): Landmark[] {
    const found: Landmark[] = [];
    for (const name of landmarkNames) {
      const physical = this.physicalOf(name);
      if (physical !== undefined && physical < 2 ** 52)
        found.push({ name, physical, virtual: BigInt.asUintN(64, BigInt(physical) - this.#delta) });
    }
    return found;
  }
}

function imageDeltaOf(
  memory: PhysicalMemory,
  architecture: Architecture,
  symbols: ImageSymbols,
  options: SymbolTranslationOptions,
  words: PhysicalWords,
): { delta: bigint; check: string } {
  if (options.imageDelta !== undefined)
    return { delta: options.imageDelta, check: "place of the image is known" };
  const name = architecture.distanceVariable;
  const physical = symbols.physicalOf?.(name);
  if (physical !== undefined) {
    const value = words.u64(physical);
    if (value === undefined) throw failure(`variable ${name} is not in the dump`);
    const delta = architecture.imageDelta(value);
    const virtual = symbols.virtualOf?.(name);
    if (virtual !== undefined && BigInt.asUintN(64, virtual + delta) !== BigInt(physical))
      throw failure(`${name} says 0x${value.toString(16)}, which its own address contradicts`);
    return { delta, check: `place of the image is in ${name}` };
  }
  const banner = symbols.virtualOf?.("linux_banner");
  const virtual = symbols.virtualOf?.(name);
  if (banner === undefined || virtual === undefined) throw failure(`no symbol linux_banner or ${name}`);
  let delta: bigint | undefined;
  let tried = 0;
  const scan = findBytes(memory, [Buffer.from("Linux version ")], options, (address) => {
    tried++;
    const proposed = BigInt.asUintN(64, BigInt(address) - banner);
    const value = words.u64(Number(BigInt.asUintN(64, virtual + proposed)));
    if (value === undefined || architecture.imageDelta(value) !== proposed) return false;
    delta = proposed;
    return true;
  });
  if (delta !== undefined) return { delta, check: `linux_banner found in memory, ${name} agrees` };
  throw failure(
    `${tried} places with "Linux version ", ${name} agrees with none${scan.end === "deadline" ? ", time is up" : ""}`,
  );
}

function agrees(
  memory: PhysicalMemory,
  architecture: Architecture,
  format: PageTableFormat,
  landmarks: readonly Landmark[],
): boolean {
  const walker = architecture.walker(format, (target, address) => memory.readInto(target, address));
  try {
    return landmarks.every(
      ({ virtual, physical }) =>
        walker.walk(Number(virtual >> 32n), Number(virtual & 0xffff_ffffn)) === physical,
    );
  } catch (error) {
    if (error instanceof FaultError) return false;
    throw error;
  }
}

/** The linear map for which the page tables have the image's own pages. */
function linearRun(
  memory: PhysicalMemory,
  translation: Translation,
  candidates: readonly LinearRun[],
  landmarks: readonly Landmark[],
): LinearRun | undefined {
  const space = new AddressSpace(memory, { ...translation, runs: [] });
  return candidates.find((run) =>
    landmarks.some(({ physical }) => {
      try {
        return space.translate(BigInt.asUintN(64, BigInt(physical) - run.delta)) === physical;
      } catch (error) {
        if (error instanceof FaultError) return false;
        throw error;
      }
    }),
  );
}

function failure(problem: string): FormatError {
  return new FormatError("TRANSLATION", `the kernel's page tables cannot be found: ${problem}`);
}
