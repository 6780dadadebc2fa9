import type { Btf, BtfBuilder } from "../../src/btf/index.ts";
import { FaultError } from "../../src/io/index.ts";
import type { VirtualMemory } from "../../src/memory/index.ts";
import { Program, type Type, TypeTable, type Variable } from "../../src/program/index.ts";

/** Memory made of a few runs of bytes; everything else is unmapped. */
export class MockMemory implements VirtualMemory {
  readonly littleEndian: boolean;
  readonly pageByteSize = 4096;
  readonly #runs: { address: bigint; bytes: Uint8Array }[] = [];

  constructor(littleEndian = true) {
    this.littleEndian = littleEndian;
  }

  put(address: bigint, bytes: Uint8Array | readonly number[] | string): void {
    const content = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : Uint8Array.from(bytes);
    // The newest run wins where runs overlap.
    this.#runs.unshift({ address, bytes: content });
  }

  /** 64-bit words, in this machine's byte order. */
  putWords(address: bigint, ...words: readonly bigint[]): void {
    this.put(address, new Uint8Array(BigUint64Array.from(words).buffer));
  }

  readInto(target: Uint8Array, address: bigint): void {
    for (let index = 0; index < target.length; index++) {
      const at = BigInt.asUintN(64, address + BigInt(index));
      const run = this.#runs.find(
        (each) => at >= each.address && at < each.address + BigInt(each.bytes.length),
      );
      if (run === undefined) throw new FaultError("unmapped", at, "virtual");
      target[index] = run.bytes[Number(at - run.address)]!;
    }
  }

  read(address: bigint, byteSize: number): Uint8Array {
    const bytes = new Uint8Array(byteSize);
    this.readInto(bytes, address);
    return bytes;
  }

  readU8(address: bigint): number {
    return this.read(address, 1)[0]!;
  }

  readU16(address: bigint): number {
    return this.#view(address, 2).getUint16(0, this.littleEndian);
  }

  readU32(address: bigint): number {
    return this.#view(address, 4).getUint32(0, this.littleEndian);
  }

  readU64(address: bigint): bigint {
    return this.#view(address, 8).getBigUint64(0, this.littleEndian);
  }

  readCString(address: bigint, maximum = 256): string {
    let text = "";
    for (let index = 0; index < maximum; index++) {
      const byte = this.readU8(address + BigInt(index));
      if (byte === 0) break;
      text += String.fromCharCode(byte);
    }
    return text;
  }

  translate(address: bigint): number {
    throw new FaultError("unmapped", address, "virtual");
  }

  #view(address: bigint, byteSize: number): DataView {
    return new DataView(this.read(address, byteSize).buffer);
  }
}

export interface MockProgramParts {
  btf: Btf;
  memory?: MockMemory;
  variables?: Record<string, { type: string | Type; address: bigint; perCpu?: boolean }>;
  /** Name, start and size of symbols. */
  symbols?: readonly { name: string; address: bigint; byteSize: number }[];
}

/** A program over memory that a test writes, with the types of a BTF that it builds. */
export function mockProgram(parts: MockProgramParts): Program {
  const types = new TypeTable([{ name: "vmlinux", btf: parts.btf }]);
  const memory = parts.memory ?? new MockMemory();
  const symbols = parts.symbols ?? [];
  const variables = new Map<string, Variable>();
  for (const [name, { type, address, perCpu = false }] of Object.entries(parts.variables ?? {})) {
    const found = typeof type === "string" ? types.get(type) : type;
    variables.set(name, { name, type: found, address, source: "btf", perCpu });
  }
  return new Program({
    memory,
    types,
    symbolizer: {
      symbolAt(address) {
        const found = symbols.find(
          (each) => address >= each.address && address < each.address + BigInt(each.byteSize),
        );
        return found === undefined ? undefined : { name: found.name, offset: address - found.address };
      },
      find: (name) => symbols.find((each) => each.name === name),
    },
    variables: {
      find: (name) => variables.get(name),
      findAll: (name) => [variables.get(name)].filter((found) => found !== undefined),
      names: () => variables.keys(),
    },
    perCpuAddress: (address, cpu) => address + BigInt(cpu) * 0x1000n,
  });
}

/** The types that most tests need, by name. */
export function commonTypes(
  builder: BtfBuilder,
): Record<"char" | "int" | "uint" | "long" | "ulong" | "bool" | "u8", number> {
  const char = builder.addInt("char", 1, 1);
  const int = builder.addInt("int", 4, 1);
  const uint = builder.addInt("unsigned int", 4);
  const long = builder.addInt("long int", 8, 1);
  const ulong = builder.addInt("long unsigned int", 8);
  const bool = builder.addInt("_Bool", 1, 4);
  const uchar = builder.addInt("unsigned char", 1);
  const u8 = builder.addTypedef("u8", uchar);
  return { char, int, uint, long, ulong, bool, u8 };
}

/** Adds a struct with members by name: type, and offset in bytes. */
export type AddStruct = (
  name: string,
  byteSize: number,
  members: Readonly<Record<string, readonly [type: number, offset: number]>>,
) => number;

/** Structs as most tests write them: no bit-fields. */
export function structAdder(builder: BtfBuilder): AddStruct {
  return (name, byteSize, members) =>
    builder.addStruct(
      name,
      byteSize,
      Object.entries(members).map(([member, [type, offset]]) => ({
        name: member,
        type,
        bitOffset: offset * 8,
      })),
    );
}
