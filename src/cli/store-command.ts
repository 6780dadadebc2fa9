import type { AddressInfo } from "node:net";
import { Command } from "commander";
import { FileSource, UsageError } from "../io/index.ts";
import {
  addToStore,
  defaultStore,
  fetchSidecar,
  isSidecarFile,
  isUrl,
  listStore,
  readBtfFile,
  readSidecarBytes,
  type ModulePart,
  readSidecarHeader,
  serveStore,
  type SidecarHeader,
} from "../sidecar/index.ts";
import { countOf } from "./count.ts";
import { kernelOf, sidecarFromDebuginfod, type WantedKernel } from "./debuginfod-sidecar.ts";
import type { EncodeFile } from "./encode-command.ts";
import { exitNegative } from "./exit-code.ts";
import { jsonDocument } from "./json.ts";
import { isModuleFile, makeModuleSidecar, makeSidecar } from "./make-sidecar.ts";
import { oneLine } from "./run-program.ts";
import type { Streams } from "./streams.ts";

type SetExitCode = (code: number) => void;

interface StoreFlags {
  store?: string;
  json?: boolean;
}

interface MakeFlags extends StoreFlags {
  functionStatics: boolean;
  jobs?: string;
}

interface AddFlags extends MakeFlags {
  modules?: string;
  base?: string;
}

interface GetFlags extends MakeFlags {
  from?: string;
  fromDebuginfod?: boolean | string;
}

const example = `
Examples:
  $ dwarfless store add /usr/lib/debug/boot/vmlinux-6.1.0-50-amd64
  $ dwarfless store get vmcore --from https://sidecars.example.org/
  $ DEBUGINFOD_URLS=https://debuginfod.debian.net dwarfless store get vmcore --from-debuginfod
`;

/** `dwarfless store`: sidecars by build id in a plain folder. */
export function storeCommand(streams: Streams, encodeFile: EncodeFile, setExitCode: SetExitCode): Command {
  return new Command("store")
    .description("types of variables by build id: add, get, list, serve")
    .addCommand(addCommand(streams, encodeFile))
    .addCommand(getCommand(streams, encodeFile, setExitCode))
    .addCommand(listCommand(streams))
    .addCommand(serveCommand(streams))
    .addHelpText("after", example);
}

function withStore(command: Command): Command {
  return command
    .option("--store <DIR>", "the folder (default: $DWARFLESS_STORE, else ~/.local/share/dwarfless)")
    .option("--json", "print as JSON");
}

function withMaking(command: Command): Command {
  return withStore(command)
    .option("--no-function-statics", "leave statics of functions and names like __func__.1 out")
    .option("-j, --jobs <N>", "threads (default: as many as there are processors)");
}

function addCommand(streams: Streams, encodeFile: EncodeFile): Command {
  return withMaking(new Command("add"))
    .description("make sidecars of kernels and modules with DWARF, or take sidecars in")
    .argument("<FILE...>", "vmlinux or .ko with DWARF, or .sidecar files")
    .option(
      "--modules <DIR>",
      "put variables of the kernel's modules in too: of every .ko with DWARF in a folder",
    )
    .option("--base <VMLINUX>", "the BTF of the kernel that a .ko is of")
    .addHelpText("after", addExample)
    .action(async (files: string[], flags: AddFlags) => {
      for (const file of files) {
        const bytes = await sidecarOf(file, flags, streams, encodeFile);
        report(addToStore(flags.store ?? defaultStore(), bytes, file), bytes, "added", flags, streams);
      }
    });
}

const addExample = `
Examples:
  $ dwarfless store add vmlinux --store /srv/sidecars
  $ dwarfless store add vmlinux --modules /usr/lib/debug/lib/modules/6.1.0-50-amd64/kernel
  $ dwarfless store add veth.ko --base vmlinux
`;

async function sidecarOf(
  file: string,
  flags: AddFlags,
  streams: Streams,
  encodeFile: EncodeFile,
): Promise<Uint8Array> {
  if (isSidecarFile(startOf(file))) return readSidecarBytes(file);
  const { modules, base } = flags;
  if (!isModuleFile(file)) {
    return makeSidecar(
      { file, ...making(flags), ...(modules !== undefined && { modules }) },
      streams,
      encodeFile,
    );
  }
  if (base === undefined) throw new UsageError(`${file}: a module: name its kernel (--base VMLINUX)`);
  return makeModuleSidecar({ file, base: await readBtfFile(base), ...making(flags) }, encodeFile);
}

function getCommand(streams: Streams, encodeFile: EncodeFile, setExitCode: SetExitCode): Command {
  return withMaking(new Command("get"))
    .description("get the sidecar of a dump's kernel from a server, or make it of debuginfo from one")
    .argument("<DUMP|BUILD-ID>", "for which kernel")
    .option("--from <URL>", "where a store is published")
    .option(
      "--from-debuginfod [URL]",
      "ask debuginfod servers for the kernel's DWARF (default: $DEBUGINFOD_URLS)",
    )
    .addHelpText("after", "\nExample:\n  $ dwarfless store get vmcore --from http://127.0.0.1:8200/\n")
    .action(async (subject: string, flags: GetFlags) => {
      const { from, fromDebuginfod } = flags;
      if ((from === undefined) === (fromDebuginfod === undefined)) {
        throw new UsageError("store get: either --from URL or --from-debuginfod");
      }
      const kernel = await kernelOf([subject]);
      const found =
        from === undefined
          ? await fromDwarf(kernel, flags, streams, encodeFile)
          : await fromServer(from, kernel, flags, streams);
      if (found) return;
      streams.err(`dwarfless: nobody has build id ${kernel.buildId}\n`);
      setExitCode(exitNegative);
    });
}

async function fromServer(
  url: string,
  { buildId }: WantedKernel,
  flags: GetFlags,
  streams: Streams,
): Promise<boolean> {
  if (!isUrl(url)) throw new UsageError(`--from: '${url}' is no http or https URL`);
  const fetched = await fetchSidecar(url, buildId, flags.store ?? defaultStore());
  if (fetched === undefined) return false;
  report(fetched.path, readSidecarBytes(fetched.path), fetched.how, flags, streams);
  return true;
}

async function fromDwarf(
  kernel: WantedKernel,
  flags: GetFlags,
  streams: Streams,
  encodeFile: EncodeFile,
): Promise<boolean> {
  const given = typeof flags.fromDebuginfod === "string" ? flags.fromDebuginfod : undefined;
  const store = flags.store ?? defaultStore();
  const path = await sidecarFromDebuginfod(
    { kernel, servers: given, store, ...making(flags) },
    streams,
    encodeFile,
  );
  if (path === undefined) return false;
  report(path, readSidecarBytes(path), "made", flags, streams);
  return true;
}

function making({ functionStatics, jobs }: MakeFlags): { functionStatics: boolean; jobs?: string } {
  return { functionStatics, ...(jobs !== undefined && { jobs }) };
}

function report(path: string, bytes: Uint8Array, how: string, flags: StoreFlags, streams: Streams): void {
  const header = readSidecarHeader(bytes, path);
  const { release, buildId, variables, btf, base, modules } = header;
  const btfByteSize = modules.reduce((sum, module) => sum + module.btf.byteSize, btf.byteSize);
  if (flags.json) {
    const facts = { path, how, byteSize: bytes.length, buildId, release: release ?? null, variables };
    streams.out(
      jsonDocument({ ...facts, btfByteSize, split: base !== undefined, modules: modules.map(moduleRow) }),
    );
    return;
  }
  const size = `${bytes.length} bytes, ${btfByteSize} of BTF in them`;
  streams.out(`${path}: ${how}: ${contentsOf(header)} (${size})\n`);
}

function moduleRow({ name, buildId, variables, btf }: ModulePart): object {
  return { name, buildId, variables, btfByteSize: btf.byteSize };
}

/** Whose variables are in it, and how many. */
function contentsOf({ release, variables, btf, modules }: SidecarHeader): string {
  const ofModules = modules.reduce((sum, module) => sum + module.variables, 0);
  const [first] = modules;
  if (btf.byteSize === 0 && first !== undefined && modules.length === 1) {
    return `module ${oneLine(first.name)}, ${countOf(ofModules, "variable")}`;
  }
  const kernel = `${oneLine(release ?? "a kernel")}, ${countOf(variables, "variable")}`;
  if (modules.length === 0) return kernel;
  return `${kernel}, and ${ofModules} of ${countOf(modules.length, "module")}`;
}

function listCommand(streams: Streams): Command {
  return withStore(new Command("list"))
    .description("what is in the store")
    .addHelpText("after", "\nExample:\n  $ dwarfless store list\n")
    .action((flags: StoreFlags) => {
      const sidecars = listStore(flags.store ?? defaultStore());
      if (flags.json) {
        const rows = sidecars.map(({ path, byteSize, header }) =>
          typeof header === "string"
            ? { path, byteSize, error: header }
            : {
                path,
                byteSize,
                buildId: header.buildId,
                release: header.release ?? null,
                variables: header.variables,
                btfByteSize: header.btf.byteSize,
                modules: header.modules.map(moduleRow),
                base: header.base ?? null,
                provenance: header.provenance,
              },
        );
        streams.out(jsonDocument({ sidecars: rows }));
        return;
      }
      for (const { path, byteSize, header } of sidecars) {
        if (typeof header === "string") streams.err(`dwarfless: ${path}: ${oneLine(header)}\n`);
        else {
          streams.out(`${header.buildId}  ${contentsOf(header)}  ${byteSize} bytes\n`);
        }
      }
    });
}

function serveCommand(streams: Streams): Command {
  return withStore(new Command("serve"))
    .description("publish a store on this machine's loopback address, until interrupted")
    .option("--port <N>", "port (default: a free one)")
    .addHelpText("after", "\nExample:\n  $ dwarfless store serve --port 8200\n")
    .action(async (flags: StoreFlags & { port?: string }) => {
      const port = flags.port === undefined ? 0 : parsePort(flags.port);
      const store = flags.store ?? defaultStore();
      const server = serveStore(store, (line) => streams.err(`${oneLine(line)}\n`));
      await new Promise<void>((resolve, reject) => {
        server.once("error", (error: NodeJS.ErrnoException) => {
          reject(new UsageError(`store serve: port ${port}: ${error.code ?? error.message}`));
        });
        server.listen(port, "127.0.0.1", () => {
          const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
          if (flags.json) streams.out(jsonDocument({ url: address, store }));
          else streams.out(`${store}: ${address}\n`);
        });
        const stop = (): void => {
          server.close(() => resolve());
          server.closeAllConnections();
        };
        process.once("SIGINT", stop);
        process.once("SIGTERM", stop);
      });
    });
}

function parsePort(text: string): number {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : -1;
  if (port < 0 || port > 65_535) throw new UsageError(`--port: '${text}' is no port`);
  return port;
}

function startOf(file: string): Uint8Array {
  const source = new FileSource(file);
  try {
    return source.read(0, Math.min(8, source.byteSize));
  } finally {
    source.close();
  }
}
