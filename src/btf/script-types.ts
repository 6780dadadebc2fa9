import { LimitError } from "../io/index.ts";
import * as K from "./constants.ts";
import { btfSectionName } from "./header.ts";
import { isComposite, isModifier } from "./modifiers.ts";
import type { Btf, TypeId } from "./reader.ts";
import { TagNames } from "./tag-names.ts";

/** A variable of the kernel. */
export interface ScriptVariable {
  name: string;
  type: TypeId;
}

const maximumDepth = 64;

const opening = `import type { KernelObject } from "dwarfless/program";

/** An object of the kernel; \`$\` is the object itself, with all that can be asked of it. */
export interface View {
  readonly $: KernelObject;
}
/** Integers of up to 32 bits calculate as numbers, wider ones and addresses as bigints. */
export type Int = View & number;
export type Long = View & bigint;
export type Text = View & string & { readonly [index: number]: Int };
export type Items<Item> = View & Iterable<Item> & { readonly [index: number]: Item };
/** Members are reached through a pointer as through the object, elements by number. */
export type Pointer<Target> = Target & View & { readonly [index: number]: Target };
export type Address = View & bigint;

`;

/**
 * TypeScript declarations of the structs, unions and variables of a BTF, as scripts see them: an
 * interface for each tag, and `Variables`. What has no name that TypeScript takes is a bare `View`.
 * In pieces.
 * @throws {LimitError} `BTF_DEPTH` for types that lie within each other without end
 */
export function* scriptTypes(btf: Btf, variables: Iterable<ScriptVariable>): Generator<string> {
  const writer = new ScriptTypes(btf);
  yield opening;
  yield* writer.interfaces();
  yield "/** Variables of the kernel. */\nexport interface Variables {\n";
  const seen = new Set<string>();
  for (const { name, type } of variables) {
    if (seen.has(name)) continue;
    seen.add(name);
    yield `  readonly ${propertyName(name)}: ${writer.spell(type)};\n`;
  }
  yield "}\n";
}

class ScriptTypes {
  readonly #btf: Btf;
  readonly #tags: TagNames;

  constructor(btf: Btf) {
    this.#btf = btf;
    this.#tags = new TagNames(btf);
  }

  *interfaces(): Generator<string> {
    const btf = this.#btf;
    for (const [id, name] of this.#tags.entries()) {
      if (!isComposite(btf.kind(id)) || !isUsable(name)) continue;
      const kind = btf.kind(id) === K.BTF_KIND_STRUCT ? "struct" : "union";
      const lines = this.#members(id, new Set(), 0);
      yield `/** ${kind}, ${btf.sizeOrType(id)} bytes */\nexport interface ${name} extends View {\n${lines.join("")}}\n\n`;
    }
  }

  /** A type as TypeScript has it. */
  spell(id: TypeId, depth = 0): string {
    if (depth > maximumDepth) throw tooDeep(id);
    const btf = this.#btf;
    const kind = btf.kind(id);
    if (isModifier(kind)) return this.spell(btf.sizeOrType(id), depth + 1);
    switch (kind) {
      case K.BTF_KIND_INT:
      case K.BTF_KIND_ENUM:
      case K.BTF_KIND_ENUM64:
        return btf.sizeOrType(id) > 4 ? "Long" : "Int";
      case K.BTF_KIND_FLOAT:
        return "Int";
      case K.BTF_KIND_PTR:
        return this.#pointer(btf.sizeOrType(id), depth);
      case K.BTF_KIND_ARRAY:
        return this.#array(id, depth);
      case K.BTF_KIND_STRUCT:
      case K.BTF_KIND_UNION:
      case K.BTF_KIND_FWD: {
        const name = this.#tags.name(btf, id);
        return name !== undefined && isUsable(name) ? name : "View";
      }
      default:
        return "View";
    }
  }

  #pointer(target: TypeId, depth: number): string {
    const bare = this.#bare(target);
    const kind = this.#btf.kind(bare);
    if (isComposite(kind) || kind === K.BTF_KIND_FWD) return `Pointer<${this.spell(bare, depth + 1)}>`;
    if (kind === K.BTF_KIND_UNKN || kind === K.BTF_KIND_FUNC_PROTO) return "Address";
    return `Address & { readonly [index: number]: ${this.spell(bare, depth + 1)} }`;
  }

  #array(id: TypeId, depth: number): string {
    const element = this.#bare(this.#btf.arrayElementType(id));
    if (this.#btf.kind(element) === K.BTF_KIND_INT && this.#btf.name(element) === "char") return "Text";
    return `Items<${this.spell(element, depth + 1)}>`;
  }

  /** A line a member; those of members without a name are the struct's own. */
  #members(id: TypeId, taken: Set<string>, depth: number): string[] {
    if (depth > maximumDepth) throw tooDeep(id);
    const btf = this.#btf;
    const lines: string[] = [];
    for (let index = 0, count = btf.vlen(id); index < count; index++) {
      const type = btf.memberType(id, index);
      const name = btf.memberName(id, index);
      if (name === "") {
        const bare = this.#bare(type);
        if (isComposite(btf.kind(bare))) lines.push(...this.#members(bare, taken, depth + 1));
        continue;
      }
      // `$` is the object's own.
      if (taken.has(name) || name === "$") continue;
      taken.add(name);
      lines.push(`  readonly ${propertyName(name)}: ${this.#memberType(id, index, type)};\n`);
      if (lines.length > maximumMembers) throw tooDeep(id);
    }
    return lines;
  }

  /** A bitfield counts by its own width. */
  #memberType(id: TypeId, index: number, type: TypeId): string {
    const width = this.#btf.memberBitfieldSize(id, index);
    if (width !== 0 && !isComposite(this.#btf.kind(this.#bare(type)))) return width <= 32 ? "Int" : "Long";
    return this.spell(type);
  }

  #bare(id: TypeId): TypeId {
    for (let hops = 0; hops <= maximumDepth; hops++) {
      if (!isModifier(this.#btf.kind(id))) return id;
      id = this.#btf.sizeOrType(id);
    }
    throw tooDeep(id);
  }
}

const maximumMembers = 1 << 20;

/** Words that no interface can be named by, and the names that stand above all others. */
const reserved: ReadonlySet<string> = new Set([
  ..."any bigint boolean never null number object string symbol undefined unknown void".split(" "),
  ..."Address Int Items Iterable KernelObject Long Pointer Text Variables View".split(" "),
  ..."break case catch class const continue debugger default delete do else enum export extends".split(" "),
  ..."false finally for function if import in instanceof new return super switch this throw true".split(" "),
  ..."try typeof var while with as implements interface let package private protected public static".split(
    " ",
  ),
  ..."yield type declare namespace module abstract async await of".split(" "),
]);

function isUsable(name: string): boolean {
  return isIdentifier(name) && !reserved.has(name);
}

function isIdentifier(name: string): boolean {
  return /^[A-Za-z_$][\w$]*$/.test(name);
}

function propertyName(name: string): string {
  return isIdentifier(name) ? name : JSON.stringify(name);
}

function tooDeep(id: TypeId): LimitError {
  return new LimitError("BTF_DEPTH", `type ${id} lies too deep, or has too much within`, {
    section: btfSectionName,
  });
}
