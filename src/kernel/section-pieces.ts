/** A stretch of a section that keeps its distances: from one offset of its DATASEC to the next piece's. */
export interface SectionPiece {
  /** Of its first variable, in bytes as the DATASEC counts. */
  offset: number;
  /** Address that offset 0 would have. */
  start: bigint;
  /** Offset of the last variable whose symbol stands where `start` has it; infinite where none behind it differs. */
  lastOffset: number;
  /** Variables whose only symbol stands where `start` has it, and those whose symbol does not. */
  agreeing: number;
  disagreeing: number;
}

/** Where the only symbol of a variable's name puts the section. */
export interface Proposal {
  offset: number;
  start: bigint;
}

/** So many variables in a row must agree that the section has grown before them. */
const enoughInRow = 3;

/**
 * The pieces of a section, in order; one of them begins at `start`, or none is found and it is one piece.
 *
 * A kernel's build encodes its first link, in which the symbol tables are still empty; they are in the middle
 * of `.rodata`, so that all behind them (what is read-only after init, for example) moves up in the last link
 * and the offsets in BTF are too small there (scripts/link-vmlinux.sh, Linux 5.2 to 7.2). A section can only
 * have grown. `proposals` come in the order of offsets.
 */
export function findPieces(start: bigint, proposals: Iterable<Proposal>): SectionPiece[] {
  const pieces: SectionPiece[] = [];
  let current: SectionPiece | undefined;
  let run: SectionPiece | undefined;
  for (const { offset, start: proposed } of proposals) {
    if (proposed === current?.start) {
      current.agreeing++;
      current.disagreeing += run?.agreeing ?? 0;
      current.lastOffset = offset;
      run = undefined;
      continue;
    }
    if (proposed !== run?.start) {
      if (current !== undefined) current.disagreeing += run?.agreeing ?? 0;
      run = pieceAt(offset, proposed);
    }
    run.agreeing++;
    run.lastOffset = offset;
    const isPossible: boolean = current === undefined ? proposed <= start : proposed > current.start;
    if (run.agreeing < enoughInRow || !isPossible) continue;
    if (current === undefined) run.offset = 0;
    pieces.push(run);
    current = run;
    run = undefined;
  }
  if (current !== undefined && run === undefined) current.lastOffset = Number.POSITIVE_INFINITY;
  else if (current !== undefined) current.disagreeing += run!.agreeing;
  return pieces.some((piece) => piece.start === start) ? pieces : [pieceAt(0, start)];
}

function pieceAt(offset: number, start: bigint): SectionPiece {
  return { offset, start, lastOffset: offset, agreeing: 0, disagreeing: 0 };
}

/** The piece that an offset is in. */
export function pieceOf(pieces: readonly SectionPiece[], offset: number): SectionPiece {
  return pieces.findLast((piece) => piece.offset <= offset) ?? pieces[0]!;
}
