import { DwarflessError, FaultError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import type { VirtualMemory } from "../memory/index.ts";
import type { Gaps } from "./gaps.ts";
import { PrintkLayout } from "./printk-layout.ts";
import { printkLogRecords } from "./printk-log.ts";
import { callerText, type PrintkRecord } from "./printk-record.ts";

/** States of a descriptor (kernel/printk/printk_ringbuffer.h). */
const desc_committed = 1n;
const desc_finalized = 2n;
/** The two top bits of a descriptor's id are its state. */
const stateShift = 62n;
const idMask = (1n << stateShift) - 1n;
/** `begin` and `next` of a record without text: NO_LPOS since v5.10, and FAILED_LPOS where its text was lost. */
const FAILED_LPOS = 1n;
/** Larger rings are taken for damage: 2^25 records, 4 GiB of text. */
const maximumCountBits = 25;
const maximumSizeBits = 32;

/**
 * Messages of the kernel's log that are still in its buffer, oldest first: of the ring buffer that v5.10
 * brought (896fbe20b4e2), or of the one before. A message that is being written is not given out.
 * @throws {DwarflessError} `NO_LOG` where there is neither
 */
export function* printkRecords(kernel: Kernel, gaps: Gaps): Generator<PrintkRecord, undefined> {
  const layout = new PrintkLayout(kernel);
  const { memory, symbols, vmcoreinfo } = kernel.foundation;
  const prb = symbols.addressOf("prb") ?? vmcoreinfo?.symbol("prb");
  if (prb !== undefined && layout.has("printk_ringbuffer")) {
    yield* ringRecords(memory, layout, memory.readU64(prb), gaps);
    return;
  }
  if (symbols.addressOf("log_first_idx") !== undefined || vmcoreinfo?.symbol("log_first_idx") !== undefined) {
    yield* printkLogRecords(kernel, layout, gaps);
    return;
  }
  throw new DwarflessError("NO_LOG", "no log buffer: neither prb nor log_first_idx is known with its layout");
}

interface Ring {
  count: bigint;
  countMask: bigint;
  descs: bigint;
  infos: bigint;
  head: bigint;
  tail: bigint;
  data: bigint;
  sizeBits: bigint;
}

function readRing(memory: VirtualMemory, layout: PrintkLayout, address: bigint): Ring {
  const descRing = address + BigInt(layout.offset("printk_ringbuffer", "desc_ring"));
  const dataRing = address + BigInt(layout.offset("printk_ringbuffer", "text_data_ring"));
  const inDescs = (member: string): bigint => descRing + BigInt(layout.offset("prb_desc_ring", member));
  const inData = (member: string): bigint => dataRing + BigInt(layout.offset("prb_data_ring", member));
  const countBits = memory.readU32(inDescs("count_bits"));
  const sizeBits = memory.readU32(inData("size_bits"));
  if (countBits > maximumCountBits || sizeBits > maximumSizeBits) {
    throw new DwarflessError("LOG_DAMAGED", `a log of 2^${countBits} records and 2^${sizeBits} bytes`);
  }
  return {
    count: 1n << BigInt(countBits),
    countMask: (1n << BigInt(countBits)) - 1n,
    descs: memory.readU64(inDescs("descs")),
    infos: memory.readU64(inDescs("infos")),
    head: memory.readU64(inDescs("head_id")) & idMask,
    tail: memory.readU64(inDescs("tail_id")) & idMask,
    data: memory.readU64(inData("data")),
    sizeBits: BigInt(sizeBits),
  };
}

function* ringRecords(
  memory: VirtualMemory,
  layout: PrintkLayout,
  address: bigint,
  gaps: Gaps,
): Generator<PrintkRecord, undefined> {
  const ring = readRing(memory, layout, address);
  const descSize = BigInt(layout.byteSize("prb_desc"));
  const state = BigInt(layout.offset("prb_desc", "state_var"));
  const positions = layout.offset("prb_desc", "text_blk_lpos");
  const begin = BigInt(positions + layout.offset("prb_data_blk_lpos", "begin"));
  const next = BigInt(positions + layout.offset("prb_data_blk_lpos", "next"));
  const readInfo = infoReader(memory, layout);
  const infoSize = BigInt(layout.byteSize("printk_info"));
  // Ids count modulo 2^62, and begin just before they wrap.
  const length = ((ring.head - ring.tail) & idMask) + 1n;
  const steps = length > ring.count ? ring.count : length;
  for (let step = 0n; step < steps; step++) {
    const id = (ring.tail + step) & idMask;
    const index = id & ring.countMask;
    const desc = ring.descs + index * descSize;
    try {
      const word = memory.readU64(desc + state);
      const kind = word >> stateShift;
      // A descriptor that is reserved, reused or not yet used has another id or state.
      if ((word & idMask) !== id || (kind !== desc_committed && kind !== desc_finalized)) continue;
      const { length: textLength, ...record } = readInfo(ring.infos + index * infoSize);
      const place = textPlace(ring, memory.readU64(desc + begin), memory.readU64(desc + next));
      if (place === "lost") continue;
      const read = (): string => (place === "empty" ? "" : readText(memory, place, id, textLength));
      yield { ...record, text: gaps.column("text", read) ?? undefined };
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      gaps.note("record", error);
    }
  }
}

interface TextPlace {
  /** Of the block: its id, then its text. */
  address: bigint;
  /** Bytes of the block. */
  byteSize: bigint;
}

/** A block is never split: one that would not fit before the end of the ring starts at offset 0. */
function textPlace(ring: Ring, begin: bigint, next: bigint): TextPlace | "empty" | "lost" {
  if ((begin & 1n) === 1n && (next & 1n) === 1n) return begin === FAILED_LPOS ? "lost" : "empty";
  const mask = (1n << ring.sizeBits) - 1n;
  const wraps = begin >> ring.sizeBits !== BigInt.asUintN(64, next - 1n) >> ring.sizeBits;
  const offset = wraps ? 0n : begin & mask;
  const byteSize = wraps ? next & mask : BigInt.asUintN(64, next - begin);
  return { address: ring.data + offset, byteSize };
}

function readText(memory: VirtualMemory, place: TextPlace, id: bigint, length: number): string {
  if (place.byteSize < 8n || memory.readU64(place.address) !== id) {
    throw new DwarflessError(
      "LOG_DAMAGED",
      `the block at 0x${place.address.toString(16)} is another record's`,
    );
  }
  const available = Number(place.byteSize - 8n);
  const bytes = memory.read(place.address + 8n, Math.min(length, available));
  return Buffer.from(bytes).toString("utf8");
}

function infoReader(
  memory: VirtualMemory,
  layout: PrintkLayout,
): (address: bigint) => Omit<PrintkRecord, "text"> & { length: number } {
  const at = (member: string): number => layout.offset("printk_info", member);
  const sequence = at("seq");
  const time = at("ts_nsec");
  const length = at("text_len");
  const caller = layout.find("printk_info", "caller_id");
  // VMCOREINFO leaves these two out: they are the bytes behind the length in every version.
  const facility = layout.find("printk_info", "facility") ?? length + 2;
  const flags = facility + 1;
  const byteSize = layout.byteSize("printk_info");
  return (address) => {
    const bytes = memory.read(address, byteSize);
    const view = new DataView(bytes.buffer, bytes.byteOffset, byteSize);
    return {
      sequence: Number(view.getBigUint64(sequence, memory.littleEndian)),
      time: view.getBigUint64(time, memory.littleEndian),
      facility: view.getUint8(facility),
      level: view.getUint8(flags) >> 5,
      caller: caller === undefined ? undefined : callerText(view.getUint32(caller, memory.littleEndian)),
      length: view.getUint16(length, memory.littleEndian),
    };
  };
}
