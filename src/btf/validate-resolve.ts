import * as K from "./constants.ts";
import { isComposite, isEnum, isModifier, skipModifiers } from "./modifiers.ts";
import { NameChecker } from "./name-check.ts";
import type { Btf, TypeId } from "./reader.ts";
import { memberProblem } from "./validate-member.ts";
import type { TypeProblem } from "./type-problem.ts";

/** What the checks that follow references found first. */
export interface ResolveProblem {
  typeId: TypeId;
  problem: TypeProblem;
}

/**
 * The checks that follow references ("resolve" checks), made for BTF that a program loads. They
 * expect a BTF that passed the checks of single records and of chains.
 *
 * A pointer may close a cycle, nothing else may; the kernel walks with a stack of 32 and knows
 * three modes, which decide where a walk may stop. Source: kernel/bpf/btf.c, v6.1.
 */
export function checkResolve(btf: Btf, pointerByteSize: number): ResolveProblem | undefined {
  const resolver = new Resolver(btf, pointerByteSize);
  for (let id = btf.startId; id < btf.typeCount; id++) {
    const problem = resolver.resolve(id) ?? resolver.checkPrototype(id);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Types deep the kernel follows references. */
const maximumDepth = 32;

const untouched = 0;
const onStack = 1;
const resolved = 2;

/** Where a walk may stop: not decided yet, begun at a pointer, begun at a struct or array. */
type Mode = "undecided" | "pointer" | "aggregate";

const stepInto = Symbol("a type to resolve first was pushed");
type Step = TypeProblem | typeof stepInto | undefined;

class Resolver {
  readonly #btf: Btf;
  readonly #pointerByteSize: number;
  readonly #names: NameChecker;
  readonly #state: Uint8Array;
  /** What a modifier, pointer or variable leads to, once resolved. */
  readonly #targets: Uint32Array;
  /** Bytes of an ARRAY, once resolved; 0 until then. */
  readonly #byteSizes: Uint32Array;
  #stack: TypeId[] = [];
  /** Per type on the stack: the member or entry to go on with. */
  #next: number[] = [];
  #mode: Mode = "undecided";

  constructor(btf: Btf, pointerByteSize: number) {
    const count = btf.offsets.length;
    this.#btf = btf;
    this.#pointerByteSize = pointerByteSize;
    this.#names = new NameChecker(btf);
    this.#state = new Uint8Array(count);
    this.#targets = new Uint32Array(count);
    this.#byteSizes = new Uint32Array(count);
  }

  resolve(id: TypeId): ResolveProblem | undefined {
    if (!needsResolve(this.#btf.kind(id)) || this.#isResolved(id)) return undefined;
    this.#mode = "undecided";
    this.#stack = [];
    this.#next = [];
    let step: Step = this.#push(id);
    while (this.#stack.length > 0 && (step === undefined || step === stepInto)) {
      step = this.#step(this.#stack[this.#stack.length - 1]!);
    }
    if (step === undefined || step === stepInto) return undefined;
    return { typeId: this.#stack[this.#stack.length - 1] ?? id, problem: step };
  }

  /** A FUNC_PROTO's return and parameter types have a size, and `...` is last and unnamed. */
  checkPrototype(id: TypeId): ResolveProblem | undefined {
    const btf = this.#btf;
    if (btf.kind(id) !== K.BTF_KIND_FUNC_PROTO) return undefined;
    const bad = (rule: string, text: string, word: number): ResolveProblem => ({
      typeId: id,
      problem: { rule, text, word },
    });
    const returnType = btf.sizeOrType(id);
    if (returnType !== 0) {
      const problem = this.#valueProblem(returnType);
      if (problem === "unsized") return bad("return-type", `return type ${returnType} has no size`, 2);
      if (problem !== undefined) return problem;
    }
    let count = btf.vlen(id);
    if (count > 0 && btf.parameterType(id, count - 1) === 0) {
      count--;
      if (btf.word(id, 3 + count * 2) !== 0)
        return bad("parameter", "the parameter for `...` has a name", 3 + count * 2);
    }
    for (let index = 0; index < count; index++) {
      const type = btf.parameterType(id, index);
      const nameOffset = btf.word(id, 3 + index * 2);
      if (nameOffset !== 0 && !this.#names.isIdentifier(nameOffset)) {
        return bad("parameter", `name of parameter ${index} is no identifier`, 3 + index * 2);
      }
      const problem = this.#valueProblem(type);
      if (problem === "unsized")
        return bad("parameter", `type ${type} of parameter ${index} has no size`, 4 + index * 2);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  #valueProblem(type: TypeId): ResolveProblem | "unsized" | undefined {
    if (isSourceOnly(this.#btf.kind(type))) return "unsized";
    return this.resolve(type) ?? (this.#sized(type) === undefined ? "unsized" : undefined);
  }

  #step(id: TypeId): Step {
    const kind = this.#btf.kind(id);
    if (isModifier(kind) || kind === K.BTF_KIND_PTR || kind === K.BTF_KIND_VAR)
      return this.#stepReference(id, kind);
    if (kind === K.BTF_KIND_ARRAY) return this.#stepArray(id);
    if (isComposite(kind)) return this.#stepComposite(id);
    if (kind === K.BTF_KIND_FUNC) return this.#stepFunction(id);
    if (kind === K.BTF_KIND_DECL_TAG) return this.#stepDeclTag(id);
    return this.#stepDatasec(id);
  }

  #stepReference(id: TypeId, kind: number): Step {
    const btf = this.#btf;
    const next = btf.sizeOrType(id);
    const nextKind = btf.kind(next);
    const bad = (): TypeProblem => ({
      rule: "reference",
      text: `${K.kindName(nextKind)} ${next} cannot be referred to here`,
      word: 2,
    });
    if (isSourceOnly(nextKind)) return bad();
    if (this.#mustFirst(next)) return this.#push(next);
    // A modifier that was resolved inside a struct stops at a pointer; a pointer or variable goes on from there.
    if (!isModifier(kind) && isModifier(nextKind)) {
      const target = this.#target(next);
      if (btf.kind(target) === K.BTF_KIND_PTR && this.#mustFirst(target)) return this.#push(target);
    }
    const sized = this.#sized(next);
    if (sized !== undefined) return this.#pop(sized.id, 0);
    const target = this.#isResolved(next) ? this.#target(next) : next;
    const targetKind = btf.kind(target);
    const mayLackSize = target === 0 || targetKind === K.BTF_KIND_FWD || targetKind === K.BTF_KIND_FUNC_PROTO;
    if (kind === K.BTF_KIND_VAR) {
      return {
        rule: "variable-type",
        text: `type ${next} of variable '${btf.name(id)}' has no size`,
        word: 2,
      };
    }
    return mayLackSize ? this.#pop(target, 0) : bad();
  }

  #stepArray(id: TypeId): Step {
    const btf = this.#btf;
    const indexType = btf.arrayIndexType(id);
    const badIndex: TypeProblem = {
      rule: "array-index",
      text: `index type ${indexType} is no whole integer`,
      word: 4,
    };
    if (isUnsized(btf.kind(indexType)) || isSourceOnly(btf.kind(indexType))) return badIndex;
    if (this.#mustFirst(indexType)) return this.#push(indexType);
    const index = this.#sized(indexType);
    if (index === undefined || !isRegularInt(btf, index.id)) return badIndex;
    const elementType = btf.arrayElementType(id);
    const badElement: TypeProblem = { rule: "array-element", text: `array of type ${elementType}`, word: 3 };
    if (isUnsized(btf.kind(elementType)) || isSourceOnly(btf.kind(elementType))) return badElement;
    if (this.#mustFirst(elementType)) return this.#push(elementType);
    const element = this.#sized(elementType);
    if (element === undefined) return badElement;
    if (btf.kind(element.id) === K.BTF_KIND_INT && !isRegularInt(btf, element.id)) return badElement;
    const byteSize = element.byteSize * btf.arrayLength(id);
    if (byteSize > 0xffff_ffff) return { rule: "array-size", text: `array of ${byteSize} bytes`, word: 5 };
    return this.#pop(element.id, byteSize);
  }

  #stepComposite(id: TypeId): Step {
    const btf = this.#btf;
    const top = this.#stack.length - 1;
    const from = this.#next[top]!;
    for (let index = Math.max(from - 1, 0), count = btf.vlen(id); index < count; index++) {
      const type = btf.memberType(id, index);
      if (index >= from) {
        if (isUnsized(btf.kind(type)) || isSourceOnly(btf.kind(type))) return this.#badMember(id, index);
        if (this.#mustFirst(type)) {
          this.#next[top] = index + 1;
          return this.#push(type);
        }
      }
      const sized = this.#sized(type);
      if (sized === undefined) return this.#badMember(id, index);
      const problem = memberProblem(btf, id, index, sized.id, sized.byteSize, this.#pointerByteSize);
      if (problem !== undefined) return problem;
    }
    return this.#pop(0, 0);
  }

  #badMember(id: TypeId, index: number): TypeProblem {
    const text = `member ${index} '${this.#btf.memberName(id, index)}' has a type without size`;
    return { rule: "member-type", text, word: 4 + index * 3 };
  }

  #stepFunction(id: TypeId): Step {
    const btf = this.#btf;
    const prototype = btf.sizeOrType(id);
    if (btf.kind(prototype) !== K.BTF_KIND_FUNC_PROTO) {
      return {
        rule: "function-type",
        text: `type ${prototype} of '${btf.name(id)}' is no FUNC_PROTO`,
        word: 2,
      };
    }
    for (let index = 0, count = btf.vlen(prototype); index < count; index++) {
      if (btf.word(prototype, 3 + index * 2) === 0 && btf.parameterType(prototype, index) !== 0) {
        return { rule: "parameter", text: `parameter ${index} of '${btf.name(id)}' has no name`, word: 2 };
      }
    }
    return this.#pop(prototype, 0);
  }

  #stepDeclTag(id: TypeId): Step {
    const btf = this.#btf;
    const target = btf.declTagTarget(id);
    const kind = btf.kind(target);
    const isCode = kind === K.BTF_KIND_FUNC;
    if (!isCode && !isComposite(kind) && kind !== K.BTF_KIND_VAR && kind !== K.BTF_KIND_TYPEDEF) {
      return { rule: "tag-target", text: `${K.kindName(kind)} ${target} cannot be tagged`, word: 2 };
    }
    if (this.#mustFirst(target)) return this.#push(target);
    const component = btf.declTagComponent(id);
    const count = isCode ? btf.vlen(btf.sizeOrType(target)) : isComposite(kind) ? btf.vlen(target) : 0;
    if (component >= count) return { rule: "component", text: `component ${component} of ${count}`, word: 3 };
    return this.#pop(target, 0);
  }

  #stepDatasec(id: TypeId): Step {
    const btf = this.#btf;
    const top = this.#stack.length - 1;
    this.#mode = "undecided";
    for (let index = this.#next[top]!, count = btf.vlen(id); index < count; index++) {
      const variable = btf.sectionEntryType(id, index);
      const word = 3 + index * 3;
      if (btf.kind(variable) !== K.BTF_KIND_VAR)
        return { rule: "entry-type", text: `entry ${index} is no VAR`, word };
      if (this.#mustFirst(variable)) {
        // The entry's size is checked only when its variable is known already, as in the kernel.
        this.#next[top] = index + 1;
        return this.#push(variable);
      }
      const sized = this.#sized(btf.sizeOrType(variable));
      if (sized === undefined || btf.sectionEntryByteSize(id, index) < sized.byteSize) {
        const text = `entry ${index} '${btf.name(variable)}' of ${btf.sectionEntryByteSize(id, index)} bytes is smaller than its type`;
        return { rule: "entry-size", text, word: word + 2 };
      }
    }
    return this.#pop(0, 0);
  }

  #push(id: TypeId): Step {
    if (this.#stack.length === maximumDepth) {
      return { rule: "too-deep", text: `references go deeper than ${maximumDepth} types` };
    }
    const index = id - this.#btf.startId;
    if (index < 0 || this.#state[index] !== untouched)
      return { rule: "loop", text: `reaches type ${id} again without a pointer between` };
    this.#state[index] = onStack;
    this.#stack.push(id);
    this.#next.push(0);
    const kind = this.#btf.kind(id);
    if (this.#mode === "undecided") {
      if (kind === K.BTF_KIND_PTR) this.#mode = "pointer";
      else if (isComposite(kind) || kind === K.BTF_KIND_ARRAY) this.#mode = "aggregate";
    }
    return stepInto;
  }

  #pop(target: TypeId, byteSize: number): undefined {
    const index = this.#stack.pop()! - this.#btf.startId;
    this.#next.pop();
    this.#targets[index] = target;
    this.#byteSizes[index] = byteSize;
    this.#state[index] = resolved;
    return undefined;
  }

  #isResolved(id: TypeId): boolean {
    return id < this.#btf.startId || this.#state[id - this.#btf.startId] === resolved;
  }

  #mustFirst(id: TypeId): boolean {
    return !this.#isSink(this.#btf.kind(id)) && !this.#isResolved(id);
  }

  #isSink(kind: number): boolean {
    if (this.#mode === "undecided") return !needsResolve(kind);
    if (isModifier(kind)) return false;
    if (this.#mode === "pointer") return kind !== K.BTF_KIND_PTR;
    return kind !== K.BTF_KIND_ARRAY && !isComposite(kind);
  }

  #target(id: TypeId): TypeId {
    if (id >= this.#btf.startId) return this.#targets[id - this.#btf.startId]!;
    return skipModifiers(this.#btf, id) ?? 0;
  }

  /** The type a chain of modifiers ends at, with its size; undefined for types that have none. */
  #sized(id: TypeId): { id: TypeId; byteSize: number } | undefined {
    const kind = this.#btf.kind(id);
    const end = isModifier(kind) || kind === K.BTF_KIND_VAR ? this.#target(id) : id;
    const endKind = this.#btf.kind(end);
    if (endKind === K.BTF_KIND_PTR) return { id: end, byteSize: this.#pointerByteSize };
    if (endKind === K.BTF_KIND_ARRAY) return { id: end, byteSize: this.#arrayByteSize(end) };
    const hasSize =
      endKind === K.BTF_KIND_INT ||
      endKind === K.BTF_KIND_FLOAT ||
      endKind === K.BTF_KIND_DATASEC ||
      isComposite(endKind) ||
      isEnum(endKind);
    return hasSize ? { id: end, byteSize: this.#btf.sizeOrType(end) } : undefined;
  }

  #arrayByteSize(id: TypeId): number {
    const btf = this.#btf;
    if (id >= btf.startId) return this.#byteSizes[id - btf.startId]!;
    // An array of a base: the base was checked when it was loaded, so this ends.
    let count = 1;
    let element = id;
    for (let depth = 0; depth < 64; depth++) {
      const end = skipModifiers(btf, element) ?? 0;
      if (btf.kind(end) !== K.BTF_KIND_ARRAY) {
        if (btf.kind(end) === K.BTF_KIND_PTR) return count * this.#pointerByteSize;
        return end === 0 ? 0 : count * btf.sizeOrType(end);
      }
      count *= btf.arrayLength(end);
      element = btf.arrayElementType(end);
    }
    return 0;
  }
}

function needsResolve(kind: number): boolean {
  return (
    isModifier(kind) ||
    isComposite(kind) ||
    isSourceOnly(kind) ||
    kind === K.BTF_KIND_PTR ||
    kind === K.BTF_KIND_ARRAY ||
    kind === K.BTF_KIND_FUNC
  );
}

/** Kinds nothing but their own list (or a tag) may refer to. */
function isSourceOnly(kind: number): boolean {
  return kind === K.BTF_KIND_VAR || kind === K.BTF_KIND_DECL_TAG || kind === K.BTF_KIND_DATASEC;
}

function isUnsized(kind: number): boolean {
  return (
    kind === K.BTF_KIND_UNKN ||
    kind === K.BTF_KIND_FWD ||
    kind === K.BTF_KIND_FUNC ||
    kind === K.BTF_KIND_FUNC_PROTO ||
    kind === K.BTF_KIND_DECL_TAG
  );
}

/** An INT of 1, 2, 4, 8 or 16 whole bytes. */
export function isRegularInt(btf: Btf, id: TypeId): boolean {
  if (btf.kind(id) !== K.BTF_KIND_INT || btf.intBitOffset(id) !== 0) return false;
  return [8, 16, 32, 64, 128].includes(btf.intBitSize(id));
}
