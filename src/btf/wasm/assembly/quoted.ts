/** Names as strings of JSON. */
import { writeString, writeText } from "./bytes";
import { putByte, setTextEnd, textEnd } from "./text";
import { addressOfName } from "./types";

/** Puts a name with characters that JSON does not let stand as they are, through {@link putQuoted}. */
declare function quote(offset: i32): void;

/** Whether a byte can stand as it is: not ", \, control characters, and what may be no UTF-8. */
function isPlain(byte: i32): bool {
  return byte >= 32 && byte < 128 && byte != 34 && byte != 92;
}

/** Whether all bytes from an address to another can stand as they are. */
function arePlain(at: i32, end: i32): bool {
  while (at < end && isPlain(load<u8>(at))) at++;
  return at == end;
}

/** A name, or a text for an empty one, in quotes. */
export function writeQuotedName(to: i32, offset: i32, noName: i32): i32 {
  store<u8>(to++, 34);
  let end = offset == 0 ? to : writeString(to, addressOfName(offset));
  if (end == to) end = writeText(to, noName);
  else if (!arePlain(to, end)) {
    setTextEnd(to);
    quote(offset);
    end = textEnd();
  }
  store<u8>(end, 34);
  return end + 1;
}

/** For the host: a byte of what it was asked to quote. */
export function putQuoted(byte: i32): void {
  putByte(byte);
}
