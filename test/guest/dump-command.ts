/** `scripts/lab/dump.sh KERNEL KIND [DIRECTORY]`: make dumps, or find them in the cache, and print their folder. */
import { type KernelName } from "../lab/kernels.ts";
import { busyGuest } from "./busy-guests.ts";
import { type CrashCase, crashGuest } from "./crash-guests.ts";
import { type DumpKind, freshDump, guestDump } from "./dumps.ts";

const [name, kind, directory] = process.argv.slice(2) as [KernelName, string, string?];
const crash = /^crash-(.+)$/.exec(kind)?.[1];
const dump =
  crash !== undefined
    ? await crashGuest(name, crash as CrashCase)
    : kind === "busy"
      ? await busyGuest(name)
      : directory === undefined
        ? await guestDump(name, kind as DumpKind)
        : await freshDump(name, kind as DumpKind, directory);
console.log(dump.directory);
