/** Folders of the cache that are made once: complete or not there, whoever else makes them. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/**
 * The folder `<parent>/<name>-<key>`; `make` fills it when it is not there. Folders of the same
 * name with another key are from older recipes and are removed.
 *
 * One process makes it while others wait; even without that, a folder appears under its name
 * only when it is complete. `make` is tried twice.
 */
export async function cachedDirectory(
  parent: string,
  name: string,
  recipe: string,
  make: (directory: string) => Promise<void>,
): Promise<string> {
  const key = createHash("sha256").update(recipe).digest("hex").slice(0, 10);
  const directory = path.join(parent, `${name}-${key}`);
  if (existsSync(directory)) return directory;
  mkdirSync(parent, { recursive: true });
  const release = await lock(path.join(parent, `${name}.lock`));
  try {
    if (existsSync(directory)) return directory;
    for (const entry of readdirSync(parent)) {
      const old =
        entry.startsWith(`${name}-`) && /^[0-9a-f]{10}(\.partial)?$/.test(entry.slice(name.length + 1));
      if (old) rmSync(path.join(parent, entry), { recursive: true, force: true });
    }
    const partial = `${directory}.partial`;
    const attempt = async (): Promise<void> => {
      mkdirSync(partial);
      await make(partial);
    };
    try {
      await attempt();
    } catch (error) {
      // Plain emulation has its faults: a guest was seen to die of one while its kernel changed its own code.
      console.error(`${name} of ${path.basename(parent)}, once more: ${(error as Error).message}`);
      rmSync(partial, { recursive: true, force: true });
      await attempt();
    }
    renameSync(partial, directory);
    return directory;
  } finally {
    release();
  }
}

/** Wait until `file` is this process's; gives what releases it. A lock whose process has ended is taken over. */
export async function lock(file: string): Promise<() => void> {
  for (;;) {
    try {
      writeFileSync(file, `${process.pid}`, { flag: "wx" });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    if (isStale(file)) rmSync(file, { force: true });
    else await delay(200);
  }
}

function isStale(file: string): boolean {
  try {
    const pid = Number(readFileSync(file, "utf8"));
    // An empty file is one being written.
    if (pid > 0) process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
