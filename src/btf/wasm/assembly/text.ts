/**
 * Text under construction, handed to the host when enough is there. Behind it there is room for a name of any
 * length, and some more.
 */
import { writeNumber, writeSigned, writeString, writeText, writeWide, writeWideSigned } from "./bytes";

/** Where text begins, and where so much is there that no line is begun any more. */
declare const textStart: i32;
declare const textLimit: i32;
/** All string sections, one after the other: a string offset counts from here. */
declare const strings: i32;
/** Takes the text up to an address. */
declare function handOver(end: i32): void;

/** End of the text so far. */
let end: i32 = textStart;

/** Bytes handed over so far, of which only differences count. */
let handedOver: i32 = 0;

export function textEnd(): i32 {
  return end;
}

/** To be told how far others have written. */
export function setTextEnd(address: i32): void {
  end = address;
}

export function flush(): void {
  if (end > textStart) handOver(end);
  handedOver += end - textStart;
  end = textStart;
}

/** All bytes so far, of which only differences count. */
export function totalByteSize(): i32 {
  return handedOver + (end - textStart);
}

/** To be called where a line or a text begins: there is room for it then. Gives whether it flushed. */
export function flushIfFull(): bool {
  if (end <= textLimit) return false;
  flush();
  return true;
}

export function putByte(byte: i32): void {
  store<u8>(end, <u8>byte);
  end++;
}

/** A text of which the length is known: see {@link writeText}. */
export function putText(text: i32): void {
  end = writeText(end, text);
}

/** The name at a string offset, which may be 0. */
export function putName(offset: i32): void {
  if (offset != 0) end = writeString(end, strings + offset);
}

export function putNumber(value: u32): void {
  end = writeNumber(end, value);
}

export function putSigned(value: i32): void {
  end = writeSigned(end, value);
}

export function putWide(value: u64): void {
  end = writeWide(end, value);
}

export function putWideSigned(value: i64): void {
  end = writeWideSigned(end, value);
}
