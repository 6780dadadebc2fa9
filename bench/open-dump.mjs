/**
 * dwarfless and drgn in turn on the same dump, in one run: from the start of the process to the
 * first variable's value, wall time and peak memory, and their ratios; then dwarfless on a dump
 * of 256 MB and on the same with 4 GB of memory more.
 *
 *   npm run bench:dump -- [--kernel 6.1-amd64] [--rounds 5] [--only peers|sizes] [--json]
 *
 * drgn has the kernel's DWARF; dwarfless has nothing but the dump, and then the sidecar that
 * `encode --split-vars` wrote. Files were read once into the page cache. Medians of the rounds; the
 * peak is the highest.
 */
import { spawnSync } from "node:child_process";
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { cpus, homedir, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { readOnce } from "./input.mjs";
import { measure } from "./measure.mjs";

const project = fileURLToPath(new URL("..", import.meta.url));
const cache = path.join(process.env["XDG_CACHE_HOME"] || path.join(homedir(), ".cache"), "dwarfless");
const { values: options } = parseArgs({
  options: {
    kernel: { type: "string", default: "6.1-amd64" },
    rounds: { type: "string", default: "5" },
    only: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const rounds = Math.max(1, Number(options.rounds));
const scratch = mkdtempSync(path.join(tmpdir(), "dwarfless-bench-"));
const program = path.join(project, "dist/cli/dwarfless.js");
const report = { schema: 1, machine: { processor: cpus()[0]?.model, node: process.version }, rounds };
const print = (line) => options.json || console.log(line);

try {
  if (!existsSync(program)) setUp("npm", "run", "--silent", "build");
  const directory = setUp("scripts/lab/dump.sh", options.kernel, "idle");
  const dump = path.join(directory, "memory.elf");
  readOnce(dump);
  if (options.only !== "sizes") report.peers = comparePeers(dump);
  if (options.only !== "peers") report.sizes = compareSizes(dump);
  if (options.json) console.log(JSON.stringify(report, undefined, 2));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** Run what prepares the benchmark; gives what it printed. */
function setUp(command, ...argv) {
  const result = spawnSync(command, argv, { cwd: project, stdio: ["ignore", "pipe", 2], encoding: "utf8" });
  if (result.status !== 0) throw new Error(`${command} ${argv.join(" ")} failed`);
  return result.stdout.trim();
}

function comparePeers(dump) {
  setUp("scripts/lab/peers.sh");
  const vmlinux = realpathSync(path.join(cache, "kernels", options.kernel, "vmlinux"));
  const sidecar = path.join(scratch, "variables.btf");
  const words = ["-o", path.join(scratch, "default.btf"), "--split-vars", sidecar];
  setUp(process.execPath, program, "encode", vmlinux, ...words);
  readOnce(vmlinux);
  const script = path.join(scratch, "first.py");
  writeFileSync(script, 'print(prog["init_task"].comm)\n');
  const peer = path.join(project, "scripts/lab/peer.sh");
  const commands = {
    "drgn, DWARF": [peer, "drgn", "-c", dump, "-s", vmlinux, "-q", script],
    "dwarfless, the dump alone": ours(dump, "none"),
    "dwarfless, sidecar": ours(dump, sidecar),
  };
  print(`${options.kernel}: init_task.comm\n${columns("", "wall s", "cpu s", "peak MB")}`);
  const rows = inTurn(commands);
  const peerRow = rows["drgn, DWARF"];
  for (const name of Object.keys(commands).slice(1)) {
    rows[name].ratio = ratio(rows[name], peerRow);
    printRow(`${name} / drgn`, rows[name].ratio, 1);
  }
  return rows;
}

function compareSizes(dump) {
  const large = path.join(scratch, "large.elf");
  writeLargeDump(dump, large, 4 * 2 ** 30);
  print(`\n${columns("", "wall s", "cpu s", "peak MB")}`);
  const names = [dump, large].map((file) => `dump of ${Math.round(statSync(file).size / 2 ** 20)} MB`);
  const rows = inTurn({ [names[0]]: ours(dump, "none"), [names[1]]: ours(large, "none") });
  rows.ratio = ratio(rows[names[1]], rows[names[0]]);
  printRow("larger / smaller", rows.ratio, 1);
  return rows;
}

function ours(dump, sidecar) {
  return [process.execPath, program, "eval", dump, "init_task.comm", "--sidecar", sidecar];
}

/** Rounds of all commands one after the other, so that what else the machine does meets them alike. */
function inTurn(commands) {
  const runs = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, command] of Object.entries(commands)) runs[name].push(measure(command));
  }
  const rows = {};
  for (const [name, figures] of Object.entries(runs)) {
    rows[name] = {
      wallSeconds: median(figures.map((run) => run.wallSeconds)),
      cpuSeconds: median(figures.map((run) => run.cpuSeconds)),
      peakBytes: Math.max(...figures.map((run) => run.peakBytes)),
    };
    printRow(name, rows[name], 1e6);
  }
  return rows;
}

function ratio(own, peer) {
  const entries = ["wallSeconds", "cpuSeconds", "peakBytes"].map((key) => [key, own[key] / peer[key]]);
  return Object.fromEntries(entries);
}

function printRow(name, { wallSeconds, cpuSeconds, peakBytes }, unit) {
  const peak = peakBytes / unit;
  print(columns(name, wallSeconds.toFixed(2), cpuSeconds.toFixed(2), peak.toFixed(unit === 1 ? 2 : 0)));
}

function columns(name, ...values) {
  return name.padEnd(34) + values.map((value) => value.padStart(9)).join("");
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/**
 * The same core file with one more PT_LOAD, of `byteSize` bytes of nothing behind all memory there
 * is: the table of segments moves to the end, and the file ends in a hole.
 */
function writeLargeDump(dump, output, byteSize) {
  copyFileSync(dump, output, constants.COPYFILE_FICLONE);
  const file = openSync(output, "r+");
  try {
    const header = Buffer.alloc(64);
    readSync(file, header, 0, 64, 0);
    // e_phoff, e_phentsize, e_phnum
    const [entrySize, count] = [header.readUInt16LE(54), header.readUInt16LE(56)];
    const table = Buffer.alloc((count + 1) * entrySize);
    readSync(file, table, 0, count * entrySize, Number(header.readBigUInt64LE(32)));
    const at = count * entrySize;
    const tableOffset = statSync(output).size;
    const start = 16n * 2n ** 30n;
    table.writeUInt32LE(1, at);
    // p_offset, p_vaddr, p_paddr, p_filesz, p_memsz
    const fields = [tableOffset + table.length, start, start, byteSize, byteSize];
    for (const [index, field] of fields.entries()) table.writeBigUInt64LE(BigInt(field), at + 8 + index * 8);
    header.writeBigUInt64LE(BigInt(tableOffset), 32);
    header.writeUInt16LE(count + 1, 56);
    writeSync(file, table, 0, table.length, tableOffset);
    writeSync(file, header, 0, 64, 0);
    ftruncateSync(file, tableOffset + table.length + byteSize);
  } finally {
    closeSync(file);
  }
}
