/** Time and memory of one run of a program, as the kernel accounts for it. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const gnuTime = "/usr/bin/time";

/**
 * Run `command` to its end: wall and processor seconds (user and system, all threads), and the
 * largest resident set in bytes. Throws when it fails or takes more than ten minutes.
 *
 * GNU time stands between, and not only for the figures: a child starts with the peak of the
 * process that forked it (getrusage(2), ru_maxrss), and Node's own would be the larger one.
 */
export function measure(command) {
  const directory = mkdtempSync(path.join(tmpdir(), "dwarfless-time-"));
  const figures = path.join(directory, "figures");
  try {
    const start = process.hrtime.bigint();
    const result = spawnSync(gnuTime, ["-f", "%U %S %M", "-o", figures, ...command], {
      stdio: ["ignore", "ignore", "pipe"],
      timeout: 600_000,
    });
    const wallSeconds = Number(process.hrtime.bigint() - start) / 1e9;
    if (result.error?.code === "ENOENT")
      throw new Error(`${gnuTime} is missing: run scripts/setup-system.sh`);
    if (result.status !== 0)
      throw new Error(`${command.join(" ")}: exit ${result.status}\n${result.stderr.toString()}`);
    const [user, system, peakKilobytes] = readFileSync(figures, "utf8").trim().split(" ").map(Number);
    return { wallSeconds, cpuSeconds: user + system, peakBytes: peakKilobytes * 1024 };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
