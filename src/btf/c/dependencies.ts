import { FormatError, LimitError } from "../../io/index.ts";
import * as K from "../constants.ts";
import { btfSectionName } from "../header.ts";
import { isEnum, isModifier } from "../modifiers.ts";
import type { Btf, TypeId } from "../reader.ts";
import { forEachTypeWord } from "../records.ts";

const stateInProgress = 1;
const stateDone = 2;
/** Deepest path of references followed; kernels stay below 100. */
const maximumDepth = 1500;

/**
 * Finds what must be defined before a type can be: everything that it holds by value, and the
 * typedefs and unnamed types on the way, which cannot be declared ahead. A type is queued once.
 */
export class Dependencies {
  readonly #btf: Btf;
  readonly #states: Uint8Array;
  /** 1 for types that some other refers to. */
  readonly #referenced: Uint8Array;
  #queue: TypeId[] = [];
  /** Steps left: prototypes within each other are walked each time they are met. */
  #budget: number;

  constructor(btf: Btf) {
    this.#btf = btf;
    this.#budget = 1_000_000 + btf.typeCount * 200;
    this.#states = new Uint8Array(btf.typeCount);
    this.#referenced = findReferenced(btf);
  }

  /**
   * What to define for a type, first things first, without what earlier calls gave.
   * @throws {FormatError} `BTF_CYCLE` where types contain each other, `BTF_DEPTH` where there is no end to them
   */
  queueFor(id: TypeId): TypeId[] {
    this.#queue = [];
    this.#visit(id, false, 0);
    return this.#queue;
  }

  /**
   * @param isBehindPointer whether the path to here has a pointer, so that a tag would do.
   * @returns whether the type must be whole where it is used.
   */
  #visit(id: TypeId, isBehindPointer: boolean, depth: number): boolean {
    if (this.#states[id] === stateDone) return true;
    const btf = this.#btf;
    const kind = btf.kind(id);
    if (this.#states[id] === stateInProgress) {
      const isTagged = kind === K.BTF_KIND_STRUCT || kind === K.BTF_KIND_UNION;
      if (isTagged && isBehindPointer && btf.nameOffset(id) !== 0) return false;
      throw cycle(btf, id);
    }
    if (depth > maximumDepth || --this.#budget < 0) {
      const problem =
        depth > maximumDepth
          ? `type ${id} lies behind more than ${maximumDepth} others`
          : `type ${id} lies within too many others`;
      throw new LimitError("BTF_DEPTH", problem, { section: btfSectionName });
    }
    switch (kind) {
      case K.BTF_KIND_PTR: {
        const isStrong = this.#visit(btf.sizeOrType(id), true, depth + 1);
        this.#states[id] = stateDone;
        return isStrong;
      }
      case K.BTF_KIND_ARRAY:
        return this.#visit(btf.arrayElementType(id), false, depth + 1);
      case K.BTF_KIND_STRUCT:
      case K.BTF_KIND_UNION:
        return this.#visitComposite(id, isBehindPointer, depth);
      case K.BTF_KIND_ENUM:
      case K.BTF_KIND_ENUM64:
      case K.BTF_KIND_FWD:
        // An unnamed enum that something refers to is written out there.
        if (btf.nameOffset(id) !== 0 || this.#referenced[id] === 0) this.#queue.push(id);
        this.#states[id] = stateDone;
        return true;
      case K.BTF_KIND_TYPEDEF: {
        const isStrong = this.#visit(btf.sizeOrType(id), isBehindPointer, depth + 1);
        if (isBehindPointer && !isStrong) return false;
        this.#queue.push(id);
        this.#states[id] = stateDone;
        return true;
      }
      case K.BTF_KIND_FUNC_PROTO: {
        let isStrong = this.#visit(btf.sizeOrType(id), isBehindPointer, depth + 1);
        for (let index = 0, count = btf.vlen(id); index < count; index++) {
          if (this.#visit(btf.parameterType(id, index), isBehindPointer, depth + 1)) isStrong = true;
        }
        return isStrong;
      }
      default:
        if (isModifier(kind)) return this.#visit(btf.sizeOrType(id), isBehindPointer, depth + 1);
        this.#states[id] = stateDone;
        return false;
    }
  }

  #visitComposite(id: TypeId, isBehindPointer: boolean, depth: number): boolean {
    const btf = this.#btf;
    const isNamed = btf.nameOffset(id) !== 0;
    if (isBehindPointer && isNamed) return false;
    this.#states[id] = stateInProgress;
    for (let index = 0, count = btf.vlen(id); index < count; index++)
      this.#visit(btf.memberType(id, index), false, depth + 1);
    if (isNamed) this.#queue.push(id);
    this.#states[id] = stateDone;
    return true;
  }
}

/** Every type that a record refers to, but not for the index of an array or from a tag on it. */
function findReferenced(btf: Btf): Uint8Array {
  const referenced = new Uint8Array(btf.typeCount);
  for (let level: Btf | undefined = btf; level !== undefined; level = level.base) {
    const { words, offsets } = level;
    for (const at of offsets) {
      forEachTypeWord(words, at, (word) => {
        referenced[words[word]!] = 1;
      });
    }
  }
  return referenced;
}

function cycle(btf: Btf, id: TypeId): FormatError {
  const what = isEnum(btf.kind(id)) ? "enum" : K.kindName(btf.kind(id));
  return new FormatError("BTF_CYCLE", `${what} ${id} '${btf.name(id)}' contains itself`, {
    ...(btf.inputName !== undefined && { file: btf.inputName }),
    section: btfSectionName,
  });
}
