import { describe, expect, it } from "vitest";
import { cputimeAdjust } from "./cputime.ts";

const none = { user: 0n, system: 0n };

describe("cputimeAdjust", () => {
  it("shares what was measured as the tick saw it", () => {
    expect(cputimeAdjust({ user: 4n, system: 12n }, 100n, none)).toEqual({ user: 25n, system: 75n });
  });

  it("takes all for user time where the tick saw no other, and for system time likewise", () => {
    expect(cputimeAdjust(none, 100n, none)).toEqual({ user: 100n, system: 0n });
    expect(cputimeAdjust({ user: 0n, system: 4n }, 100n, none)).toEqual({ user: 0n, system: 100n });
  });

  it("never goes back behind what was answered before", () => {
    expect(cputimeAdjust({ user: 4n, system: 12n }, 100n, { user: 60n, system: 10n })).toEqual({
      user: 60n,
      system: 40n,
    });
    expect(cputimeAdjust({ user: 12n, system: 4n }, 100n, { user: 10n, system: 60n })).toEqual({
      user: 40n,
      system: 60n,
    });
    const previous = { user: 90n, system: 10n };
    expect(cputimeAdjust({ user: 1n, system: 1n }, 100n, previous)).toEqual(previous);
  });
});
