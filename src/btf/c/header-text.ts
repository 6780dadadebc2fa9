import * as K from "../constants.ts";
import type { Btf, TypeId } from "../reader.ts";
import { Definitions } from "./definitions.ts";
import { Dependencies } from "./dependencies.ts";
import { sortRoots } from "./sort-roots.ts";
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
 * The types as a C header, piece by piece, as `bpftool btf dump … format c` of 7.8 prints it: what
 * programs for BPF know as `vmlinux.h`.
 * @throws {FormatError} {@link LimitError} for types that C cannot have, as those that contain themselves
 */
export function* cHeader(btf: Btf, options: CHeaderOptions = {}): Generator<string> {
  const text = new CText(btf, new TypeSizes(btf, options.pointerByteSize ?? pointerByteSizeOf(btf)));
  const definitions = new Definitions(btf, text);
  const dependencies = new Dependencies(btf);
  yield opening;
  for (const root of options.roots ?? allRoots(btf, options.sorted ?? true)) {
    for (const id of dependencies.queueFor(root)) {
      definitions.define(id);
      yield text.take();
    }
  }
  if (options.roots === undefined) yield* kfuncs(btf, text);
  yield closing;
}

function allRoots(btf: Btf, sorted: boolean): TypeId[] {
  // bpftool prints what stands at 1 and after, as if void were always first; sorted, it is not,
  // so that the type sorted first is left out unless another needs it.
  if (sorted) return sortRoots(btf).slice(1);
  return Array.from({ length: btf.typeCount - 1 }, (_, index) => index + 1);
}

/** Functions of the kernel that programs for BPF may call, by name. */
function* kfuncs(btf: Btf, text: CText): Generator<string> {
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
  yield kfuncsOpening;
  for (const { id } of sorted) {
    text.put(fast.has(id) ? "extern __bpf_fastcall " : "extern ");
    text.declaration(btf.sizeOrType(id), btf.name(id), 0);
    text.put(" __weak __ksym;\n");
    yield text.take();
  }
  yield "#endif\n\n";
}
