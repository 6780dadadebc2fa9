/** One option of a program, as `getopt_long` and argp know them. */
export interface OptionSpec {
  /** Long name. */
  name: string;
  /** One letter. */
  short?: string;
  argument: "none" | "required" | "optional";
}

/** A mistake in the arguments, in getopt's words. */
export class OptionError extends Error {}

/**
 * The options among the arguments one by one, so that the caller acts on one before a mistake in
 * the next is found. Operands are put into `operands`, wherever they stand.
 *
 * The rules are glibc's: long names may be cut to any unique prefix, values follow `=` or stand in
 * the next argument, short options combine, an optional value is attached, `--` ends the options.
 * @throws {OptionError}
 */
export function* getOptions<Spec extends OptionSpec>(
  args: readonly string[],
  specs: readonly Spec[],
  operands: string[],
): Generator<{ option: Spec; value: string | undefined }> {
  for (let index = 0; index < args.length; index++) {
    const argument = args[index]!;
    if (argument === "--") {
      operands.push(...args.slice(index + 1));
      return;
    }
    if (argument.startsWith("--")) {
      const { option, value } = longOption(argument, specs);
      if (value !== undefined || option.argument !== "required") yield { option, value };
      else if (++index < args.length) yield { option, value: args[index] };
      else throw new OptionError(`option '--${option.name}' requires an argument`);
    } else if (argument.startsWith("-") && argument !== "-") {
      for (let at = 1; at < argument.length; at++) {
        const letter = argument[at]!;
        const option = specs.find(({ short }) => short === letter);
        if (option === undefined) throw new OptionError(`invalid option -- '${letter}'`);
        if (option.argument === "none") {
          yield { option, value: undefined };
          continue;
        }
        const rest = at + 1 < argument.length ? argument.slice(at + 1) : undefined;
        if (rest !== undefined || option.argument === "optional") yield { option, value: rest };
        else if (++index < args.length) yield { option, value: args[index] };
        else throw new OptionError(`option requires an argument -- '${letter}'`);
        break;
      }
    } else operands.push(argument);
  }
}

function longOption<Spec extends OptionSpec>(
  argument: string,
  specs: readonly Spec[],
): { option: Spec; value: string | undefined } {
  const equals = argument.indexOf("=");
  const given = argument.slice(2, equals === -1 ? undefined : equals);
  const value = equals === -1 ? undefined : argument.slice(equals + 1);
  const exact = specs.find(({ name }) => name === given);
  const candidates = exact === undefined ? specs.filter(({ name }) => name.startsWith(given)) : [exact];
  const option = candidates[0];
  if (option === undefined) throw new OptionError(`unrecognized option '${argument}'`);
  if (candidates.length > 1) {
    const names = candidates.map(({ name }) => ` '--${name}'`).join("");
    throw new OptionError(`option '${argument}' is ambiguous; possibilities:${names}`);
  }
  if (value !== undefined && option.argument === "none") {
    throw new OptionError(`option '--${option.name}' doesn't allow an argument`);
  }
  return { option, value };
}
