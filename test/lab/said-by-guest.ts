/** What a dump says against what its guest said: the frame of the tests that compare them. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Kernel } from "../../src/kernel/index.ts";
import { Gaps } from "../../src/linux/index.ts";
import type { GuestDump } from "../guest/dumps.ts";

export interface DumpedGuest {
  /** Its dump, and what it said. Of tests and hooks only: it is opened before the first. */
  readonly dump: GuestDump;
  /** Opened without a sidecar. */
  readonly kernel: Kernel;
  /** Lines of what it said. */
  said: (name: string) => string[];
  /** A test in which nothing may be left unread. Skipped where the dump cannot be made. */
  check: (title: string, body: (gaps: Gaps) => void) => void;
}

/** Opens a dump for the tests of a `describe`, and closes it after them. `missing`: why it cannot be made here. */
export function dumpedGuest(missing: string | undefined, open: () => Promise<GuestDump>): DumpedGuest {
  let dump: GuestDump | undefined;
  let kernel: Kernel | undefined;
  beforeAll(async () => {
    if (missing !== undefined) return;
    dump = await open();
    kernel = await Kernel.open([dump.file("elf")], { sidecar: "none" });
  });
  afterAll(() => kernel?.close());
  return {
    get dump() {
      return dump!;
    },
    get kernel() {
      return kernel!;
    },
    said: (name) => dump!.said(name).trimEnd().split("\n"),
    check: (title, body) => {
      test(title, (context) => {
        context.skip(missing !== undefined, missing);
        const gaps = new Gaps();
        body(gaps);
        expect(gaps.diagnostics).toEqual([]);
      });
    },
  };
}
