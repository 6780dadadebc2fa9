import { complete } from "../program/expression/index.ts";
import type { Interpreter } from "./interpreter.ts";
import { metaCommands } from "./meta-commands.ts";

/** Most names offered at once. */
const maximumNames = 2000;

/**
 * What Tab offers for a line, in the form that Node's prompt wants: names, and the part of the line
 * that they replace. Undefined where JavaScript should answer.
 */
export function completeLine(line: string, interpreter: Interpreter): [string[], string] | undefined {
  const { program } = interpreter;
  const command = /^\s*\.(?:c|type|sym)\s+/.exec(line);
  if (command === null && /^\s*\.[a-z]*$/.test(line)) {
    const typed = line.trim();
    const names = [
      ...metaCommands.map((each) => `.${each.name}`),
      ...[...interpreter.commands.keys()].map((name) => `.${name}`),
      ".help",
      ".exit",
      ".editor",
      ".load",
      ".save",
    ];
    return [names.filter((name) => name.startsWith(typed)), typed];
  }
  const asked = command === null ? argumentOf(line, interpreter) : undefined;
  if (asked !== undefined) return asked;
  const text = command === null ? line : line.slice(command[0].length);
  // `program.init_task.` is `init_task.`: the view goes through members as C does.
  const chain = /(?:^|[^\w$.])((?:[A-Za-z_$][\w$]*\s*\.\s*)+)[\w$]*$/.exec(text)?.[1];
  const root = /^[A-Za-z_$][\w$]*/.exec(chain ?? "")?.[0];
  if (command === null && root !== undefined && interpreter.isDefined(root)) {
    if (root !== "program") return undefined;
    const isVariable = /program\s*\.\s*[\w$]*$/.test(text);
    if (isVariable) return programNames(text, interpreter);
    const inC = text.replace(/(^|[^\w$.])program\s*\.\s*([\w$]+(?:\s*\.\s*[\w$]+)*\s*\.\s*[\w$]*)$/, "$1$2");
    return offer(inC, complete(program, inC));
  }
  if (command?.[0].trim() === ".type" && /^\w+$/.test(text)) return [tagNames(text, interpreter), text];
  const found = complete(program, text);
  const more = command === null ? scopeNames(text, interpreter) : [];
  if (found.names.length + more.length > 0) return offer(text, found, more);
  return command === null ? undefined : [[], text];
}

/** Of a command's line what its last word may be: types where it takes those, else what C may. */
function argumentOf(line: string, interpreter: Interpreter): [string[], string] | undefined {
  const [, name, words] = /^\s*\.?([a-z]+)[ \t]+(.*)$/.exec(line) ?? [];
  if (name === undefined || !interpreter.commands.has(name)) return undefined;
  const last = /[^\s'"]*$/.exec(words!)![0];
  const isOfType =
    name === "struct" || name === "union" || /(?:^|\s)(?:-[osr]|--show|--offset)\s+\S*$/.test(words!);
  if (isOfType && /^\w*$/.test(last)) return [tagNames(last, interpreter), last];
  if (isOfType && /^\w+\.\w*$/.test(last)) {
    const [type, member] = last.split(".") as [string, string];
    const { types } = interpreter.program;
    const found = types.findNamed("struct", type) ?? types.findNamed("union", type);
    return [(found?.memberNames() ?? []).filter((each) => each.startsWith(member)).sort(), member];
  }
  return offer(last, complete(interpreter.program, last));
}

function offer(
  text: string,
  found: { from: number; names: string[] },
  more: string[] = [],
): [string[], string] {
  return [[...new Set([...found.names, ...more])].sort(), text.slice(found.from)];
}

/** Names that JavaScript has at hand, beside the kernel's. */
function scopeNames(text: string, interpreter: Interpreter): string[] {
  const partial = /(?:^|[^\w$.>])([A-Za-z_$][\w$]*)$/.exec(text)?.[1];
  if (partial === undefined) return [];
  // A command stands at the start of a line.
  const names = text.trimStart() === partial ? [...interpreter.commands.keys()] : [];
  return [...interpreter.ownNames, ...names].filter((name) => name.startsWith(partial));
}

/** Structs, unions and enums by their bare names, which `.type` takes, and typedefs. */
function tagNames(partial: string, { program }: Interpreter): string[] {
  const names = new Set<string>();
  for (const space of ["struct", "union", "enum", "ordinary"] as const) {
    for (const name of program.types.names(space)) if (name.startsWith(partial)) names.add(name);
  }
  return [...names].sort().slice(0, maximumNames);
}

function programNames(text: string, { program }: Interpreter): [string[], string] {
  const partial = /[\w$]*$/.exec(text)![0];
  const names = new Set<string>();
  for (const name of program.variables.names()) if (name.startsWith(partial)) names.add(name);
  const own = [...Object.keys(program), ...Object.getOwnPropertyNames(Object.getPrototypeOf(program))];
  for (const name of own) {
    if (name !== "constructor" && name.startsWith(partial)) names.add(name);
  }
  return [[...names].sort().slice(0, maximumNames), partial];
}
