/** A dump arrives, a debuginfod server is asked for its kernel, a sidecar is made, a variable printed. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { dumpMissing, guestDump } from "../guest/dumps.ts";
import { isInstalled, projectDirectory, run } from "./commands.ts";
import {
  cacheDirectory,
  dwarfless,
  kernel,
  type KernelName,
  peerCommand,
  withTemporaryDirectory,
} from "./lab.ts";

const name: KernelName = "6.1-amd64";

test("from a dump to a variable through debuginfod", async (context) => {
  const missing = dumpMissing(name) ?? serverMissing();
  if (missing !== undefined) context.skip(missing);
  const dump = (await guestDump(name, "panic")).file("elf");
  await withTemporaryDirectory(async (directory) => {
    const files = path.join(directory, "files");
    mkdirSync(files);
    symlinkSync(kernel(name).vmlinux, path.join(files, "vmlinux"));
    const store = path.join(directory, "store");
    await withServer(files, directory, (url, closedUrl) => {
      const environment = {
        DWARFLESS_STORE: store,
        TMPDIR: directory,
        DEBUGINFOD_URLS: `${closedUrl} ${url}`,
      };
      const before = dwarfless(["vars", dump, "console_printk"], { environment });
      expect(before.status).not.toBe(0);
      expect(before.stderr.toString()).toMatch(/a sidecar for build id [0-9a-f]{40} would supply it/);

      const automatic = { ...environment, DWARFLESS_SIDECAR: "debuginfod" };
      const asked = dwarfless(["eval", dump, "console_printk[3]"], {
        environment: automatic,
        timeout: 300_000,
      });
      expect(asked.stderr.toString()).toMatch(
        /^dwarfless: asking (\S+)\ndwarfless: \1: fetch failed: ECONNREFUSED\ndwarfless: asking \S+\/debuginfo\n$/,
      );
      expect(asked.status).toBe(0);
      expect(asked.stdout.toString().trim()).toMatch(/\b7$/);

      // From then on nobody is asked.
      const after = dwarfless(["vars", dump, "console_printk", "--json"], { environment: automatic });
      expect(after.stderr.toString()).toBe("");
      expect(JSON.parse(after.stdout.toString())).toMatchObject({
        variables: [{ name: "console_printk", type: "int [4]", source: "sidecar" }],
      });
      // Of the DWARF nothing stays, of the sidecar one file.
      expect(readdirSync(store).length).toBe(1);
      expect(readdirSync(directory).filter((entry) => entry.startsWith("dwarfless-"))).toEqual([]);

      const unknown = dwarfless(["store", "get", "ab".repeat(20), "--from-debuginfod", url], { environment });
      expect(unknown).toMatchObject({ status: 1 });
      expect(unknown.stderr.toString()).toContain(`nobody has build id ${"ab".repeat(20)}`);

      const [file] = readdirSync(store).map((entry) => path.join(store, entry));
      const bytes = readFileSync(file!);
      writeFileSync(file!, bytes.subarray(0, bytes.length - 100));
      // Found, it is named and passed over; named, it is an error.
      const cut = dwarfless(["ps", dump], { environment });
      expect(cut.stderr.toString()).toMatch(/^dwarfless: \S+: damaged sidecar: [^\n]*: not used\n$/);
      expect(cut.status).toBe(0);
      expect(cut.stdout.toString()).toContain("swapper/0");
      const named = dwarfless(["ps", dump, "--sidecar", file!], { environment });
      expect(named.stderr.toString()).toMatch(/^dwarfless: \S+: damaged sidecar: [^\n]*\n$/);
      expect(named.status).toBe(2);
    });
  });
});

const serverRoot = path.join(cacheDirectory, "debuginfod");

function serverMissing(): string | undefined {
  if (process.arch !== "x64") return "debuginfod is fetched for x86-64 only";
  if (existsSync(path.join(serverRoot, "complete"))) return undefined;
  if (!isInstalled("apt-get") || !isInstalled("dpkg"))
    return "debuginfod comes from Debian's archive: no apt-get here";
  const { status, stderr } = run(path.join(projectDirectory, "scripts/lab/debuginfod.sh"), []);
  return status === 0 ? undefined : `debuginfod could not be fetched: ${stderr.toString().trim()}`;
}

/** The real server over a folder, until `use` is done; and the address of a port that nobody listens on. */
async function withServer(
  files: string,
  directory: string,
  use: (url: string, closedUrl: string) => void,
): Promise<void> {
  const [port, closed] = [await freePort(), await freePort()];
  const [loader, ...words] = peerCommand(serverRoot, "debuginfod");
  const argv = [...words, "-p", String(port), "-d", path.join(directory, "index.sqlite"), "-L", "-F", files];
  const server = spawn(loader!, argv, { stdio: ["ignore", "ignore", "pipe"], cwd: directory });
  let log = "";
  server.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  const ended = new Promise((resolve) => server.once("close", resolve));
  try {
    const url = `http://127.0.0.1:${port}`;
    await scanned(url, () => log);
    use(url, `http://127.0.0.1:${closed}`);
  } finally {
    server.kill("SIGKILL");
    await ended;
  }
}

/** Wait until it says that it knows the one build id of its folder. */
async function scanned(url: string, log: () => string): Promise<void> {
  for (const deadline = Date.now() + 120_000; Date.now() < deadline; await delay(200)) {
    const metrics = await fetch(`${url}/metrics`)
      .then((response) => response.text())
      .catch(() => "");
    if (
      /^groom\{statistic="buildids"\} 1$/m.test(metrics) ||
      /^thread_work_total\{role="scan"\} [1-9]/m.test(metrics)
    )
      return;
  }
  throw new Error(`debuginfod did not come up: ${log().slice(-2000)}`);
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
