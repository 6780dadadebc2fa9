/** makedumpfile's flattened streams. */
import { ByteWriter } from "./bytes.ts";

export interface RecordSpec {
  offset: number | bigint;
  bytes: Uint8Array;
  /** Size field, where it is not the length of the bytes. */
  byteSize?: number | bigint;
}

export interface FlattenedSpec {
  type?: number;
  version?: number;
  records: readonly RecordSpec[];
  /** Default true. */
  endRecord?: boolean;
}

export function flattened({ type = 1, version = 1, records, endRecord = true }: FlattenedSpec): Uint8Array {
  const out = new ByteWriter(false).cString("makedumpfile").align(16).u64(type).u64(version).align(4096);
  for (const { offset, bytes, byteSize } of records) {
    out
      .u64(offset)
      .u64(byteSize ?? bytes.length)
      .bytes(bytes);
  }
  if (endRecord) out.u64(-1n).u64(-1n);
  return out.finish();
}

/** A file cut into records of these sizes in turn; stretches of zeros become gaps. */
export function recordsOf(file: Uint8Array, byteSizes: readonly number[]): RecordSpec[] {
  const records: RecordSpec[] = [];
  let offset = 0;
  for (let i = 0; offset < file.length; i++) {
    const bytes = file.subarray(offset, offset + byteSizes[i % byteSizes.length]!);
    const last = offset + bytes.length === file.length;
    if (last || bytes.some((byte) => byte !== 0)) records.push({ offset, bytes });
    offset += bytes.length;
  }
  return records;
}
