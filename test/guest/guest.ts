/**
 * Run a shell script as the only program of a real kernel, and bring files back.
 *
 * Everything travels over the serial console. The script has two words of ours: `emit NAME FILE`
 * sends a file, `note TEXT` a line. Kernel messages do not disturb them: they come at the end.
 */
import { createHash } from "node:crypto";
import path from "node:path";
import { mustRun, projectDirectory, withTemporaryDirectory } from "../lab/commands.ts";
import type { Kernel } from "../lab/kernels.ts";
import { type InitramfsEntry, writeInitramfs } from "./initramfs.ts";
import type { Architecture } from "./platform.ts";
import { bootMachine, type Machine } from "./qemu.ts";

export interface GuestResult {
  /** What `emit` sent, by name; a file that was not there is absent. */
  files: Map<string, Buffer>;
  /** What `note` said, in order. */
  notes: string[];
  /** The kernel's log from boot to the script's end. */
  kernelLog: string;
}

export function architectureOf(kernel: Kernel): Architecture {
  return kernel.name.endsWith("-arm64") ? "arm64" : "amd64";
}

/**
 * Boot `kernel`, run `script` (busybox ash, in `/`), switch off.
 * Throws when the guest does not come to the script's end.
 */
export async function runInGuest(
  kernel: Kernel,
  files: readonly InitramfsEntry[],
  script: string,
  options: Pick<Machine, "memory" | "timeout"> = {},
): Promise<GuestResult> {
  const architecture = architectureOf(kernel);
  return withTemporaryDirectory(async (directory) => {
    const initramfs = path.join(directory, "initramfs");
    writeInitramfs(initramfs, [
      { path: "dev/console", content: { console: true } },
      { path: "bin/busybox", content: { file: busybox(architecture) }, executable: true },
      { path: "bin/sh", content: { linkTo: "busybox" } },
      { path: "init", content: { bytes: initScript }, executable: true },
      { path: "script", content: { bytes: script } },
      ...files,
    ]);
    const { vmlinuz } = kernel;
    return parseConsole(await bootMachine({ architecture, vmlinuz, initramfs, directory, ...options }));
  });
}

const initScript = `#!/bin/sh
/bin/busybox mkdir -p /proc /sys /dev /tmp
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox --install -s /bin
# From here on kernel messages stay in the log.
dmesg -n 1
stty -opost </dev/console
note() { echo "@note $*"; }
emit() {
  [ -e "$2" ] || { echo "@absent $1"; return 0; }
  echo "@begin $1"
  base64 "$2"
  echo "@end $1 $(sha256sum <"$2" | cut -d ' ' -f 1)"
}
. /script
dmesg >/tmp/dmesg
emit dmesg /tmp/dmesg
echo "@done"
poweroff -f
`;

function parseConsole(text: string): GuestResult {
  const result: GuestResult = { files: new Map(), notes: [], kernelLog: "" };
  let base64: string[] | undefined;
  let done = false;
  for (const line of text.split(/\r*\n/)) {
    const [word, name = "", digest] = line.split(" ");
    if (word === "@note") result.notes.push(line.slice("@note ".length));
    else if (word === "@begin") base64 = [];
    else if (word === "@end" && base64 !== undefined) {
      const bytes = Buffer.from(base64.join(""), "base64");
      const actual = createHash("sha256").update(bytes).digest("hex");
      if (actual !== digest) throw new Error(`the guest's file ${name} was damaged on the console`);
      result.files.set(name, bytes);
      base64 = undefined;
    } else if (word === "@done") done = true;
    else base64?.push(line);
  }
  if (!done)
    throw new Error(`the guest's script did not come to its end; the last words:\n${text.slice(-2000)}`);
  result.kernelLog = result.files.get("dmesg")?.toString("utf8") ?? "";
  result.files.delete("dmesg");
  return result;
}

/** A static busybox for the guest, fetched once. */
export function busybox(architecture: Architecture): string {
  const script = path.join(projectDirectory, "scripts/lab/busybox.sh");
  return mustRun(script, [architecture]).stdout.toString("utf8").trim();
}
