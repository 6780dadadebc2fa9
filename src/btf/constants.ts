/**
 * BTF's numbers. Source: the kernel's user-space header `linux/btf.h` (v7.2) and
 * Documentation/bpf/btf.rst.
 */

export const BTF_MAGIC = 0xeb9f;
export const BTF_VERSION = 1;

export const BTF_KIND_UNKN = 0;
export const BTF_KIND_INT = 1;
export const BTF_KIND_PTR = 2;
export const BTF_KIND_ARRAY = 3;
export const BTF_KIND_STRUCT = 4;
export const BTF_KIND_UNION = 5;
export const BTF_KIND_ENUM = 6;
export const BTF_KIND_FWD = 7;
export const BTF_KIND_TYPEDEF = 8;
export const BTF_KIND_VOLATILE = 9;
export const BTF_KIND_CONST = 10;
export const BTF_KIND_RESTRICT = 11;
export const BTF_KIND_FUNC = 12;
export const BTF_KIND_FUNC_PROTO = 13;
export const BTF_KIND_VAR = 14;
export const BTF_KIND_DATASEC = 15;
export const BTF_KIND_FLOAT = 16;
export const BTF_KIND_DECL_TAG = 17;
export const BTF_KIND_TYPE_TAG = 18;
export const BTF_KIND_ENUM64 = 19;
/** Largest kind this version knows. */
export const BTF_KIND_MAX = 19;

/** Name of each kind as `bpftool btf dump` prints it, indexed by kind. */
export const kindNames: readonly string[] = [
  "UNKNOWN",
  "INT",
  "PTR",
  "ARRAY",
  "STRUCT",
  "UNION",
  "ENUM",
  "FWD",
  "TYPEDEF",
  "VOLATILE",
  "CONST",
  "RESTRICT",
  "FUNC",
  "FUNC_PROTO",
  "VAR",
  "DATASEC",
  "FLOAT",
  "DECL_TAG",
  "TYPE_TAG",
  "ENUM64",
];

/** `KIND` name of a kind; `UNKNOWN` for one this version does not know. */
export function kindName(kind: number): string {
  return kindNames[kind] ?? "UNKNOWN";
}

/** Encoding bits of an INT; the kernel takes at most one. */
export const BTF_INT_SIGNED = 1;
export const BTF_INT_CHAR = 2;
export const BTF_INT_BOOL = 4;

/** Linkage of a VAR. */
export const BTF_VAR_STATIC = 0;
export const BTF_VAR_GLOBAL_ALLOCATED = 1;
export const BTF_VAR_GLOBAL_EXTERN = 2;

/** Linkage of a FUNC. */
export const BTF_FUNC_STATIC = 0;
export const BTF_FUNC_GLOBAL = 1;
export const BTF_FUNC_EXTERN = 2;

/** Largest vlen that kernels before 7.2 read. */
export const BTF_MAX_VLEN = 0xffff;
/** Largest type id a kernel takes, base and split together. */
export const BTF_MAX_TYPE = 0xfffff;
/** Largest string offset a kernel takes, base and split together. */
export const BTF_MAX_NAME_OFFSET = 0xffffff;
/** Longest identifier (bytes, without the NUL) the kernel takes: KSYM_NAME_LEN. */
export const BTF_MAX_IDENTIFIER_LENGTH = 512;

/** Bytes of the header that every kernel reads. */
export const headerByteSizeClassic = 24;
/** Bytes of the header with the layout section's place (v7.2, libbpf 1.8). */
export const headerByteSizeLayout = 32;
