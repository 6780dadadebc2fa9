import { aarch64, architectureOfMachine, type Architecture, x86_64 } from "../arch/index.ts";
import type { Dump } from "../dump/index.ts";
import { DwarflessError, FormatError } from "../io/index.ts";
import { KallsymsSearch, type KernelImage, resolveImage } from "../kallsyms/index.ts";
import { type AddressSpace, scanPhysical, translationFromSymbols } from "../memory/index.ts";
import { type Foundation, kernelSpace, type LadderOptions, readBanner } from "./foundation.ts";

export interface BareOptions extends LadderOptions {
  /** A translation that holds already, and the release of its kernel: only the symbol tables are wanted. */
  known?: { memory: AddressSpace; release: string | undefined };
}

/**
 * The lowest rung: symbol tables found in physical memory by what they look like, the image's place by
 * its banner, page tables by trying formats until symbols are where they must be.
 * @throws {FormatError} `NO_KALLSYMS`, `TRANSLATION`
 */
export function climbWithoutVmcoreinfo(dump: Dump, options: BareOptions): Foundation {
  const images: KernelImage[] = [];
  const search = new KallsymsSearch(dump, dump.littleEndian, (candidate) => {
    const image = resolveImage(dump, candidate, dump.littleEndian);
    if (image === undefined) return false;
    const { known } = options;
    const wanted = known === undefined || isOf(image, known.release);
    if (!images.some(({ banner }) => banner === image.banner)) images[wanted ? "unshift" : "push"](image);
    // A second kernel may be anywhere behind the first; only for a known one the first that fits will do.
    return known !== undefined && wanted;
  });
  const scan = scanPhysical(
    dump,
    {
      overlapByteSize: KallsymsSearch.overlapByteSize,
      ...(options.deadline !== undefined && { deadline: options.deadline }),
    },
    (bytes, address, ownByteSize) => search.visit(bytes, address, ownByteSize),
  );
  if (images.length === 0) {
    const cut = scan.end === "deadline" ? " before the deadline" : "";
    throw new FormatError(
      "NO_KALLSYMS",
      `no symbol tables of a kernel found${cut} in 0x${scan.scannedByteSize.toString(16)} bytes`,
      { file: dump.name },
    );
  }
  const failures: string[] = [];
  for (const image of images) {
    try {
      return standOnImage(dump, image, images, options);
    } catch (error) {
      if (!(error instanceof DwarflessError)) throw error;
      failures.push(error.message);
    }
  }
  throw new FormatError("TRANSLATION", failures.join("; "), { file: dump.name });
}

function standOnImage(
  dump: Dump,
  image: KernelImage,
  all: readonly KernelImage[],
  options: BareOptions,
): Foundation {
  const { symbols } = image;
  const others = all.filter((other) => other !== image).map(({ banner }) => banner);
  const found = `symbol tables found in memory; ${image.confirmedBy} confirms the image's place`;
  const shared = {
    rung: "bare",
    vmcoreinfo: undefined,
    symbols,
    symbolsFrom: "scan",
    symbolEncoding: symbols.encoding,
    others,
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

function isOf(image: KernelImage, release: string | undefined): boolean {
  return release === undefined || image.banner.startsWith(`Linux version ${release} `);
}
