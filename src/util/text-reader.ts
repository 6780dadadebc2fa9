/** Reads texts out of bytes. */
export interface TextReader {
  /** What is no UTF-8 becomes U+FFFD. */
  utf8(start: number, end: number): string;
  /** One character per byte. */
  latin1(start: number, end: number): string;
}

/** Node's `Buffer` reads short texts many times as fast as what browsers have; it is used where it is. */
export function textReader(bytes: Uint8Array): TextReader {
  const { Buffer: NodeBuffer } = globalThis as { Buffer?: typeof Buffer };
  if (NodeBuffer === undefined) return webTextReader(bytes);
  const buffer = NodeBuffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    utf8: (start, end) => buffer.toString("utf8", start, end),
    latin1: (start, end) => buffer.toString("latin1", start, end),
  };
}

/** {@link textReader} without Node. */
export function webTextReader(bytes: Uint8Array): TextReader {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return {
    utf8: (start, end) => decoder.decode(bytes.subarray(start, end)),
    latin1: (start, end) => {
      let text = "";
      for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at]!);
      return text;
    },
  };
}
