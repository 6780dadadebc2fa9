/**
 * bpftool and dwarfless in turn on the BTF of the same kernel, in one run: `raw`, `c` and `json` dumps from
 * the start of the process to its end, wall and processor time, peak memory, and their ratios; beside them
 * what Node takes to start and end. The same of a BTF with all variables, and of ten modules, a process each;
 * all structs by pahole and by `layout`. Then, each in a process of its own, what opening that BTF takes:
 * milliseconds, and bytes of memory per type beside the file's own.
 *
 *   npm run bench:btf -- [--kernel 7.2-amd64] [--rounds 9] [--program dist] [--json]
 *
 * Output goes to /dev/null. The file was read once into the page cache. Medians of the rounds; the peak
 * is the highest. `--program` is the folder that holds the built package.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { cpus, homedir, loadavg, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { readOnce } from "./input.mjs";
import { measure } from "./measure.mjs";

const project = fileURLToPath(new URL("..", import.meta.url));
const cache = path.join(process.env["XDG_CACHE_HOME"] || path.join(homedir(), ".cache"), "dwarfless");
const { values: options } = parseArgs({
  options: {
    kernel: { type: "string", default: "7.2-amd64" },
    rounds: { type: "string", default: "9" },
    program: { type: "string", default: path.join(project, "dist") },
    json: { type: "boolean", default: false },
  },
});
const rounds = Math.max(1, Number(options.rounds));
const program = path.resolve(options.program);
const print = (line) => options.json || console.log(line);
const scratch = mkdtempSync(path.join(tmpdir(), "dwarfless-bench-"));

try {
  setUp("scripts/lab/kernel.sh", options.kernel);
  setUp("scripts/lab/peers.sh");
  if (!existsSync(path.join(program, "cli/dwarfless.js"))) setUp("npm", "run", "--silent", "build");
  const kernel = path.join(cache, "kernels", options.kernel);
  const vmlinux = realpathSync(path.join(kernel, "vmlinux"));
  const file = await btfOf(vmlinux);
  readOnce(file);
  const modules = modulesOf(path.join(kernel, "debug-modules"));
  const all = path.join(scratch, "all.btf");
  setUp(process.execPath, path.join(program, "cli/dwarfless.js"), "encode", vmlinux, "--vars=all", "-o", all);
  const report = {
    schema: 1,
    machine: { processor: cpus()[0]?.model, node: process.version, load: loadavg()[0] },
    rounds,
    dumps: compareDumps("kernel", [file], undefined, ["raw", "c", "json"]),
    allVariables: compareDumps("all variables", [all], undefined, ["raw", "c"]),
    modules: compareDumps("ten modules", modules, file, ["raw"]),
    layout: compareLayout(file),
    open: openings(file),
  };
  if (options.json) console.log(JSON.stringify(report, undefined, 2));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function setUp(command, ...argv) {
  const result = spawnSync(command, argv, { cwd: project, stdio: ["ignore", "ignore", 2] });
  if (result.status !== 0) throw new Error(`${command} ${argv.join(" ")} failed`);
}

/** The `.BTF` section as a file of its own, so that neither program looks for it. */
async function btfOf(vmlinux) {
  const { ElfFile } = await import(path.join(program, "elf.js"));
  const { FileSource } = await import(path.join(program, "index.js"));
  const elf = ElfFile.open(new FileSource(vmlinux));
  const file = path.join(scratch, "kernel.btf");
  writeFileSync(file, await elf.sectionBytes(elf.section(".BTF")));
  return file;
}

/** Ten modules with BTF, by name, spread over all of them. */
function modulesOf(folder) {
  const names = readdirSync(realpathSync(folder), { recursive: true })
    .filter((file) => file.endsWith(".ko"))
    .sort((left, right) => (left < right ? -1 : 1));
  return Array.from({ length: 10 }, (_, index) =>
    path.join(folder, names[Math.floor((index * names.length) / 10)]),
  );
}

function compareDumps(what, files, base, formats) {
  const rows = {};
  print(`${options.kernel}, ${what}, load ${loadavg()[0].toFixed(1)}`);
  for (const format of formats) {
    const dwarfless = [process.execPath, path.join(program, "cli/dwarfless.js"), "btf", "dump"];
    rows[format] = comparePrograms(`${format} `, {
      bpftool: files.map((file) => [
        ...peer("bpftool", "usr/sbin/bpftool"),
        ...(format === "json" ? ["-j"] : []),
        ...(base === undefined ? [] : ["-B", base]),
        "btf",
        "dump",
        "file",
        file,
        ...(format === "json" ? [] : ["format", format]),
      ]),
      dwarfless: files.map((file) => [
        ...dwarfless,
        file,
        format,
        ...(base === undefined ? [] : ["--base", base]),
      ]),
      "node alone": files.map(() => [process.execPath, "-e", "0"]),
    });
  }
  return rows;
}

function compareLayout(file) {
  print(`${options.kernel}, all structs, load ${loadavg()[0].toFixed(1)}`);
  return comparePrograms("", {
    pahole: [[...peer("pahole", "usr/bin/pahole"), "-F", "btf", file]],
    dwarfless: [[process.execPath, path.join(program, "cli/dwarfless.js"), "btf", "layout", file]],
  });
}

/** @param commands of each program one or more, whose times are added up; the first program is the peer */
function comparePrograms(label, commands) {
  // Rounds of all programs one after the other, so that what else the machine does meets them alike.
  const runs = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++)
    for (const [name, list] of Object.entries(commands)) runs[name].push(sum(list.map(measure)));
  const row = Object.fromEntries(Object.entries(runs).map(([name, figures]) => [name, summary(figures)]));
  print(columns("", "wall ms", "cpu ms", "peak MB"));
  for (const [name, figures] of Object.entries(row)) print(figuresLine(`${label}${name}`, figures));
  const [peerName] = Object.keys(commands);
  row.ratio = Object.fromEntries(
    Object.entries(row.dwarfless).map(([key, value]) => [key, value / row[peerName][key]]),
  );
  const { wallSeconds, cpuSeconds, peakBytes } = row.ratio;
  print(columns(`${label}ratio`, wallSeconds.toFixed(2), cpuSeconds.toFixed(2), peakBytes.toFixed(2)));
  return row;
}

function sum(figures) {
  return {
    wallSeconds: figures.reduce((total, { wallSeconds }) => total + wallSeconds, 0),
    cpuSeconds: figures.reduce((total, { cpuSeconds }) => total + cpuSeconds, 0),
    peakBytes: Math.max(...figures.map(({ peakBytes }) => peakBytes)),
  };
}

/** A program of the peers' tree by its own loader: no shell in between that would count against it. */
function peer(name, place) {
  const root = path.join(cache, "peers/sid");
  const library = path.join(root, "usr/lib/x86_64-linux-gnu");
  const programs = [place, `usr/bin/${name}`].map((candidate) => path.join(root, candidate));
  const loader = path.join(library, "ld-linux-x86-64.so.2");
  const found = programs.find((candidate) => existsSync(candidate));
  return [loader, "--inhibit-cache", "--library-path", library, found];
}

function openings(file) {
  const script = `
    import { readFileSync } from "node:fs";
    const { Btf } = await import(${JSON.stringify(path.join(program, "btf.js"))});
    const bytes = readFileSync(${JSON.stringify(file)});
    // What this thread had of a processor, in ns: other work on the machine adds nothing to it.
    const ownTime = () => Number(readFileSync("/proc/self/task/" + process.pid + "/schedstat", "latin1").split(" ")[0]);
    const startOwn = ownTime();
    const start = performance.now();
    const btf = Btf.parse(bytes);
    const milliseconds = performance.now() - start;
    const ownMilliseconds = (ownTime() - startOwn) / 1e6;
    const copied = btf.words.buffer === bytes.buffer ? 0 : btf.words.byteLength;
    const bytesPerType = (btf.offsets.byteLength + copied) / btf.typeCount;
    console.log(JSON.stringify({ milliseconds, ownMilliseconds, types: btf.typeCount, bytesPerType }));`;
  const runs = Array.from({ length: rounds }, () => {
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", 2],
    });
    return JSON.parse(stdout);
  });
  const times = runs.map(({ milliseconds }) => milliseconds);
  const ownTimes = runs.map(({ ownMilliseconds }) => ownMilliseconds);
  const { types, bytesPerType } = runs[0];
  const open = {
    types,
    bytesPerType,
    milliseconds: median(times),
    leastMilliseconds: Math.min(...times),
    ownMilliseconds: median(ownTimes),
  };
  print(
    `open ${types} types, first thing in a process: ${open.milliseconds.toFixed(1)} ms ` +
      `(least ${open.leastMilliseconds.toFixed(1)}), of which the thread ran ${open.ownMilliseconds.toFixed(1)} ms; ${bytesPerType.toFixed(1)} bytes a type`,
  );
  return open;
}

function summary(runs) {
  return {
    wallSeconds: median(runs.map((run) => run.wallSeconds)),
    cpuSeconds: median(runs.map((run) => run.cpuSeconds)),
    peakBytes: Math.max(...runs.map((run) => run.peakBytes)),
  };
}

function figuresLine(name, { wallSeconds, cpuSeconds, peakBytes }) {
  const cells = [
    (wallSeconds * 1000).toFixed(0),
    (cpuSeconds * 1000).toFixed(0),
    (peakBytes / 1e6).toFixed(0),
  ];
  return columns(name, ...cells);
}

function columns(name, ...values) {
  return name.padEnd(18) + values.map((value) => value.padStart(9)).join("");
}

function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
