import type { Kernel } from "../kernel/index.ts";
import { type Type, TypeTable } from "../program/index.ts";

const tables = new WeakMap<Kernel, TypeTable>();

/**
 * A complete struct of the kernel's own BTF; undefined where it has none of that name.
 * Modules are not asked: what stacks are made of the kernel itself describes, and a search through
 * hundreds of modules for what no kernel of this kind has would take longer than all stacks.
 */
export function kernelType(kernel: Kernel, tag: "struct" | "union", name: string): Type | undefined {
  let table = tables.get(kernel);
  if (table === undefined) {
    const btf = kernel.kernelBtf?.btf;
    table = new TypeTable(btf === undefined ? [] : [{ name: "vmlinux", btf }]);
    tables.set(kernel, table);
  }
  const type = table.findNamed(tag, name);
  return type?.isComplete === true ? type : undefined;
}
