import type { Btf, IsfSymbol, ScriptVariable, TypeId } from "../btf/index.ts";
import { FormatError } from "../io/index.ts";
import type { Kernel, KernelVariable } from "../kernel/index.ts";

/**
 * The types of a dump's kernel: those that it carries, with what a sidecar over them adds.
 * @throws {FormatError} `KERNEL_BTF` where it carries none
 */
export function kernelTypes(kernel: Kernel): Btf {
  const own = kernel.kernelBtf?.btf;
  if (own === undefined)
    throw new FormatError("KERNEL_BTF", "the kernel in it carries no types", { file: kernel.dump.name });
  const beside = kernel.sidecar?.btf;
  return beside?.base === own ? beside : own;
}

/** The kernel's own variables whose type is one of `btf`. */
export function* scriptVariables(kernel: Kernel, btf: Btf): Generator<ScriptVariable> {
  for (const variable of kernel.variables.all()) {
    const type = typeIn(btf, variable);
    if (type !== undefined) yield { name: variable.name, type };
  }
}

/**
 * The kernel's own symbols, those that other files see first, and the banner with its text. Addresses
 * are those that it was linked at, where the dump says how far it was moved; else those it had.
 */
export function* isfSymbols(kernel: Kernel, btf: Btf): Generator<IsfSymbol> {
  const { symbols, vmcoreinfo, memory } = kernel.foundation;
  const types = new Map<string, TypeId>();
  for (const variable of kernel.variables.all()) {
    const type = typeIn(btf, variable);
    if (type !== undefined) types.set(`${variable.address} ${variable.name}`, type);
  }
  const linked = linkedAddress(kernel, vmcoreinfo?.kernelOffset ?? 0n);
  for (const wantGlobal of [true, false]) {
    for (let index = 0; index < symbols.count; index++) {
      const letter = symbols.letter(index);
      if ((letter === letter.toUpperCase()) !== wantGlobal) continue;
      const name = symbols.name(index);
      const address = symbols.address(index);
      const type = types.get(`${address} ${name}`);
      const symbol: IsfSymbol = { name, address: linked(address), ...(type !== undefined && { type }) };
      if (name === "linux_banner") {
        // Its NUL too: who searches memory for it wants all of it.
        symbol.constantData = Buffer.from(`${memory.readCString(address)}\0`, "latin1");
      }
      yield symbol;
    }
  }
}

/** Takes off what was added to an address when the kernel was moved; per-CPU offsets and constants were not. */
export function linkedAddress(kernel: Kernel, offset: bigint): (address: bigint) => bigint {
  const start = kernel.symbols.named("_text", "")[0] ?? kernel.symbols.named("_stext", "")[0];
  const end = kernel.symbols.named("_end", "")[0];
  if (offset === 0n || start === undefined || end === undefined) return (address) => address;
  return (address) => (address >= start.address && address <= end.address ? address - offset : address);
}

/** Id of a variable's type in a BTF; undefined for a module's, and for types that are not in it. */
function typeIn(btf: Btf, { module, type }: KernelVariable): TypeId | undefined {
  if (module !== undefined || type.btf === undefined || type.id === 0) return undefined;
  for (let level: Btf | undefined = btf; level !== undefined; level = level.base)
    if (level === type.btf) return type.id;
  return undefined;
}
