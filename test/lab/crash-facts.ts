/** What crash prints of a dump, in the form of own-facts.ts. One session answers all: opening costs it most of the time. */
import type { Facts, Fields } from "./own-facts.ts";

/** A module that every guest has. */
const module = "virtio_blk";

const questions: Readonly<Record<string, string>> = {
  ps: "ps",
  mod: "mod",
  mount: "mount",
  files: "foreach user files",
  net: "net",
  socket: "foreach user net -s",
  log: "log",
  vm: "foreach user vm",
  kmem: "kmem -i",
  slab: "kmem -s",
  irq: "irq",
  counts: "irq -s",
  wheel: "timer",
  hrtimer: "timer -r",
  runq: "runq",
  sys: "sys",
  dev: "dev",
  disk: "dev -d",
  [`sym ${module}`]: `sym -m ${module}`,
  bt: "foreach bt",
};

/** The lines that ask crash for everything. */
export function crashQuestions(): string {
  const lines = Object.entries(questions).flatMap(([name, command]) => [`gdb echo @${name}\\n`, command]);
  return ["set scroll off", ...lines, "quit", ""].join("\n");
}

/** Reads what crash said to {@link crashQuestions}. */
export function crashFacts(output: string): Facts {
  const facts: Facts = {};
  for (const part of output.split(/^@(?=[a-z]+(?: \w+)?$)/m).slice(1)) {
    const [name, ...lines] = part.split("\n").map((line) => line.trimEnd());
    const read = readers[name!.split(" ")[0]!]!;
    const section = ({ wheel: "timer", hrtimer: "timer", counts: "irq" } as Fields)[name!] ?? name!;
    for (const [key, fields] of read(lines))
      (facts[section] ??= {})[key] = { ...facts[section]?.[key], ...fields };
  }
  return facts;
}

type Rows = Generator<[key: string, fields: Fields]>;

/** Rows of the lines that a pattern fits; `key` and the fields are its groups. */
function table(pattern: RegExp): (lines: readonly string[]) => Rows {
  return function* (lines) {
    for (const line of lines) {
      const groups = pattern.exec(line)?.groups;
      if (groups === undefined) continue;
      const { key, ...fields } = groups;
      yield [key!, Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))];
    }
  };
}

/** The same below headings of tasks, with the PID before the key. */
function perTask(pattern: RegExp): (lines: readonly string[]) => Rows {
  const rows = table(pattern);
  return function* (lines) {
    let pid = "";
    for (const line of lines) {
      pid = /^PID: (\d+) /.exec(line)?.[1] ?? pid;
      for (const [key, fields] of rows([line])) yield [`${pid} ${key}`, fields];
    }
  };
}

const states: Readonly<Record<string, string>> = {
  RU: "R",
  IN: "S",
  UN: "D",
  ID: "I",
  ST: "T",
  TR: "t",
  ZO: "Z",
};
const fileTypes: Readonly<Record<string, string>> = {
  REG: "regular",
  DIR: "directory",
  CHR: "character",
  BLK: "block",
  FIFO: "fifo",
  SOCK: "socket",
};

const readers: Readonly<Record<string, (lines: readonly string[]) => Rows>> = {
  *ps(lines) {
    const pattern =
      /^(?<active>[> ]) +(?<pid>\d+) +(?<ppid>\d+) +(?<cpu>\d+) +(?<key>\w{16}) +(?<state>[A-Z]{2}) +\S+ +(?<vsz>\d+) +(?<rss>\d+) +(?<comm>.*)$/;
    for (const [key, { active, state, comm, vsz, rss, ...fields }] of table(pattern)(lines)) {
      const kernel = comm!.startsWith("[");
      yield [
        key,
        {
          ...fields,
          active: String(active === ">"),
          state: states[state!] ?? state!,
          comm: kernel ? comm!.slice(1, -1) : comm!,
          // Of threads of the kernel, 0.
          ...(vsz === "0" ? {} : { vsz: vsz!, rss: rss! }),
        },
      ];
    }
  },
  mod: table(/^(?<module>\w{16}) +(?<key>\w+) +(?<address>\w{16}) +(?<size>\d+) /),
  mount: table(/^(?<key>\w{16}) (?<superBlock>\w{16}) (?<type>\S+) +(?<device>\S+) +(?<directory>\S+)$/),
  *files(lines) {
    const rows = perTask(/^ *(?<key>\d+) (?<file>\w{16}) \w{16} \w{16} (?<type>\w+) *(?<path>.*)$/);
    for (const [key, { type, ...fields }] of rows(lines))
      yield [key, { ...fields, type: fileTypes[type!] ?? type! } as Fields];
    const places = perTask(/^(?<key>ROOT): (?<root>\S+) +CWD: (?<cwd>\S+)$/);
    for (const [key, { root, cwd }] of places(lines)) {
      yield [key.replace("ROOT", "root"), { path: root! }];
      yield [key.replace("ROOT", "cwd"), { path: cwd! }];
    }
  },
  net: table(/^(?<key>\w{16}) {2}(?<name>\S+) *(?<addresses>.*)$/),
  *socket(lines) {
    const pattern = /^ *\d+ \w{16} (?<key>\w{16}) (?<family>\w+):(?<type>\w+) *(?<local>\S*)/;
    for (const [key, { family, type, local }] of table(pattern)(lines)) {
      const protocol = `${type === "STREAM" ? "tcp" : "udp"}${family === "INET6" ? "6" : ""}`;
      // crash writes all eight parts of an IPv6 address, and a dash before the port.
      const [, address, port] = /^(.*)-(\d+)$/.exec(local!) ?? [];
      const place = address === "0:0:0:0:0:0:0:0" ? "[::]" : address;
      yield family === "UNIX" ? [key, { protocol: "unix" }] : [key, { protocol, local: `${place}:${port}` }];
    }
  },
  *log(lines) {
    for (const [index, line] of lines.slice(0, -1).entries()) yield [String(index), { line }];
  },
  *vm(lines) {
    const rows = perTask(/^(?<key>\w{16}) +(?<start>\w+) +(?<end>\w+) (?<flags>\w+) *(?<name>.*)$/);
    for (const [key, { flags, name, ...fields }] of rows(lines)) {
      const bits = Number.parseInt(flags!, 16);
      const access = ["r", "w", "x"].map((letter, bit) => ((bits & (1 << bit)) === 0 ? "-" : letter));
      // VM_MAYSHARE, which is what /proc/PID/maps goes by.
      access.push((bits & 0x80) === 0 ? "p" : "s");
      yield [key, { ...fields, access: access.join(""), ...(name === "" ? {} : { name: name! }) } as Fields];
    }
  },
  *kmem(lines) {
    const names: Fields = {
      "TOTAL MEM": "MemTotal",
      FREE: "MemFree",
      CACHED: "Cached",
      SLAB: "Slab",
      "TOTAL SWAP": "SwapTotal",
      "SWAP FREE": "SwapFree",
      COMMITTED: "Committed_AS",
    };
    for (const [key, { pages }] of table(/^ *(?<key>[A-Z]+(?: [A-Z]+)?) +(?<pages>\d+) /)(lines)) {
      const name = names[key];
      if (name !== undefined) yield [name, { pages: pages! }];
    }
  },
  slab: table(/^(?<cache>\w{16}) +(?<objectSize>\d+) +\d+ +\d+ +\d+ +\S+ +(?<key>\S+)$/),
  irq: table(/^ *(?<key>\d+) +(?<descriptor>\w{16}) +\w{16} +"(?<actions>.*)"$/),
  *counts(lines) {
    const pattern = /^ *(?<key>\d+): +(?<cpu0>\d+) +(?<cpu1>\d+) +(?<chip>\S+)-(?<flow>\w+) +/;
    yield* table(pattern)(lines);
  },
  *wheel(lines) {
    let cpu = "";
    const rows = table(/^ *(?<expires>\d+) +(?<remaining>-?\d+) +(?<key>\w{16}) +\w{16} +<(?<function>.+)>$/);
    for (const line of lines) {
      cpu = /^TIMER_BASES\[(\d+)\]/.exec(line)?.[1] ?? cpu;
      for (const [key, fields] of rows([line])) yield [key, { ...fields, cpu }];
    }
  },
  *hrtimer(lines) {
    let cpu = "";
    const rows = table(/^ *\d+ +(?<expires>\d+) +-?\d+ +(?<key>\w{16}) +\w{16} +<(?<function>.+)>$/);
    for (const line of lines) {
      cpu = /^CPU: (\d+) /.exec(line)?.[1] ?? cpu;
      for (const [key, fields] of rows([line])) yield [key, { ...fields, cpu }];
    }
  },
  *runq(lines) {
    let cpu: [key: string, fields: Fields] | undefined;
    let queued: number[] = [];
    const finished = function* (): Rows {
      if (cpu !== undefined)
        yield [cpu[0], { ...cpu[1], queued: queued.sort((left, right) => left - right).join(",") }];
    };
    for (const line of lines) {
      const head = /^CPU (\d+) RUNQUEUE: (\w+)$/.exec(line);
      if (head !== null) {
        yield* finished();
        cpu = [head[1]!, { runqueue: head[2]! }];
        queued = [];
      }
      const current = /^ +CURRENT: PID: \d+ +TASK: (\w{16}) /.exec(line)?.[1];
      if (current !== undefined && cpu !== undefined) cpu[1]["current"] = current;
      const waiting = /^ +\[ *-?\d+\] PID: (\d+) /.exec(line)?.[1];
      if (waiting !== undefined) queued.push(Number(waiting));
    }
    yield* finished();
  },
  *sys(lines) {
    const said = new Map(
      lines.flatMap((line) => {
        const match = /^ *([A-Z ]+): (.*)$/.exec(line);
        return match === null ? [] : [[match[1]!, match[2]!]];
      }),
    );
    const [hours, minutes, seconds] = said.get("UPTIME")!.split(":").map(Number);
    const date = new Date(said.get("DATE")!);
    yield [
      "machine",
      {
        cpus: said.get("CPUS")!,
        date: date.toISOString().replace(".000Z", "Z"),
        uptime: String((hours! * 60 + minutes!) * 60 + seconds!),
        load: said.get("LOAD AVERAGE")!.replaceAll(",", ""),
        tasks: said.get("TASKS")!,
        nodeName: said.get("NODENAME")!,
        release: said.get("RELEASE")!,
        version: said.get("VERSION")!,
        machine: said.get("MACHINE")!.split(" ")[0]!,
        memory: said.get("MEMORY")!,
      },
    ];
  },
  *dev(lines) {
    let kind = "";
    const seen = new Map<string, number>();
    for (const line of lines) {
      if (/^(?:CHR|BLK)DEV /.test(line)) kind = line.startsWith("CHR") ? "character" : "block";
      const [, major, name] = /^ +(\d+) +(\S+) +/.exec(line) ?? [];
      if (major === undefined) continue;
      // crash has no minor numbers; the order within a number is the kernel's.
      const index = seen.get(`${kind} ${major}`) ?? 0;
      seen.set(`${kind} ${major}`, index + 1);
      yield [kind === "block" ? `block ${major}` : `character ${major} #${index}`, { name: name! }];
    }
  },
  disk: table(/^ *\d+ (?<disk>\w{16}) +(?<key>\S+) +\w{16} /),
  sym: table(/^(?<address>\w{16}) \(\w\) (?<key>\S+)$/),
  *bt(lines) {
    let task = "";
    let frames: string[] = [];
    let interrupted = "";
    for (const line of [...lines, "PID: 0 TASK: "]) {
      const head = /^PID: .*TASK: (\w*)/.exec(line)?.[1];
      if (head !== undefined) {
        if (task !== "") yield [task, { frames: frames.join("\n") }];
        task = head;
        frames = [];
      }
      const [, symbol, pc] = /^ *#\d+ \[\w+\] (\S+) at (\w{16})/.exec(line) ?? [];
      if (pc !== undefined) frames.push(`${symbol} ${pc}`);
      // Where a CPU ran, crash has the innermost function on two lines above the frames.
      interrupted = /^ +\[exception RIP: (\S+)\+\d+\]$/.exec(line)?.[1] ?? interrupted;
      const rip = /^ +RIP: (\w{16}) /.exec(line)?.[1];
      if (rip !== undefined && interrupted !== "") {
        frames.push(`${interrupted} ${rip}`);
        interrupted = "";
      }
    }
  },
};
