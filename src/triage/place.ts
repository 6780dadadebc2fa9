/** A place in code as the kernel prints it: `symbol+0x5/0x10 [module]`. */
export interface Place {
  /** null where only an address is there. */
  symbol: string | null;
  /** Bytes from the symbol's start. */
  offset: number | null;
  /** Bytes of the function. */
  size: number | null;
  module: string | null;
  /** `"0x…"`, where the address was printed. */
  address: string | null;
}

/** A function of a call trace. */
export interface TraceFrame extends Place {
  /** False where the kernel printed `?`: a word found on the stack that its unwinder did not vouch for. */
  sure: boolean;
  /** The stack that the kernel named before it: `TASK`, `IRQ`, `SOFTIRQ`, `NMI`, …; null without. */
  context: string | null;
}

const symbolText =
  /^([A-Za-z_.$][\w.$:]{0,511})\+0x([0-9a-f]{1,8})\/0x([0-9a-f]{1,8})(?: \[([\w-]{1,64})[^\]]{0,64}\])?/;
const addressText = /^(?:0x)?([0-9a-f]{5,16})\b/;
/** `[<ffffffff81234567>]`, twice where old kernels printed an address and its page. */
const bracketed = /^(?:\[<([0-9a-f]{8,16})>\] ?){1,2}/;

/** The place at the start of a text; undefined where there is none. */
export function parsePlace(text: string): Place | undefined {
  const old = bracketed.exec(text);
  const rest = old === null ? text : text.slice(old[0].length);
  const printed = old === null ? null : `0x${old[1]!.replace(/^0+(?=.)/, "")}`;
  const symbol = symbolText.exec(rest);
  if (symbol !== null) {
    return {
      symbol: symbol[1]!,
      offset: Number.parseInt(symbol[2]!, 16),
      size: Number.parseInt(symbol[3]!, 16),
      module: symbol[4] ?? null,
      address: printed,
    };
  }
  const address = addressText.exec(rest);
  if (address === null && printed === null) return undefined;
  const text16 = address === null ? printed! : `0x${address[1]!.replace(/^0+(?=.)/, "")}`;
  return { symbol: null, offset: null, size: null, module: null, address: text16 };
}

/** A line of a call trace; undefined where it is none. */
export function parseTraceFrame(line: string, context: string | null): TraceFrame | undefined {
  const match = /^\s*(\? )?(?=\S)(.*)$/.exec(line);
  if (match === null) return undefined;
  const rest = match[2]!;
  const place = parsePlace(rest);
  if (place === undefined) return undefined;
  // A bare number begins other lines, too.
  if (place.symbol === null && !/^(?:\[<|0x)[0-9a-f]+(?:>\])?(?: \([A-Z]\))?$/.test(rest.trim())) {
    return undefined;
  }
  return { ...place, sure: match[1] === undefined, context };
}

/** `symbol+0x5/0x10 [module]`, or the address. */
export function placeText(place: Place): string {
  if (place.symbol === null) return place.address ?? "?";
  const module = place.module === null ? "" : ` [${place.module}]`;
  return `${place.symbol}+0x${(place.offset ?? 0).toString(16)}${module}`;
}
