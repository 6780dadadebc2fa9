import { isBuiltin } from "node:module";

/** A command that the prompt lends from elsewhere, under its name: `ps -A`, or `.ps -A`. */
export interface ReplCommand {
  name: string;
  description: string;
  /** What it prints for its words. @throws what is wrong with them */
  run(words: readonly string[]): Promise<string>;
}

/** A command's name, and what is typed behind it. */
export interface CommandLine {
  name: string;
  rest: string;
}

/**
 * The command that a line is, undefined for C and JavaScript. A name that JavaScript has of its own stays
 * its own, and so does what goes on as an expression does (`log = 1`, `list.next`).
 */
export function readCommandLine(
  text: string,
  commands: ReadonlyMap<string, ReplCommand>,
  isDefined: (name: string) => boolean,
): CommandLine | undefined {
  const [, name, rest = ""] = /^\s*([a-z]+)(?:[ \t]+([^\n]*?))?\s*$/.exec(text) ?? [];
  if (name === undefined || !commands.has(name)) return undefined;
  // Node's prompt has its modules as names, of which `net`, `vm` and `sys` are commands here.
  if (isDefined(name) && !isBuiltin(name)) return undefined;
  // A path begins with a slash, too; a quotient has a blank behind it.
  if (/^(?:[=.()[\]+%^<?,;:]|\/[\s=]|->|-\s)/.test(rest)) return undefined;
  // `ps | head`, `log > file`; a number or a bracket goes on as an operand does.
  if (/^(?:\||>)/.test(rest) && !/^(?:\||>>?)\s*[\w/.~$'"]*[A-Za-z/~$'"]/.test(rest)) return undefined;
  return { name, rest };
}

/** Words as a shell splits them: blanks, and quotes of both kinds. @throws {SyntaxError} for a quote without end */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  const token = /\s*((?:'[^']*'|"[^"]*"|[^\s'"])+)/y;
  let at = 0;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    words.push(match[1]!.replace(/'([^']*)'|"([^"]*)"/g, (_, single, double) => String(single ?? double)));
    at = token.lastIndex;
  }
  if (text.slice(at).trim() !== "") throw new SyntaxError(`a quote without end: ${text.slice(at).trim()}`);
  return words;
}
