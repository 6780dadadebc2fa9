import { cacheLineByteSize, type ClassInfo, type MemberPlace } from "./class-info.ts";
import type { FlexibleMembers } from "./flexible-array.ts";

/** Sums over the members of one struct. */
export class Tally {
  byteSum = 0;
  bitSum = 0;
  holeSum = 0;
  bitHoleSum = 0;
  paddings = 0;
  paddingSum = 0;
  bitPaddings = 0;
  bitPaddingSum = 0;
  withHoles = 0;
  innerHoles = 0;
  withBitHoles = 0;
  innerBitHoles = 0;
  forced = 0;
  forcedHoles = 0;
  forcedHoleSum = 0;

  addHoles(hole: number, bitHole: number): void {
    this.holeSum += hole;
    this.bitHoleSum += bitHole;
  }

  addMember(member: MemberPlace, last: MemberPlace | undefined): void {
    this.addHoles(member.hole, member.bitHole);
    if (member.bitfieldSize === 0) this.byteSum += member.byteSize;
    else this.bitSum += member.bitfieldSize;
    if (member.alignment === 0) return;
    this.forced++;
    if (last === undefined || last.hole === 0) return;
    this.forcedHoles++;
    this.forcedHoleSum += last.hole;
  }

  /** A member that is a struct. */
  addMemberType(inner: ClassInfo): void {
    if (inner.padding > 0) {
      this.paddings++;
      this.paddingSum += inner.padding;
    }
    if (inner.bitPadding > 0) {
      this.bitPaddings++;
      this.bitPaddingSum += inner.bitPadding;
    }
    if (inner.holeCount > 0) {
      this.withHoles++;
      this.innerHoles += inner.holeCount;
    }
    if (inner.bitHoleCount > 0) {
      this.withBitHoles++;
      this.innerBitHoles += inner.bitHoleCount;
    }
  }
}

/** The comments at the end of a struct, which begins at `baseOffset` of the outermost one. */
export function statisticsText(
  tally: Tally,
  info: ClassInfo,
  { baseOffset, byteSize }: { baseOffset: number; byteSize: number },
  lead: string,
  flexible: FlexibleMembers,
): string {
  const lines: string[] = [];
  const lineCount = Math.ceil(byteSize / cacheLineByteSize);
  lines.push(`size: ${byteSize}, cachelines: ${lineCount}, members: ${info.members.length}`);
  if (tally.holeSum > 0 || tally.bitHoleSum > 0) {
    const holes = tally.holeSum === 0 ? "" : `, holes: ${info.holeCount}, sum holes: ${tally.holeSum}`;
    if (tally.byteSum > 0) lines.push(`sum members: ${tally.byteSum}${holes}`);
    if (tally.bitSum > 0) lines.push(bitfieldLine(tally, info));
  }
  if (info.padding > 0) lines.push(`padding: ${info.padding}`);
  const inner: string[] = [];
  if (tally.withHoles > 0) inner.push(`holes: ${tally.withHoles}, total: ${tally.innerHoles}`);
  if (tally.withBitHoles > 0) inner.push(`bit holes: ${tally.withBitHoles}, total: ${tally.innerBitHoles}`);
  if (tally.bitPaddings > 0)
    inner.push(
      `bit paddings: ${tally.bitPaddings}, total: ${tally.bitPaddingSum} bit${tally.bitPaddingSum === 1 ? "" : "s"}`,
    );
  if (inner.length > 0) lines.push(`member types with ${inner.join(", ")}`);
  if (tally.paddings > 0) lines.push(`paddings: ${tally.paddings}, sum paddings: ${tally.paddingSum}`);
  if (info.bitPadding > 0) lines.push(`bit_padding: ${info.bitPadding} bits`);
  if (tally.forced > 0) {
    const holes =
      tally.forcedHoles === 0
        ? ""
        : `, forced holes: ${tally.forcedHoles}, sum forced holes: ${tally.forcedHoleSum}`;
    lines.push(`forced alignments: ${tally.forced}${holes}`);
  }
  const arrays: string[] = [];
  if (flexible.atEnd > 0) arrays.push(`end: ${flexible.atEnd}`);
  if (flexible.inMiddle > 0) arrays.push(`middle: ${flexible.inMiddle}`);
  if (arrays.length > 0) lines.push(`flexible array members: ${arrays.join(", ")}`);
  const rest = (baseOffset + byteSize) % cacheLineByteSize;
  if (rest !== 0) lines.push(`last cacheline: ${rest} bytes`);
  return `\n${lines.map((line) => `${lead}/* ${line} */\n`).join("")}`;
}

function bitfieldLine(tally: Tally, info: ClassInfo): string {
  const bytes = ` (${Math.floor(tally.bitSum / 8)} bytes)`;
  const holes =
    tally.bitHoleSum === 0
      ? ""
      : `, bit holes: ${info.bitHoleCount}, sum bit holes: ${tally.bitHoleSum} bits`;
  return `sum bitfield members: ${tally.bitSum} bits${holes === "" ? bytes : ""}${holes}`;
}
