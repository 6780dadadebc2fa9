/** How the text of an object looks. The defaults are those of drgn's `str()`. */
export interface FormatOptions {
  /** Columns to wrap at where that makes sense; no limit by default. */
  columns?: number;
  /** Of integers: 8, 10 (default) or 16. */
  integerBase?: 8 | 10 | 16;
  /** Show what a pointer points to; never for members and elements. On by default. */
  dereference?: boolean;
  /** Show symbol and offset before pointers that lie in one. On by default. */
  symbolize?: boolean;
  /** Show pointers to and arrays of characters as strings. On by default. */
  string?: boolean;
  /** Show single characters as 'x'. Off by default. */
  char?: boolean;
  /** Begin with the type in parentheses. On by default. */
  typeName?: boolean;
  /** The same for members. On by default. */
  memberTypeNames?: boolean;
  /** The same for elements. Off by default. */
  elementTypeNames?: boolean;
  /** Put members on one line where they fit. Off by default. */
  membersSameLine?: boolean;
  /** Put elements on one line where they fit. On by default. */
  elementsSameLine?: boolean;
  /** Begin members with `.name = `. On by default. */
  memberNames?: boolean;
  /** Begin elements with `[index] = `. Off by default. */
  elementIndices?: boolean;
  /** Show members that are zero. On by default. */
  implicitMembers?: boolean;
  /** Show elements that are zero (without indices: those after the last other one). Off by default. */
  implicitElements?: boolean;
  /** Most elements shown of an array, then `... (n more)`; no limit by default. */
  maximumElements?: number;
  /** Most bytes shown of a string, then `"...`; 65536 by default. */
  maximumStringLength?: number;
  /** Deepest struct or array shown, 0 showing none; deeper ones are `{ ... }`. 64 by default. */
  maximumDepth?: number;
  /** Longest text in characters, about; what is left out is said. 4 Mi by default. */
  maximumLength?: number;
}

/** Options with every default filled in. */
export function withDefaults(options: FormatOptions): Required<FormatOptions> {
  const { columns, integerBase, maximumElements, maximumStringLength, maximumDepth, maximumLength } = options;
  return {
    columns: columns ?? Infinity,
    integerBase: integerBase ?? 10,
    dereference: options.dereference ?? true,
    symbolize: options.symbolize ?? true,
    string: options.string ?? true,
    char: options.char ?? false,
    typeName: options.typeName ?? true,
    memberTypeNames: options.memberTypeNames ?? true,
    elementTypeNames: options.elementTypeNames ?? false,
    membersSameLine: options.membersSameLine ?? false,
    elementsSameLine: options.elementsSameLine ?? true,
    memberNames: options.memberNames ?? true,
    elementIndices: options.elementIndices ?? false,
    implicitMembers: options.implicitMembers ?? true,
    implicitElements: options.implicitElements ?? false,
    maximumElements: maximumElements ?? Infinity,
    maximumStringLength: maximumStringLength ?? 0x1_0000,
    maximumDepth: maximumDepth ?? 64,
    maximumLength: maximumLength ?? 0x40_0000,
  };
}
