import { DwarflessError } from "./errors.ts";

/**
 * Why bytes of a dumped machine cannot be had:
 * - `absent`: no memory there, or the dump never had it (a hole, device space, beyond the end of RAM)
 * - `excluded`: memory that was left out on purpose when the dump was written (page filtering)
 * - `truncated`: the dump ends before the bytes it promises
 * - `corrupt`: the dump's bytes for the page do not decode
 * - `unmapped`: the page tables have nothing at a virtual address
 */
export type FaultReason = "absent" | "excluded" | "truncated" | "corrupt" | "unmapped";

/** A read of a machine's memory that has no answer; never replaced by zeros. */
export class FaultError extends DwarflessError {
  readonly reason: FaultReason;
  /** First address without an answer. */
  readonly address: bigint;
  readonly space: "physical" | "virtual";

  constructor(reason: FaultReason, address: bigint | number, space: "physical" | "virtual", detail = "") {
    const place = `${space === "physical" ? "physical address " : ""}0x${address.toString(16)}`;
    super("FAULT", `${place}: ${reasonText[reason]}${detail === "" ? "" : ` (${detail})`}`);
    this.reason = reason;
    this.address = BigInt(address);
    this.space = space;
  }
}

const reasonText: Record<FaultReason, string> = {
  absent: "not in the dump",
  excluded: "page excluded from the dump",
  truncated: "the dump is cut off before this page",
  corrupt: "the dump's data for this page is corrupt",
  unmapped: "not mapped",
};
