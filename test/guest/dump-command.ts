/** `scripts/lab/dump.sh KERNEL KIND [DIRECTORY]`: make dumps, or find them in the cache, and print their folder. */
import { type KernelName } from "../lab/kernels.ts";
import { type DumpKind, freshDump, guestDump } from "./dumps.ts";

const [name, kind, directory] = process.argv.slice(2) as [KernelName, DumpKind, string?];
const dump = directory === undefined ? await guestDump(name, kind) : await freshDump(name, kind, directory);
console.log(dump.directory);
