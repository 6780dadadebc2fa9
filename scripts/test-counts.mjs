/**
 * A vitest reporter that writes what `scripts/test` sums up: counts of test cases, and each
 * skipped one with its reason. The file's name comes in DWARFLESS_TEST_RESULTS.
 */
import { writeFileSync } from "node:fs";

export default class TestCounts {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: 0, skipped: [] };
    for (const module of modules) {
      // A file that could not be loaded has no test case to count.
      counts.failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const { state, note } = test.result();
        if (state === "passed") counts.passed++;
        else if (state === "failed") counts.failed++;
        else counts.skipped.push({ name: test.fullName, reason: note ?? "no reason given" });
      }
      for (const suite of module.children.allSuites()) counts.failed += suite.errors().length;
    }
    counts.failed += unhandledErrors.length;
    writeFileSync(process.env["DWARFLESS_TEST_RESULTS"], JSON.stringify(counts));
  }
}
