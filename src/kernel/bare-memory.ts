import type { Dump } from "../dump/index.ts";
import { FormatError } from "../io/index.ts";
import type { AddressSpace, Vmcoreinfo } from "../memory/index.ts";
import type { Foundation, LadderOptions } from "./foundation.ts";

export interface BareOptions extends LadderOptions {
  /** A translation that holds already. */
  known?: { memory: AddressSpace; vmcoreinfo: Vmcoreinfo };
}

/** The lowest rung: symbol tables found in physical memory, page tables found through them. */
export function climbWithoutVmcoreinfo(dump: Dump, _options: BareOptions): Foundation {
  throw new FormatError("NO_KALLSYMS", "no symbol tables found", { file: dump.name });
}
