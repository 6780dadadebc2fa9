/**
 * The root folder of a guest that is going to be dumped. It loads modules, brings processes into
 * known states, and writes down what its kernel says of itself: the oracle for what is read out
 * of the dump. Everything written down goes, as a tar archive, to the first disk.
 */
import path from "node:path";
import type { Kernel } from "../lab/kernels.ts";
import { compilerMissing, compileProgram, guestSource, programText } from "./compile.ts";
import { architectureOf, busybox } from "./guest.ts";
import { type InitramfsEntry, writeInitramfs } from "./initramfs.ts";
import { moduleClosure } from "./module-closure.ts";

/** What the guest does when all is written down. */
export type Ending =
  /** Wait to be dumped. */
  | "idle"
  /** `echo c >/proc/sysrq-trigger`. */
  | "panic";

/** What the guest says when it has come to the ending. */
export const readyText = "@ready";

/** Where the kernel has them as modules: the way to the disk, the note's driver, and some with variables of all kinds. */
const modules =
  "virtio_pci virtio_mmio virtio_blk binfmt_misc vfat nf_conntrack x_tables br_netfilter dm-mod loop dummy".split(
    " ",
  );

export interface WitnessOptions {
  ending: Ending;
  /** Load the driver that hands VMCOREINFO to the emulator. */
  vmcoreinfo: boolean;
  /** Shell commands before the ending. */
  prepare?: string;
  /** More files for the root folder. */
  files?: readonly InitramfsEntry[];
}

/** Write the initramfs to `directory`; gives its path. */
export function writeWitness(kernel: Kernel, directory: string, options: WitnessOptions): string {
  const architecture = architectureOf(kernel);
  const loaded = moduleClosure(kernel, options.vmcoreinfo ? [...modules, "qemu_fw_cfg"] : modules);
  const entries: InitramfsEntry[] = [
    { path: "dev/console", content: { console: true } },
    { path: "bin/busybox", content: { file: busybox(architecture) }, executable: true },
    { path: "bin/sh", content: { linkTo: "busybox" } },
    ...loaded.map(({ name, bytes }) => ({ path: `modules/${name}.ko`, content: { bytes } })),
    { path: "modules/order", content: { bytes: loaded.map(({ name }) => name).join(" ") } },
    { path: "init", content: { bytes: initScript(options) }, executable: true },
    ...(options.files ?? []),
  ];
  // Without a compiler the guest has fewer states to show, and dumps can still be made.
  if (compilerMissing(architecture) === undefined) {
    const program = compileProgram(architecture, "states", directory);
    entries.push({ path: "bin/states", content: { file: program }, executable: true });
  }
  const initramfs = path.join(directory, "initramfs");
  writeInitramfs(initramfs, entries);
  return initramfs;
}

/** All that decides what such a guest is, beside its options: for the key of what is kept of it. */
export function witnessText(): string {
  return [guestSource("witness.ts"), guestSource("platform.ts"), programText("states")].join("");
}

function initScript({ ending, prepare }: WitnessOptions): string {
  return `#!/bin/sh
/bin/busybox mkdir -p /proc /sys /dev /tmp /mnt /oracle
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox --install -s /bin
for name in $(cat /modules/order); do insmod /modules/$name.ko || echo "@failed insmod $name"; done
mount -t tmpfs -o size=8m,mode=1777 scratch /tmp
mount -t cgroup2 cgroup2 /mnt 2>/dev/null
hostname dwarfless-guest
ifconfig lo up
ip link add br0 type bridge 2>/dev/null

# Processes in known states.
sleep 1000001 &
sleep 1000002 &
kill -STOP $!
mkfifo /tmp/fifo
cat /tmp/fifo &
nc -l -p 4242 &
dd if=/dev/urandom of=/tmp/data bs=1k count=100 2>/dev/null
sleep 1000003 </tmp/data 3>>/tmp/appended &
echo 'deleted, and held open' >/tmp/deleted
sleep 1000004 </tmp/deleted &
(cd /tmp && mkdir -p where && cd where && exec sleep 1000005) &
renice -n 5 -p $! >/dev/null
rm /tmp/deleted
if [ -x /bin/states ]; then
  for mode in vfork threads zombie files; do states $mode & done
fi
sleep 1
${prepare ?? ""}

# What the kernel says of itself.
cd /oracle
for name in kallsyms modules meminfo mounts iomem version cmdline interrupts stat vmstat slabinfo \\
  devices filesystems partitions swaps locks cgroups buddyinfo zoneinfo timer_list vmallocinfo cpuinfo; do
  [ -r /proc/$name ] && cat /proc/$name >$name
done
for name in dev tcp tcp6 udp unix route netlink packet; do
  [ -r /proc/net/$name ] && cat /proc/net/$name >net-$name
done
cat /proc/[0-9]*/task/[0-9]*/stat >threads 2>/dev/null
ps -o pid,ppid,stat,vsz,rss,comm,args >ps
for task in /proc/[0-9]*/task/[0-9]*; do echo "@task \${task##*/}"; cat $task/stack; done >stacks 2>/dev/null
for process in /proc/[0-9]*; do
  [ -e $process/exe ] || continue
  echo "@process \${process##*/}"; ls -l $process/fd
done >descriptors 2>/dev/null
for process in /proc/[0-9]*; do [ -e $process/exe ] && { echo "@process \${process##*/}"; cat $process/maps; }; done >maps 2>/dev/null
grep -r . /sys/module/*/sections >module-sections 2>/dev/null
ls -l /sys/kernel/btf >btf
cat /sys/kernel/vmcoreinfo >vmcoreinfo
cat /sys/kernel/notes >notes
cat /proc/sys/kernel/random/boot_id >boot-id
cat /proc/uptime >uptime
dmesg >dmesg
tar cf /dev/vda *
sync
cd /
rm -rf /oracle
${ending === "panic" ? `echo "${readyText}"\nsleep 1\necho c >/proc/sysrq-trigger` : ""}
[ -x /bin/states ] && states spin &
sleep 1000006 &
sleep 1
# From here on nothing happens: no process comes or goes while the machine is stopped.
echo "${readyText}"
wait
`;
}
