import { aarch64, architectureOfMachine, type Architecture, x86_64 } from "../arch/index.ts";
import type { Dump } from "../dump/index.ts";
import { DwarflessError, FaultError, FormatError } from "../io/index.ts";
import { KallsymsSearch, type KernelImage, resolveImage } from "../kallsyms/index.ts";
import { type AddressSpace, scanPhysical, translationFromSymbols } from "../memory/index.ts";
import { type Foundation, kernelSpace, type LadderOptions, readBanner } from "./foundation.ts";

export interface BareOptions extends LadderOptions {
  /** A translation that holds already: only its kernel's symbol tables are wanted. */
  known?: { memory: AddressSpace; release: string | undefined };
}

/**
 * The lowest rung: symbol tables found in physical memory by what they look like, the image's place by
 * its banner, page tables by trying formats until symbols are where they must be.
 * @returns every kernel that stands, in the order of memory; with a known translation, its kernel alone
 * @throws {FormatError} `NO_KALLSYMS`, `TRANSLATION`
 */
export function climbWithoutVmcoreinfo(dump: Dump, options: BareOptions): [Foundation, ...Foundation[]] {
  const { known } = options;
  const images = new Map<number | undefined, KernelImage>();
  const search = new KallsymsSearch(dump, dump.littleEndian, (candidate) => {
    const image = resolveImage(dump, candidate, dump.littleEndian);
    if (image === undefined || (known !== undefined && !isMapped(image, known.memory))) return false;
    // Two readings of one table are one image; two of the same banner may be a kernel and its capture kernel.
    const place = image.physicalAddressOf("linux_banner");
    if (!images.has(place)) images.set(place, image);
    // A second kernel may be anywhere behind the first.
    return known !== undefined;
  });
  const scan = scanPhysical(
    dump,
    {
      overlapByteSize: KallsymsSearch.overlapByteSize,
      ...(options.deadline !== undefined && { deadline: options.deadline }),
    },
    (bytes, address, ownByteSize) => search.visit(bytes, address, ownByteSize),
  );
  const found: Foundation[] = [];
  const failed: { banner: string; problem: string }[] = [];
  for (const image of images.values()) {
    try {
      found.push(standOnImage(dump, image, options));
    } catch (error) {
      if (!(error instanceof DwarflessError)) throw error;
      failed.push({ banner: image.banner, problem: error.message });
    }
  }
  const others = failed.map(({ banner }) => banner);
  const [first, ...rest] = found.map((each) => ({ ...each, others }));
  if (first !== undefined) return [first, ...rest];
  if (failed.length > 0) {
    throw new FormatError("TRANSLATION", failed.map(({ problem }) => problem).join("; "), {
      file: dump.name,
    });
  }
  const cut = scan.end === "deadline" ? " before the deadline" : "";
  const whose = known === undefined ? "a kernel" : "this kernel";
  throw new FormatError(
    "NO_KALLSYMS",
    `no symbol tables of ${whose} found${cut} in 0x${scan.scannedByteSize.toString(16)} bytes`,
    { file: dump.name },
  );
}

function standOnImage(dump: Dump, image: KernelImage, options: BareOptions): Foundation {
  const { symbols } = image;
  const found = `symbol tables found in memory; ${image.confirmedBy} confirms the image's place`;
  const shared = {
    rung: "bare",
    vmcoreinfo: undefined,
    symbols,
    symbolsFrom: "scan",
    symbolEncoding: symbols.encoding,
    others: [],
  } as const;
  if (options.known !== undefined) {
    const { memory, release } = options.known;
    return { ...shared, memory, banner: readBanner(memory, symbols, release), checks: [found] };
  }
  const { translation, checks } = translationFromSymbols(
    dump,
    architectureFor(dump, image),
    {
      physicalOf: (name) => image.physicalAddressOf(name),
      virtualOf: (name) => symbols.addressOf(name),
    },
    {
      imageDelta: BigInt.asUintN(64, -image.virtualMinusPhysical),
      ...(options.deadline !== undefined && { deadline: options.deadline }),
    },
  );
  const memory = kernelSpace(dump, translation);
  return { ...shared, memory, banner: readBanner(memory, symbols), checks: [found, ...checks] };
}

/** Raw memory does not say what machine it was of; the variable that holds the image's distance does. */
function architectureFor(dump: Dump, { symbols }: KernelImage): Architecture {
  const stated = dump.machine === undefined ? undefined : architectureOfMachine(dump.machine);
  if (stated !== undefined) return stated;
  if (symbols.indexOf("kimage_voffset") !== undefined) return aarch64;
  if (symbols.indexOf("phys_base") !== undefined) return x86_64;
  throw new FormatError("TRANSLATION", "of an architecture that is not supported", { file: dump.name });
}

/** Whether an address space has an image where the image is: a kernel of the same release may be beside it. */
function isMapped(image: KernelImage, memory: AddressSpace): boolean {
  return ["linux_banner", "_stext"].every((name) => {
    const address = image.symbols.addressOf(name);
    if (address === undefined) return true;
    try {
      return memory.translate(address) === image.physicalAddressOf(name);
    } catch (error) {
      if (error instanceof FaultError) return false;
      throw error;
    }
  });
}
