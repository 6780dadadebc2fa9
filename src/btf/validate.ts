import {
  BTF_KIND_ARRAY,
  BTF_KIND_CONST,
  BTF_KIND_DATASEC,
  BTF_KIND_MAX,
  BTF_KIND_PTR,
  BTF_KIND_RESTRICT,
  BTF_KIND_STRUCT,
  BTF_KIND_TYPE_TAG,
  BTF_KIND_TYPEDEF,
  BTF_KIND_UNION,
  BTF_KIND_UNKN,
  BTF_KIND_VAR,
  BTF_KIND_VOLATILE,
  BTF_MAX_NAME_OFFSET,
  BTF_MAX_TYPE,
  headerByteSizeClassic,
  headerByteSizeLayout,
  kindName,
} from "./constants.ts";
import { printableName } from "./declarator.ts";
import { isModifier } from "./modifiers.ts";
import { NameChecker } from "./name-check.ts";
import type { Btf, TypeId } from "./reader.ts";
import { forEachTypeWord } from "./records.ts";
import type { TypeProblem } from "./type-problem.ts";
import { checkMeta, type MetaRules, nameOffsetProblem } from "./validate-meta.ts";
import { danglingReference } from "./dangling.ts";
import { btfSectionName } from "./header.ts";
import { checkResolve } from "./validate-resolve.ts";

/** Kernels whose rules differ, and were measured or read; those between two follow the older one. */
export const kernelRules = ["6.1", "6.12", "6.18", "7.2"] as const;
export type KernelRules = (typeof kernelRules)[number];

/**
 * The rules that a kernel goes by, from what `uname -r` prints there or any `MAJOR.MINOR`; undefined
 * for what is no release, and for those before 6.1, whose rules are not known here.
 */
export function rulesOfRelease(release: string): KernelRules | undefined {
  const [, major, minor] = /^(\d{1,3})\.(\d{1,4})(?![0-9])/.exec(release) ?? [];
  if (major === undefined || minor === undefined) return undefined;
  const order = (rules: string): number => Number(rules.split(".")[0]) * 10_000 + Number(rules.split(".")[1]);
  return kernelRules.findLast((rules) => order(rules) <= order(`${major}.${minor}`));
}

export interface ValidateOptions {
  /** Whose rules; 6.1's, the stricter ones, by default. */
  kernel?: KernelRules;
  /** Also what only `BPF_BTF_LOAD` checks, not the loading of vmlinux's and modules' BTF. */
  resolve?: boolean;
  /** Bytes of a pointer on that kernel, for `resolve`; 8 by default. */
  pointerByteSize?: number;
  /** Stop after so many problems; 100 by default. */
  maximumProblems?: number;
}

/** A rule of the kernel that a BTF breaks. */
export interface ValidationProblem {
  /** 0 where it is not about one type. */
  typeId: TypeId;
  /** Kind of that type, `""` where there is none. */
  kind: string;
  /** Bytes from the start of the blob. */
  offset: number;
  /** Section of the blob, where that is not `.BTF`. */
  section?: string;
  /** Stable code. */
  rule: string;
  text: string;
}

/** Longest chain of typedefs and qualifiers a kernel follows. */
const maximumChain = 32;

/**
 * What a kernel would refuse in the own types of a BTF, in the order it would find them: it stops
 * at the first, this goes on with the next type (but reports at most one of the `resolve` kind). An empty list means the kernel accepts it.
 *
 * `btf` may be parsed with `danglingReferences`: ids that lead nowhere pass unless `resolve` is set or
 * a chain of modifiers ends there, as in the kernel.
 *
 * Source: kernel/bpf/btf.c of v6.1 and v7.2; of v6.12 and v6.18 what differs from v6.1 as measured.
 */
export function validateBtf(btf: Btf, options: ValidateOptions = {}): ValidationProblem[] {
  const kernel = options.kernel ?? "6.1";
  const maximum = options.maximumProblems ?? 100;
  const problems: ValidationProblem[] = [];
  const report = (id: TypeId, problem: TypeProblem): void => {
    const at = id === 0 ? 0 : btf.header.typesOffset + (btf.wordIndex(id) + (problem.word ?? 0)) * 4;
    const kind = id === 0 ? "" : kindName(btf.kind(id));
    problems.push({ typeId: id, kind, offset: at, rule: problem.rule, text: problem.text });
  };
  for (const problem of headerProblems(btf, kernel)) report(0, problem);
  const rules: MetaRules = {
    names: new NameChecker(btf),
    printableSectionNames: kernel !== "6.1",
    attributes: kernel === "6.18" || kernel === "7.2",
    wideInfo: kernel === "7.2",
  };
  for (let id = btf.startId; id < btf.typeCount && problems.length < maximum; id++) {
    const problem = headProblem(btf, id, rules) ?? checkMeta(btf, id, rules) ?? hugeIdProblem(btf, id);
    if (problem !== undefined) report(id, problem);
  }
  for (let id = btf.startId; id < btf.typeCount && problems.length < maximum; id++) {
    const problem = chainProblem(btf, id, kernel);
    if (problem !== undefined) report(id, problem);
  }
  if (options.resolve === true && problems.length === 0) {
    const dangling = danglingReference(btf);
    if (dangling !== undefined) report(dangling.typeId, dangling.problem);
  }
  // The later checks lean on the earlier ones, as the kernel's do.
  if (options.resolve === true && problems.length === 0) {
    const found = checkResolve(btf, options.pointerByteSize ?? 8);
    if (found !== undefined) report(found.typeId, found.problem);
  }
  return problems;
}

/** One problem as one line. */
export function formatProblem(problem: ValidationProblem): string {
  const where = problem.typeId === 0 ? "" : `[${problem.typeId}] ${problem.kind}: `;
  return `${problem.section ?? btfSectionName}+0x${problem.offset.toString(16)}: ${where}${printableName(problem.text)} (${problem.rule})`;
}

function* headerProblems(btf: Btf, kernel: KernelRules): Generator<TypeProblem> {
  const { header } = btf;
  const knownHeader = kernel === "7.2" ? headerByteSizeLayout : headerByteSizeClassic;
  if (header.extraBytes.subarray(knownHeader - headerByteSizeClassic).some((byte) => byte !== 0)) {
    yield { rule: "header-unknown-fields", text: `header fields beyond byte ${knownHeader} are set` };
  }
  const parts = [
    { what: "types", start: header.typesOffset, byteSize: header.typesByteSize },
    { what: "strings", start: header.stringsOffset, byteSize: header.stringsByteSize },
  ];
  if (kernel === "7.2" && header.layoutByteSize > 0) {
    parts.push({ what: "layout", start: header.layoutOffset, byteSize: header.layoutByteSize });
    if (header.layoutByteSize % 4 !== 0 || (header.layoutOffset - header.headerByteSize) % 4 !== 0) {
      yield { rule: "header-layout-alignment", text: "layout section is not aligned to 4 bytes" };
    }
  }
  parts.sort((a, b) => a.start - b.start || a.byteSize - b.byteSize);
  let end = header.headerByteSize;
  for (const part of parts) {
    if (part.start > end)
      yield { rule: "header-gap", text: `gap before the ${part.what} at 0x${end.toString(16)}` };
    if (part.start < end) yield { rule: "header-overlap", text: `${part.what} overlap what is before them` };
    end = part.start + part.byteSize;
  }
  if (end < header.byteSize)
    yield { rule: "header-trailing", text: `bytes after the last section at 0x${end.toString(16)}` };
  if (header.stringsOffset + header.stringsByteSize !== header.byteSize && stringsMustEndIt(header, kernel)) {
    yield { rule: "strings-not-last", text: "strings are not at the end" };
  }
  if (btf.base === undefined && btf.typeCount === 1) yield { rule: "no-types", text: "no types" };
  if (header.stringsByteSize - 1 > BTF_MAX_NAME_OFFSET) {
    yield { rule: "strings-too-long", text: `${header.stringsByteSize} bytes of strings` };
  }
  if (btf.typeCount - 1 > BTF_MAX_TYPE) yield { rule: "too-many-types", text: `${btf.typeCount - 1} types` };
}

/** Until 7.2; and there too where the header has no place for a layout. */
function stringsMustEndIt(header: Btf["header"], kernel: KernelRules): boolean {
  return kernel !== "7.2" || header.headerByteSize < headerByteSizeLayout;
}

/** What is common to all kinds: the `info` word and the name's offset. */
function headProblem(btf: Btf, id: TypeId, rules: MetaRules): TypeProblem | undefined {
  const info = btf.word(id, 1);
  const kind = btf.kind(id);
  // Until 7.2 bits 16-23 and 29-30 had to be zero, so vlen ended at 65535.
  if (!rules.wideInfo && (info & 0x60ff0000) !== 0) {
    return { rule: "info-bits", text: `info 0x${info.toString(16)} has bits set that must be 0`, word: 1 };
  }
  if (kind === BTF_KIND_UNKN || kind > BTF_KIND_MAX) {
    return { rule: "unknown-kind", text: `unknown kind ${kind}`, word: 1 };
  }
  return nameOffsetProblem(btf, btf.nameOffset(id), "name", 0);
}

/** Ids beyond what a type can have, wherever the record's own checks look at ids. */
function hugeIdProblem(btf: Btf, id: TypeId): TypeProblem | undefined {
  if (!idsChecked.has(btf.kind(id))) return undefined;
  const start = btf.wordIndex(id);
  let problem: TypeProblem | undefined;
  forEachTypeWord(btf.words, start, (at) => {
    const target = btf.words[at]!;
    if (target > BTF_MAX_TYPE)
      problem ??= { rule: "type-id", text: `refers to type ${target}`, word: at - start };
  });
  return problem;
}

const idsChecked: ReadonlySet<number> = new Set([
  BTF_KIND_PTR,
  BTF_KIND_ARRAY,
  BTF_KIND_STRUCT,
  BTF_KIND_UNION,
  BTF_KIND_TYPEDEF,
  BTF_KIND_VOLATILE,
  BTF_KIND_CONST,
  BTF_KIND_RESTRICT,
  BTF_KIND_VAR,
  BTF_KIND_DATASEC,
  BTF_KIND_TYPE_TAG,
]);

/** Chains of typedefs, qualifiers and type tags: short, without a cycle, and (until 7.2) tags first. */
function chainProblem(btf: Btf, start: TypeId, kernel: KernelRules): TypeProblem | undefined {
  let inTags = btf.kind(start) === BTF_KIND_TYPE_TAG;
  let id = start;
  for (let hops = 0; isModifier(btf.kind(id)); hops++) {
    if (hops === maximumChain) {
      return { rule: "chain-too-long", text: `chain of more than ${maximumChain} modifiers, or a cycle` };
    }
    if (btf.kind(id) !== BTF_KIND_TYPE_TAG) inTags = false;
    else if (!inTags && kernel !== "7.2")
      return { rule: "type-tag-order", text: "a type tag stands behind a modifier" };
    // What lies below was walked before; only its first link can still break the order of tags.
    if (id < start) return undefined;
    const target = btf.sizeOrType(id);
    if (target >= btf.typeCount)
      return { rule: "type-id", text: `leads to type ${target}, there are ${btf.typeCount}`, word: 2 };
    id = target;
  }
  return undefined;
}
