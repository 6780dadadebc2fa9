import { gather, type WritePiece } from "../byte-text.ts";
import type { Btf, TypeId } from "../reader.ts";
import { CPrinter } from "../c-printer.ts";

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

const around = { opening, kfuncsOpening, kfuncsClosing: "#endif\n\n", closing };

/**
 * Write the types as a C header, as `bpftool btf dump … format c` of 7.8 prints it: what programs for
 * BPF know as `vmlinux.h`. Names are written byte for byte as they are stored.
 * @throws {FormatError} {@link LimitError} for types that C cannot have, as those that contain themselves
 */
export function writeCHeader(btf: Btf, write: WritePiece, options: CHeaderOptions = {}): void {
  const roots = options.roots ?? ((options.sorted ?? true) ? "sorted" : "unsorted");
  new CPrinter(btf, { roots, pointerByteSize: options.pointerByteSize, around, write }).print();
}

/** As {@link writeCHeader}, as one string. */
export function cHeader(btf: Btf, options: CHeaderOptions = {}): string {
  return gather((write) => writeCHeader(btf, write, options));
}
