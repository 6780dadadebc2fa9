/** Exit codes of `dwarfless`, the same for every command. */

/** Done, or a positive answer. */
export const exitDone = 0;
/** A negative answer: differs, not found, check failed, no DWARF in the file. */
export const exitNegative = 1;
/** Bad usage, or an input or output that cannot be used. */
export const exitUsage = 2;
