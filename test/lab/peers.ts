/**
 * The tools dwarfless is compared with: pahole, bpftool and others of Debian sid, unpacked by
 * `scripts/lab/peers.sh`. They run on this system's paths through their own dynamic loader,
 * so neither chroot nor mount nor root is needed.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { type CommandOptions, type CommandResult, run } from "./commands.ts";
import { cacheDirectory } from "./kernels.ts";

export interface Peers {
  root: string;
  available: boolean;
  /** Why they are not available. */
  reason: string | undefined;
  /** Paths are this system's own; nothing needs translating. */
  readonly pahole: (argv: readonly string[], options?: CommandOptions) => CommandResult;
  bpftool(argv: readonly string[], options?: CommandOptions): CommandResult;
  /** Any other dynamically linked program of the tree, by its name. */
  program(name: string, argv: readonly string[], options?: CommandOptions): CommandResult;
}

/** The unpacked tools; check `available` before running one. */
export function peers(): Peers {
  const root = path.join(cacheDirectory, "peers/sid");
  const available = process.arch === "x64" && existsSync(path.join(root, "complete"));
  const program = (name: string, argv: readonly string[], options?: CommandOptions): CommandResult => {
    const [loader, ...prefix] = peerCommand(root, name);
    return run(loader!, [...prefix, ...argv], options);
  };
  return {
    root,
    available,
    reason: available ? undefined : `no pahole and bpftool in ${root} (scripts/lab/peers.sh fetches them)`,
    program,
    pahole: (argv, options) => program("pahole", argv, options),
    bpftool: (argv, options) => program("bpftool", argv, options),
  };
}

/** The words that start a program of the tree: its loader, told where the tree's libraries are. */
export function peerCommand(root: string, name: string): string[] {
  const library = path.join(root, "usr/lib/x86_64-linux-gnu");
  const folder = ["usr/bin", "usr/sbin"].find((candidate) => existsSync(path.join(root, candidate, name)));
  return [
    path.join(library, "ld-linux-x86-64.so.2"),
    "--inhibit-cache",
    "--library-path",
    library,
    path.join(root, folder ?? "usr/bin", name),
  ];
}
