/**
 * pahole and dwarfless in turn on the same kernels, in one run: wall time, processor time, peak
 * memory, and their ratios; then dwarfless alone over five sizes of input.
 *
 *   npm run bench:encode -- [--kernels 6.1-amd64,7.2-amd64] [--jobs 1,2] [--rounds 3]
 *                           [--only peers|sizes] [--json]
 *
 * Both get the same words, `--lang_exclude=rust --btf_features=default -jN --btf_encode_detached=OUT FILE`,
 * after the file was read once into the page cache. Medians of the rounds; the peak is the highest.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, realpathSync, rmSync, statSync } from "node:fs";
import { cpus, homedir, tmpdir, totalmem } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { debugInfoBytes, readOnce } from "./input.mjs";
import { measure } from "./measure.mjs";

const project = fileURLToPath(new URL("..", import.meta.url));
const cache = path.join(process.env["XDG_CACHE_HOME"] || path.join(homedir(), ".cache"), "dwarfless");
const { values: options } = parseArgs({
  options: {
    kernels: { type: "string", default: "6.1-amd64,7.2-amd64" },
    jobs: { type: "string", default: "1,2" },
    rounds: { type: "string", default: "3" },
    only: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const rounds = Math.max(1, Number(options.rounds));
const scratch = mkdtempSync(path.join(tmpdir(), "dwarfless-bench-"));
const report = {
  schema: 1,
  machine: {
    processor: cpus()[0]?.model,
    processors: cpus().length,
    memoryBytes: totalmem(),
    node: process.version,
  },
  rounds,
};
const print = (line) => options.json || console.log(line);

try {
  prepare();
  if (options.only !== "sizes") report.kernels = comparePeers();
  if (options.only !== "peers") report.sizes = measureSizes();
  if (options.json) console.log(JSON.stringify(report, undefined, 2));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** Kernels, peers and the built program are there afterwards. */
function prepare() {
  const names = new Set(options.kernels.split(","));
  if (options.only !== "peers") for (const name of ["6.1-amd64", "7.2-amd64"]) names.add(name);
  for (const name of names) setUp("scripts/lab/kernel.sh", name);
  if (options.only !== "sizes") setUp("scripts/lab/peers.sh");
  if (!existsSync(path.join(project, "dist/cli/dwarfless-pahole.js")))
    setUp("npm", "run", "--silent", "build");
}

function setUp(program, ...argv) {
  const result = spawnSync(program, argv, { cwd: project, stdio: ["ignore", "ignore", 2] });
  if (result.status !== 0) throw new Error(`${program} ${argv.join(" ")} failed`);
}

function kernelFile(name, file) {
  return path.join(realpathSync(path.join(cache, "kernels", name)), file);
}

function command(program, file, jobs) {
  const words = ["--lang_exclude=rust", "--btf_features=default", `-j${jobs}`];
  const output = path.join(scratch, `${program}.btf`);
  const argv = [...words, `--btf_encode_detached=${output}`, realpathSync(file)];
  return program === "pahole"
    ? [path.join(project, "scripts/lab/peer.sh"), "pahole", ...argv]
    : [process.execPath, path.join(project, "dist/cli/dwarfless-pahole.js"), ...argv];
}

function comparePeers() {
  const rows = [];
  print("kernel      jobs  program      wall s   cpu s  peak MB  output bytes");
  for (const kernel of options.kernels.split(",")) {
    const file = kernelFile(kernel, "vmlinux");
    readOnce(file);
    for (const jobs of options.jobs.split(",").map(Number)) {
      const runs = { pahole: [], dwarfless: [] };
      for (let round = 0; round < rounds; round++) {
        for (const program of ["pahole", "dwarfless"])
          runs[program].push(measure(command(program, file, jobs)));
      }
      const row = { kernel, jobs };
      for (const program of ["pahole", "dwarfless"]) {
        const outputBytes = statSync(path.join(scratch, `${program}.btf`)).size;
        row[program] = { ...summary(runs[program]), outputBytes };
        print(columns(kernel, jobs, program, row[program], outputBytes));
      }
      row.ratio = ratios(row.dwarfless, row.pahole);
      print(columns("", "", "ratio", row.ratio, ""));
      rows.push(row);
    }
  }
  return rows;
}

function measureSizes() {
  const inputs = [
    kernelFile("6.1-amd64", "debug-modules/fs/fuse/fuse.ko"),
    kernelFile("6.1-amd64", "debug-modules/fs/xfs/xfs.ko"),
    kernelFile("7.2-amd64", "debug-modules/fs/xfs/xfs.ko"),
    kernelFile("6.1-amd64", "vmlinux"),
    kernelFile("7.2-amd64", "vmlinux"),
  ];
  // What Node takes to start and end is no part of the growth.
  const idle = summary(repeat(() => measure([process.execPath, "-e", "0"]))).wallSeconds;
  print(`\ndwarfless -j1 over five sizes (start of Node, ${idle.toFixed(2)} s, included)`);
  print("input                     .debug_info MB  wall s  cpu s  ms per MB  peak MB");
  const rows = inputs.map((file) => {
    readOnce(file);
    const result = summary(repeat(() => measure(command("dwarfless", file, 1))));
    const megabytes = debugInfoBytes(file) / 1e6;
    const perMegabyte = (1000 * result.wallSeconds) / megabytes;
    const name = `${path.relative(path.join(cache, "kernels"), file).split("/")[0]} ${path.basename(file)}`;
    const cells = [
      name.padEnd(24),
      megabytes.toFixed(1).padStart(15),
      result.wallSeconds.toFixed(2).padStart(7),
      result.cpuSeconds.toFixed(2).padStart(6),
      perMegabyte.toFixed(1).padStart(10),
      (result.peakBytes / 1e6).toFixed(0).padStart(8),
    ];
    print(cells.join(" "));
    return { input: name, debugInfoBytes: megabytes * 1e6, ...result, millisecondsPerMegabyte: perMegabyte };
  });
  const line = fitLine(rows.map((row) => [row.debugInfoBytes / 1e6, 1000 * row.wallSeconds]));
  print(
    `straight line: ${line.start.toFixed(0)} ms + ${line.slope.toFixed(1)} ms per MB, R² ${line.fit.toFixed(4)}`,
  );
  return {
    rows,
    line: { startMilliseconds: line.start, millisecondsPerMegabyte: line.slope, fit: line.fit },
  };
}

/** Least squares: `y = start + slope * x`; `fit` is the share of the variance that the line explains. */
function fitLine(points) {
  const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
  const meanX = mean(points.map(([x]) => x));
  const meanY = mean(points.map(([, y]) => y));
  const product = mean(points.map(([x, y]) => (x - meanX) * (y - meanY)));
  const slope = product / mean(points.map(([x]) => (x - meanX) ** 2));
  const start = meanY - slope * meanX;
  const rest = mean(points.map(([x, y]) => (y - start - slope * x) ** 2));
  return { start, slope, fit: 1 - rest / mean(points.map(([, y]) => (y - meanY) ** 2)) };
}

function repeat(body) {
  return Array.from({ length: rounds }, body);
}

function summary(runs) {
  const median = (of) => runs.map(of).sort((a, b) => a - b)[runs.length >> 1];
  return {
    wallSeconds: median((run) => run.wallSeconds),
    cpuSeconds: median((run) => run.cpuSeconds),
    peakBytes: Math.max(...runs.map((run) => run.peakBytes)),
  };
}

function ratios(ours, theirs) {
  return {
    wallSeconds: ours.wallSeconds / theirs.wallSeconds,
    cpuSeconds: ours.cpuSeconds / theirs.cpuSeconds,
    peakBytes: ours.peakBytes / theirs.peakBytes,
  };
}

function columns(kernel, jobs, program, { wallSeconds, cpuSeconds, peakBytes }, outputBytes) {
  const peak = program === "ratio" ? peakBytes.toFixed(2) : (peakBytes / 1e6).toFixed(0);
  return [
    kernel.padEnd(11),
    String(jobs).padStart(4),
    ` ${program}`.padEnd(11),
    wallSeconds.toFixed(2).padStart(8),
    cpuSeconds.toFixed(2).padStart(7),
    peak.padStart(8),
    String(outputBytes).padStart(13),
  ].join(" ");
}
