import { PT_LOAD } from "../elf/index.ts";
import { FaultError, type Diagnostic } from "../io/index.ts";
import type { Dump, DumpNote, PhysicalRange, VirtualSegment } from "./dump.ts";
import { believedSegments } from "./elf-dump.ts";
import { noAddress, type CoreHeader, type CoreSegment } from "./elf-segments.ts";
import { Extents } from "./extents.ts";
import { vmcoreinfoOf } from "./notes.ts";
import { physicalLimit } from "./physical-limit.ts";
import type { PositionReader } from "./position-reader.ts";

/** NT_TASKSTRUCT: the reader's own task, which only /proc/kcore adds. */
const NT_TASKSTRUCT = 4;

export function isKcore(notes: readonly DumpNote[]): boolean {
  return notes.some(({ name, type }) => name === "CORE" && type === NT_TASKSTRUCT);
}

/**
 * /proc/kcore: the running kernel's memory as an ELF core that is as large as the address space. A segment's
 * place in the file follows from its virtual address, so places go beyond 2^53. Nothing is cached: it changes.
 *
 * The kernel reads as zeros what it does not map there, and what it hides: memory that it has lent to a
 * hypervisor, or found broken.
 */
export class KcoreDump implements Dump {
  readonly format = "kcore";
  readonly flattened = false;
  readonly name: string;
  readonly machine: number;
  readonly littleEndian: boolean;
  readonly notes: readonly DumpNote[];
  readonly vmcoreinfo: string | undefined;
  readonly fromHypervisor = false;
  readonly virtualSegments: readonly VirtualSegment[];
  readonly facts: readonly (readonly [string, string])[];
  readonly diagnostics: readonly Diagnostic[];
  readonly frozen: boolean;
  readonly ranges: readonly PhysicalRange[];
  readonly #file: PositionReader;
  readonly #loads: readonly CoreSegment[];
  readonly #physical: readonly CoreSegment[];
  readonly #extents: Extents;
  readonly #close: () => void;

  constructor(
    name: string,
    file: PositionReader,
    header: CoreHeader,
    notes: readonly DumpNote[],
    container: { live: boolean; diagnostics: Diagnostic[]; close: () => void },
  ) {
    this.name = name;
    this.#file = file;
    this.machine = header.machine;
    this.littleEndian = header.littleEndian;
    this.notes = notes;
    this.vmcoreinfo = vmcoreinfoOf(notes);
    this.frozen = !container.live;
    this.diagnostics = container.diagnostics;
    this.#close = container.close;
    const loads = header.segments.filter(
      ({ type, memoryByteSize }) => type === PT_LOAD && memoryByteSize > 0n,
    );
    this.#loads = loads;
    // v4.11 (464920104bf7) gives physical addresses; before that every one is 0.
    const known = loads.some(({ physicalAddress: p }) => p !== 0n && p !== noAddress);
    this.#physical = known ? loads.filter(hasPhysicalAddress) : [];
    this.virtualSegments = believedSegments(
      known ? loads : loads.map((load) => ({ ...load, physicalAddress: noAddress })),
    );
    this.#extents = Extents.layOver(
      Float64Array.from(this.#physical, ({ physicalAddress }) => Number(physicalAddress)),
      Float64Array.from(this.#physical, ({ memoryByteSize }) => Number(memoryByteSize)),
    );
    this.ranges = this.#extents.merged();
    this.facts = [
      ["written by", container.live ? "the running kernel" : "a running kernel, copied"],
      ["segments", String(loads.length)],
    ];
  }

  readInto(target: Uint8Array, address: number): void {
    let done = 0;
    while (done < target.length) {
      const here = address + done;
      const index = this.#extents.find(here);
      if (index < 0) throw new FaultError("absent", here, "physical");
      const segment = this.#physical[this.#extents.owner[index]!]!;
      const count = Math.min(target.length - done, this.#extents.end[index]! - here);
      const position = segment.fileOffset + BigInt(here) - segment.physicalAddress;
      this.#read(target.subarray(done, done + count), position, BigInt(here), "physical");
      done += count;
    }
  }

  /** Where segments overlap, the later one in the file wins. */
  readVirtualInto(target: Uint8Array, address: bigint): void {
    let done = 0;
    while (done < target.length) {
      const here = BigInt.asUintN(64, address + BigInt(done));
      const place = this.#findVirtual(here);
      if (place === undefined) throw new FaultError("unmapped", here, "virtual");
      const count = Math.min(target.length - done, place.byteSize);
      this.#read(target.subarray(done, done + count), place.position, here, "virtual");
      done += count;
    }
  }

  close(): void {
    this.#close();
  }

  #findVirtual(address: bigint): { position: bigint; byteSize: number } | undefined {
    let end: bigint | undefined;
    for (let i = this.#loads.length - 1; i >= 0; i--) {
      const { virtualAddress, memoryByteSize, fileOffset } = this.#loads[i]!;
      if (virtualAddress > address) {
        if (end === undefined || virtualAddress < end) end = virtualAddress;
      } else if (address - virtualAddress < memoryByteSize) {
        const own = virtualAddress + memoryByteSize;
        const byteSize = (end === undefined || own < end ? own : end) - address;
        return { position: fileOffset + (address - virtualAddress), byteSize: Number(byteSize) };
      }
    }
    return undefined;
  }

  #read(target: Uint8Array, position: bigint, address: bigint, space: "physical" | "virtual"): void {
    let done = 0;
    while (done < target.length) {
      const count = this.#file.readSome(done === 0 ? target : target.subarray(done), position + BigInt(done));
      if (count <= 0)
        throw new FaultError(space === "virtual" ? "unmapped" : "absent", address + BigInt(done), space);
      done += count;
    }
  }
}

function hasPhysicalAddress({ physicalAddress, memoryByteSize }: CoreSegment): boolean {
  return physicalAddress !== noAddress && physicalAddress + memoryByteSize <= BigInt(physicalLimit);
}
