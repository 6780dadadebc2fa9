import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SparseMemory } from "../../test/build/sparse-memory.ts";
import { randomNumbers } from "../../test/build/mutate.ts";
import { FaultError } from "../io/index.ts";
import { findBytes } from "./find-bytes.ts";
import { findVmcoreinfo } from "./find-vmcoreinfo.ts";
import { scanPhysical } from "./scan.ts";

/** Runs of pages with random bytes, and pages between that fault though the ranges have them. */
function randomMemory(seed: number): { memory: SparseMemory; present: [start: number, bytes: Buffer][] } {
  const random = randomNumbers(seed);
  const memory = new SparseMemory();
  const present: [number, Buffer][] = [];
  let address = random(4) * 4096;
  for (let run = 0; run < 6; run++) {
    const bytes = Buffer.from(Array.from({ length: (1 + random(9)) * 4096 }, () => random(3)));
    memory.write(address, bytes);
    present.push([address, bytes]);
    address += bytes.length;
    for (let gap = 1 + random(3); gap > 0; gap--, address += 4096)
      if (random(2) === 0) memory.lose(address, "excluded");
  }
  return { memory, present };
}

describe("scanPhysical", () => {
  it("shows every byte once, and the overlap behind it", () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.nat(40),
        fc.constantFrom(4096, 8192, 12288, 1 << 20),
        (seed, overlap, piece) => {
          const { memory, present } = randomMemory(seed);
          const seen: [number, Buffer][] = [];
          const result = scanPhysical(
            memory,
            { overlapByteSize: overlap, pieceByteSize: piece },
            (bytes, address, own) => {
              expect(bytes.length - own).toBeLessThanOrEqual(overlap);
              const last = seen.at(-1);
              const copy = Buffer.from(bytes.subarray(0, own));
              if (last !== undefined && last[0] + last[1].length === address)
                last[1] = Buffer.concat([last[1], copy]);
              else seen.push([address, copy]);
            },
          );
          expect(seen.map(([address, bytes]) => [address, bytes.length])).toEqual(
            present.map(([address, bytes]) => [address, bytes.length]),
          );
          for (const [index, [, bytes]] of seen.entries())
            expect(bytes.equals(present[index]![1])).toBe(true);
          expect(result.end).toBe("complete");
          expect(result.scannedByteSize).toBe(present.reduce((sum, [, bytes]) => sum + bytes.length, 0));
          const whole = memory.ranges.reduce((sum, range) => sum + range.byteSize, 0);
          expect(result.scannedByteSize + result.missingByteSize).toBe(whole);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("stops for the visitor, and in time", () => {
    const memory = new SparseMemory().write(0, new Uint8Array(0x1_0000));
    let pieces = 0;
    expect(scanPhysical(memory, { pieceByteSize: 4096 }, () => ++pieces === 3)).toMatchObject({
      end: "visitor",
      scannedByteSize: 3 * 4096,
    });
    expect(scanPhysical(memory, { deadline: Date.now() - 1 }, () => {})).toMatchObject({
      end: "deadline",
      scannedByteSize: 0,
    });
  });

  it("ends though memory lies about where it faults", () => {
    for (const lie of [-1, 0, 1, 4095, 2 ** 40]) {
      const memory = {
        ranges: [{ start: 100, byteSize: 50_000 }],
        readInto(_target: Uint8Array, address: number): void {
          throw new FaultError("corrupt", Math.max(0, address + lie), "physical");
        },
      };
      const result = scanPhysical(memory, {}, () => {});
      expect(result).toEqual({ end: "complete", scannedByteSize: 0, missingByteSize: 50_000 });
    }
  });

  it("does not hide errors that are no faults", () => {
    const memory = {
      ranges: [{ start: 0, byteSize: 4096 }],
      readInto(): void {
        throw new RangeError("a bug");
      },
    };
    expect(() => scanPhysical(memory, {}, () => {})).toThrow(RangeError);
  });
});

describe("findBytes", () => {
  it("finds what a plain search finds, over the borders of pieces too", () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.array(fc.array(fc.nat(2), { minLength: 1, maxLength: 9 }), { minLength: 1, maxLength: 3 }),
        (seed, patterns) => {
          const { memory, present } = randomMemory(seed);
          const needles = patterns.map((pattern) => Uint8Array.from(pattern));
          for (const [index, needle] of needles.entries()) {
            const plain = present.flatMap(([start, bytes]) => {
              const found: number[] = [];
              for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1))
                found.push(start + at);
              return found;
            });
            const found: number[] = [];
            findBytes(memory, needles, { pieceByteSize: 4096 }, (address, pattern) => {
              if (pattern === index) found.push(address);
            });
            expect(found).toEqual(plain);
          }
        },
      ),
      { numRuns: 30 },
    );
  });
});

const text = "OSRELEASE=6.1.0\nPAGESIZE=4096\nSYMBOL(_stext)=ffffffff81000000\n";

function note(body: string, byteSize = body.length): Buffer {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(11, 0);
  head.writeUInt32LE(byteSize, 4);
  head.write("VMCOREINFO", 12);
  return Buffer.concat([head, Buffer.from(body, "latin1")]);
}

describe("findVmcoreinfo", () => {
  it("finds notes and texts at the starts of pages, each text once", () => {
    const other = text.replace("6.1.0", "7.2.13");
    const memory = new SparseMemory()
      .write(0x3000, text)
      .write(0x8000, note(text))
      .write(0x20_0000, note(other))
      .write(0x5010, other)
      .write(0xa000, "OSRELEASE=%s\n\0PAGESIZE=4096\n")
      .write(0xb000, note(text, 0x1_0001))
      .write(0xc000, note("PAGESIZE=4096\n"))
      .write(0xd000, note("OSRELEASE=6\n"));
    const { candidates } = findVmcoreinfo(memory);
    expect(
      candidates.map(({ physicalAddress, form, copies, info }) => [
        physicalAddress,
        form,
        copies,
        info.osRelease,
      ]),
    ).toEqual([
      [0x3000, "text", 2, "6.1.0"],
      [0x20_0018, "note", 1, "7.2.13"],
    ]);
  });

  it("takes what there is of a text whose next page is missing", () => {
    const body = text + Array.from({ length: 200 }, (_, index) => `SIZE(structure_${index})=64\n`).join("");
    const memory = new SparseMemory().write(0x3000, note(body)).lose(0x4000, "excluded");
    const { candidates } = findVmcoreinfo(memory);
    expect(candidates).toHaveLength(1);
    expect(candidates[0]!.info.size("structure_0")).toBe(64);
    expect(candidates[0]!.info.size("structure_199")).toBeUndefined();
    expect(candidates[0]!.info.problems).toHaveLength(1);
  });

  it("gives up at 64 different ones", () => {
    const memory = new SparseMemory();
    for (let page = 0; page < 100; page++) memory.write(page * 4096, text.replace("6.1.0", `6.1.${page}`));
    expect(findVmcoreinfo(memory).candidates).toHaveLength(64);
  });
});
