/** Which modules of a kernel are encoded: the same ones every time. */
import { statSync } from "node:fs";
import type { KernelModule } from "./lab.ts";

/** So many are spread over the subsystems, and fewer are some of these: pahole's BTF of them is in the cache. */
const poolSize = 120;

/**
 * `count` modules. Of 120 and more, spread evenly over the sorted list; of fewer, the largest of every folder
 * below `kernel/` (`arch`, `crypto`, `fs`, ...), which has most kinds of things in it, and the rest spread evenly.
 */
export function moduleSample(modules: readonly KernelModule[], count: number): KernelModule[] {
  const pool = spread(modules, Math.max(count, poolSize));
  if (pool.length <= count) return pool;
  const largest = new Map<string, KernelModule>();
  for (const module of pool) {
    const folder = module.path.split("/")[0]!;
    const before = largest.get(folder);
    if (before === undefined || statSync(module.debug).size > statSync(before.debug).size)
      largest.set(folder, module);
  }
  const chosen = [...largest.values()].slice(0, count);
  const others = pool.filter((module) => !chosen.includes(module));
  return [...chosen, ...spread(others, count - chosen.length)];
}

function spread<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)]!);
}
