import { FormatError } from "../io/index.ts";
import {
  type Btf,
  BTF_INT_BOOL,
  BTF_INT_SIGNED,
  BTF_KIND_ARRAY,
  BTF_KIND_ENUM,
  BTF_KIND_ENUM64,
  BTF_KIND_FLOAT,
  BTF_KIND_FUNC_PROTO,
  BTF_KIND_FWD,
  BTF_KIND_INT,
  BTF_KIND_PTR,
  BTF_KIND_STRUCT,
  BTF_KIND_TYPEDEF,
  BTF_KIND_UNION,
  kindName,
  type TypeId,
} from "../btf/index.ts";
import { primitiveNamed } from "./primitive.ts";

export type TypeKind =
  | "void"
  | "int"
  | "bool"
  | "float"
  | "struct"
  | "union"
  | "enum"
  | "typedef"
  | "pointer"
  | "array"
  | "function";

/** Bytes of a pointer: BTF does not say, and all kernels read here are LP64. */
export const pointerByteSize = 8;

/** What a type is by itself, without the types it refers to and without qualifiers. */
export interface TypeParts {
  kind: TypeKind;
  name?: string | undefined;
  btf?: Btf;
  id?: TypeId;
  /** Undefined for types without a size, and for arrays and typedefs, whose size is another's. */
  byteSize?: number;
  /** Of arrays; undefined when it is not known. */
  length?: number | undefined;
  isSigned?: boolean;
  isComplete?: boolean;
}

/**
 * The parts of a type as BTF records it.
 *
 * BTF has one record for arrays of no elements and of unknown length. Such an array is taken as one
 * of unknown length; as a member of a struct its place tells more, see `Type.members`.
 * @throws {FormatError} `TYPE_KIND` for a variable, section or tag
 */
export function describeType(btf: Btf, id: TypeId): TypeParts {
  const recordKind = btf.kind(id);
  const name = btf.name(id);
  const common = { btf, id, name: name === "" ? undefined : name };
  switch (recordKind) {
    case BTF_KIND_INT: {
      const encoding = btf.intEncoding(id);
      return {
        ...common,
        kind: (encoding & BTF_INT_BOOL) !== 0 ? "bool" : "int",
        name: primitiveNamed(name) ?? name,
        byteSize: btf.sizeOrType(id),
        isSigned: (encoding & BTF_INT_SIGNED) !== 0,
      };
    }
    case BTF_KIND_FLOAT:
      return {
        ...common,
        kind: "float",
        name: primitiveNamed(name) ?? name,
        byteSize: btf.sizeOrType(id),
        isSigned: true,
      };
    case BTF_KIND_STRUCT:
    case BTF_KIND_UNION:
      return {
        ...common,
        kind: recordKind === BTF_KIND_STRUCT ? "struct" : "union",
        byteSize: btf.sizeOrType(id),
      };
    case BTF_KIND_FWD:
      return { ...common, kind: btf.kindFlag(id) ? "union" : "struct", isComplete: false };
    case BTF_KIND_ENUM:
    case BTF_KIND_ENUM64:
      // An enum without values is BTF's way to declare one. It has a size all the same.
      return {
        ...common,
        kind: "enum",
        byteSize: btf.sizeOrType(id),
        isSigned: btf.kindFlag(id),
        isComplete: btf.vlen(id) > 0,
      };
    case BTF_KIND_TYPEDEF:
      return { ...common, kind: "typedef" };
    case BTF_KIND_PTR:
      return { ...common, kind: "pointer", byteSize: pointerByteSize };
    case BTF_KIND_ARRAY: {
      const length = btf.arrayLength(id);
      return {
        ...common,
        kind: "array",
        length: length === 0 ? undefined : length,
        isComplete: length !== 0,
      };
    }
    case BTF_KIND_FUNC_PROTO:
      return { ...common, kind: "function", isComplete: false };
    default:
      throw new FormatError("TYPE_KIND", `${kindName(recordKind)} ${id} is not a type`);
  }
}
