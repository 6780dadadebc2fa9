import { FaultError } from "../io/index.ts";
import { printableName } from "../btf/index.ts";
import { AbsentError } from "./errors.ts";
import { type FormatOptions, withDefaults } from "./format-options.ts";
import { type Braces, type Item, layOut } from "./format-layout.ts";
import { characterText, floatText, integerText, isCharacter, stringText } from "./format-scalar.ts";
import type { KernelObject } from "./object.ts";
import { snapshot } from "./snapshot.ts";
import { readCStringBytes } from "./string-memory.ts";
import type { Type } from "./type.ts";
import { isZeroObject, lengthWithoutZeros } from "./zero.ts";

/** Finds the symbol that an address lies in. */
export type FindSymbol = (
  address: bigint,
) => { readonly name: string; readonly offset: bigint | number } | undefined;

/**
 * Text of an object as C would initialise it, by drgn's rules, so that the two can be compared:
 *
 *     (struct list_head){
 *     	.next = (struct list_head *)init_task+0x3c8 = 0xffffffff8261a9c8,
 *     	.prev = (struct list_head *)0xffff888003f0e010,
 *     }
 *
 * What memory has no answer for is `<why>` in its place. All of it is printable ASCII, whatever lies
 * in memory, but for line ends and tabs of the layout and letters beyond ASCII in names.
 */
export function formatObject(
  object: KernelObject,
  options: FormatOptions = {},
  findSymbol?: FindSymbol,
): string {
  return new Formatter(withDefaults(options), findSymbol).format(object);
}

/** What changes on the way down. */
interface Level {
  readonly showType: boolean;
  readonly dereference: boolean;
  readonly depth: number;
}

class Formatter {
  readonly #options: Required<FormatOptions>;
  readonly #findSymbol: FindSymbol | undefined;
  /** Characters of values so far. */
  #length = 0;
  /** Members and elements visited so far. */
  #items = 0;

  constructor(options: Required<FormatOptions>, findSymbol: FindSymbol | undefined) {
    this.#options = options;
    this.#findSymbol = findSymbol;
  }

  format(object: KernelObject): string {
    const { columns, typeName, dereference } = this.#options;
    const level = { showType: typeName, dereference, depth: 0 };
    return this.#object(object, level, 0, columns, Math.max(1, columns)) ?? "";
  }

  #object(
    object: KernelObject,
    level: Level,
    indent: number,
    oneLine: number,
    multiLine: number,
  ): string | undefined {
    const { underlying } = object.type;
    const before = this.#length;
    let text: string | undefined;
    if (underlying.kind === "pointer" && object.kind !== "absent") {
      text = this.#pointer(object, level, indent, oneLine, multiLine);
    } else {
      const prefix = this.#prefix(object.type, level);
      const value = this.#value(object, level, indent, Math.max(0, oneLine - prefix.length), multiLine);
      text = value === undefined ? undefined : prefix + value;
    }
    // What did not fit is done again on more lines, and must not count twice.
    this.#length = before + (text?.length ?? 0);
    return text;
  }

  #prefix(type: Type, level: Level): string {
    return level.showType ? `(${type.typeName()})` : "";
  }

  #value(
    object: KernelObject,
    level: Level,
    indent: number,
    oneLine: number,
    multiLine: number,
  ): string | undefined {
    const { underlying } = object.type;
    if (object.kind === "absent") return absenceText(object);
    switch (underlying.kind) {
      case "struct":
      case "union":
        if (!underlying.isComplete) return "<incomplete type>";
        return this.#braces(object, underlying, level, indent, oneLine, multiLine);
      case "array":
        if (
          this.#options.string &&
          (underlying.length ?? 0) > 0 &&
          isCharacter(underlying.target!.unqualified)
        ) {
          return readable(() =>
            this.#string(object.stringBytes(this.#options.maximumStringLength), underlying.length!),
          );
        }
        return this.#braces(object, underlying, level, indent, oneLine, multiLine);
      case "function":
        return object.address === undefined ? "<function>" : `0x${object.address.toString(16)}`;
      case "void":
        return "<void>";
      default:
        return readable(() => this.#scalar(object));
    }
  }

  /** A string of which `length` bytes could be had, or fewer were read. */
  #string(bytes: Uint8Array, length: number): string {
    const { maximumStringLength } = this.#options;
    const isCut = bytes.length === maximumStringLength && length > maximumStringLength;
    return `${stringText(bytes)}${isCut ? "..." : ""}`;
  }

  #scalar(object: KernelObject): string {
    const { underlying } = object.type;
    if (object.isPerCpu) return "<per-CPU>";
    const { value } = object.operand();
    if (value === undefined) return `<${underlying.byteSize}-byte ${underlying.kind}>`;
    if (typeof value === "number") return floatText(value);
    const { integerBase, char } = this.#options;
    if (underlying.kind === "enum") return enumText(underlying, value);
    if (char && isCharacter(object.type.unqualified)) return `'${characterText(Number(value & 0xffn), "'")}'`;
    return integerText(value, integerBase, underlying.byteSize * 8);
  }

  #pointer(
    object: KernelObject,
    level: Level,
    indent: number,
    oneLine: number,
    multiLine: number,
  ): string | undefined {
    const prefix = this.#prefix(object.type, level);
    const value = object.isPerCpu ? undefined : readPointer(object);
    if (typeof value !== "bigint") return `${prefix}${value ?? "<per-CPU>"}`;
    const symbol = this.#options.symbolize ? this.#findSymbol?.(value) : undefined;
    const symbolText =
      symbol === undefined ? "" : `${printableName(symbol.name)}+0x${symbol.offset.toString(16)} = `;
    const address = `${symbolText}0x${value.toString(16)}`;
    const target = object.type.underlying.target!;
    if (this.#options.string && isCharacter(target.unqualified)) {
      const text = this.#pointedString(object, value);
      return `${prefix}${address}${text === undefined ? "" : ` = ${text}`}`;
    }
    if (!level.dereference || !isDereferenceable(object, target)) return prefix + address;
    const start = `*${prefix}${symbol === undefined ? address : `(${address})`} = `;
    const inner = { showType: false, dereference: false, depth: level.depth };
    const columns = Math.max(0, oneLine - start.length);
    const rest = this.#object(object.dereference(), inner, indent, columns, multiLine);
    return rest === undefined ? undefined : start + rest;
  }

  #pointedString(object: KernelObject, address: bigint): string | undefined {
    const { maximumStringLength } = this.#options;
    try {
      const { bytes, isTerminated } = readCStringBytes(object.program.memory, address, maximumStringLength);
      return `${stringText(bytes)}${isTerminated ? "" : "..."}`;
    } catch (error) {
      if (error instanceof FaultError) return undefined;
      throw error;
    }
  }

  #braces(
    object: KernelObject,
    type: Type,
    level: Level,
    indent: number,
    oneLine: number,
    multiLine: number,
  ): string | undefined {
    const { membersSameLine, elementsSameLine, maximumDepth } = this.#options;
    if (object.isPerCpu) return "<per-CPU>";
    if (level.depth >= maximumDepth) return "{ ... }";
    const source = snapshot(object);
    const depth = level.depth + 1;
    const braces: Braces = type.isComposite
      ? { items: () => this.#members(source, type, depth), isSameLine: membersSameLine }
      : { items: () => this.#elements(source, type, depth), isSameLine: elementsSameLine };
    return layOut(braces, indent, oneLine, multiLine);
  }

  *#members(object: KernelObject, type: Type, depth: number, nesting = 0): Generator<Item> {
    const { memberNames, memberTypeNames, implicitMembers } = this.#options;
    const level = { showType: memberTypeNames, dereference: false, depth };
    const { members } = type;
    let end = members.length;
    // Without names, a zero can be left out only where no other member follows.
    if (!memberNames && !implicitMembers) {
      while (end > 0 && isZeroObject(object.part(members[end - 1]!))) end--;
    }
    for (let index = 0; index < end; index++) {
      if (this.#isFull()) return yield note(`... (${end - index} more)`);
      const member = members[index]!;
      const part = object.part(member);
      const inner = member.type.underlying;
      if (memberNames && member.name === "" && inner.isComposite) {
        if (nesting < maximumNesting) yield* this.#members(part, inner, depth, nesting + 1);
        continue;
      }
      if (memberNames && !implicitMembers && isZeroObject(part)) continue;
      const designation = memberNames && member.name !== "" ? `.${printableName(member.name)} = ` : "";
      yield { designation, format: (indent, one, multi) => this.#object(part, level, indent, one, multi) };
    }
  }

  *#elements(object: KernelObject, type: Type, depth: number): Generator<Item> {
    const { elementIndices, elementTypeNames, implicitElements, maximumElements } = this.#options;
    const level = { showType: elementTypeNames, dereference: false, depth };
    const end = elementIndices || implicitElements ? (type.length ?? 0) : lengthWithoutZeros(object);
    let shown = 0;
    for (let index = 0; index < end; index++) {
      if (shown >= maximumElements || this.#isFull()) return yield note(`... (${end - index} more)`);
      const part = object.index(index);
      if (elementIndices && !implicitElements && isZeroObject(part)) continue;
      shown++;
      const designation = elementIndices ? `[${index}] = ` : "";
      yield { designation, format: (indent, one, multi) => this.#object(part, level, indent, one, multi) };
    }
  }

  /** Enough text, or enough work: types can be made that have endlessly many members and no text. */
  #isFull(): boolean {
    return this.#length > this.#options.maximumLength || ++this.#items > maximumItems;
  }
}

/** Most members and elements visited for one text. */
const maximumItems = 0x10_0000;
/** Deepest nesting of anonymous members. */
const maximumNesting = 64;

function note(text: string): Item {
  return { designation: "", format: () => text };
}

function enumText(type: Type, value: bigint): string {
  const name = type.enumeratorName(value);
  return name === undefined ? value.toString() : printableName(name);
}

function absenceText(object: KernelObject): string {
  const reason = object.absence;
  return `<${reason instanceof FaultError ? reason.message : (reason ?? "absent")}>`;
}

/** The text that `make` gives, or why memory has no answer. */
function readable(make: () => string): string {
  try {
    return make();
  } catch (error) {
    if (error instanceof FaultError) return `<${error.message}>`;
    if (error instanceof AbsentError) return "<per-CPU>";
    throw error;
  }
}

/** A pointer's value, or the text of why it has none. */
function readPointer(object: KernelObject): bigint | string {
  let value = 0n;
  const problem = readable(() => {
    value = object.scalar() as bigint;
    return "";
  });
  return problem === "" ? value : problem;
}

/** False for `void *`, functions, declared types, and where not even the first byte is there. */
function isDereferenceable(object: KernelObject, target: Type): boolean {
  const { underlying } = target;
  if (underlying.kind === "void" || underlying.kind === "function") return false;
  if (underlying.isComposite && !underlying.isComplete) return false;
  if ((underlying.byteSizeIf ?? 0) === 0) return true;
  try {
    object.program.memory.readU8(object.scalar() as bigint);
    return true;
  } catch (error) {
    if (error instanceof FaultError) return false;
    throw error;
  }
}
