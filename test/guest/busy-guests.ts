/**
 * A guest with something of everything: control groups, IPC objects, users, namespaces, signals. It is
 * dumped as ELF, with what it said of itself. `busyGuest("6.1-amd64")` makes one, or finds it in the cache.
 */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { mustRun, withTemporaryDirectory } from "../lab/commands.ts";
import { cacheDirectory, type Kernel, kernel, type KernelName } from "../lab/kernels.ts";
import { cachedDirectory } from "./cached.ts";
import { compilerMissing, compileProgram, programText } from "./compile.ts";
import { emptyDisk, unpackOracle } from "./disk.ts";
import { dumpMissing, type GuestDump, openGuestDump } from "./dumps.ts";
import { architectureOf } from "./guest.ts";
import type { InitramfsEntry } from "./initramfs.ts";
import { RunningMachine } from "./machine.ts";
import { moduleClosure } from "./module-closure.ts";
import { readyText, witnessText, writeWitness } from "./witness.ts";

/** What one subsystem has the guest do. Where something prints `@failed`, or the shell complains, there is no dump. */
interface Part {
  /** Modules it needs, where the kernel has them as modules. */
  modules?: readonly string[];
  /** C programs of this folder that the guest has as `/bin/NAME`. */
  programs?: readonly string[];
  /** Shell commands that make what is to be seen in the dump. */
  setUp: string;
  /** Shell commands that write down, in the folder of `said`, what the guest says of it. */
  say: string;
}

/** Processes of several users, policies and namespaces, with arguments, signals and limits. */
const tasks: Part = {
  programs: ["busy"],
  setUp: `
FIRST=one SECOND='two words' busy as 1000 1001 1002 /bin/sleep 1000101 &
busy as 65534 65534 4 /bin/sleep 1000102 &
renice -n 7 -p $! >/dev/null
busy policy 1 10 /bin/sleep 1000103 &
busy policy 3 0 /bin/sleep 1000104 &
taskset 2 sleep 1000105 &
(ulimit -n 77; ulimit -c unlimited; ulimit -S -s 4096; exec sleep 1000106) &
unshare --uts --ipc --pid --fork sh -c 'hostname inside; busy msg & sleep 1000107 & exec sleep 1000108' &
unshare --user -r sleep 1000109 &
unshare --mount --net sleep 1000110 &
env -i busy signals &
`,
  say: `
grep -s '' /proc/[0-9]*/task/[0-9]*/status >task-status
grep -s '' /proc/[0-9]*/limits >limits
grep -s '' /proc/[0-9]*/schedstat >schedstat
for process in /proc/[0-9]*; do
  [ -e $process/exe ] || continue
  echo "@process \${process##*/}"; tr '\\0' '\\n' <$process/cmdline; echo @environment; tr '\\0' '\\n' <$process/environ
done >arguments 2>/dev/null
for process in /proc/[0-9]*; do echo "@process \${process##*/}"; ls -l $process/ns; done >namespaces 2>/dev/null
grep -rs '' /proc/sys >sysctl
`,
};

/** Control groups: three inside each other, one frozen, one of threads, one that is gone but for its memory. */
const groups: Part = {
  setUp: `
enter() { group=$1; shift; sh -c "echo 0 >/mnt/$group/cgroup.procs; exec $*" & }
echo "+cpu +memory +pids +io +cpuset" >/mnt/cgroup.subtree_control
mkdir /mnt/outer
echo "+cpu +memory +pids" >/mnt/outer/cgroup.subtree_control
mkdir /mnt/outer/middle
echo "+memory +pids" >/mnt/outer/middle/cgroup.subtree_control
mkdir /mnt/outer/middle/inner /mnt/outer/middle/empty /mnt/frozen /mnt/domain /mnt/domain/leaf /mnt/gone
echo 64M >/mnt/outer/memory.max
echo 50 >/mnt/outer/pids.max
echo "20000 100000" >/mnt/outer/middle/cpu.max
echo 50 >/mnt/outer/middle/cpu.weight
echo 32M >/mnt/outer/middle/memory.high
echo 1M >/mnt/outer/middle/inner/memory.low
echo 10 >/mnt/outer/middle/inner/pids.max
echo 1 >/mnt/outer/cpuset.cpus
enter outer/middle/inner sleep 1000121
enter outer/middle/inner sleep 1000122
enter outer/middle/inner dd if=/dev/zero of=/tmp/charged bs=4k count=300
enter frozen sleep 1000123
enter gone dd if=/dev/zero of=/tmp/left bs=4k count=5
sleep 1
rmdir /mnt/gone
echo 1 >/mnt/frozen/cgroup.freeze
echo threaded >/mnt/domain/leaf/cgroup.type
states threads &
process=$!
sleep 1
echo $process >/mnt/domain/cgroup.procs
ls /proc/$process/task | tail -1 >/mnt/domain/leaf/cgroup.threads
mkdir /old /old-freezer
mount -t cgroup -o none,name=old old /old || echo @failed cgroup
mount -t cgroup -o freezer freezer /old-freezer || echo @failed freezer
mkdir /old/one /old/one/two
echo $process >/old/one/two/cgroup.procs
`,
  say: `
find /mnt -type f -perm -444 | sort | xargs grep -s '' /dev/null >cgroup-files
grep -s '' /proc/[0-9]*/cgroup >task-cgroups
`,
};

/** Shared memory, semaphores, message queues. */
const ipc: Part = {
  setUp: `
mkdir -p /dev/mqueue
mount -t mqueue mqueue /dev/mqueue || echo @failed mqueue
busy shm 4369 &
busy as 1000 1001 1002 /bin/busy shm 8738 &
busy sem &
busy msg &
busy mqueue &
unshare --ipc busy sem &
sleep 1
`,
  say: `
for kind in shm sem msg; do cat /proc/sysvipc/$kind >sysvipc-$kind; done
grep -s '' /dev/mqueue/* >mqueue
ls -ln /dev/mqueue >mqueue-list
`,
};

/** Swap devices with something in them, huge pages, mounts with options, a file of which some pages are cached. */
const memory: Part = {
  modules: ["loop", "ext4", "overlay"],
  programs: ["pages"],
  setUp: `
mkdir /place /place/options '/place/with space' /place/bound /place/huge /place/disk /place/hidden
mount -t tmpfs -o ro,nosuid,nodev,noexec,size=1m,nr_inodes=77,mode=750,uid=5,gid=6 options /place/options
mount -t tmpfs -o noatime,nodiratime,dirsync 'name with space' '/place/with space'
mount --bind /tmp /place/bound
mount -o remount,bind,ro,nosuid,noexec /tmp /place/bound
mount -t hugetlbfs -o size=4M none /place/huge
mount -t proc -o hidepid=2,gid=7 hidden /place/hidden
truncate -s 32M /disk; mke2fs -F /disk >/dev/null
losetup /dev/loop0 /disk
mount -t ext4 -o sync,lazytime,errors=continue /dev/loop0 /place/disk
echo 3 >/proc/sys/vm/nr_hugepages
dd if=/dev/zero of=/place/disk/swapfile bs=1M count=4 2>/dev/null
mkswap /place/disk/swapfile >/dev/null; chmod 600 /place/disk/swapfile
mkswap /dev/vdb >/dev/null
pages /dev/vdb 5
pages /place/disk/swapfile 3
dd if=/dev/urandom of=/place/disk/cached bs=4k count=64 2>/dev/null
dd if=/dev/urandom of='/place/with space/cached' bs=4k count=13 2>/dev/null
ln -s cached '/place/with space/link'
sync
echo 1 >/proc/sys/vm/drop_caches
pages /place/disk/cached >/mincore &
pages /place/disk/cached >/dev/null 5</place/disk 6<'/place/with space/cached' &
(cd '/place/with space' && exec sleep 1000131 7>>cached) &
mkdir /mnt/swapped
sh -c 'echo 0 >/mnt/swapped/cgroup.procs; head -c 3000000 /dev/zero | tr "\\0" x >/tmp/swapped; exec sh -c "exec 8</tmp/swapped; exec sleep 1000132"' &
sleep 2
echo 2M >/mnt/swapped/memory.reclaim
mkdir /mnt/out
sh -c 'echo 0 >/mnt/out/cgroup.procs; exec pages /place/disk/cached >/dev/null' &
sleep 1
{ echo 1M >/mnt/out/memory.reclaim; } 2>/dev/null
`,
  say: `
for name in pagetypeinfo; do cat /proc/$name >$name; done
cp /mincore mincore
cat /proc/self/mountinfo >mountinfo
grep -s '' /sys/kernel/mm/hugepages/*/* >hugepages
grep -s '' /sys/devices/system/node/node*/meminfo >node-meminfo
stat -c '%i %b %B %n' /place/disk/cached /place/disk/swapfile /tmp/data /tmp/swapped /proc /mnt/outer/middle '/place/with space/cached' /place/bound/data >inodes
for process in $(pidof pages); do
  while read range rest; do
    start=$((0x\${range%-*})); end=$((0x\${range#*-}))
    [ $start -ge 0 ] || continue
    dd if=/proc/$process/pagemap of=pagemap-$process-\${range%-*} bs=8 skip=$((start / 4096)) count=$(((end - start) / 4096)) 2>/dev/null
  done </proc/$process/maps
done
{
  while [ -d /oracle ]; do sleep 0.1; done
  for name in meminfo vmstat zoneinfo buddyinfo pagetypeinfo slabinfo swaps; do echo "@late $name"; cat /proc/$name; done
  echo "@late end"
} >/dev/console &
`,
};

/** Sockets of every kind in two network namespaces, BPF, a disk and workers that are stuck. */
const services: Part = {
  modules: ["loop"],
  programs: ["services"],
  setUp: `
ifconfig dummy0 10.9.0.1 netmask 255.255.255.0 up
arp -i dummy0 -s 10.9.0.7 02:00:00:00:00:07
ping -c 3 127.0.0.1 >/dev/null
services sockets &
busy as 1000 1001 1002 /bin/services few &
unshare --net sh -c 'ifconfig lo up; ip link add inside type dummy; exec services few' &
echo 1 >/proc/sys/kernel/bpf_stats_enabled
services bpf &
services wait &

# A disk on a file of a frozen file system: its writes wait, and what comes after them.
mkdir /images /frozen
dd if=/dev/zero of=/images/outer bs=1k count=2048 2>/dev/null
mke2fs -F /images/outer >/dev/null 2>&1
outer=$(losetup -f)
losetup $outer /images/outer
mount -t ext4 $outer /frozen
dd if=/dev/urandom of=/frozen/inner bs=1k count=512 2>/dev/null
inner=$(losetup -f)
losetup $inner /frozen/inner
sync
fsfreeze --freeze /frozen
services write $inner &
sleep 1
dd if=$inner of=/dev/null bs=4k count=1 2>/dev/null &

# A worker that waits for a helper which does not end: the program that loads modules.
printf '#!/bin/sh\nexec sleep 1000202\n' >/tmp/helper
chmod +x /tmp/helper
echo /tmp/helper >/proc/sys/kernel/modprobe
mount -t nosuchtype none /mnt 2>/dev/null &
for file in /proc/irq/*/smp_affinity; do echo 2 >$file; done 2>/dev/null
`,
  say: `
services time-wait
services bpf-list >bpf
for name in tcp tcp6 udp udp6 raw raw6 unix netlink packet arp dev; do
  for process in self $(pidof services); do
    echo "@process $process $(readlink /proc/$process/ns/net)"; cat /proc/$process/net/$name
  done >all-net-$name
done
for process in $(pidof services); do echo "@process $process"; ls -l /proc/$process/fd; done >service-descriptors
cat /proc/softirqs >softirqs
cat /proc/ioports >ioports
grep -s '' /proc/irq/*/*affinity* >irq-affinity
grep -s '' /sys/block/*/inflight /sys/block/*/queue/nr_requests /sys/block/*/mq/*/nr_tags >block-queues
for file in /sys/bus/pci/devices/*; do
  grep -s '' $file/vendor $file/device $file/class $file/revision $file/irq $file/resource
  echo "$file/driver:$(readlink $file/driver)"
done >pci
for bus in /sys/bus/*; do ls $bus/devices | sed "s|^|\${bus##*/} |"; done >bus-devices
for class in /sys/class/*; do ls $class | sed "s|^|\${class##*/} |"; done >class-devices
grep -s '' /sys/module/*/parameters/* >module-parameters
dmesg >log-before
echo t >/proc/sysrq-trigger
dmesg >log-with-tasks
`,
};

const parts: readonly Part[] = [tasks, groups, ipc, memory, services];

/**
 * What the guest said of moving counters when all else was done: nothing happens between that and the dump but
 * the end of the process that wrote it.
 */
export function saidLate(dump: GuestDump, name: string): string {
  const found = dump.console.split(/^@late /m).find((each) => each.startsWith(`${name}\n`));
  if (found === undefined) throw new Error(`the guest did not write down ${name} at last`);
  // The guest may come to its end while that is written.
  return found.slice(name.length + 1).replace(`${readyText}\n`, "");
}

/** Changed when dumps made before no longer do for a reason that the key does not cover. */
const recipeVersion = 1;
const memoryMebibytes = 320;

/** Why this guest cannot be made here, or undefined when it can. */
export function busyGuestMissing(name: KernelName): string | undefined {
  return dumpMissing(name) ?? compilerMissing(name.endsWith("-arm64") ? "arm64" : "amd64");
}

/** The guest's dump, `elf`, and what it said of itself. */
export async function busyGuest(name: KernelName): Promise<GuestDump> {
  const of = kernel(name);
  const programs = parts.flatMap((part) => part.programs ?? []).map(programText);
  const directory = await cachedDirectory(
    path.join(cacheDirectory, "guests", of.release),
    "busy",
    JSON.stringify([recipeVersion, memoryMebibytes, parts, programs, witnessText()]),
    (partial) => makeBusyGuest(of, partial),
  );
  return openGuestDump(directory);
}

/** Everything is set up before the first word is written down. */
function prepareScript(modules: readonly string[]): string {
  return [
    ...modules.map((name) => `[ -d /sys/module/${name.replaceAll("-", "_")} ] || insmod /more/${name}.ko`),
    ...parts.map(({ setUp }) => setUp.trim()),
    "sleep 2",
    "cd /oracle",
    ...parts.map(({ say }) => say.trim()),
    "cd /",
  ].join("\n");
}

async function makeBusyGuest(of: Kernel, output: string): Promise<void> {
  const architecture = architectureOf(of);
  await withTemporaryDirectory(async (directory) => {
    const disk = emptyDisk(directory, "oracle", 64);
    const swap = emptyDisk(directory, "swap", 16);
    const modules = moduleClosure(
      of,
      parts.flatMap((part) => part.modules ?? []),
    );
    const programs = parts.flatMap((part) => part.programs ?? []);
    const files: InitramfsEntry[] = [
      ...modules.map(({ name, bytes }) => ({ path: `more/${name}.ko`, content: { bytes } })),
      ...programs.map((name) => ({
        path: `bin/${name}`,
        content: { file: compileProgram(architecture, name, directory) },
        executable: true,
      })),
    ];
    const machine = await RunningMachine.start({
      architecture,
      vmlinuz: of.vmlinuz,
      initramfs: writeWitness(of, directory, {
        ending: "idle",
        vmcoreinfo: true,
        prepare: prepareScript(modules.map(({ name }) => name)),
        files,
      }),
      directory,
      memory: memoryMebibytes,
      vmcoreinfo: true,
      disks: [disk, swap],
      // The state of all tasks is a long message.
      commandLine: "panic=0 log_buf_len=2M",
    });
    try {
      await machine.waitFor(readyText, 300_000);
      await machine.waitFor("@late end", 60_000);
      const failed = /^(@failed|\/init: |sh: |ls: ).*/m.exec(machine.console)?.[0];
      if (failed !== undefined) throw new Error(`the guest of ${of.release} says: ${failed}`);
      await machine.command("stop");
      await machine.dump(path.join(output, "memory.elf"), "elf");
      writeFileSync(path.join(output, "console"), machine.console.replaceAll("\r", ""));
    } finally {
      await machine.stop();
    }
    unpackOracle(disk, output);
  });
  mustRun("fallocate", ["--dig-holes", path.join(output, "memory.elf")]);
}
