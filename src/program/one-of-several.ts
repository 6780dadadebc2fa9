import { AmbiguousError } from "./errors.ts";

/** Something of a kernel or a module that has a name. */
export interface NamedPlace {
  readonly address: bigint;
  /** Undefined for the kernel itself. */
  readonly module?: string | undefined;
}

/**
 * What a name means without more words: of all that have it the kernel's own, and of these the one that
 * other files see, of which C lets there be one.
 * @returns undefined when nothing has the name
 * @throws {AmbiguousError} when several are left, such as the statics of several files
 */
export function oneOfSeveral<T extends NamedPlace>(
  kind: "variable" | "symbol",
  name: string,
  all: readonly T[],
  isGlobal: (each: T) => boolean,
): T | undefined {
  if (all.length < 2) return all[0];
  const own = all.filter(({ module }) => module === undefined);
  const near = own.length > 0 ? own : all;
  if (hasOnePlace(near)) return near[0];
  const global = near.filter(isGlobal);
  if (global.length > 0 && hasOnePlace(global)) return global[0];
  throw new AmbiguousError(
    kind,
    name,
    near.map(({ address }) => address),
  );
}

function hasOnePlace(all: readonly NamedPlace[]): boolean {
  return all.every(({ address }) => address === all[0]!.address);
}
