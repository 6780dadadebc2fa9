/**
 * The tools dwarfless is compared with: pahole, bpftool, drgn and others of Debian sid, unpacked by
 * `scripts/lab/peers.sh`. They run on this system's paths through their own dynamic loader,
 * so neither chroot nor mount nor root is needed.
 */
import { closeSync, existsSync, openSync, readFileSync, readSync } from "node:fs";
import path from "node:path";
import { type CommandOptions, type CommandResult, projectDirectory, run } from "./commands.ts";
import { cacheDirectory } from "./kernels.ts";

export interface Peers {
  root: string;
  available: boolean;
  /** Why they are not available. */
  reason: string | undefined;
  /** Paths are this system's own; nothing needs translating. */
  readonly pahole: (argv: readonly string[], options?: CommandOptions) => CommandResult;
  bpftool(argv: readonly string[], options?: CommandOptions): CommandResult;
  /** drgn, with the Python of its own tree. */
  drgn(argv: readonly string[], options?: CommandOptions): CommandResult;
  /** Any other program of the tree, by its name: dynamically linked, or in Python. */
  program(name: string, argv: readonly string[], options?: CommandOptions): CommandResult;
}

/** The unpacked tools; check `available` before running one. */
export function peers(): Peers {
  const root = path.join(cacheDirectory, "peers/sid");
  const available = process.arch === "x64" && isComplete(root);
  const program = (name: string, argv: readonly string[], options?: CommandOptions): CommandResult => {
    const [loader, ...prefix] = peerCommand(root, name);
    const environment = { ...pythonEnvironment(root), ...options?.environment };
    return run(loader!, [...prefix, ...argv], { ...options, environment });
  };
  return {
    root,
    available,
    reason: available
      ? undefined
      : `no pahole, drgn and others in ${root} (scripts/lab/peers.sh fetches them)`,
    program,
    pahole: (argv, options) => program("pahole", argv, options),
    bpftool: (argv, options) => program("bpftool", argv, options),
    drgn: (argv, options) => program("drgn", argv, options),
  };
}

/** Whether the tree holds all that `peers.sh` would put there now. */
function isComplete(root: string): boolean {
  const marker = path.join(root, "complete");
  if (!existsSync(marker)) return false;
  const script = readFileSync(path.join(projectDirectory, "scripts/lab/peers.sh"), "utf8");
  return readFileSync(marker, "utf8").trim() === /^packages='(.*)'$/m.exec(script)?.[1];
}

/** The words that start a program of the tree: its loader, told where the tree's libraries are. */
export function peerCommand(root: string, name: string): string[] {
  const library = path.join(root, "usr/lib/x86_64-linux-gnu");
  const folder = ["usr/bin", "usr/sbin"].find((candidate) => existsSync(path.join(root, candidate, name)));
  const program = path.join(root, folder ?? "usr/bin", name);
  return [
    path.join(library, "ld-linux-x86-64.so.2"),
    "--inhibit-cache",
    "--library-path",
    library,
    ...(isPythonScript(program) ? [path.join(root, "usr/bin/python3")] : []),
    program,
  ];
}

/** What the tree's Python must be told to take its own modules, whatever the system's Python is told. */
export function pythonEnvironment(root: string): Record<string, string> {
  return {
    PYTHONHOME: path.join(root, "usr"),
    PYTHONPATH: path.join(root, "usr/lib/python3/dist-packages"),
    PYTHONNOUSERSITE: "1",
    PYTHONDONTWRITEBYTECODE: "1",
  };
}

function isPythonScript(file: string): boolean {
  if (!existsSync(file)) return false;
  const descriptor = openSync(file, "r");
  try {
    const head = Buffer.alloc(64);
    readSync(descriptor, head);
    return /^#!.*python3/.test(head.toString("latin1"));
  } finally {
    closeSync(descriptor);
  }
}
