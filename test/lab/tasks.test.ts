/** What processes, control groups and IPC objects are in a dump, against what the guest said of them in /proc and /sys. */
import { expect, test } from "vitest";
import { busyGuest, busyGuestMissing } from "../guest/busy-guests.ts";

test.each(["6.1-amd64", "6.12-amd64", "7.2-amd64", "6.12-arm64"] as const)(
  "%s has a busy guest",
  async (name) => {
    expect(busyGuestMissing(name)).toBe(undefined);
    expect((await busyGuest(name)).said("sysvipc-shm")).toContain("4369");
  },
  400_000,
);
