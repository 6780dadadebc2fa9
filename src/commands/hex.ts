/** An address or other 64-bit value as JSON has it: `"0x…"`. */
export function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}
