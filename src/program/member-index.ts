import { LimitError } from "../io/index.ts";

/** A member as the index needs it. */
interface IndexedMember {
  readonly name: string;
  readonly type: { readonly underlying: HasMembers<IndexedMember> };
  readonly bitOffset: number;
}

interface HasMembers<Member> {
  readonly members: readonly Member[];
}

/** Most members looked at, those of anonymous members included; types can be made that have endlessly many. */
const maximumMembers = 65536;

/**
 * Members of a struct or union by name, those of anonymous members included with their offsets from
 * the outer start. Of equal names the first in order of declaration counts.
 * @throws {LimitError} `TYPE_MEMBERS`
 */
export function indexMembers<Member extends IndexedMember>(type: HasMembers<Member>): Map<string, Member> {
  const byName = new Map<string, Member>();
  let seen = 0;
  // A stack instead of recursion: nesting is as deep as the input likes.
  const open: { members: readonly Member[]; next: number; bitOffset: number }[] = [
    { members: type.members, next: 0, bitOffset: 0 },
  ];
  for (let top = open[0]; top !== undefined; top = open[open.length - 1]) {
    const member = top.members[top.next++];
    if (member === undefined) {
      open.pop();
      continue;
    }
    if (++seen > maximumMembers)
      throw new LimitError("TYPE_MEMBERS", `more than ${maximumMembers} members in one type`);
    const bitOffset = top.bitOffset + member.bitOffset;
    if (member.name === "") {
      open.push({ members: member.type.underlying.members as readonly Member[], next: 0, bitOffset });
    } else if (!byName.has(member.name)) {
      byName.set(member.name, top.bitOffset === 0 ? member : { ...member, bitOffset });
    }
  }
  return byName;
}
