import { DwarflessError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { offsetOf, type Type } from "../program/index.ts";

/**
 * Where members of the log's structs stand: by BTF, or by what VMCOREINFO states of them for tools that have
 * no types.
 */
export class PrintkLayout {
  readonly #kernel: Kernel;
  readonly #types = new Map<string, Type | undefined>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  has(struct: string): boolean {
    return this.#type(struct) !== undefined || this.#vmcoreinfo?.size(struct) !== undefined;
  }

  /** Bytes of a struct. @throws {DwarflessError} `NO_LAYOUT` */
  byteSize(struct: string): number {
    return this.#type(struct)?.byteSize ?? this.#vmcoreinfo?.size(struct) ?? fail(struct);
  }

  /** Byte offset of a member, undefined where nothing says. */
  find(struct: string, member: string): number | undefined {
    const type = this.#type(struct);
    if (type === undefined) return this.#vmcoreinfo?.offset(`${struct}.${member}`);
    return type.findMember(member) === undefined ? undefined : offsetOf(type, member);
  }

  /** @throws {DwarflessError} `NO_LAYOUT` */
  offset(struct: string, member: string): number {
    return this.find(struct, member) ?? fail(`${struct}.${member}`);
  }

  get #vmcoreinfo(): Kernel["foundation"]["vmcoreinfo"] {
    return this.#kernel.foundation.vmcoreinfo;
  }

  #type(struct: string): Type | undefined {
    if (!this.#types.has(struct)) {
      const found = this.#kernel.types.find(`struct ${struct}`);
      this.#types.set(struct, found?.isComplete === true ? found : undefined);
    }
    return this.#types.get(struct);
  }
}

function fail(what: string): never {
  throw new DwarflessError("NO_LAYOUT", `neither BTF nor VMCOREINFO says where ${what} is`);
}
