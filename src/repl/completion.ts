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
      ".help",
      ".exit",
      ".editor",
      ".load",
      ".save",
    ];
    return [names.filter((name) => name.startsWith(typed)), typed];
  }
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
  return partial === undefined ? [] : interpreter.ownNames.filter((name) => name.startsWith(partial));
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
