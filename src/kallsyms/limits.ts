/** More symbols than any kernel has (7.2 with everything Debian builds in: 187 000). */
export const maximumSymbolCount = 4_000_000;

/** Bytes from the first name to the token table; 7.2 needs 3 MB. */
export const maximumNamesByteSize: number = 64 << 20;

/** Characters of one name. The kernel's own limit is 512 (KSYM_NAME_LEN), 128 before v6.1. */
export const maximumNameLength = 2048;

/**
 * The largest size a symbol gets from its distance to the next one: the tables hold no sizes, and
 * behind the last symbol of a section the next one may be far away. drgn has the same limit.
 */
export const maximumSymbolByteSize = 0x1_0000;
