import { gather, type WritePiece } from "../byte-text.ts";
import * as K from "../constants.ts";
import type { Btf, TypeId } from "../reader.ts";
import { Definitions } from "./definitions.ts";
import { Dependencies } from "./dependencies.ts";
import { NameIds } from "../name-ids.ts";
import { CText } from "./text.ts";
import { pointerByteSizeOf, TypeSizes } from "../type-sizes.ts";

export interface CHeaderOptions {
  /** Only these types and what they need, in this order; all by default. */
  roots?: readonly TypeId[];
  /** By kind and name (the default), or in the order of ids. */
  sorted?: boolean;
  /** Bytes of a pointer; that of `long` by default. */
  pointerByteSize?: number;
}

const opening = `#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

#ifndef __ksym
#define __ksym __attribute__((section(".ksyms")))
#endif

#ifndef __weak
#define __weak __attribute__((weak))
#endif

#ifndef __bpf_fastcall
#if __has_attribute(bpf_fastcall)
#define __bpf_fastcall __attribute__((bpf_fastcall))
#else
#define __bpf_fastcall
#endif
#endif

`;

const kfuncsOpening = `
/* BPF kfuncs */
#ifndef BPF_NO_KFUNC_PROTOTYPES
`;

const closing = `#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
`;

/**
 * Write the types as a C header, as `bpftool btf dump … format c` of 7.8 prints it: what programs for
 * BPF know as `vmlinux.h`. Names are written byte for byte as they are stored.
 * @throws {FormatError} {@link LimitError} for types that C cannot have, as those that contain themselves
 */
export function writeCHeader(btf: Btf, write: WritePiece, options: CHeaderOptions = {}): void {
  const names = new NameIds(btf);
  const sizes = new TypeSizes(btf, options.pointerByteSize ?? pointerByteSizeOf(btf));
  const text = new CText(btf, sizes, names);
  const definitions = new Definitions(btf, text);
  const dependencies = new Dependencies(btf);
  text.put(opening);
  for (const root of options.roots ?? allRoots(btf, names, options.sorted ?? true)) {
    for (const id of dependencies.queueFor(root)) {
      definitions.define(id);
      text.out.flushPiece(write);
    }
  }
  if (options.roots === undefined) putKfuncs(btf, text);
  text.put(closing);
  text.out.flush(write);
}

/** As {@link writeCHeader}, as one string. */
export function cHeader(btf: Btf, options: CHeaderOptions = {}): string {
  return gather((write) => writeCHeader(btf, write, options));
}

function allRoots(btf: Btf, names: NameIds, sorted: boolean): Iterable<TypeId> {
  // bpftool prints what stands at 1 and after, as if void were always first; sorted, it is not,
  // so that the type sorted first is left out unless another needs it.
  if (sorted) return names.sortRoots().subarray(1);
  return Array.from({ length: btf.typeCount - 1 }, (_, index) => index + 1);
}

/** Functions of the kernel that programs for BPF may call, by name. */
function putKfuncs(btf: Btf, text: CText): void {
  const found = new Set<TypeId>();
  const fast = new Set<TypeId>();
  for (let id = 1; id < btf.typeCount; id++) {
    if (btf.kind(id) !== K.BTF_KIND_DECL_TAG || btf.declTagComponent(id) !== -1) continue;
    const target = btf.declTagTarget(id);
    if (btf.kind(target) !== K.BTF_KIND_FUNC) continue;
    const tag = btf.name(id);
    if (tag === "bpf_kfunc") found.add(target);
    else if (tag === "bpf_fastcall") fast.add(target);
  }
  const sorted = [...found]
    .map((id) => ({ id, name: btf.binaryString(btf.nameOffset(id)) }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  text.put(kfuncsOpening);
  for (const { id } of sorted) {
    text.put(fast.has(id) ? "extern __bpf_fastcall " : "extern ");
    text.declaration(btf.sizeOrType(id), btf.nameOffset(id), 0);
    text.put(" __weak __ksym;\n");
  }
  text.put("#endif\n\n");
}
