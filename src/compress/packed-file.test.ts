import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { FormatError, UnsupportedError } from "../io/index.ts";
import { randomNumbers } from "../../test/build/mutate.ts";
import { unpackFile } from "./packed-file.ts";

const symbols = Array.from({ length: 300 }, (_, i) => `symbol_${(i * 7919) % 1009} `).join("");

/** `xz --check=crc32` of {@link symbols}; of 100 times "a" and "tail" with CRC-64. */
const xzFiles: readonly [string, string, Uint8Array][] = [
  [
    "CRC-32",
    `
  /Td6WFoAAAFpIt42AgAhARwAAAAQz1jM4AzEAfVdADmeSd2UcUbj4IvupB/kls1RDjG4T9a4RnMviAI0Pe4KZbPYSnSVJpPhucUZi/+N
  5xzbCGUAc8kx7X/LnDbY9h6eHi7/g+TFMS/2l1stkHdbnnqw5A3u2ox/vYlEjfy0jWqaS/Qkk+PkvDmD9Jl0piRMj5GEgGEa/+iDbcHr
  1klABS9YvIlqlBkL3+FuBEplopAuQX6dFawi71WDCEWM8hGzK3nfBZ52jffILL0mNQWf0FRdQLaz0YMypiXxakaoDBBePyubUoqlV9SX
  adjFLx3Y8Ph+peFAtDFJWbNklcvLhAu8Flt4SLTcnETJYQl9KZqdP5w/pW/+JyqT634hCuiAx0ux2RUMXAafN5VkXPBv78kYgjzYDG3Y
  YbpTSa3t/brzKq0os8Mp3dWoA4XgPi/FWN5DIIVilv3dVNX4zEVukIvd8YcPcqgO4AkfgYt4quEuycieHzWL2nlvhlnnwOTb2Rp6XMlB
  nC0uhev82+39hvhH53saBLvDHxXF5ctREDAojvE9b1xA4Ftp+DqEq/7y3LxhqxhVXLAVXDxqqZDHSHv9CccIT2nU4+Mi2zhbgNWiCmxY
  B/6Di7y7OCAfDqcWTNjf9V/dYGuX+26VxVSaLmr1Rh+BQfSEQLwcA90wJuejIN5Ql+Q+sIk9g83/ZRm2Yg4AAAAAAAAqV1B+AAGNBMUZ
  AADQ85/GPjANiwIAAAAAAVla`,
    Buffer.from(symbols),
  ],
  [
    "CRC-64",
    "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4ABnAAtdADDunnQwmuSvsVUAAABMVHyHBgjhHAABJ2gk7iq5H7bzfQEAAAAABFla",
    Buffer.from(`${"a".repeat(100)}tail`),
  ],
];
const xzOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));

describe.each(xzFiles)("xz with %s", (_, base64, plain) => {
  const packed = xzOf(base64);

  test("is known by its content and unpacked", async () => {
    expect(Buffer.from(await unpackFile(packed)).equals(plain)).toBe(true);
  });

  test("refuses every beginning of it", async () => {
    for (let length = 6; length < packed.length; length++) {
      await expect(unpackFile(packed.subarray(0, length))).rejects.toThrow(FormatError);
    }
  });

  test("never gives other bytes, whichever bit is changed", async () => {
    const random = randomNumbers(11);
    for (let count = 0; count < 300; count++) {
      const changed = packed.slice();
      changed[6 + random(changed.length - 6)]! ^= 1 << random(8);
      const result = await unpackFile(changed).catch((error: unknown) => error);
      // A change from one check to another of its size, or of what says nothing, may pass.
      if (result instanceof Uint8Array) expect(Buffer.from(result).equals(plain)).toBe(true);
      else expect(result instanceof FormatError || result instanceof UnsupportedError).toBe(true);
    }
  });
});

test("xz with a filter for machine code, or with SHA-256, is refused for what it is", async () => {
  const sha256 =
    "/Td6WFoAAArh+wyhAgAhARYAAAB0L+WjAQAIAQIDAQIDAQIDAAAAABU5hgJvPGyPKwgtWibZssLkqJjayQMyS09+GiU55yVDAAE5CTWA3lcYm0uaAQAAAAAKWVo=";
  await expect(unpackFile(xzOf(sha256))).rejects.toThrow(UnsupportedError);
  const filtered = "/Td6WFoAAAFpIt42AgEEACEBFgANhjUf4AA/AAZdAEhuVgAAAAAAAITyS2kAAR5AZMsbgpBCmQ0BAAAAAAFZWg==";
  await expect(unpackFile(xzOf(filtered))).rejects.toThrow(UnsupportedError);
});

test("gzip, zstd, and what is not packed", async () => {
  const plain = Buffer.from(symbols);
  expect(Buffer.from(await unpackFile(gzipSync(plain))).equals(plain)).toBe(true);
  // RFC 8878, 3.1.1: one segment, content size 5, one raw last block.
  const zstd = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x20, 5, 0x29, 0, 0, 0x68, 0x65, 0x6c, 0x6c, 0x6f);
  expect(Buffer.from(await unpackFile(zstd)).toString()).toBe("hello");
  const streamed = Uint8Array.of(
    0x28,
    0xb5,
    0x2f,
    0xfd,
    0x00,
    0x58,
    0x29,
    0,
    0,
    0x68,
    0x65,
    0x6c,
    0x6c,
    0x6f,
  );
  await expect(unpackFile(streamed)).rejects.toThrow(/does not say its size: unpack it first$/);
  expect(await unpackFile(plain)).toBe(plain);
  await expect(unpackFile(Uint8Array.of(0x1f, 0x8b, 8))).rejects.toThrow(
    /broken gzip data: it ends too early$/,
  );
});

test("a size that so few bytes cannot stand for is not believed", async () => {
  const packed = gzipSync(Buffer.from(symbols));
  packed.writeUInt32LE(0x0fff_ffff, packed.length - 4);
  await expect(unpackFile(packed)).rejects.toThrow(/it cannot hold 268435455 bytes$/);
});
