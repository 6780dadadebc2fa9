import type { OopsRecord } from "./record-parts.ts";

/** Exceptions about an address, as both architectures name them. */
const faults = /^(?:Oops|general protection fault|stack segment|SMP|synchronous external abort)\b|^Oops$/;
/** Other exceptions, which may come under "Oops" too (arm64: `Oops - BUG`). */
const others =
  /^(?:Oops - |divide error|invalid opcode|int3|bounds|double fault|alignment check|control protection|stack guard page)/;

/** True for a fault of the memory: a page that is not there, or an address that cannot be one. */
export function isFault({ fault, title }: OopsRecord): boolean {
  if (/^(?:BUG: (?:kernel NULL|unable to handle)|Unable to handle kernel|Unhandled fault)/.test(title))
    return true;
  const what = fault?.what ?? title;
  return faults.test(what) && !others.test(what);
}
