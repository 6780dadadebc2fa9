/** Network, BPF, workqueues, wait queues, devices, interrupts and RCU in a dump, against what the guest said of them just before. */
import { describe, expect, test } from "vitest";
import {
  listBpfLinks,
  listBpfMaps,
  listBpfProgs,
  listDisks,
  listFiles,
  listIrqs,
  listNeighbours,
  listNetdevs,
  listParameters,
  listPciDevices,
  listProcessSockets,
  listRequests,
  listResources,
  listSockets,
  listSoftirqs,
  listSubsystems,
  listThreads,
  listWaiters,
  listWorkerPools,
  listWorkqueues,
  rcuInfo,
  resourceLines,
  type SocketRow,
} from "../../src/commands/index.ts";
import { Kernel } from "../../src/kernel/index.ts";
import { Gaps, ipv4Text, ipv6Text } from "../../src/linux/index.ts";
import { busyGuest, busyGuestMissing } from "../guest/busy-guests.ts";
import { crashGuest, crashGuestMissing } from "../guest/crash-guests.ts";
import { dumpedGuest } from "./said-by-guest.ts";

describe.each(["6.1-amd64", "6.12-amd64", "7.2-amd64", "6.12-arm64"] as const)("%s", (name) => {
  const missing = busyGuestMissing(name);
  const guest = dumpedGuest(missing, () => busyGuest(name));
  const { said, check } = guest;

  /** Fields of each line of a file of /proc/net, once for every network namespace. */
  function netFields(file: string): Map<number, string[][]> {
    const found = new Map<number, string[][]>();
    for (const part of guest.dump
      .said(`all-net-${file}`)
      .split(/^@process /m)
      .slice(1)) {
      const [first, , ...lines] = part.trimEnd().split("\n");
      const namespace = Number(/net:\[(\d+)\]/.exec(first!)![1]);
      found.set(
        namespace,
        lines.map((line) => line.trim().split(/[ ]+/)),
      );
    }
    return found;
  }

  test("the guest has two network namespaces", (context) => {
    context.skip(missing !== undefined, missing);
    expect(netFields("tcp").size).toBe(2);
  });

  check("sockets of TCP, UDP and raw: ends, states, queues, owners", (gaps) => {
    const rows = listSockets(guest.kernel, gaps);
    const states = new Set<string>();
    for (const protocol of ["tcp", "tcp6", "udp", "udp6", "raw", "raw6"]) {
      for (const [namespace, lines] of netFields(protocol)) {
        const ours = rows.filter((row) => row.protocol === protocol && row.namespace === namespace);
        const expected = lines.map(([, local, remote, state, queues, , , uid, , inode]) => {
          const [send, receive] = queues!.split(":").map((each) => Number.parseInt(each, 16));
          const text = stateText(protocol, Number.parseInt(state!, 16));
          states.add(text);
          // Who is not a process's any more, or not yet, is shown as root's until v6.16.
          const who = inode === "0" ? "" : ` ${uid}`;
          return `${endText(local!)} ${endText(remote!)} ${text} ${send} ${receive} ${inode}${who}`;
        });
        expect(ours.map(socketText).sort(), `${protocol} of ${namespace}`).toEqual(expected.sort());
      }
    }
    for (const state of ["LISTEN", "ESTABLISHED", "TIME_WAIT", "FIN_WAIT2", "CLOSE_WAIT", "SYN_SENT"])
      expect(states).toContain(state);
  });

  check("Unix, packet and netlink sockets", (gaps) => {
    const rows = listSockets(guest.kernel, gaps);
    const texts = (protocol: string, namespace: number, text: (row: SocketRow) => string): string[] =>
      rows
        .filter((row) => row.protocol === protocol && row.namespace === namespace)
        .map(text)
        .sort();
    for (const [namespace, lines] of netFields("unix")) {
      const types: Record<string, string> = { "0001": "stream", "0002": "dgram", "0005": "seqpacket" };
      const expected = lines.map(([, , , flags, type, state, inode, path]) => {
        const connected = state === "03" ? "ESTABLISHED" : "UNCONNECTED";
        return `${types[type!]} ${flags === "00010000" ? "LISTEN" : connected} ${inode} ${path ?? ""}`;
      });
      const text = ({ type, state, inode, local }: SocketRow): string => `${type} ${state} ${inode} ${local}`;
      expect(texts("unix", namespace, text)).toEqual(expected.sort());
    }
    for (const [namespace, lines] of netFields("packet")) {
      const expected = lines.map(([, , type, protocol, , , memory, uid, inode]) =>
        [type === "3" ? "raw" : "dgram", `0x${protocol}`, memory, uid, inode].join(" "),
      );
      const text = ({ type, local, receiveQueue, uid, inode }: SocketRow): string =>
        [type, local!.split(":")[0], receiveQueue, uid, inode].join(" ");
      expect(texts("packet", namespace, text)).toEqual(expected.sort());
    }
    for (const [namespace, lines] of netFields("netlink")) {
      const expected = lines.map((fields) => [fields[2], fields[4], fields[5], fields[9]].join(" "));
      const text = ({ local, receiveQueue, sendQueue, inode }: SocketRow): string =>
        [local!.split(":")[1], receiveQueue, sendQueue, inode].join(" ");
      expect(texts("netlink", namespace, text)).toEqual(expected.sort());
    }
    // What services.c wrote and did not read: half of one message, and two messages one after the other.
    const queues = rows
      .filter(({ protocol, receiveQueue }) => protocol === "unix" && receiveQueue! > 0)
      .map(({ type, receiveQueue }) => `${type} ${receiveQueue}`);
    expect(queues).toEqual(
      expect.arrayContaining(["stream 2000", "stream 40", "stream 6", "seqpacket 11", "dgram 12"]),
    );
  });

  check("sockets of a process", (gaps) => {
    let compared = 0;
    for (const part of guest.dump
      .said("service-descriptors")
      .split(/^@process /m)
      .slice(1)) {
      const [pid, ...lines] = part.trimEnd().split("\n");
      const expected = lines.flatMap((line) => {
        const [, fd, inode] = / (\d+) -> socket:\[(\d+)\]$/.exec(line) ?? [];
        return fd === undefined ? [] : [`${fd} ${inode}`];
      });
      const { rows } = listProcessSockets(guest.kernel, gaps, [pid!]);
      expect(rows.map(({ fd, inode }) => `${fd} ${inode}`).sort()).toEqual(expected.sort());
      compared += rows.length;
    }
    expect(compared).toBeGreaterThan(30);
  });

  check("neighbours", (gaps) => {
    const rows = listNeighbours(guest.kernel, gaps).rows.filter(({ address }) => !address!.includes(":"));
    for (const [namespace, lines] of netFields("arp")) {
      const shown = rows.filter((row) => row.namespace === namespace && !row.states!.includes("NOARP"));
      expect(shown.map(({ address, hardware, device }) => `${address} ${hardware} ${device}`)).toEqual(
        lines.map(([address, , , hardware, , device]) => `${address} ${hardware} ${device}`),
      );
    }
    expect(rows.find(({ address }) => address === "10.9.0.7")?.states).toEqual(["PERMANENT"]);
  });

  check("what devices counted", (gaps) => {
    const rows = listNetdevs(guest.kernel, gaps);
    for (const [namespace, lines] of netFields("dev")) {
      // The second line of the title.
      for (const [title, ...fields] of lines.slice(1)) {
        const row = rows.find((each) => `${each.name}:` === title && each.namespace === namespace)!;
        const counts = [row.received!, row.sent!].flatMap(({ bytes, packets, errors, dropped }) => [
          bytes,
          packets,
          errors,
          dropped,
        ]);
        const expected = [0, 1, 2, 3, 8, 9, 10, 11].map((index) => Number(fields[index]));
        // Nobody answers on that device, and TCP asks again.
        if (row.name === "dummy0" && namespace === rows[0]!.namespace) {
          for (const [index, count] of counts.entries())
            expect(count).toBeGreaterThanOrEqual(expected[index]!);
        } else expect(counts, title).toEqual(expected);
      }
    }
    expect(rows.find((row) => row.name === "lo")!.received!.packets).toBeGreaterThan(0);
  });

  check("BPF programs, maps and links", (gaps) => {
    const numberOf: Record<string, number> = {
      socket_filter: 1,
      xdp: 6,
      cgroup_skb: 8,
      raw_tracepoint: 17,
    };
    const programs = listBpfProgs(guest.kernel, gaps).rows.map((row) =>
      [
        `prog id=${row.id} type=${numberOf[row.type!]} tag=${row.tag} jited=${row.jitedSize}`,
        `xlated=${row.translatedSize} load_time=${row.loadedAt} uid=${row.uid} maps=${row.maps!.length}`,
        `verified=3 name=${row.name}`,
      ].join(" "),
    );
    const mapTypes: Record<string, number> = { hash: 1, array: 2, percpu_array: 6, ringbuf: 27 };
    const maps = listBpfMaps(guest.kernel, gaps).rows.map((row) =>
      [
        `map id=${row.id} type=${mapTypes[row.type!]} key=${row.keySize} value=${row.valueSize}`,
        `entries=${row.maxEntries} flags=${row.flags} name=${row.name}`,
      ].join(" "),
    );
    const linkTypes: Record<string, number> = { raw_tracepoint: 1, cgroup: 3, xdp: 6 };
    const { rows } = listBpfLinks(guest.kernel, gaps);
    const links = rows.map((row) => `link id=${row.id} type=${linkTypes[row.type!]} program=${row.program}`);
    expect([...programs, ...maps, ...links]).toEqual(said("bpf"));
    expect(rows.map(({ target }) => target)).toEqual(["sched_switch", "lo", "1"]);
    const [, traced] = listBpfProgs(guest.kernel, gaps).rows;
    expect(traced!.runCount).toBeGreaterThan(0);
  });

  check("workqueues: what is being done, and by whom", (gaps) => {
    const ours = listWorkqueues(guest.kernel, gaps, []).rows.flatMap(({ name: queue, pools }) =>
      pools.flatMap(({ inFlight }) => inFlight.map((work) => `${queue} ${work.pid} ${work.function}`)),
    );
    const expected: string[] = [];
    let queue = "";
    for (const line of said("log-with-tasks")) {
      queue = /\] workqueue (\S+): flags=/.exec(line)?.[1] ?? queue;
      const inFlight = /\] {5}in-flight: (.*)/.exec(line)?.[1] ?? "";
      const pid = /^(\d+)/.exec(inFlight)?.[1];
      for (const [, text] of inFlight.matchAll(/([a-z]\w+(?: \[\w+\])?)(?: for \d+s)?(?=,? |$)/g)) {
        // Others come and go.
        if (/^(loop_rootcg_workfn|call_usermodehelper)/.test(text!)) expected.push(`${queue} ${pid} ${text}`);
      }
    }
    expect(expected.length).toBeGreaterThan(1);
    expect(ours).toEqual(expect.arrayContaining(expected));
    const pids = listWorkerPools(guest.kernel, gaps).rows.flatMap((row) => row.pids!);
    for (const line of ours) expect(pids).toContain(Number(line.split(" ")[1]));
  });

  check("who waits for a pipe: in read, in poll, in epoll", (gaps) => {
    const owner = /^@process (\d+)\n(?:(?!@process).*\n)* 3 -> pipe:/m.exec(
      guest.dump.said("service-descriptors").replaceAll(/^[-l].* (\d+ -> )/gm, " $1"),
    )?.[1];
    const pipe = listFiles(guest.kernel, gaps, [owner!]).rows.find(({ fd }) => fd === 3)!;
    const ends = `((struct pipe_inode_info *)((struct file *)${pipe.file})->private_data)`;
    const { rows, missing } = listWaiters(guest.kernel, gaps, [`&${ends}->rd_wait`, `&${ends}->wr_wait`]);
    expect(missing).toEqual([]);
    const ways = rows.map(({ way, exclusive, comm, state }) => `${way} ${exclusive} ${comm} ${state}`);
    expect(ways.sort()).toEqual(["epoll false services S", "poll false services S", "wait true services S"]);
    const threads = listThreads(guest.kernel, gaps, { targets: [], active: false, leaders: false }).rows;
    const others = threads.filter(({ pid, tgid }) => tgid === Number(owner) && pid !== tgid);
    expect(new Set(rows.map(({ pid }) => pid))).toEqual(new Set(others.map(({ pid }) => pid)));
    // What is no wait queue has no waiters.
    expect(listWaiters(guest.kernel, gaps, ["linux_banner"]).missing).toEqual(["linux_banner"]);
  });

  check("parameters of modules", (gaps) => {
    const { rows } = listParameters(guest.kernel, gaps, []);
    const modules = new Set(rows.map(({ module }) => module));
    const expected = said("module-parameters").flatMap((line) => {
      const [, module, parameter, value] = /^\/sys\/module\/([^/]+)\/parameters\/([^:]+):(.*)$/.exec(line)!;
      return modules.has(module!) ? [`${module} ${parameter} ${value}`] : [];
    });
    const shown = rows.filter(({ mode }) => mode !== "0");
    const ours = shown.map((row) => `${row.module} ${row.name} ${row.value}`);
    // That one is printed by a function of its module.
    const own = /^overlay check_copy_up /;
    expect(ours.filter((line) => !own.test(line)).sort()).toEqual(
      expected.filter((line) => !own.test(line)).sort(),
    );
    expect(ours.filter((line) => line.endsWith(" null")).every((line) => own.test(line))).toBe(true);
    expect(ours.length).toBeGreaterThan(10);
  });

  check("requests in flight", (gaps) => {
    const disks = new Map(listDisks(guest.kernel, gaps).rows.map((row) => [row.name, row]));
    const requests = listRequests(guest.kernel, gaps).rows;
    let count = 0;
    for (const line of said("block-queues")) {
      const [, disk, reads, writes] = /^\/sys\/block\/([^/]+)\/inflight: *(\d+) +(\d+)$/.exec(line) ?? [];
      if (disk === undefined) continue;
      expect(disks.get(disk), disk).toMatchObject({ reads: Number(reads), writes: Number(writes) });
      const own = requests.filter((row) => row.disk === disk && row.state === "in-flight");
      expect(own.length, disk).toBe(Number(reads) + Number(writes));
      count += own.length;
    }
    expect(count).toBeGreaterThan(1);
    expect(requests.find(({ operation }) => operation === "write")).toMatchObject({ sector: 0, size: 8192 });
  });

  check("I/O ports and physical memory", (gaps) => {
    const { rows } = listResources(guest.kernel, gaps);
    for (const [kind, file] of [
      ["port", "ioports"],
      ["memory", "iomem"],
    ] as const) {
      const [, ...lines] = resourceLines(rows.filter((row) => row.kind === kind));
      // How many zeros stand in front depends on the machine.
      const plain = (line: string): string => line.replaceAll(/\b0+(?=[0-9a-f]+[- ])/g, "");
      expect(lines.map(plain)).toEqual(said(file).map(plain));
    }
  });

  check("PCI devices", (gaps) => {
    const facts = new Map<string, Map<string, string>>();
    const ranges = new Map<string, string[]>();
    const lengths = new Map<string, number>();
    for (const line of said("pci")) {
      const [, device, fact, value] = /\/devices\/([^/]+)\/(\w+):(.*)$/.exec(line)!;
      if (!facts.has(device!)) facts.set(device!, new Map());
      facts.get(device!)!.set(fact!, value!);
      if (fact !== "resource") continue;
      lengths.set(device!, (lengths.get(device!) ?? 0) + 1);
      if (!/[1-9a-f]/.test(value!.replaceAll("0x", ""))) continue;
      const [start, end] = value!.split(" ").map((each) => `0x${BigInt(each).toString(16)}`);
      ranges.set(device!, [...(ranges.get(device!) ?? []), `${start}-${end}`]);
    }
    const { rows } = listPciDevices(guest.kernel, gaps);
    expect(new Set(rows.map((row) => row.name))).toEqual(new Set(facts.keys()));
    for (const row of rows) {
      const own = facts.get(row.name!)!;
      for (const fact of ["vendor", "device", "class", "revision"] as const)
        expect(row[fact], fact).toBe(Number(own.get(fact)));
      expect(row.driver ?? "").toBe(own.get("driver")!.split("/").at(-1));
      // sysfs leaves out the windows of a bridge where there is no bridge; quirks of chipsets use them.
      const shown = row.ranges!.filter(({ index }) => index < lengths.get(row.name!)!);
      expect(shown.map(({ start, end }) => `${start}-${end}`)).toEqual(ranges.get(row.name!) ?? []);
    }
  });

  check("buses and classes", (gaps) => {
    const { rows } = listSubsystems(guest.kernel, gaps);
    const lines = (kind: string): string[] =>
      rows
        .filter((row) => row.kind === kind)
        // In the names of files a slash is an exclamation mark.
        .flatMap((row) => row.devices.map((device) => `${row.name} ${device.replaceAll("/", "!")}`))
        .sort();
    expect(lines("bus")).toEqual(said("bus-devices").sort());
    const classes = new Set(said("class-devices"));
    // What is in the other network namespace is not shown in this one.
    const ours = new Set(lines("class").filter((line) => line !== "net inside"));
    for (const line of ours) expect(classes).toContain(line);
    // Folders of classes have a few files that are no devices.
    expect(classes.size - ours.size).toBeLessThan(8);
  });

  check("affinity of interrupts", (gaps) => {
    let compared = 0;
    for (const row of listIrqs(guest.kernel, gaps, [], true).rows) {
      const line = said("irq-affinity").find((each) =>
        each.startsWith(`/proc/irq/${row.irq}/smp_affinity_list:`),
      );
      if (line === undefined) continue;
      expect(row.affinity, line).toBe(line.split(":")[1]);
      compared++;
    }
    expect(compared).toBeGreaterThan(5);
  });

  check("softirqs", (gaps) => {
    const { rows } = listSoftirqs(guest.kernel, gaps);
    const lines = said("softirqs").slice(1);
    expect(rows.map((row) => row.name)).toEqual(lines.map((line) => line.split(":")[0]!.trim()));
    for (const [index, line] of lines.entries()) {
      const counts = line.split(":")[1]!.trim().split(/ +/).map(Number);
      // Counts only grow, and not by much.
      for (const [cpu, count] of counts.entries()) {
        expect(rows[index]!.counts[cpu], line).toBeGreaterThanOrEqual(count);
        if (count === 0) expect(rows[index]!.counts[cpu], line).toBeLessThan(100);
      }
    }
  });
});

test("RCU: a grace period that does not end, as the kernel complained of it", async (context) => {
  const missing = crashGuestMissing("6.1-amd64", "rcu-stall");
  context.skip(missing !== undefined, missing);
  const dump = await crashGuest("6.1-amd64", "rcu-stall");
  const kernel = await Kernel.open([dump.file("elf")], { sidecar: "none" });
  try {
    const gaps = new Gaps();
    const info = rcuInfo(kernel, gaps);
    const [, cpu, ticks] = /rcu: \t(\d+)-\S+ \((\d+) ticks this GP\)/.exec(dump.console)!;
    const [, period, callbacks] = /\(t=\d+ jiffies g=(-?\d+) q=(\d+) ncpus=2\)/.exec(dump.console)!;
    expect(info).toMatchObject({ gracePeriod: period, inProgress: true, blocked: [] });
    const stalled = info.cpus.filter(({ owesQuiescentState }) => owesQuiescentState);
    expect(stalled).toMatchObject([{ cpu: Number(cpu), gracePeriod: period, ticks: Number(ticks) }]);
    expect(info.cpus.reduce((sum, each) => sum + each.callbacks, 0)).toBe(Number(callbacks));
    expect(
      listThreads(kernel, gaps, { targets: [String(info.thread)], active: false, leaders: false }).rows,
    ).toMatchObject([{ comm: "rcu_preempt" }]);
    expect(gaps.diagnostics).toEqual([]);
  } finally {
    kernel.close();
  }
});

const tcpStates =
  ",ESTABLISHED,SYN_SENT,SYN_RECV,FIN_WAIT1,FIN_WAIT2,TIME_WAIT,,CLOSE_WAIT,LAST_ACK,LISTEN".split(",");

function stateText(protocol: string, state: number): string {
  if (protocol.startsWith("tcp")) return tcpStates[state]!;
  return state === 1 ? "ESTABLISHED" : "UNCONNECTED";
}

function socketText(row: SocketRow): string {
  const who = row.inode === 0 ? "" : ` ${row.uid}`;
  const queues = `${row.sendQueue ?? 0} ${row.receiveQueue ?? 0}`;
  return `${row.local} ${row.remote} ${row.state} ${queues} ${row.inode}${who}`;
}

/** `0100007F:1389` as `127.0.0.1:5001`: words of 32 bits in the machine's byte order. */
function endText(text: string): string {
  const [address, port] = text.split(":");
  const bytes = Buffer.from(address!, "hex").swap32();
  const number = Number.parseInt(port!, 16);
  return bytes.length === 4 ? `${ipv4Text(bytes)}:${number}` : `[${ipv6Text(bytes)}]:${number}`;
}
