import { LimitError } from "../io/index.ts";
import * as K from "./constants.ts";
import { btfSectionName } from "./header.ts";
import { isModifier } from "./modifiers.ts";
import type { Btf, TypeId } from "./reader.ts";

/** Deepest nesting of types by value. No kernel comes near; types that contain themselves would not end. */
const maximumDepth = 128;

/**
 * What a compiler would make of the types of a BTF: their sizes and alignments, each worked out once.
 * BTF records no alignment, so a struct's is that of its most aligned member, unless its members
 * stand where only a packed struct has them.
 */
export class TypeSizes {
  readonly pointerByteSize: number;
  readonly #btf: Btf;
  /** 0 where not known yet. */
  readonly #alignments: Uint8Array;

  constructor(btf: Btf, pointerByteSize: number) {
    this.#btf = btf;
    this.pointerByteSize = pointerByteSize;
    this.#alignments = new Uint8Array(btf.typeCount);
  }

  /**
   * Bytes of a type; undefined for one without a size (void, forward declarations, functions).
   * @throws {LimitError} `BTF_DEPTH` for types that contain themselves.
   */
  byteSize(id: TypeId): number | undefined {
    let count = 1;
    for (let hops = 0; hops < maximumDepth; hops++) {
      const kind = this.#btf.kind(id);
      if (kind === K.BTF_KIND_ARRAY) {
        count *= this.#btf.arrayLength(id);
        id = this.#btf.arrayElementType(id);
      } else if (isModifier(kind) || kind === K.BTF_KIND_VAR) {
        id = this.#btf.sizeOrType(id);
      } else {
        const size = this.#ownByteSize(id, kind);
        return size === undefined ? undefined : size * count;
      }
    }
    throw tooDeep(id);
  }

  /**
   * Bytes; 0 for a type that has none.
   * @throws {LimitError} `BTF_DEPTH`
   */
  alignment(id: TypeId): number {
    return this.#alignment(id, 0);
  }

  /** Whether a struct's members are placed as only `__attribute__((packed))` places them. */
  isPacked(id: TypeId): boolean {
    const btf = this.#btf;
    let greatest = 1;
    for (let index = 0, count = btf.vlen(id); index < count; index++) {
      const alignment = this.alignment(btf.memberType(id, index));
      const isPlain = btf.memberBitfieldSize(id, index) === 0;
      if (alignment !== 0 && isPlain && btf.memberBitOffset(id, index) % (8 * alignment) !== 0) return true;
      greatest = Math.max(greatest, alignment);
    }
    return btf.sizeOrType(id) % greatest !== 0;
  }

  #ownByteSize(id: TypeId, kind: number): number | undefined {
    switch (kind) {
      case K.BTF_KIND_INT:
      case K.BTF_KIND_FLOAT:
      case K.BTF_KIND_STRUCT:
      case K.BTF_KIND_UNION:
      case K.BTF_KIND_ENUM:
      case K.BTF_KIND_ENUM64:
      case K.BTF_KIND_DATASEC:
        return this.#btf.sizeOrType(id);
      case K.BTF_KIND_PTR:
        return this.pointerByteSize;
      default:
        return undefined;
    }
  }

  #alignment(id: TypeId, depth: number): number {
    const known = this.#alignments[id]!;
    if (known !== 0) return known - 1;
    if (depth > maximumDepth) throw tooDeep(id);
    const btf = this.#btf;
    const kind = btf.kind(id);
    let alignment = 0;
    switch (kind) {
      case K.BTF_KIND_INT:
      case K.BTF_KIND_ENUM:
      case K.BTF_KIND_ENUM64:
      case K.BTF_KIND_FLOAT:
        alignment = Math.min(this.pointerByteSize, btf.sizeOrType(id));
        break;
      case K.BTF_KIND_PTR:
        alignment = this.pointerByteSize;
        break;
      case K.BTF_KIND_ARRAY:
        alignment = this.#alignment(btf.arrayElementType(id), depth + 1);
        break;
      case K.BTF_KIND_STRUCT:
      case K.BTF_KIND_UNION:
        alignment = this.#compositeAlignment(id, depth);
        break;
      default:
        if (isModifier(kind)) alignment = this.#alignment(btf.sizeOrType(id), depth + 1);
    }
    this.#alignments[id] = alignment + 1;
    return alignment;
  }

  #compositeAlignment(id: TypeId, depth: number): number {
    const btf = this.#btf;
    let greatest = 1;
    for (let index = 0, count = btf.vlen(id); index < count; index++) {
      const alignment = this.#alignment(btf.memberType(id, index), depth + 1);
      if (alignment === 0) return 0;
      const isPlain = btf.memberBitfieldSize(id, index) === 0;
      if (isPlain && btf.memberBitOffset(id, index) % (8 * alignment) !== 0) return 1;
      greatest = Math.max(greatest, alignment);
    }
    return btf.sizeOrType(id) % greatest === 0 ? greatest : 1;
  }
}

/** Size of the target's pointers: that of `long`, which a BTF of C has; else 8. */
export function pointerByteSizeOf(btf: Btf): number {
  return longByteSize(btf) ?? 8;
}

/** In a loop that an interpreter runs through quickly: sorted by name, `long` is far behind. */
function longByteSize(btf: Btf): number | undefined {
  const { base, words, offsets } = btf;
  const inBase = base === undefined ? undefined : longByteSize(base);
  if (inBase !== undefined) return inBase;
  for (let index = 0; index < offsets.length; index++) {
    const at = offsets[index]!;
    if (((words[at + 1]! >>> 24) & 0x7f) !== K.BTF_KIND_INT || !longNames.includes(btf.string(words[at]!)))
      continue;
    const size = words[at + 2]!;
    if (size === 4 || size === 8) return size;
  }
  return undefined;
}

/** How compilers spell `long`. */
export const longNames: readonly string[] = [
  "long",
  "long int",
  "int long",
  "unsigned long",
  "long unsigned",
  "unsigned long int",
  "unsigned int long",
  "long unsigned int",
  "long int unsigned",
  "int unsigned long",
  "int long unsigned",
];

function tooDeep(id: TypeId): LimitError {
  return new LimitError("BTF_DEPTH", `type ${id} lies more than ${maximumDepth} types deep`, {
    section: btfSectionName,
  });
}
