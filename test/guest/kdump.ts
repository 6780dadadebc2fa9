/**
 * The production path: a kernel panics, kexec starts the capture kernel, and there makedumpfile
 * writes /proc/vmcore to disks, once in each of its formats. When it is done the emulator dumps
 * the whole memory once more: two kernels in one image.
 *
 * The programs are those of the peers' tree, run through their own loader with their own libraries.
 */
import { truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { mustRun, projectDirectory, withTemporaryDirectory } from "../lab/commands.ts";
import type { Kernel } from "../lab/kernels.ts";
import { peerCommand, peers } from "../lab/peers.ts";
import { coreSize } from "./core-file.ts";
import { emptyDisk, unpackOracle } from "./disk.ts";
import { architectureOf, busybox } from "./guest.ts";
import { type InitramfsEntry, writeInitramfs } from "./initramfs.ts";
import { RunningMachine } from "./machine.ts";
import { moduleClosure } from "./module-closure.ts";
import { writeWitness } from "./witness.ts";

/**
 * Shell commands of the capture kernel by the format they make. `$disk` is where it goes;
 * `put FILE` sends a file there. makedumpfile can only write part by part to what it can seek in
 * and read again, so that most go through memory. ELF is too large for that and written in order.
 *
 * Debian's makedumpfile is built without snappy: see recompress-snappy.py.
 */
const formats: readonly (readonly [format: string, command: string])[] = [
  [
    "vmcore",
    "size=$(stat -c %s /proc/vmcore); dd if=/proc/vmcore of=$disk bs=1M 2>/dev/null; done_with $size",
  ],
  ["zlib", "makedumpfile -c -d 1 /proc/vmcore /big/dump; put /big/dump"],
  ["zlib-d31", "makedumpfile -c -d 31 /proc/vmcore /big/dump; put /big/dump"],
  ["lzo-d31", "makedumpfile -l -d 31 /proc/vmcore /big/dump; put /big/dump"],
  ["zstd-d31", "makedumpfile -z -d 31 /proc/vmcore /big/dump; put /big/dump"],
  ["plain-d31", "makedumpfile -d 31 /proc/vmcore /big/dump; put /big/dump"],
  ["elf-d31", "makedumpfile -f -E -d 31 /proc/vmcore $disk; done_with elf"],
  ["flattened-d31", "makedumpfile -F -l -d 31 /proc/vmcore >/big/dump; put /big/dump"],
  [
    "split-1",
    "makedumpfile --split --splitblock-size 16 -c -d 31 /proc/vmcore /big/dump /big/dump2; put /big/dump",
  ],
  ["split-2", "put /big/dump2"],
];

const captureModules = ["virtio_pci", "virtio_blk"];
const finishedText = "@captured";
/**
 * Where KASLR puts the kernel into the middle of the memory, the reserved part must still fit
 * below it, or between it and the initramfs at the end.
 */
const memoryMebibytes = 560;
/** For the capture kernel, which holds one of the files at a time in memory. */
const reservedMebibytes = 208;

/** Fill `output` with the dumps of one crash, `memory.<format>`, and of both kernels, `memory.both` and `memory.both-raw`. */
export async function makeCaptured(of: Kernel, output: string): Promise<void> {
  const { available, reason } = peers();
  if (!available) throw new Error(reason);
  const architecture = architectureOf(of);
  await withTemporaryDirectory(async (directory) => {
    const disk = emptyDisk(directory, "oracle", 64);
    const disks = formats.map(([format]) => emptyDisk(output, `memory.${format}`, memoryMebibytes + 64));
    const capture = writeCaptureInitramfs(of, directory);
    const initramfs = writeWitness(of, directory, {
      ending: "panic",
      vmcoreinfo: true,
      prepare:
        "/peers/kexec -p -s /vmlinuz --initrd=/capture --command-line='console=ttyS0 nr_cpus=1 reset_devices panic=1'",
      files: [
        ...peerFiles("kexec"),
        { path: "vmlinuz", content: { file: of.vmlinuz } },
        { path: "capture", content: { file: capture } },
      ],
    });
    const machine = await RunningMachine.start({
      architecture,
      vmlinuz: of.vmlinuz,
      initramfs,
      directory,
      memory: memoryMebibytes,
      processor: ",la57=off",
      disks: [disk, ...disks],
      commandLine: `panic=0 crashkernel=${reservedMebibytes}M`,
    });
    try {
      await machine.waitFor(finishedText, 600_000);
      await machine.command("stop");
      await machine.dump(path.join(output, "memory.both"), "elf");
      await machine.dump(path.join(output, "memory.both-raw"), "raw");
      writeFileSync(path.join(output, "console"), machine.console.replaceAll("\r", ""));
    } finally {
      await machine.stop();
    }
    unpackOracle(disk, output);
    const failed = machine.console.match(/^@failed.*/gm) ?? [];
    if (failed.length > 0)
      throw new Error(`in the capture kernel: ${failed.join(", ")}\n${machine.console.slice(-4000)}`);
    for (const [format] of formats) {
      const file = path.join(output, `memory.${format}`);
      const size = new RegExp(`^@size ${format} (\\d+|elf)`, "m").exec(machine.console)?.[1];
      if (size === undefined) throw new Error(`the capture kernel did not make ${format}`);
      truncateSync(file, size === "elf" ? coreSize(file) : Number(size));
    }
    recompress(path.join(output, "memory.zlib-d31"), path.join(output, "memory.snappy-d31"));
  });
}

/** The same dump with its pages as snappy blocks, by the library that Debian's makedumpfile lacks. */
function recompress(from: string, to: string): void {
  const script = path.join(projectDirectory, "test/guest/recompress-snappy.py");
  const library = path.join(peers().root, "usr/lib/x86_64-linux-gnu/libsnappy.so.1");
  const result = peers().program("python3", [script, library, from, to]);
  if (result.status !== 0) throw new Error(`recompress-snappy.py: ${result.stderr}`);
}

function writeCaptureInitramfs(of: Kernel, directory: string): string {
  const loaded = moduleClosure(of, captureModules);
  const commands = formats.map(
    ([format, command], index) =>
      `format=${format} disk=/dev/vd${String.fromCharCode(98 + index)}\n${command}\n`,
  );
  const init = `#!/bin/sh
/bin/busybox mkdir -p /proc /sys /dev /tmp /big
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
# The root folder may only take half of the memory.
/bin/busybox mount -t tmpfs -o size=90% big /big
/bin/busybox --install -s /bin
for name in $(cat /modules/order); do insmod /modules/$name.ko || echo "@failed insmod $name"; done
makedumpfile() { /peers/makedumpfile --message-level 4 "$@" || echo "@failed makedumpfile $*"; }
done_with() { echo "@size $format $1"; }
put() { dd if=$1 of=$disk bs=1M 2>/dev/null; done_with $(stat -c %s $1); rm $1; }
${commands.join("")}
sync
echo "${finishedText}"
sleep 1000006
`;
  const initramfs = path.join(directory, "capture");
  writeInitramfs(initramfs, [
    { path: "dev/console", content: { console: true } },
    { path: "bin/busybox", content: { file: busybox(architectureOf(of)) }, executable: true },
    { path: "bin/sh", content: { linkTo: "busybox" } },
    ...loaded.map(({ name, bytes }) => ({ path: `modules/${name}.ko`, content: { bytes } })),
    { path: "modules/order", content: { bytes: loaded.map(({ name }) => name).join(" ") } },
    ...peerFiles("makedumpfile"),
    { path: "init", content: { bytes: init }, executable: true },
  ]);
  return initramfs;
}

/** A program of the peers' tree as `/peers/NAME`, with its libraries. */
function peerFiles(name: string): InitramfsEntry[] {
  const { root } = peers();
  const command = peerCommand(root, name);
  const [loader, program] = [command[0]!, command.at(-1)!];
  const listing = mustRun(loader, [...command.slice(1, -1), "--list", program]).stdout.toString("utf8");
  const libraries = [...listing.matchAll(/=> (\S+) \(/g)].map((match) => match[1]!);
  const script = `#!/bin/sh\nexec /peers/lib/${path.basename(loader)} --library-path /peers/lib /peers/bin/${name} "$@"\n`;
  return [
    { path: `peers/${name}`, content: { bytes: script }, executable: true },
    { path: `peers/bin/${name}`, content: { file: program }, executable: true },
    ...[...new Set([loader, ...libraries])].map((file) => ({
      path: `peers/lib/${path.basename(file)}`,
      content: { file },
      executable: true,
    })),
  ];
}
