/** How a variable that drgn knows may differ from what dwarfless says of it, and why. */

/** A row of `vars --json`. */
export interface VariableRow {
  name: string;
  type: string;
  address: string;
  size: number;
  section: string | null;
  module: string | null;
  perCpu: boolean;
  source: string;
}

/** What drgn, with all of DWARF, says of the variable it finds by this name. */
export interface PeerVariable {
  name: string;
  /** null: a constant that is nowhere in memory. */
  address: string | null;
  /** null: of incomplete type. */
  size: number | null;
  type: string;
}

/**
 * "equal", or why the two differ; undefined where nothing explains it. Of several variables with one
 * name drgn gives one, and `rows` are all of ours.
 */
export function explainVariable(
  peer: PeerVariable,
  rows: readonly VariableRow[],
  namesAt: (address: bigint) => readonly string[],
): string | undefined {
  if (peer.address === null) return "a constant without an address";
  // BTF_KIND_VAR in a DATASEC has a size; pahole and the kernel leave out what has none.
  if (peer.size === 0) return "of no size";
  const address = BigInt(peer.address);
  // As in the kernel's own BTF: a per-CPU variable at 0 is told from none by nothing.
  if (peer.name === "fixed_percpu_data" && address === 0n) return "per-CPU, at 0";
  // ELF notes (BUILD_SALT, LINUX_COMPAT): in a section of type SHT_NOTE, which BTF has no variables of.
  if (/^(_|__UNIQUE_ID_)note_\d+$/.test(peer.name)) return "in a section of notes";
  const here = rows.filter((row) => BigInt(row.address) === address);
  if (here.some((row) => row.size === peer.size && row.type === peer.type)) return "equal";
  // drgn took an extern declaration of an array, the definition has its length.
  if (peer.size === null && here.some((row) => row.type.replace(/\[\d+\]/, "[]") === peer.type)) {
    return "an array whose length drgn does not know";
  }
  // KVM's code beside the kernel on arm64 has per-CPU variables of its own, under other symbols: a section
  // that BTF describes none of. drgn takes now the one, now the other.
  const symbol = `__kvm_nvhe_${peer.name}`;
  if (here.length === 0 && rows.length > 0 && namesAt(address).includes(symbol)) {
    return "KVM's variable of that name, beside the kernel's";
  }
  return undefined;
}
