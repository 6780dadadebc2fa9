import { Slot, Step } from "../dwarf/abbreviations.ts";
import * as d from "../dwarf/constants.ts";
import { Expression } from "../dwarf/expression.ts";
import { grownInt32 } from "../util/columns.ts";
import type { IdSet } from "../util/id-set.ts";
import { callingConventionOf } from "./calling-convention.ts";
import { ParameterReader, type FunctionEntry, type Parameter } from "./parameters.ts";
import { TypeConverter } from "./type-converter.ts";
import type { PlacedUnit, UnitReader, UnitRoot } from "./unit-reader.ts";
import type { UnitTypes } from "./unit-types.ts";

/** Flags of a function record. */
export const FunctionFlag = {
  unexpectedRegister: 1,
  optimizedParameters: 2,
  uncertainLocation: 4,
  reordered: 8,
  signatureChanged: 16,
} as const;

/** Flags of a variable record. */
export const VariableFlag = {
  external: 1,
  /** Inside a function. */
  local: 2,
  artificial: 4,
} as const;

/**
 * What one unit (or merged group) gives: types, and records of functions and variables that refer
 * to them by unit id. Records are runs of words; see {@link UnitEncoder.output}.
 */
export interface UnitOutput {
  types: UnitTypes;
  functions: Int32Array;
  functionWords: number;
  variables: Int32Array;
  variableWords: number;
}

interface VariableEntry {
  name: number;
  /** Type of the defining DIE and of the declaration it completes; -1 for none. */
  typeKey: number;
  declaredTypeKey: number;
  address: bigint;
  flags: number;
  annotations: number[];
}

/** Scopes nested deeper than this in one function are not a program. */
const maximumDepth = 4096;

/** Walks the DIEs of units and sorts them: types to the converter, functions and variables to records. */
export class UnitEncoder {
  readonly converter: TypeConverter;
  private readonly reader: UnitReader;
  private readonly parameters: ParameterReader;
  private readonly functionNames: IdSet;
  private readonly expression = new Expression();
  private functions: FunctionEntry[] = [];
  private parametersByKey = new Map<number, Parameter>();
  private variables: VariableEntry[] = [];
  private readonly functionAtDepth: (FunctionEntry | undefined)[] = [];
  private functionWords: Int32Array<ArrayBuffer> = new Int32Array(1 << 12);
  private variableWords: Int32Array<ArrayBuffer> = new Int32Array(1 << 12);
  private clang = false;
  /** Units left out by language or name, and units read. */
  unitsSkipped = 0;
  unitsRead = 0;

  constructor(reader: UnitReader, functionNames: IdSet) {
    this.reader = reader;
    this.functionNames = functionNames;
    this.converter = new TypeConverter(reader);
    this.parameters = new ParameterReader(reader, callingConventionOf(reader.settings.machine));
  }

  /** Read one unit, or all units of the file as one group. */
  encode(units: readonly PlacedUnit[], merged: boolean): UnitOutput {
    this.reader.setGroup(units, merged);
    this.begin(this.reader.keyLimit(units));
    for (let i = 0; i < units.length; i++) {
      const root = this.reader.enter(i);
      if (!this.wanted(root)) {
        this.unitsSkipped++;
        continue;
      }
      this.unitsRead++;
      this.clang = root.producerIsClang;
      if (root.hasChildren) this.walk();
    }
    return this.output();
  }

  private begin(keyLimit: number): void {
    this.converter.begin(keyLimit);
    this.functions = [];
    this.parametersByKey = new Map();
    this.variables = [];
  }

  private wanted(root: UnitRoot): boolean {
    const { settings, sections, isSplit } = this.reader;
    // A skeleton, which before DWARF 5 has no tag of its own: the unit itself is in another file.
    if (root.splitName !== 0 && !isSplit) return false;
    if (
      root.tag !== d.DW_TAG_compile_unit &&
      root.tag !== d.DW_TAG_type_unit &&
      !(root.tag === d.DW_TAG_partial_unit && this.reader.merged)
    ) {
      return false;
    }
    if (settings.excludedLanguages.includes(root.language)) return false;
    // A partial unit has the language of those that import it; type units carry their own.
    if (
      settings.languages !== undefined &&
      root.tag === d.DW_TAG_compile_unit &&
      !settings.languages.includes(root.language)
    ) {
      return false;
    }
    if (settings.excludedUnitPrefixes.length > 0 && root.name !== 0) {
      const name = sections.names.text(root.name);
      if (settings.excludedUnitPrefixes.some((prefix) => name.startsWith(prefix))) return false;
    }
    return true;
  }

  /**
   * Hot: one loop over the DIEs of the unit, whatever the nesting. Scopes (functions, blocks,
   * inlined bodies, namespaces) only count the depth: their types are encoded like global ones.
   */
  private walk(): void {
    const { reader, converter } = this;
    const { cursor } = reader;
    const functionAtDepth = this.functionAtDepth;
    let depth = 1;
    functionAtDepth[1] = undefined;
    // Namespaces are scopes, but what stands in them is not local to a function.
    let functionDepth = 0;
    while (depth > 0) {
      const tag = cursor.next();
      switch (tag) {
        case 0:
          if (depth === functionDepth) functionDepth = 0;
          depth--;
          continue;
        case d.DW_TAG_formal_parameter:
          if (functionAtDepth[depth] !== undefined) this.parameter(functionAtDepth[depth]!);
          else if (cursor.hasChildren !== 0) cursor.skipChildren();
          continue;
        case d.DW_TAG_unspecified_parameters:
          if (functionAtDepth[depth] !== undefined) functionAtDepth[depth]!.variadic = true;
          if (cursor.hasChildren !== 0) cursor.skipChildren();
          continue;
        case d.DW_TAG_call_site:
        case d.DW_TAG_GNU_call_site:
        case d.DW_TAG_call_site_parameter:
        case d.DW_TAG_GNU_call_site_parameter:
        case d.DW_TAG_label:
          if (cursor.hasChildren !== 0) cursor.skipChildren();
          continue;
        case d.DW_TAG_variable:
          this.variable(functionDepth !== 0);
          continue;
        case d.DW_TAG_inlined_subroutine:
        case d.DW_TAG_lexical_block:
        case d.DW_TAG_namespace:
          if (cursor.hasChildren !== 0) functionAtDepth[++depth] = undefined;
          break;
        case d.DW_TAG_subprogram: {
          const entry = this.subprogram();
          if (cursor.hasChildren !== 0) {
            functionAtDepth[++depth] = entry;
            if (functionDepth === 0) functionDepth = depth;
          }
          break;
        }
        case d.DW_TAG_LLVM_annotation:
        case d.DW_TAG_GNU_annotation:
          if (functionAtDepth[depth] !== undefined) {
            const entry = functionAtDepth[depth]!;
            converter.annotations.one(0, -1, (text, component) => entry.annotations.push(text, component));
          }
          cursor.skipChildren();
          continue;
        default:
          if (!converter.convert(tag, 0) && cursor.hasChildren !== 0) cursor.skipChildren();
          continue;
      }
      if (depth > maximumDepth) throw cursor.bad("DWARF_NESTING", "scopes nested too deeply");
    }
  }

  /** The DW_TAG_subprogram under the cursor; an entry if the symbol table has a function of its name. */
  private subprogram(): FunctionEntry | undefined {
    const { reader } = this;
    const { cursor } = reader;
    const present = cursor.present;
    if (present & (1 << Slot.declaration)) return undefined;
    let name = reader.name(Slot.name);
    let resultKey = present & (1 << Slot.type) ? cursor.low[Slot.type]! : -1;
    const hasOrigin = (present & (1 << Slot.abstractOrigin)) !== 0;
    const isInline = (present & (1 << Slot.inline)) !== 0 && cursor.low[Slot.inline] !== 0;
    let nocall = false;
    if (hasOrigin || (name === 0 && present & (1 << Slot.specification))) {
      const originKey = cursor.low[hasOrigin ? Slot.abstractOrigin : Slot.specification]!;
      reader.at(originKey, () => {
        let next = -1;
        if (name === 0) {
          name = reader.name(Slot.name);
          if (name === 0 && cursor.present & (1 << Slot.specification))
            next = cursor.low[Slot.specification]!;
        }
        if (hasOrigin && resultKey < 0 && cursor.present & (1 << Slot.type))
          resultKey = cursor.low[Slot.type]!;
        if (hasOrigin) nocall = this.isNocall();
        if (next >= 0) name = reader.at(next, () => reader.name(Slot.name)) ?? 0;
      });
    }
    if (name === 0 || !this.functionNames.has(name)) return undefined;
    if (!hasOrigin) nocall = this.isNocall();
    const entry: FunctionEntry = {
      name,
      resultKey,
      lowPc: present & (1 << Slot.lowPc) ? reader.address(Slot.lowPc) : 0n,
      parameters: [],
      variadic: false,
      signatureChanged: this.clang && !isInline && nocall,
      reordered: false,
      unexpectedRegister: false,
      optimizedParameters: false,
      uncertainLocation: false,
      annotations: [],
    };
    this.converter.annotations.linked(0, -1, (text, component) => entry.annotations.push(text, component));
    this.functions.push(entry);
    return entry;
  }

  private isNocall(): boolean {
    const { cursor } = this.reader;
    return (
      (cursor.present & (1 << Slot.callingConvention)) !== 0 &&
      cursor.low[Slot.callingConvention] === d.DW_CC_nocall
    );
  }

  private parameter(entry: FunctionEntry): void {
    const { cursor } = this.reader;
    const index = entry.parameters.length;
    const parameter = this.parameters.read(index);
    entry.parameters.push(parameter);
    this.parametersByKey.set(parameter.key, parameter);
    const take = (text: number, component: number): void => void entry.annotations.push(text, component);
    this.converter.annotations.linked(0, index, take);
    if (cursor.hasChildren !== 0) this.converter.annotations.children(0, index, take);
  }

  /** The DW_TAG_variable under the cursor, if it lives at one address. */
  private variable(local: boolean): void {
    const { reader, converter } = this;
    const { cursor } = reader;
    const present = cursor.present;
    const wanted =
      (present & (1 << Slot.location)) !== 0 &&
      (present & (1 << Slot.declaration)) === 0 &&
      (!local || reader.settings.functionStatics);
    const address = wanted ? this.staticAddress() : undefined;
    if (address === undefined) {
      if (cursor.hasChildren !== 0) cursor.skipChildren();
      return;
    }
    const entry: VariableEntry = {
      name: reader.name(Slot.name),
      typeKey: present & (1 << Slot.type) ? cursor.low[Slot.type]! : -1,
      declaredTypeKey: -1,
      address,
      flags:
        (present & (1 << Slot.external) ? VariableFlag.external : 0) |
        (local ? VariableFlag.local : 0) |
        (present & (1 << Slot.artificial) ? VariableFlag.artificial : 0),
      annotations: [],
    };
    const slot =
      present & (1 << Slot.specification)
        ? Slot.specification
        : present & (1 << Slot.abstractOrigin)
          ? Slot.abstractOrigin
          : 0;
    const take = (text: number, component: number): void => void entry.annotations.push(text, component);
    converter.annotations.linked(0, -1, take);
    const originKey = slot === 0 ? -1 : cursor.low[slot]!;
    if (cursor.hasChildren !== 0) converter.annotations.children(0, -1, take);
    if (originKey >= 0) {
      reader.at(originKey, () => {
        const name = reader.name(Slot.name);
        if (name !== 0) entry.name = name;
        if (cursor.present & (1 << Slot.type)) entry.declaredTypeKey = cursor.low[Slot.type]!;
        if (cursor.present & (1 << Slot.external)) entry.flags |= VariableFlag.external;
        else entry.flags &= ~VariableFlag.external;
        if (entry.annotations.length === 0) {
          converter.annotations.linked(0, -1, take);
          if (cursor.hasChildren !== 0) converter.annotations.children(0, -1, take);
        }
      });
    }
    this.variables.push(entry);
  }

  /** Address of an object in static storage; undefined where the location says anything else. */
  private staticAddress(): bigint | undefined {
    const { cursor } = this.reader;
    const slot = Slot.location;
    const step = cursor.step[slot]!;
    if (step !== Step.block && step !== Step.block1 && step !== Step.block2 && step !== Step.block4)
      return undefined;
    const from = cursor.low[slot]!;
    const to = from + cursor.high[slot]!;
    const first = cursor.bytes[from];
    if (first !== d.DW_OP_addr && first !== d.DW_OP_addrx && first !== d.DW_OP_GNU_addr_index)
      return undefined;
    const { expression } = this;
    if (!expression.decode(cursor.bytes, cursor.view, from, to, cursor.littleEndian, cursor.shape))
      return undefined;
    let address: bigint;
    if (first === d.DW_OP_addr)
      address = (BigInt(expression.addressHigh) << 32n) | BigInt(expression.addressLow);
    else address = this.reader.addressAt(expression.number[0]!);
    if (expression.count === 1) return address;
    if (expression.count === 2 && expression.atom[1] === d.DW_OP_plus_uconst)
      return address + BigInt(expression.number[1]!);
    // Anything more (a thread-local offset, a part of an object) is not the address of the variable.
    return undefined;
  }

  /**
   * Function record: name, flags, low pc (low, high), result id, parameter words n, annotation
   * words m, then n words (name, type id)..., m words (text, component)....
   * Variable record: name, flags, address (low, high), own type id, declared type id (-1: none),
   * annotation words m, m words.
   */
  private output(): UnitOutput {
    const { converter, parameters, reader } = this;
    converter.finish();
    const { types } = converter;
    for (const entry of this.functions) parameters.link(entry, this.parametersByKey);
    const exact = reader.settings.trueSignature;
    let at = 0;
    for (const entry of this.functions) {
      parameters.judge(entry, this.clang, exact, types);
      at = this.writeFunction(entry, at, exact, types);
    }
    const functionWords = at;
    at = 0;
    for (const entry of this.variables) {
      const length = 7 + entry.annotations.length;
      this.variableWords = grownInt32(this.variableWords, at + length);
      const words = this.variableWords;
      words[at] = entry.name;
      words[at + 1] = entry.flags;
      words[at + 2] = Number(entry.address & 0xffff_ffffn);
      words[at + 3] = Number(entry.address >> 32n);
      words[at + 4] = entry.typeKey < 0 ? -1 : types.idOf(entry.typeKey);
      words[at + 5] = entry.declaredTypeKey < 0 ? -1 : types.idOf(entry.declaredTypeKey);
      words[at + 6] = entry.annotations.length;
      words.set(entry.annotations, at + 7);
      at += length;
    }
    return {
      types,
      functions: this.functionWords,
      functionWords,
      variables: this.variableWords,
      variableWords: at,
    };
  }

  private writeFunction(entry: FunctionEntry, from: number, exact: boolean, types: UnitTypes): number {
    const { names } = this.reader.sections;
    if (entry.parameters.some((each) => each.name === 0)) return from;
    const list: number[] = [];
    for (const parameter of entry.parameters) {
      if (entry.reordered && (!parameter.hasLocation || parameter.optimized)) continue;
      const rewritten = exact && entry.signatureChanged;
      if (rewritten && parameter.optimized) continue;
      let name = parameter.name;
      if (rewritten && parameter.memberName !== 0) {
        name = names.ofString(`${names.text(name)}__${names.text(parameter.memberName)}`);
      }
      list.push(name, parameter.typeKey < 0 ? 0 : types.idOf(parameter.typeKey));
    }
    if (entry.variadic) list.push(0, 0);
    const length = 7 + list.length + entry.annotations.length;
    this.functionWords = grownInt32(this.functionWords, from + length);
    const words = this.functionWords;
    words[from] = entry.name;
    words[from + 1] =
      (entry.unexpectedRegister ? FunctionFlag.unexpectedRegister : 0) |
      (entry.optimizedParameters ? FunctionFlag.optimizedParameters : 0) |
      (entry.uncertainLocation ? FunctionFlag.uncertainLocation : 0) |
      (entry.reordered ? FunctionFlag.reordered : 0) |
      (entry.signatureChanged ? FunctionFlag.signatureChanged : 0);
    words[from + 2] = Number(entry.lowPc & 0xffff_ffffn);
    words[from + 3] = Number(entry.lowPc >> 32n);
    words[from + 4] = entry.resultKey < 0 ? 0 : types.idOf(entry.resultKey);
    words[from + 5] = list.length;
    words[from + 6] = entry.annotations.length;
    words.set(list, from + 7);
    words.set(entry.annotations, from + 7 + list.length);
    return from + length;
  }
}
