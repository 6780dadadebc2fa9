import { DwarflessError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import type { Gaps } from "./gaps.ts";
import type { PrintkLayout } from "./printk-layout.ts";
import { callerText, type PrintkRecord } from "./printk-record.ts";

/** Longer buffers are taken for damage. */
const maximumByteSize = 0x8000_0000;

/**
 * Messages of the log before v5.10: records of `struct printk_log` one behind the other in `log_buf`, from
 * `log_first_idx` to `log_next_idx`; a record of length 0 means that it goes on at the start.
 * @throws {DwarflessError} `NO_LAYOUT`, `LOG_DAMAGED`
 */
export function* printkLogRecords(
  kernel: Kernel,
  layout: PrintkLayout,
  gaps: Gaps,
): Generator<PrintkRecord, undefined> {
  const { memory, symbols, vmcoreinfo } = kernel.foundation;
  const address = (name: string): bigint => {
    const found = symbols.addressOf(name) ?? vmcoreinfo?.symbol(name);
    if (found === undefined) throw new DwarflessError("NO_LOG", `no symbol ${name}`);
    return found;
  };
  const buffer = memory.readU64(address("log_buf"));
  const byteSize = memory.readU32(address("log_buf_len"));
  if (byteSize > maximumByteSize) throw new DwarflessError("LOG_DAMAGED", `a log of ${byteSize} bytes`);
  const end = memory.readU32(address("log_next_idx"));
  const first = symbols.addressOf("log_first_seq");
  let sequence = first === undefined ? 0 : Number(memory.readU64(first));
  const struct = "printk_log";
  const headSize = layout.byteSize(struct);
  const time = layout.offset(struct, "ts_nsec");
  const length = layout.offset(struct, "len");
  const textLength = layout.offset(struct, "text_len");
  const facility = layout.find(struct, "facility") ?? textLength + 4;
  const caller = layout.find(struct, "caller_id");
  const begin = memory.readU32(address("log_first_idx"));
  const last = symbols.addressOf("log_next_seq");
  if (last !== undefined && Number(memory.readU64(last)) === sequence) return;
  let wraps = begin >= end;
  for (let at = begin; (wraps || at < end) && at + headSize <= byteSize;) {
    const bytes = memory.read(buffer + BigInt(at), headSize);
    const view = new DataView(bytes.buffer, bytes.byteOffset, headSize);
    const recordSize = view.getUint16(length, memory.littleEndian);
    if (recordSize === 0) {
      if (!wraps) break;
      wraps = false;
      at = 0;
      continue;
    }
    if (recordSize < headSize) {
      throw new DwarflessError("LOG_DAMAGED", `a record of ${recordSize} bytes at ${at} of the log`);
    }
    const place = buffer + BigInt(at + headSize);
    const size = Math.min(view.getUint16(textLength, memory.littleEndian), recordSize - headSize);
    const text = gaps.column("text", () => Buffer.from(memory.read(place, size)).toString("utf8"));
    yield {
      sequence,
      time: view.getBigUint64(time, memory.littleEndian),
      facility: view.getUint8(facility),
      level: view.getUint8(facility + 1) >> 5,
      caller: caller === undefined ? undefined : callerText(view.getUint32(caller, memory.littleEndian)),
      text: text ?? undefined,
    };
    sequence++;
    at += recordSize;
  }
  // Where the log goes on at its start, a record of length 0 says so.
  if (wraps) throw new DwarflessError("LOG_DAMAGED", "the log ends before it goes on at its start");
}
