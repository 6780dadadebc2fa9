import { largestSnappyChunk, readSnappyChunk, readSnappyData, type Codec } from "../compress/index.ts";
import { FaultError, FormatError, type ByteSource, type Diagnostic } from "../io/index.ts";
import { BlockCache } from "./block-cache.ts";
import { copy } from "./cached-source.ts";
import type { PhysicalMemory, PhysicalRange } from "./dump.ts";
import { Extents } from "./extents.ts";
import { parseRangeHeader, rangeHeaderByteSize } from "./plain-dump.ts";
import { readUnsignedLongAt, viewOf } from "./words.ts";

/**
 * AVML version 2: a head as LiME's, the range's memory in snappy's framing format, and the byte size of that
 * stream behind it; range by range (microsoft/avml, image.rs). It splits large ranges.
 */
export class AvmlMemory implements PhysicalMemory {
  readonly ranges: readonly PhysicalRange[];
  readonly #blocks: readonly AvmlBlock[];
  readonly #extents: Extents;
  readonly #codec: Codec;
  readonly #cache: BlockCache;

  /** @throws {FormatError} when there is no range */
  constructor(source: ByteSource, codec: Codec, cacheByteSize: number, diagnostics: Diagnostic[]) {
    this.#codec = codec;
    this.#cache = new BlockCache(largestSnappyChunk, cacheByteSize);
    this.#blocks = findBlocksFromEnd(source) ?? findBlocksFromStart(source, diagnostics);
    this.#extents = Extents.layOver(
      Float64Array.from(this.#blocks, (block) => block.start),
      Float64Array.from(this.#blocks, (block) => block.byteSize),
    );
    this.ranges = this.#extents.merged();
  }

  readInto(target: Uint8Array, address: number): void {
    let done = 0;
    while (done < target.length) {
      const here = address + done;
      const index = this.#extents.find(here);
      if (index < 0) throw new FaultError("absent", here, "physical");
      const block = this.#blocks[this.#extents.owner[index]!]!;
      const left = Math.min(target.length - done, this.#extents.end[index]! - here);
      done += this.#readSome(block, here, target, done, left);
    }
  }

  /** What one chunk has of it. */
  #readSome(block: AvmlBlock, address: number, target: Uint8Array, done: number, wanted: number): number {
    try {
      const within = address - block.start;
      const index = block.chunkAt(within);
      const dataOffset = block.dataOffset[index]!;
      const chunk = readSnappyChunk(block.source, block.chunkOffset[index]!);
      const count = Math.min(wanted, dataOffset + chunk.dataByteSize - within);
      let at = this.#cache.find(chunk.offset);
      if (at < 0) {
        at = this.#cache.claim(chunk.offset);
        const data = this.#cache.bytes.subarray(at, at + chunk.dataByteSize);
        try {
          readSnappyData(block.source, chunk, this.#codec, data);
        } catch (error) {
          this.#cache.drop(chunk.offset);
          throw error;
        }
      }
      copy(this.#cache.bytes, at + within - dataOffset, target, done, count);
      return count;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const reason = error.code === "TRUNCATED" ? "truncated" : "corrupt";
      throw new FaultError(reason, address, "physical", error.problem);
    }
  }
}

/** A range of memory and the chunks of its stream, found as far as anyone has asked. */
class AvmlBlock {
  readonly source: ByteSource;
  readonly start: number;
  readonly byteSize: number;
  /** By chunk that holds data: in the range. */
  readonly dataOffset: number[] = [];
  /** By chunk that holds data: in the file. */
  readonly chunkOffset: number[] = [];
  #nextChunk: number;
  #nextData = 0;

  constructor(source: ByteSource, start: number, byteSize: number, streamOffset: number) {
    this.source = source;
    this.start = start;
    this.byteSize = byteSize;
    this.#nextChunk = streamOffset;
  }

  /** In the file, behind the last chunk that was looked at. */
  get streamEnd(): number {
    return this.#nextChunk;
  }

  /** Index of the chunk that holds the byte at `offset` of the range. */
  chunkAt(offset: number): number {
    while (this.#nextData <= offset) this.#addChunk();
    let low = 0;
    let high = this.dataOffset.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.dataOffset[middle]! <= offset) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #addChunk(): void {
    const chunk = readSnappyChunk(this.source, this.#nextChunk);
    if (chunk.dataByteSize > 0) {
      this.dataOffset.push(this.#nextData);
      this.chunkOffset.push(chunk.offset);
      this.#nextData += chunk.dataByteSize;
    }
    this.#nextChunk = chunk.offset + chunk.byteSize;
  }
}

/** By the sizes behind the streams, one read for each range; undefined when they lead astray. */
function findBlocksFromEnd(source: ByteSource): AvmlBlock[] | undefined {
  const blocks: AvmlBlock[] = [];
  for (let end = source.byteSize; end > 0;) {
    if (end < rangeHeaderByteSize + 8) return undefined;
    const streamByteSize = readUnsignedLongAt(viewOf(source.read(end - 8, 8)), 0, true);
    const streamOffset = end - 8 - streamByteSize;
    const offset = streamOffset - rangeHeaderByteSize;
    if (!(offset >= 0)) return undefined;
    const header = readHeader(source, offset);
    if (header === undefined) return undefined;
    blocks.push(new AvmlBlock(source, header.start, header.byteSize, streamOffset));
    end = offset;
  }
  return blocks.toReversed();
}

/** Chunk by chunk, for a file that lacks its end. */
function findBlocksFromStart(source: ByteSource, diagnostics: Diagnostic[]): AvmlBlock[] {
  const blocks: AvmlBlock[] = [];
  let offset = 0;
  try {
    while (offset < source.byteSize) {
      const header = readHeader(source, offset);
      if (header === undefined) break;
      const block = new AvmlBlock(source, header.start, header.byteSize, offset + rangeHeaderByteSize);
      blocks.push(block);
      block.chunkAt(header.byteSize - 1);
      offset = block.streamEnd + 8;
    }
  } catch (error) {
    if (!(error instanceof FormatError) || blocks.length === 0) throw error;
  }
  if (offset !== source.byteSize) {
    diagnostics.push({
      severity: "warning",
      code: "DUMP_TRUNCATED",
      text: "the file is cut off or broken: memory behind this place is lost",
      location: { file: source.name, offset },
    });
  }
  return blocks;
}

function readHeader(source: ByteSource, offset: number): { start: number; byteSize: number } | undefined {
  const bytes = source.read(offset, rangeHeaderByteSize);
  return parseRangeHeader(bytes, "AVML", 2, { file: source.name, offset });
}
