import { DwarflessError } from "../io/index.ts";
import type { VirtualMemory } from "../memory/index.ts";
import type { Type } from "../program/index.ts";

/** A struct of this kernel has no such member: its version is newer or older than what is known. */
export class LayoutError extends DwarflessError {
  constructor(type: Type, path: string) {
    super("LAYOUT", `this kernel's "${type.typeName()}" has no member ${path}`);
  }
}

/**
 * Plain members of one struct type, found once by name and read from many addresses: for what has to
 * be read before there is a program with objects.
 */
export class StructReader {
  readonly type: Type;
  readonly #memory: VirtualMemory;
  readonly #offsets: Map<string, { byteOffset: bigint; type: Type } | undefined> = new Map();

  constructor(memory: VirtualMemory, type: Type) {
    this.type = type;
    this.#memory = memory;
  }

  /** True when there is a member at a path as `mem`, `list.next`. */
  has(path: string): boolean {
    return this.#find(path) !== undefined;
  }

  /** The first of several paths that exists: names change from release to release, newest first. */
  firstOf(...paths: readonly string[]): string | undefined {
    return paths.find((path) => this.has(path));
  }

  /** @throws {LayoutError} */
  byteOffset(path: string): bigint {
    return this.#get(path).byteOffset;
  }

  /** @throws {LayoutError} */
  typeOf(path: string): Type {
    return this.#get(path).type;
  }

  /**
   * An integer or pointer, as unsigned.
   * @throws {LayoutError}; {@link FaultError}
   */
  unsigned(address: bigint, path: string): bigint {
    const { byteOffset, type } = this.#get(path);
    const at = address + byteOffset;
    switch (type.byteSizeIf) {
      case 1:
        return BigInt(this.#memory.readU8(at));
      case 2:
        return BigInt(this.#memory.readU16(at));
      case 4:
        return BigInt(this.#memory.readU32(at));
      case 8:
        return this.#memory.readU64(at);
      default:
        throw new LayoutError(this.type, `${path} that is a number`);
    }
  }

  /** The text in a char array. */
  text(address: bigint, path: string): string {
    const { byteOffset, type } = this.#get(path);
    return this.#memory.readCString(address + byteOffset, type.byteSizeIf ?? 256);
  }

  #get(path: string): { byteOffset: bigint; type: Type } {
    const found = this.#find(path);
    if (found === undefined) throw new LayoutError(this.type, path);
    return found;
  }

  #find(path: string): { byteOffset: bigint; type: Type } | undefined {
    if (this.#offsets.has(path)) return this.#offsets.get(path);
    let type = this.type;
    let bitOffset = 0;
    let found: { byteOffset: bigint; type: Type } | undefined;
    for (const name of path.split(".")) {
      const member = type.findMember(name);
      found = undefined;
      if (member === undefined || member.bitFieldSize !== 0) break;
      bitOffset += member.bitOffset;
      type = member.type;
      found = { byteOffset: BigInt(bitOffset >> 3), type };
    }
    this.#offsets.set(path, found);
    return found;
  }
}
