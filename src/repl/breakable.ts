import vm from "node:vm";

/** Runs `act` so that Ctrl-C can break it, also where it never pauses. */
export type Breakable = <Result>(act: () => Result) => Result;

/** What this needs of a terminal's input. */
export interface RawInput {
  isRaw?: boolean;
  setRawMode?: (isRaw: boolean) => unknown;
}

/** For input that is no terminal: the signal ends the process, as it does elsewhere. */
export function unbroken<Result>(act: () => Result): Result {
  return act();
}

/**
 * For a prompt at a terminal: the terminal makes a signal of Ctrl-C again for the time, and the
 * engine stops at the signal.
 */
export function breakableAtTerminal(input: RawInput): Breakable {
  const sandbox: { act?: () => unknown } = {};
  const context = vm.createContext(sandbox);
  const script = new vm.Script("act()");
  return <Result>(act: () => Result): Result => {
    const wasRaw = input.isRaw === true;
    if (wasRaw) input.setRawMode?.(false);
    sandbox.act = act;
    try {
      return script.runInContext(context, { breakOnSigint: true }) as Result;
    } finally {
      delete sandbox.act;
      if (wasRaw) input.setRawMode?.(true);
    }
  };
}
