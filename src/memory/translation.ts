import {
  architectureOfFacts,
  type Architecture,
  type LinearRun,
  type PageTableFormat,
} from "../arch/index.ts";
import { FormatError } from "../io/index.ts";
import type { Vmcoreinfo } from "./vmcoreinfo.ts";

/** How virtual addresses of a kernel become physical ones, and how that was found out. */
export interface Translation {
  readonly architecture: Architecture;
  /** Bytes of a page of the kernel. */
  readonly pageByteSize: number;
  /** Page tables of the kernel; undefined as long as only {@link runs} are known. */
  readonly tables: PageTableFormat | undefined;
  /** Used when there are no tables, or one is missing from the dump; the first that fits counts. */
  readonly runs: readonly LinearRun[];
  /** Where the facts come from, for people: `VMCOREINFO`, `variable phys_base of the image`, … */
  readonly how: string;
}

/**
 * The translation that a VMCOREINFO states. Nothing is read from memory, so nothing is checked: that is
 * for {@link checkTranslation}.
 * @throws {FormatError} `VMCOREINFO` when a fact is missing or makes no sense.
 */
export function translationFromVmcoreinfo(
  info: Vmcoreinfo,
  architecture: Architecture | undefined = architectureOfFacts(info),
): Translation {
  if (architecture === undefined)
    throw new FormatError("VMCOREINFO", "VMCOREINFO of an architecture that is not supported");
  return { architecture, ...architecture.translationOf(info), how: "VMCOREINFO" };
}
