import { grownInt32, grownUint32 } from "../../util/columns.ts";
import { HashChains } from "./hash-chains.ts";
import { Kind, kindOfInfo, refersByThirdWord, vlenOfInfo, wordCountOfInfo } from "./type-words.ts";

/** Pairs that one structural comparison may look at; doubles that refer to doubles could ask for 4^16. */
const maximumIdenticalSteps = 1 << 16;
const ForwardBelow = { unknown: 0, no: 1, yes: 2 } as const;

/** Chains of references deeper than any source. */
export const maximumDepth = 2000;

/** Words that looking for copies of the base's types may read in all; real files take some thousands. */
const maximumCopyWords = 1 << 26;

/**
 * Type deduplication, one unit at a time.
 *
 * The result is that of libbpf's `btf__dedup` over all units laid one after another (forward
 * declarations resolved, cyclic graphs compared as graphs, conflicting types of one name kept
 * apart), but only the types that are kept stay in memory: a unit's types are appended behind
 * the kept ones, each is mapped to an equivalent kept type or kept itself, and what is left over
 * is dropped before the next unit comes.
 *
 * Vocabulary: a type is *canonical* when it is kept. `canonical[id]` is the id a type is mapped
 * to: itself, another one, or 0 while undecided. A FWD that is found to mean a struct is mapped
 * to that struct, in whatever unit either stood.
 *
 * Over a base, that holds of the base's FWDs too, though the base's own types go on referring to the
 * FWD. So a type may only be mapped to one of the base when no FWD below that one has become, or will
 * become, a struct of the split; hence everything here that asks for `startId`.
 *
 * What could stand alone does (`hash-chains.ts`, `type-words.ts`, `columns.ts`). The rest is one
 * algorithm over one set of columns: placing a type, comparing two and settling FWDs each change what
 * the others may conclude, in the order that {@link Deduplicator.addUnit} shows, so that it reads
 * better whole.
 */
export class Deduplicator {
  /** Words of all kept types, then of the unit at work. */
  words: Uint32Array<ArrayBuffer> = new Uint32Array(1 << 16);
  wordCount = 0;
  /** Index of a type's first word, by type id. */
  start: Int32Array<ArrayBuffer> = new Int32Array(1 << 12);
  /** Ids 1 to `count - 1` are in use. */
  count = 1;
  /** First id that does not belong to the base. */
  readonly startId: number;

  private canonical: Int32Array<ArrayBuffer> = new Int32Array(1 << 12);
  /** By id of the base, what {@link leadsToForward} has found so far: few of its types are ever asked about. */
  private forwardBelow: Uint8Array<ArrayBuffer> = new Uint8Array(1);
  private readonly table = new HashChains();
  /** What the unit at work has kept so far; its ids are not final yet. */
  private readonly unitTable = new HashChains();
  /** Where to look, newest first. */
  private readonly tables: readonly HashChains[] = [this.unitTable, this.table];
  private unitStart = 1;
  /** By unit id: the type stays, even if it is a FWD whose struct is known (later units refer to it by name). */
  private kept: Uint8Array<ArrayBuffer> = new Uint8Array(1 << 10);
  /** Kept types outside the unit that were mapped to one inside it. */
  private resolved: number[] = [];

  // The hypothesis of one graph comparison: canonical id -> candidate id.
  private hypothesis: Int32Array<ArrayBuffer> = new Int32Array(1 << 12);
  private hypothesisList: Int32Array<ArrayBuffer> = new Int32Array(1 << 10);
  private hypothesisCount = 0;
  private stack: Int32Array<ArrayBuffer> = new Int32Array(1 << 12);
  private identicalSteps = 0;
  private copyWords = 0;
  /** A FWD in the base would have to be resolved: the graphs are alike, the types are not the same. */
  private wouldChangeBase = false;

  private composites: Int32Array<ArrayBuffer> = new Int32Array(1 << 10);
  private references: Int32Array<ArrayBuffer> = new Int32Array(1 << 10);

  /** @param base words and word starts of the base's types (ids from 1), name ids as in the units. */
  constructor(base?: { words: Uint32Array; starts: Uint32Array }) {
    if (base !== undefined && base.starts.length > 0) this.loadBase(base.words, base.starts);
    this.startId = this.count;
    this.unitStart = this.count;
  }

  private loadBase(words: Uint32Array, starts: Uint32Array): void {
    this.words = grownUint32(this.words, words.length);
    this.words.set(words);
    this.wordCount = words.length;
    this.reserve(starts.length + 1, 0);
    this.table.reserve(starts.length);
    for (let i = 0; i < starts.length; i++) {
      const id = this.count++;
      this.start[id] = starts[i]!;
      this.canonical[id] = id;
      const kind = kindOfInfo(this.words[starts[i]! + 1]!);
      if (kind !== Kind.var && kind !== Kind.datasec) this.table.add(this.hash(id), id);
    }
    this.forwardBelow = new Uint8Array(this.count);
  }

  /** Whether a type of the base, a typedef or reference, has a FWD below it that no struct stands between. */
  private leadsToForward(id: number, depth = 0): boolean {
    const { words, forwardBelow } = this;
    // Also where a broken base goes round in circles, or deeper than any source.
    if (id === 0 || id >= forwardBelow.length || depth > maximumDepth) return false;
    if (forwardBelow[id] !== ForwardBelow.unknown) return forwardBelow[id] === ForwardBelow.yes;
    const at = this.start[id]!;
    const info = words[at + 1]!;
    const kind = kindOfInfo(info);
    let answer = kind === Kind.fwd;
    forwardBelow[id] = ForwardBelow.no;
    if (kind === Kind.array) answer = this.leadsToForward(words[at + 3]!, depth + 1);
    else if (kind === Kind.typedef || isReferenceKind(kind))
      answer = this.leadsToForward(words[at + 2]!, depth + 1);
    if (kind === Kind.funcProto) {
      for (let i = at + 4, end = at + 3 + vlenOfInfo(info) * 2; !answer && i < end; i += 2)
        answer = this.leadsToForward(words[i]!, depth + 1);
    }
    if (answer) forwardBelow[id] = ForwardBelow.yes;
    return answer;
  }

  private reserve(typeCount: number, wordCount: number): void {
    const types = this.count + typeCount + 1;
    this.start = grownInt32(this.start, types);
    this.canonical = grownInt32(this.canonical, types);
    this.hypothesis = grownInt32(this.hypothesis, types);
    this.words = grownUint32(this.words, this.wordCount + wordCount);
  }

  /**
   * Take in one unit. References in `words` are unit ids, 1 for the first type of the unit; on
   * return `map[i]` is the id that unit id `i` has from now on (ids may still be merged by
   * {@link finish}). `map` needs `typeCount + 1` items.
   * @param firstId what the unit calls its first type. With {@link startId} the unit can refer to the
   *   base's types by their own ids; no other unit may come before it then.
   */
  addUnit(
    words: Uint32Array,
    wordFrom: number,
    wordTo: number,
    typeCount: number,
    map: Int32Array,
    firstId = 1,
  ): void {
    this.reserve(typeCount, wordTo - wordFrom);
    this.unitStart = this.count;
    this.resolved.length = 0;
    this.unitTable.clear();
    this.take(words, wordFrom, wordTo, typeCount, this.count - firstId);
    if (this.startId > 1) this.placeStructs();
    for (let i = 0, n = this.compositeCount; i < n; i++) this.placeComposite(this.composites[i]!);
    for (let i = 0, n = this.referenceCount; i < n; i++) this.placeReference(this.references[i]!, 0);
    this.keep(typeCount, map);
  }

  /**
   * Before the typedefs, over a base: comparing a typedef with the base's may find out what a FWD of
   * the base means, and a struct compared after that would no longer seem to differ from the base's.
   */
  private placeStructs(): void {
    for (let i = 0, n = this.compositeCount; i < n; i++) {
      const id = this.composites[i]!;
      if (kindOfInfo(this.words[this.start[id]! + 1]!) !== Kind.typedef) this.placeComposite(id);
    }
  }

  private compositeCount = 0;
  private referenceCount = 0;

  /** Copy the unit behind the kept types with ids moved up; place the types that refer to none. */
  private take(source: Uint32Array, from: number, to: number, typeCount: number, base: number): void {
    const words = this.words;
    let at = this.wordCount;
    words.set(from === 0 && to === source.length ? source : source.subarray(from, to), at);
    if (this.composites.length <= typeCount) {
      this.composites = new Int32Array(typeCount * 2);
      this.references = new Int32Array(typeCount * 2);
      this.kept = new Uint8Array(typeCount * 2);
    }
    this.kept.fill(0, 0, typeCount + 1);
    let composites = 0;
    let references = 0;
    let id = this.count;
    this.canonical.fill(0, id, id + typeCount);
    for (const last = id + typeCount; id < last; id++) {
      this.start[id] = at;
      const info = words[at + 1]!;
      const kind = (info >>> 24) & 0x1f;
      switch (kind) {
        case Kind.ptr:
        case Kind.volatile:
        case Kind.const:
        case Kind.restrict:
        case Kind.func:
        case Kind.typeTag:
          if (words[at + 2] !== 0) words[at + 2] = words[at + 2]! + base;
          this.references[references++] = id;
          at += 3;
          break;
        case Kind.typedef:
          if (words[at + 2] !== 0) words[at + 2] = words[at + 2]! + base;
          this.composites[composites++] = id;
          at += 3;
          break;
        case Kind.declTag:
          if (words[at + 2] !== 0) words[at + 2] = words[at + 2]! + base;
          this.references[references++] = id;
          at += 4;
          break;
        case Kind.array:
          if (words[at + 3] !== 0) words[at + 3] = words[at + 3]! + base;
          if (words[at + 4] !== 0) words[at + 4] = words[at + 4]! + base;
          this.references[references++] = id;
          at += 6;
          break;
        case Kind.struct:
        case Kind.union: {
          const end = at + 3 + (info & 0xffffff) * 3;
          for (at += 3; at < end; at += 3) if (words[at + 1] !== 0) words[at + 1] = words[at + 1]! + base;
          this.composites[composites++] = id;
          break;
        }
        case Kind.funcProto: {
          if (words[at + 2] !== 0) words[at + 2] = words[at + 2]! + base;
          const end = at + 3 + (info & 0xffffff) * 2;
          for (at += 3; at < end; at += 2) if (words[at + 1] !== 0) words[at + 1] = words[at + 1]! + base;
          this.references[references++] = id;
          break;
        }
        default:
          at += wordCountOfInfo(info);
          this.placePrimitive(id, kind);
      }
    }
    this.count = id;
    this.wordCount = at;
    this.compositeCount = composites;
    this.referenceCount = references;
  }

  /** Add one type made of kept ids, after the last unit. It is kept as it is; equal ones merge in {@link finish}. */
  append(type: ArrayLike<number>): number {
    this.reserve(1, type.length);
    const id = this.count++;
    this.start[id] = this.wordCount;
    this.canonical[id] = id;
    this.words.set(type, this.wordCount);
    this.wordCount += type.length;
    return id;
  }

  // ---- Kinds that refer to nothing -------------------------------------------------------

  private placePrimitive(id: number, kind: number): void {
    const hash = this.hash(id);
    const isEnum = kind === Kind.enum || kind === Kind.enum64;
    for (
      let table: HashChains | undefined = this.unitTable;
      table;
      table = table === this.table ? undefined : this.table
    ) {
      for (let entry = table.first(hash); entry !== 0; entry = table.next(entry)) {
        const other = table.id(entry);
        if (isEnum) {
          if (this.equalEnum(id, other)) {
            this.canonical[id] = other;
            return;
          }
          if (this.compatibleEnum(id, other)) {
            if (this.isEnumForward(id)) {
              this.canonical[id] = other;
              return;
            }
            if (other >= this.startId) this.settle(other, id);
          }
        } else if (this.equalWords(id, other)) {
          this.canonical[id] = other;
          return;
        }
      }
    }
    this.keepOwn(id, hash);
  }

  /** Nothing like it so far: the type stands for itself. */
  private keepOwn(id: number, hash: number): void {
    this.canonical[id] = id;
    this.kept[id - this.unitStart + 1] = 1;
    this.unitTable.add(hash, id);
  }

  private settle(from: number, to: number): void {
    this.canonical[from] = to;
    if (from < this.unitStart) this.resolved.push(from);
  }

  private isEnumForward(id: number): boolean {
    const info = this.words[this.start[id]! + 1]!;
    const kind = kindOfInfo(info);
    return (kind === Kind.enum || kind === Kind.enum64) && vlenOfInfo(info) === 0;
  }

  private equalEnum(a: number, b: number): boolean {
    return this.equalWords(a, b);
  }

  /** An enum without values stands for any enum of its name. */
  private compatibleEnum(a: number, b: number): boolean {
    if (!this.isEnumForward(a) && !this.isEnumForward(b)) return this.equalWords(a, b);
    const words = this.words;
    const other = kindOfInfo(words[this.start[b]! + 1]!);
    const own = kindOfInfo(words[this.start[a]! + 1]!);
    return (
      words[this.start[a]!] === words[this.start[b]!] &&
      (own === Kind.enum || own === Kind.enum64) &&
      (other === Kind.enum || other === Kind.enum64)
    );
  }

  /** Same words, all of them: for kinds without references, or with references already mapped. */
  private equalWords(a: number, b: number): boolean {
    const words = this.words;
    let x = this.start[a]!;
    let y = this.start[b]!;
    if (words[x + 1] !== words[y + 1]) return false;
    for (const end = x + wordCountOfInfo(words[x + 1]!); x < end; x++, y++)
      if (words[x] !== words[y]) return false;
    return true;
  }

  /** Same kind, name, size and members by name and offset; the members' types are not looked at. */
  private equalShallow(x: number, y: number): boolean {
    const words = this.words;
    const info = words[x + 1]!;
    if (words[x] !== words[y] || info !== words[y + 1] || words[x + 2] !== words[y + 2]) return false;
    const end = x + 3 + (info & 0xffffff) * 3;
    for (x += 3, y += 3; x < end; x += 3, y += 3) {
      if (words[x] !== words[y] || words[x + 2] !== words[y + 2]) return false;
    }
    return true;
  }

  // ---- Struct, union, typedef: graphs ----------------------------------------------------

  private placeComposite(id: number): void {
    if (this.canonical[id] !== 0) return;
    const words = this.words;
    const at = this.start[id]!;
    const isTypedef = kindOfInfo(words[at + 1]!) === Kind.typedef;
    const hash = this.hash(id);
    for (
      let table: HashChains | undefined = this.unitTable;
      table;
      table = table === this.table ? undefined : this.table
    ) {
      for (let entry = table.first(hash); entry !== 0; entry = table.next(entry)) {
        const other = table.id(entry);
        const otherAt = this.start[other]!;
        if (isTypedef) {
          if (words[at] !== words[otherAt] || words[at + 1] !== words[otherAt + 1]) continue;
          // A later unit may complete the FWD; whether it did is known in finish().
          if (other < this.startId && this.leadsToForward(other)) continue;
        } else if (!this.equalShallow(at, otherAt)) continue;
        if (!this.equivalent(id, other)) continue;
        this.adopt();
        if (this.wouldChangeBase) continue;
        this.canonical[id] = other;
        return;
      }
    }
    this.keepOwn(id, hash);
  }

  /** What an id stands for by now: itself, or at the end of the mapping the struct that a FWD was found to mean. */
  resolve(id: number): number {
    const canonical = this.canonical;
    for (;;) {
      const next = canonical[id]!;
      if (next === 0 || next === id) return id;
      id = next;
    }
  }

  /**
   * Is the graph from `candidate` the graph from `canonical`, a FWD on either side standing for
   * the struct or union of its name? The hypothesis it rests on is left behind for {@link adopt}.
   */
  private equivalent(candidateRoot: number, canonicalRoot: number): boolean {
    for (let i = 0; i < this.hypothesisCount; i++) this.hypothesis[this.hypothesisList[i]!] = 0;
    this.hypothesisCount = 0;
    this.wouldChangeBase = false;
    const words = this.words;
    const start = this.start;
    const startId = this.startId;
    const hypothesis = this.hypothesis;
    const isTypedefOfBase =
      canonicalRoot < startId && kindOfInfo(words[start[canonicalRoot]! + 1]!) === Kind.typedef;
    let stack = this.stack;
    stack[0] = candidateRoot;
    stack[1] = canonicalRoot;
    let depth = 2;
    while (depth > 0) {
      depth -= 2;
      const candidate = stack[depth]!;
      let canon = stack[depth + 1]!;
      // Pushed with a sign: negative when the type that refers to it is not the base's.
      const ofBase = canon > 0;
      if (!ofBase) canon = -canon;
      // The base's typedef goes on meaning the FWD.
      if (isTypedefOfBase && canon < startId && this.resolve(canon) >= startId) this.wouldChangeBase = true;
      if (candidate === canon || this.resolve(candidate) === this.resolve(canon)) continue;
      if (candidate === 0 || canon === 0) return false;
      canon = this.resolveForward(canon);
      const known = hypothesis[canon]!;
      if (known !== 0) {
        // Compilers repeat an array or anonymous struct within one unit: same thing, other id.
        if (known === candidate) {
          if (ofBase && canon < startId && this.completes(candidate, canon)) this.wouldChangeBase = true;
          continue;
        }
        this.identicalSteps = 0;
        if (this.identical(known, candidate, 16)) continue;
        return false;
      }
      hypothesis[canon] = candidate;
      if (this.hypothesisCount === this.hypothesisList.length) {
        this.hypothesisList = grownInt32(this.hypothesisList, this.hypothesisCount + 1);
      }
      this.hypothesisList[this.hypothesisCount++] = canon;

      const x = start[candidate]!;
      const y = start[canon]!;
      if (words[x] !== words[y]) return false;
      const info = words[x + 1]!;
      const kind = (info >>> 24) & 0x1f;
      const otherInfo = words[y + 1]!;
      const otherKind = (otherInfo >>> 24) & 0x1f;
      if (kind !== otherKind) {
        if (kind === Kind.fwd || otherKind === Kind.fwd) {
          if (!this.forwardMatches(kind, info, otherKind, otherInfo)) return false;
          // A type of the split that refers to the base's FWD is free to refer to a struct instead.
          if (otherKind === Kind.fwd && canon < startId && ofBase) this.wouldChangeBase = true;
          continue;
        }
        const enums =
          (kind === Kind.enum || kind === Kind.enum64) &&
          (otherKind === Kind.enum || otherKind === Kind.enum64);
        if (enums && this.compatibleEnum(candidate, canon)) continue;
        return false;
      }
      const sign = canon < startId ? 1 : -1;
      switch (kind) {
        case Kind.int:
        case Kind.float:
        case Kind.fwd:
          if (!this.equalWords(candidate, canon)) return false;
          break;
        case Kind.enum:
        case Kind.enum64:
          if (!this.compatibleEnum(candidate, canon)) return false;
          break;
        case Kind.ptr:
        case Kind.typedef:
        case Kind.volatile:
        case Kind.const:
        case Kind.restrict:
        case Kind.func:
        case Kind.typeTag:
          if (info !== otherInfo) return false;
          stack[depth] = words[x + 2]!;
          stack[depth + 1] = sign * words[y + 2]!;
          depth += 2;
          break;
        case Kind.array:
          if (info !== otherInfo || words[x + 5] !== words[y + 5]) return false;
          stack[depth] = words[x + 3]!;
          stack[depth + 1] = sign * words[y + 3]!;
          stack[depth + 2] = words[x + 4]!;
          stack[depth + 3] = sign * words[y + 4]!;
          depth += 4;
          break;
        case Kind.struct:
        case Kind.union: {
          if (!this.equalShallow(x, y)) return false;
          const vlen = info & 0xffffff;
          if (depth + vlen * 2 + 8 > stack.length)
            stack = this.stack = grownInt32(stack, depth + vlen * 2 + 64);
          // Last member first, so that the walk is that of a recursive one.
          for (let i = vlen - 1; i >= 0; i--) {
            const from = words[x + 4 + i * 3]!;
            const to = words[y + 4 + i * 3]!;
            if (from === to || this.canonical[from] === to) continue;
            stack[depth] = from;
            stack[depth + 1] = sign * to;
            depth += 2;
          }
          break;
        }
        case Kind.funcProto: {
          if (info !== otherInfo) return false;
          const vlen = info & 0xffffff;
          if (depth + vlen * 2 + 8 > stack.length)
            stack = this.stack = grownInt32(stack, depth + vlen * 2 + 64);
          for (let i = vlen - 1; i >= 0; i--) {
            if (words[x + 3 + i * 2] !== words[y + 3 + i * 2]) return false;
            stack[depth] = words[x + 4 + i * 2]!;
            stack[depth + 1] = sign * words[y + 4 + i * 2]!;
            depth += 2;
          }
          stack[depth] = words[x + 2]!;
          stack[depth + 1] = sign * words[y + 2]!;
          depth += 2;
          break;
        }
        default:
          return false;
      }
      if (depth + 8 > stack.length) stack = this.stack = grownInt32(stack, depth + 64);
    }
    return true;
  }

  /** Whether `canon` is a FWD and `candidate` what it may stand for. */
  private completes(candidate: number, canon: number): boolean {
    const { words, start } = this;
    return (
      kindOfInfo(words[start[canon]! + 1]!) === Kind.fwd &&
      kindOfInfo(words[start[candidate]! + 1]!) !== Kind.fwd
    );
  }

  private forwardMatches(kind: number, info: number, otherKind: number, otherInfo: number): boolean {
    const forwardInfo = kind === Kind.fwd ? info : otherInfo;
    const real = kind === Kind.fwd ? otherKind : kind;
    return real === (forwardInfo >>> 31 === 1 ? Kind.union : Kind.struct);
  }

  /** A FWD's struct, where it is known by now; any other type is returned as it is. */
  private resolveForward(id: number): number {
    if (kindOfInfo(this.words[this.start[id]! + 1]!) !== Kind.fwd) return id;
    const end = this.resolve(id);
    return kindOfInfo(this.words[this.start[end]! + 1]!) === Kind.fwd ? id : end;
  }

  /**
   * Structural comparison of two types of one unit, `depth` levels deep. Unlike libbpf 1.7's, it
   * compares the element types of arrays.
   */
  private identical(a: number, b: number, depth: number): boolean {
    const words = this.words;
    for (; ; depth--) {
      if (a === b) return true;
      if (a === 0 || b === 0 || depth <= 0 || ++this.identicalSteps > maximumIdenticalSteps) return false;
      const x = this.start[a]!;
      const y = this.start[b]!;
      const info = words[x + 1]!;
      const kind = kindOfInfo(info);
      if (kind !== kindOfInfo(words[y + 1]!)) return false;
      switch (kind) {
        case Kind.int:
        case Kind.float:
        case Kind.fwd:
          return this.equalWords(a, b);
        case Kind.enum:
        case Kind.enum64:
          return this.compatibleEnum(a, b);
        case Kind.ptr:
        case Kind.typedef:
        case Kind.volatile:
        case Kind.const:
        case Kind.restrict:
        case Kind.func:
        case Kind.typeTag:
          if (words[x] !== words[y] || info !== words[y + 1]) return false;
          a = words[x + 2]!;
          b = words[y + 2]!;
          continue;
        case Kind.array:
          if (words[x + 5] !== words[y + 5] || !this.identical(words[x + 4]!, words[y + 4]!, depth - 1))
            return false;
          a = words[x + 3]!;
          b = words[y + 3]!;
          continue;
        case Kind.struct:
        case Kind.union: {
          if (!this.equalShallow(x, y)) return false;
          for (let i = 0, n = info & 0xffffff; i < n; i++) {
            if (!this.identical(words[x + 4 + i * 3]!, words[y + 4 + i * 3]!, depth - 1)) return false;
          }
          return true;
        }
        case Kind.funcProto: {
          if (info !== words[y + 1] || !this.identical(words[x + 2]!, words[y + 2]!, depth - 1)) return false;
          for (let i = 0, n = info & 0xffffff; i < n; i++) {
            if (words[x + 3 + i * 2] !== words[y + 3 + i * 2]) return false;
            if (!this.identical(words[x + 4 + i * 2]!, words[y + 4 + i * 2]!, depth - 1)) return false;
          }
          return true;
        }
        default:
          return false;
      }
    }
  }

  /** The graphs were equivalent: record what that says of forward declarations and of structs on the way. */
  private adopt(): void {
    const words = this.words;
    for (let i = 0; i < this.hypothesisCount; i++) {
      const canon = this.hypothesisList[i]!;
      const from = this.resolve(this.hypothesis[canon]!);
      const to = this.resolve(canon);
      if (from === to) continue;
      const fromKind = kindOfInfo(words[this.start[from]! + 1]!);
      const toKind = kindOfInfo(words[this.start[to]! + 1]!);
      if (fromKind !== Kind.fwd && toKind === Kind.fwd) this.settle(to, from);
      if (this.wouldChangeBase) continue;
      if (fromKind === Kind.fwd && toKind !== Kind.fwd) {
        this.settle(from, to);
      } else if (
        toKind === fromKind &&
        fromKind !== Kind.typedef &&
        // The base's pointer to a FWD is none to the struct that the split has for it.
        (to >= this.startId || fromKind === Kind.struct || fromKind === Kind.union) &&
        this.canonical[to] !== 0 &&
        this.canonical[from] === 0
      ) {
        // Structs, as libbpf does. References too: with their targets mapped they would find this one.
        this.canonical[from] = to;
      }
    }
  }

  // ---- Kinds that only refer -------------------------------------------------------------

  /** Map the targets first, then look for an equal one. Returns the id the type is mapped to. */
  private placeReference(id: number, depth: number): number {
    if (id === 0) return 0;
    const known = this.canonical[id]!;
    if (known > 0) return this.resolve(id);
    const words = this.words;
    const at = this.start[id]!;
    const info = words[at + 1]!;
    const kind = kindOfInfo(info);
    // A chain of modifiers that closes on itself, or deeper than any source: cut it.
    if (known < 0 || depth > maximumDepth) return 0;
    this.canonical[id] = -1;
    if (refersByThirdWord(kind)) words[at + 2] = this.placeReference(words[at + 2]!, depth + 1);
    if (kind === Kind.array) {
      words[at + 3] = this.placeReference(words[at + 3]!, depth + 1);
      words[at + 4] = this.placeReference(words[at + 4]!, depth + 1);
    } else if (kind === Kind.funcProto) {
      for (let i = at + 4, end = at + 3 + (info & 0xffffff) * 2; i < end; i += 2) {
        words[i] = this.placeReference(words[i]!, depth + 1);
      }
    }
    const hash = this.hash(id);
    for (
      let table: HashChains | undefined = this.unitTable;
      table;
      table = table === this.table ? undefined : this.table
    ) {
      for (let entry = table.first(hash); entry !== 0; entry = table.next(entry)) {
        const other = table.id(entry);
        // A later unit may complete the FWD; whether it did is known in finish().
        if (other < this.startId && this.leadsToForward(other)) continue;
        if (this.equalWords(id, other)) {
          this.canonical[id] = other;
          return other;
        }
      }
    }
    this.keepOwn(id, hash);
    return id;
  }

  /** What equal types of one kind have in common. Structs and typedefs leave out the types they refer to. */
  private hash(id: number): number {
    const words = this.words;
    const at = this.start[id]!;
    const info = words[at + 1]!;
    const kind = kindOfInfo(info);
    let hash = Math.imul(words[at]! ^ 0x9e3779b9, 0x85ebca6b);
    if (kind === Kind.enum || kind === Kind.enum64) {
      // A forward declaration may match either kind, whatever its size.
      return (hash ^ (hash >>> 15) ^ 0x5f) | 0;
    }
    hash = Math.imul(hash ^ (hash >>> 13) ^ info, 0xc2b2ae35);
    if (kind === Kind.struct || kind === Kind.union) {
      hash = Math.imul(hash ^ words[at + 2]!, 0x27d4eb2f);
      for (let i = at + 3, end = at + 3 + vlenOfInfo(info) * 3; i < end; i += 3) {
        hash = Math.imul((hash ^ (hash >>> 15)) + words[i]!, 0x2c1b3c6d);
        hash = Math.imul((hash ^ (hash >>> 12)) + words[i + 2]!, 0x297a2d39);
      }
    } else if (kind !== Kind.typedef) {
      for (let i = at + 2, end = at + wordCountOfInfo(info); i < end; i++) {
        hash = Math.imul((hash ^ (hash >>> 15)) + words[i]!, 0x2c1b3c6d);
      }
    }
    return (hash ^ (hash >>> 16)) | 0;
  }

  // ---- End of a unit, end of all ---------------------------------------------------------

  /** Drop what was mapped elsewhere, close the gaps, give the kept types their ids. */
  private keep(typeCount: number, map: Int32Array): void {
    const { words, start, canonical, kept, unitStart } = this;
    let next = unitStart;
    map[0] = 0;
    for (let i = 1; i <= typeCount; i++) map[i] = kept[i] === 1 ? next++ : 0;
    // The id a type of this unit will have, through the mapping (which is still in unit ids).
    const finalId = (id: number): number => {
      const end = this.resolve(id);
      return end < unitStart ? end : map[end - unitStart + 1]!;
    };
    let to = typeCount > 0 ? start[unitStart]! : this.wordCount;
    for (let i = 1; next > unitStart && i <= typeCount; i++) {
      if (kept[i] === 0) continue;
      const from = start[unitStart + i - 1]!;
      const length = wordCountOfInfo(words[from + 1]!);
      if (from !== to) words.copyWithin(to, from, from + length);
      renumber(words, to, finalId);
      start[unitStart + i - 1] = to;
      to += length;
    }
    this.wordCount = to;
    for (let i = 1; i <= typeCount; i++) if (kept[i] === 0) map[i] = finalId(unitStart + i - 1);
    for (const id of this.resolved) canonical[id] = finalId(canonical[id]!);
    if (next > unitStart) {
      // All ends first: from then on nobody needs the mapping between the unit's own ids.
      const ends = this.references;
      for (let i = 1; i <= typeCount; i++) {
        if (kept[i] === 1)
          ends[i] = canonical[unitStart + i - 1] === unitStart + i - 1 ? map[i]! : finalId(unitStart + i - 1);
      }
      for (let i = 1; i <= typeCount; i++) {
        if (kept[i] === 0) continue;
        start[map[i]!] = start[unitStart + i - 1]!;
        canonical[map[i]!] = ends[i]!;
      }
    }
    this.count = next;
    // Newest first, as a lookup in the order of arrival would find them.
    this.unitTable.moveTo(this.table, unitStart, map);
  }

  /**
   * After the last unit and {@link resolveForwards}: references are merged once more, ids made dense.
   * @returns for every id handed out before, the final id (0 for void).
   */
  finish(): { map: Int32Array; words: Uint32Array; typeCount: number } {
    if (this.startId > 1) this.returnToBase();
    const { words, start, startId, count } = this;
    // References once more, from the start: two that differed by an unresolved FWD may now be equal.
    this.unitStart = this.count;
    const mapped = new Int32Array(count);
    const again = new HashChains();
    again.reserve(count);
    const visit = (id: number, depth: number): number => {
      const done = mapped[id]!;
      if (done > 0) return done;
      const end = this.resolve(id);
      if (end !== id) return (mapped[id] = visit(end, depth + 1));
      if (id < startId) return (mapped[id] = id);
      const at = start[id]!;
      const info = words[at + 1]!;
      const kind = kindOfInfo(info);
      // Typedefs are settled by now, but for those that may be the base's after all.
      const isTypedef = kind === Kind.typedef && startId > 1;
      if (!isReferenceKind(kind) && !isTypedef) return (mapped[id] = id);
      if (done < 0 || depth > maximumDepth) return id;
      mapped[id] = -1;
      if (kind === Kind.array) {
        words[at + 3] = visit(words[at + 3]!, depth + 1);
        words[at + 4] = visit(words[at + 4]!, depth + 1);
      } else {
        words[at + 2] = visit(words[at + 2]!, depth + 1);
        if (kind === Kind.funcProto) {
          for (let i = at + 4, last = at + 3 + (info & 0xffffff) * 2; i < last; i += 2)
            words[i] = visit(words[i]!, depth + 1);
        }
      }
      const hash = this.hash(id);
      for (let entry = again.first(hash); entry !== 0; entry = again.next(entry)) {
        const other = again.id(entry);
        if (this.equalWords(id, other)) return (mapped[id] = other);
      }
      const other = this.equalInBase(id, hash, isTypedef);
      if (other !== 0) return (mapped[id] = other);
      if (!isTypedef) again.add(hash, id);
      return (mapped[id] = id);
    };
    for (let id = startId; id < count; id++) visit(id, 0);

    let next = startId;
    const final = new Int32Array(count);
    for (let id = 1; id < startId; id++) final[id] = id;
    for (let id = startId; id < count; id++) final[id] = mapped[id] === id ? next++ : 0;
    for (let id = startId; id < count; id++) if (mapped[id] !== id) final[id] = final[mapped[id]!]!;
    for (let id = 1; id < startId; id++) if (mapped[id] !== 0) final[id] = final[mapped[id]!]!;
    const from = startId < count ? start[startId]! : this.wordCount;
    const finalOf = (id: number): number => final[this.resolve(id)]!;
    let to = from;
    for (let id = startId; id < count; id++) {
      if (mapped[id] !== id) continue;
      const at = start[id]!;
      const length = wordCountOfInfo(words[at + 1]!);
      words.copyWithin(to, at, at + length);
      renumber(words, to, finalOf);
      to += length;
    }
    return { map: final, words: words.subarray(from, to), typeCount: next - startId };
  }

  /**
   * Map structs to the base's that are the same in every id. One that leads to a FWD which its unit completes
   * is kept apart from the base's; then the structs between the two are compared, with the FWD known, and found
   * to be the base's. What is left is made of nothing but the base's types, and other units have the base's.
   */
  private returnToBase(): void {
    const { words, start, startId, canonical, table } = this;
    this.copyWords = 0;
    for (let id = startId; id < this.count && this.copyWords < maximumCopyWords; id++) {
      const kind = kindOfInfo(words[start[id]! + 1]!);
      if ((kind !== Kind.struct && kind !== Kind.union) || canonical[id] !== id) continue;
      for (let entry = table.first(this.hash(id)); entry !== 0; entry = table.next(entry)) {
        const other = table.id(entry);
        if (other >= startId || !this.equalShallow(start[id]!, start[other]!)) continue;
        const copies = this.copiesOfBase(id, other);
        if (copies === undefined) continue;
        for (const [copy, original] of copies) canonical[copy] = original;
        break;
      }
    }
  }

  /** What `own` leads to outside the base, each with its original below `base`; undefined where they differ. */
  private copiesOfBase(own: number, base: number): Map<number, number> | undefined {
    const copies = new Map([[own, base]]);
    // The walk takes in what it adds.
    for (const [copy, original] of copies) {
      const ours = this.withoutTargets(copy);
      const theirs = this.withoutTargets(original);
      this.copyWords += ours.words.length + theirs.words.length;
      if (this.copyWords > maximumCopyWords || ours.words.length !== theirs.words.length) return undefined;
      if (ours.words.some((word, i) => word !== theirs.words[i])) return undefined;
      for (const [i, target] of ours.targets.entries()) {
        const mine = this.resolve(target);
        // The base's own types go on referring to its FWDs, whatever those were found to mean.
        const wanted = theirs.targets[i]!;
        if (mine === wanted) continue;
        if (mine < this.startId || (copies.get(mine) ?? wanted) !== wanted) return undefined;
        copies.set(mine, wanted);
      }
    }
    return copies;
  }

  /** The words of a type, the ids in them taken out. Void stays: that one refers to it and another does not shows. */
  private withoutTargets(id: number): { words: Uint32Array; targets: number[] } {
    const at = this.start[id]!;
    const words = this.words.slice(at, at + wordCountOfInfo(this.words[at + 1]!));
    const targets: number[] = [];
    renumber(words, 0, (target) => (targets.push(target), 1));
    return { words, targets };
  }

  /** A reference of the base with the same words, or a typedef with a FWD below it; 0 for none. */
  private equalInBase(id: number, hash: number, isTypedef: boolean): number {
    const { table } = this;
    for (let entry = table.first(hash); entry !== 0; entry = table.next(entry)) {
      const other = table.id(entry);
      if (other >= this.startId || !this.equalWords(id, other)) continue;
      if (!isTypedef || this.leadsToForward(other)) return other;
    }
    return 0;
  }

  /** After the last unit, before {@link finish}: a FWD whose name only one struct or union has means that one. */
  resolveForwards(): void {
    const { words, start, canonical } = this;
    const forwards: number[] = [];
    /** By name of a FWD the struct or union that has it, 0 where several have. */
    const byName = new Map<number, number | undefined>();
    for (let id = this.startId; id < this.count; id++) {
      if (kindOfInfo(words[start[id]! + 1]!) !== Kind.fwd || canonical[id] !== id) continue;
      forwards.push(id);
      byName.set(words[start[id]!]!, undefined);
    }
    for (let id = 1; id < this.count && forwards.length > 0; id++) {
      const at = start[id]!;
      const kind = kindOfInfo(words[at + 1]!);
      if ((kind !== Kind.struct && kind !== Kind.union) || canonical[id] !== id) continue;
      const name = words[at]!;
      if (byName.has(name)) byName.set(name, byName.get(name) === undefined ? id : 0);
    }
    for (const id of forwards) {
      const info = words[start[id]! + 1]!;
      const found = byName.get(words[start[id]!]!);
      if (found === undefined || found === 0) continue;
      const kind = kindOfInfo(words[start[found]! + 1]!);
      if (kind === (info >>> 31 === 1 ? Kind.union : Kind.struct)) canonical[id] = found;
    }
  }
}

export function isReferenceKind(kind: number): boolean {
  switch (kind) {
    case Kind.ptr:
    case Kind.volatile:
    case Kind.const:
    case Kind.restrict:
    case Kind.func:
    case Kind.funcProto:
    case Kind.array:
    case Kind.declTag:
    case Kind.typeTag:
      return true;
    default:
      return false;
  }
}

/** Replace every type id in the type at `at`. */
function renumber(words: Uint32Array, at: number, newId: (id: number) => number): void {
  const info = words[at + 1]!;
  const kind = kindOfInfo(info);
  if (refersByThirdWord(kind) && words[at + 2] !== 0) words[at + 2] = newId(words[at + 2]!);
  switch (kind) {
    case Kind.array:
      if (words[at + 3] !== 0) words[at + 3] = newId(words[at + 3]!);
      if (words[at + 4] !== 0) words[at + 4] = newId(words[at + 4]!);
      break;
    case Kind.struct:
    case Kind.union:
      for (let i = at + 4, end = at + 3 + vlenOfInfo(info) * 3; i < end; i += 3)
        if (words[i] !== 0) words[i] = newId(words[i]!);
      break;
    case Kind.funcProto:
      for (let i = at + 4, end = at + 3 + vlenOfInfo(info) * 2; i < end; i += 2)
        if (words[i] !== 0) words[i] = newId(words[i]!);
      break;
    case Kind.datasec:
      for (let i = at + 3, end = at + 3 + vlenOfInfo(info) * 3; i < end; i += 3) words[i] = newId(words[i]!);
      break;
  }
}
