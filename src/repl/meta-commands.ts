import { printableName } from "../btf/index.ts";
import { isDwarflessError } from "../io/index.ts";
import type { Program } from "../program/index.ts";
import { evaluate, evaluateType, ExpressionError } from "../program/expression/index.ts";
import type { Interpreter, Outcome } from "./interpreter.ts";
import { Line } from "./line.ts";

/** A line that begins with a point: `.type struct page`. */
export interface MetaCommand {
  name: string;
  help: string;
  run(argument: string, interpreter: Interpreter): Outcome | Promise<Outcome>;
}

export const metaCommands: readonly MetaCommand[] = [
  {
    name: "c",
    help: "Evaluate as C, whatever JavaScript would make of it: .c 10 / 4",
    run: (argument, interpreter) => interpreter.runC(argument),
  },
  {
    name: "js",
    help: "Evaluate as JavaScript, also what would be C: .js init_task.pid",
    run: (argument, interpreter) => interpreter.runScript(argument),
  },
  {
    name: "type",
    help: "Show a type, or the type of an expression: .type struct list_head",
    run: (argument, { program }) => attempt(() => typeOf(program, argument)),
  },
  {
    name: "sym",
    help: "The symbol an address lies in, or the address of a symbol: .sym 0xffffffff81000000",
    run: (argument, { program }) => attempt(() => new Line(symbolText(program, argument.trim()))),
  },
];

function attempt(act: () => unknown): Outcome {
  try {
    return { kind: "value", value: act() };
  } catch (error) {
    return { kind: "error", error };
  }
}

function typeOf(program: Program, text: string): unknown {
  try {
    return evaluateType(program, text);
  } catch (error) {
    try {
      return evaluate(program, text).type;
    } catch {
      // A struct is often asked for by its bare name.
      for (const tag of ["struct", "union", "enum"] as const) {
        const type = program.types.findNamed(tag, text.trim());
        if (type !== undefined) return type;
      }
    }
    throw error;
  }
}

function symbolText(program: Program, text: string): string {
  if (/^[A-Za-z_.$][\w.$]*$/.test(text)) {
    const symbol = program.symbolizer.find(text);
    if (symbol !== undefined) return symbolLine(symbol.address, text, 0n, symbol.module);
  }
  const address = addressOf(program, text);
  const found = program.symbolizer.symbolAt(address);
  if (found === undefined) return `0x${address.toString(16)} lies in no symbol`;
  return symbolLine(address, found.name, found.offset, found.module);
}

function addressOf(program: Program, text: string): bigint {
  let value: unknown;
  try {
    value = evaluate(program, text).operand().value;
  } catch (error) {
    // `ffffffff81000000` as kallsyms prints it.
    if (isDwarflessError(error) && /^[0-9a-fA-F]{8,16}$/.test(text)) return BigInt(`0x${text}`);
    throw error;
  }
  if (typeof value === "bigint") return BigInt.asUintN(64, value);
  throw new ExpressionError("EXPRESSION_TYPE", "not an address", text, { start: 0, end: text.length });
}

function symbolLine(address: bigint, name: string, offset: bigint, module: string | undefined): string {
  const shown = printableName(name);
  const place = offset === 0n ? shown : `${shown}+0x${offset.toString(16)}`;
  return `0x${address.toString(16)} ${place}${module === undefined ? "" : ` [${module}]`}`;
}
