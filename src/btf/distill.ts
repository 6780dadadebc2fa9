import { FormatError, UsageError } from "../io/index.ts";
import { BtfBuilder, type BtfFinishOptions } from "./builder.ts";
import * as K from "./constants.ts";
import { printableName } from "./declarator.ts";
import { locate } from "./header.ts";
import { isComposite, isEnum } from "./modifiers.ts";
import { Btf, type TypeId } from "./reader.ts";
import { forEachTypeWord } from "./records.ts";

/** A split BTF that carries what it needs of its base. */
export interface DistilledBtf {
  /** For `.BTF.base`: the named types the split refers to, without their members. */
  base: Uint8Array;
  /** For `.BTF`: the split over {@link DistilledBtf.base}. */
  split: Uint8Array;
}

/**
 * Make a split BTF independent of the exact bytes of its base, for modules built outside a kernel's
 * tree. The new base holds, in the old order, every INT, FLOAT and FWD the split reaches, named
 * structs and unions without members, named enums as ENUM without values. All else it reaches
 * (pointers, arrays, typedefs, unnamed structs, ...) goes behind the split's own types. When the
 * module is loaded, the kernel (v6.11 on) matches the base's types with vmlinux's by name and size.
 *
 * @throws {UsageError} when `btf` is not split.
 * @throws {FormatError} `BTF_DISTILL` when it refers to a variable, function, section or tag of the base.
 */
export function distill(btf: Btf, options: Pick<BtfFinishOptions, "headerByteSize"> = {}): DistilledBtf {
  if (btf.base === undefined) throw new UsageError("only split BTF has a base to distill");
  const needed = markNeeded(btf);
  const newIds = new Uint32Array(btf.typeCount);

  const base = new BtfBuilder({ littleEndian: btf.littleEndian });
  for (let id = 1; id < btf.startId; id++) {
    if (needed[id] === 1 && belongsToBase(btf, id)) newIds[id] = addToBase(base, btf, id);
  }
  const baseBytes = base.finish(options);
  const split = new BtfBuilder({ base: Btf.parse(baseBytes, { name: "distilled base" }) });

  // Own types first, then what follows them; all ids are known before the first type is written.
  let nextId = split.startId;
  for (let id = btf.startId; id < btf.typeCount; id++) newIds[id] = nextId++;
  const moved: TypeId[] = [];
  for (let id = 1; id < btf.startId; id++) {
    if (needed[id] === 0 || newIds[id] !== 0) continue;
    moved.push(id);
    newIds[id] = nextId++;
  }
  const mapType = (id: TypeId): TypeId => newIds[id]!;
  for (let id = btf.startId; id < btf.typeCount; id++) split.addCopy(btf, id, mapType);
  for (const id of moved) split.addCopy(btf, id, mapType);
  return { base: baseBytes, split: split.finish(options) };
}

/** 1 for every base type the split needs. Named structs and unions end the walk: their members go. */
function markNeeded(btf: Btf): Uint8Array {
  const needed = new Uint8Array(btf.startId);
  const waiting: TypeId[] = [];
  const visit = (target: TypeId): void => {
    if (target === 0 || target >= btf.startId || needed[target] === 1) return;
    needed[target] = 1;
    if (!isComposite(btf.kind(target)) || btf.nameOffset(target) === 0) waiting.push(target);
  };
  for (const at of btf.offsets) forEachTypeWord(btf.words, at, (word) => visit(btf.words[word]!));
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    const { words } = btf.owner(id);
    forEachTypeWord(words, btf.wordIndex(id), (word) => visit(words[word]!));
  }
  for (let id = 1; id < btf.startId; id++) if (needed[id] === 1) refuseOddKind(btf, id);
  return needed;
}

function refuseOddKind(btf: Btf, id: TypeId): void {
  const kind = btf.kind(id);
  const isOdd =
    kind === K.BTF_KIND_FUNC ||
    kind === K.BTF_KIND_VAR ||
    kind === K.BTF_KIND_DATASEC ||
    kind === K.BTF_KIND_DECL_TAG;
  if (!isOdd && kind <= K.BTF_KIND_MAX) return;
  const problem = `the split refers to ${K.kindName(kind)} ${id} '${printableName(btf.name(id))}' of its base`;
  throw new FormatError("BTF_DISTILL", problem, locate(btf.inputName, btf.header.typesOffset));
}

function belongsToBase(btf: Btf, id: TypeId): boolean {
  const kind = btf.kind(id);
  if (kind === K.BTF_KIND_INT || kind === K.BTF_KIND_FLOAT || kind === K.BTF_KIND_FWD) return true;
  return (isComposite(kind) || isEnum(kind)) && btf.nameOffset(id) !== 0;
}

function addToBase(base: BtfBuilder, btf: Btf, id: TypeId): TypeId {
  const kind = btf.kind(id);
  const name = btf.name(id);
  if (kind === K.BTF_KIND_STRUCT) return base.addStruct(name, btf.sizeOrType(id), []);
  if (kind === K.BTF_KIND_UNION) return base.addUnion(name, btf.sizeOrType(id), []);
  if (isEnum(kind)) return base.addEnum(name, btf.sizeOrType(id), []);
  return base.addCopy(btf, id, (target) => target);
}
