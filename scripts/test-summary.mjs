/**
 * The last lines of `scripts/test`: skipped tests by reason, then the sum.
 * Usage: test-summary.mjs FAILED-STEPS RESULTS.json... ; exits 1 when anything failed.
 */
import { readFileSync } from "node:fs";

const [failedSteps, ...files] = process.argv.slice(2);
const results = files.map((file) => JSON.parse(readFileSync(file, "utf8")));
const sum = (of) => results.reduce((total, result) => total + of(result), 0);
const skipped = results.flatMap((result) => result.skipped);

const reasons = new Map();
for (const { name, reason } of skipped) reasons.set(reason, [...(reasons.get(reason) ?? []), name]);
for (const [reason, names] of reasons) {
  console.log(`skipped: ${reason}`);
  for (const name of names) console.log(`    ${name}`);
}

const passed = sum((result) => result.passed);
// A failed test fails its step too: count the tests, and the step only when no test explains it.
const failedTests = sum((result) => result.failed);
const stepsOfTests = results.filter((result) => result.failed > 0).length;
const failed = failedTests + Math.max(0, Number(failedSteps) - stepsOfTests);
console.log(`${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ""}`);
process.exitCode = failed > 0 ? 1 : 0;
