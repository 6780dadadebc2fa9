import { type Btf, BtfBuilder, type BtfMemberInput, type TypeId } from "../../src/btf/index.ts";
import { randomNumbers } from "./mutate.ts";

/**
 * BTF of random types with few names, so that many are alike. Types hold by value only what comes before them,
 * so that few are impossible in C; behind pointers, and now and then elsewhere, stands anything.
 * @param names ASCII, or bytes that JSON must escape
 * @param oddReferences of so many by value, one refers to anything, also to itself and to what is no type
 */
export function randomTypes(
  seed: number,
  typeCount: number,
  names: readonly string[] = plainNames,
  base?: Btf,
  oddReferences = 500,
): BtfBuilder {
  const random = randomNumbers(seed);
  const builder = new BtfBuilder(base === undefined ? {} : { base });
  const start = base?.typeCount ?? 1;
  const pick = <Value>(values: readonly Value[]): Value => values[random(values.length)]!;
  const name = (): string => (random(3) === 0 ? "" : pick(names));
  // Which kind stands where is known before, so that what refers ahead refers to a type.
  const kindNumbers = Array.from({ length: typeCount }, () => random(kindCount));
  const isType = (id: TypeId): boolean =>
    id < start || id >= start + typeCount || kindNumbers[id - start]! < firstOther;
  const typeBelow = (limit: TypeId): TypeId => {
    let id = random(limit);
    while (!isType(id)) id--;
    return id;
  };
  const any = (): TypeId => typeBelow(start + typeCount);
  const before = (at: TypeId): TypeId =>
    random(oddReferences) === 0 ? random(start + typeCount) : typeBelow(at);
  const members = (at: TypeId): BtfMemberInput[] =>
    Array.from({ length: random(5) }, (_, index) => ({
      name: name(),
      type: before(at),
      bitOffset: index * 32,
      ...(random(4) === 0 && { bitfieldSize: 1 + random(31) }),
    }));
  const values = (): { name: string; value: bigint }[] =>
    Array.from({ length: random(4) }, () => ({ name: pick(names), value: BigInt(random(100)) - 50n }));
  for (let at = start; at < start + typeCount; at++) {
    const kinds: (() => TypeId)[] = [
      () => builder.addInt(pick(names), pick([1, 2, 4, 8]), random(2)),
      () => builder.addFloat(pick(names), pick([4, 8])),
      () => builder.addPtr(any()),
      () => builder.addPtr(any()),
      () => builder.addArray(before(at), before(at), random(5)),
      () => builder.addStruct(name(), pick([4, 16, 24, 1000]), members(at)),
      () => builder.addStruct(name(), pick([4, 16, 24]), members(at)),
      () => builder.addUnion(name(), pick([4, 8, 32]), members(at)),
      () => builder.addEnum(name(), pick([1, 4, 8]), values()),
      () => builder.addEnum64(name(), 8, values()),
      () => builder.addFwd(pick(names), random(2) === 1),
      () => builder.addTypedef(pick(names), before(at)),
      () => {
        const target = before(at);
        return [
          () => builder.addConst(target),
          () => builder.addVolatile(target),
          () => builder.addRestrict(target),
        ][random(3)]!();
      },
      () =>
        builder.addFuncProto(
          before(at),
          Array.from({ length: random(4) }, () => ({ name: name(), type: before(at) })),
        ),
      () => builder.addTypeTag(pick(names), before(at), random(2) === 1),
      () => builder.addFunc(pick(names), any(), random(3)),
      () => builder.addDeclTag(pick([...names, "bpf_kfunc"]), random(start + typeCount), random(3) - 1),
      () => builder.addVar(pick(names), before(at), random(3)),
      () => builder.addDatasec(pick(names), 100, [{ type: any(), offset: 4, byteSize: 4 }]),
    ];
    kinds[kindNumbers[at - start]!]!();
  }
  return builder;
}

/** Of the kinds above; and the first of those that are no types. */
const kindCount = 19;
const firstOther = 15;

const plainNames = ["a", "ab", "abc", "abcdefghijklmnop", "abcdefghijklmnopq", "long", "z"];

/** Names that JSON has to spell in another way. */
export const oddNames: readonly string[] = [...plainNames, 'q"', "back\\slash", "tab\t", "naïve", "\u2028"];
