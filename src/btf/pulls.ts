import { LimitError } from "../io/index.ts";
import { BTF_KIND_MAX } from "./constants.ts";
import { btfSectionName } from "./header.ts";
import { isComposite } from "./modifiers.ts";
import type { Btf, TypeId } from "./reader.ts";
import { forEachTypeWord } from "./records.ts";

/** Types, and the bytes of their records. */
export interface TypeVolume {
  types: number;
  byteSize: number;
}

/** What comes in through one type that another refers to directly. */
export interface PulledThrough {
  type: TypeId;
  /** Members of that type; empty where it is no struct or union that refers to it. */
  members: string[];
  all: TypeVolume;
  /** Of that, what nothing else that the root refers to pulls in. */
  only: TypeVolume;
}

/** Everything that one type needs, and by which of its parts. */
export interface PulledIn {
  all: TypeVolume;
  parts: PulledThrough[];
}

const maximumSteps = 500_000_000;

/**
 * What a type pulls in: all that it refers to, directly or not, part by part, the part that alone pulls
 * in most bytes first. The type itself is not counted.
 * @throws {LimitError} `BTF_STEPS` where it has too many parts that each pull in too much
 */
export function pulledIn(btf: Btf, root: TypeId): PulledIn {
  const targets = new Map<TypeId, string[]>();
  forEachReference(btf, root, (id) => {
    if (id !== 0 && id !== root) targets.set(id, []);
  });
  if (isComposite(btf.kind(root))) {
    for (let index = 0, count = btf.vlen(root); index < count; index++)
      targets.get(btf.memberType(root, index))?.push(btf.memberName(root, index) || "(anonymous)");
  }
  const walker = new Walker(btf, root);
  /** How many parts reach each type, and the last that did. */
  const reached = new Uint32Array(btf.typeCount);
  const lastPart = new Uint32Array(btf.typeCount);
  const parts: PulledThrough[] = [];
  for (const [type, members] of targets) {
    const part: PulledThrough = {
      type,
      members,
      all: { types: 0, byteSize: 0 },
      only: { types: 0, byteSize: 0 },
    };
    walker.walk(type, (id) => {
      add(part.all, recordByteSize(btf, id));
      reached[id]!++;
      lastPart[id] = parts.length;
    });
    parts.push(part);
  }
  const all: TypeVolume = { types: 0, byteSize: 0 };
  for (let id = 1; id < btf.typeCount; id++) {
    if (reached[id] === 0) continue;
    const byteSize = recordByteSize(btf, id);
    add(all, byteSize);
    if (reached[id] === 1) add(parts[lastPart[id]!]!.only, byteSize);
  }
  parts.sort(
    (a, b) => b.only.byteSize - a.only.byteSize || b.all.byteSize - a.all.byteSize || a.type - b.type,
  );
  return { all, parts };
}

function add(volume: TypeVolume, byteSize: number): void {
  volume.types++;
  volume.byteSize += byteSize;
}

/** Walks over all types behind one, many times. */
class Walker {
  readonly #btf: Btf;
  readonly #root: TypeId;
  /** The walk that saw a type last. */
  readonly #seen: Uint32Array;
  #walk = 0;
  #steps = 0;

  constructor(btf: Btf, root: TypeId) {
    this.#btf = btf;
    this.#root = root;
    this.#seen = new Uint32Array(btf.typeCount);
  }

  walk(from: TypeId, visit: (id: TypeId) => void): void {
    const walk = ++this.#walk;
    const waiting: TypeId[] = [];
    const reach = (id: TypeId): void => {
      if (id === 0 || id === this.#root || this.#seen[id] === walk) return;
      this.#seen[id] = walk;
      waiting.push(id);
    };
    reach(from);
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      visit(id);
      this.#steps += recordByteSize(this.#btf, id) / 4;
      if (this.#steps > maximumSteps) {
        const problem = `type ${this.#root} refers to too much in too many ways`;
        throw new LimitError("BTF_STEPS", problem, { section: btfSectionName });
      }
      forEachReference(this.#btf, id, reach);
    }
  }
}

function forEachReference(btf: Btf, id: TypeId, visit: (target: TypeId) => void): void {
  if (id === 0 || btf.kind(id) > BTF_KIND_MAX) return;
  const { words } = btf.owner(id);
  forEachTypeWord(words, btf.wordIndex(id), (word) => visit(words[word]!));
}

function recordByteSize(btf: Btf, id: TypeId): number {
  const owner = btf.owner(id);
  const index = id - owner.startId;
  return ((owner.offsets[index + 1] ?? owner.words.length) - owner.offsets[index]!) * 4;
}

/** Types whose names begin with the same word. */
export interface PrefixStatistics extends TypeVolume {
  prefix: string;
}

/**
 * The own types by the first word of their names, which in the kernel is mostly the subsystem's; those
 * without a name together under the empty word. What takes most bytes comes first.
 */
export function prefixStatistics(btf: Btf): PrefixStatistics[] {
  const rows = new Map<string, PrefixStatistics>();
  for (let id = btf.startId; id < btf.typeCount; id++) {
    const prefix = /^_*[^_]*/.exec(btf.name(id))![0].replace(/^_+/, "");
    let row = rows.get(prefix);
    if (row === undefined) rows.set(prefix, (row = { prefix, types: 0, byteSize: 0 }));
    add(row, recordByteSize(btf, id));
  }
  return [...rows.values()].sort((a, b) => b.byteSize - a.byteSize || (a.prefix < b.prefix ? -1 : 1));
}
