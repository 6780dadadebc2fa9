import * as K from "./constants.ts";
import type { Btf, TypeId } from "./reader.ts";

const linkageNames = ["static", "global", "extern"];

/** The own types, line by line, as `bpftool btf dump … format raw` of 7.8 prints them. */
export function* rawLines(btf: Btf): Generator<string> {
  for (let id = btf.startId; id < btf.typeCount; id++) yield* rawTypeLines(btf, id);
}

/** One type as `bpftool btf dump … format raw` prints it: a line, and one for each element. */
export function* rawTypeLines(btf: Btf, id: TypeId): Generator<string> {
  const kind = btf.kind(id);
  const vlen = btf.vlen(id);
  yield `[${id}] ${K.kindName(kind)} '${btf.name(id) || "(anon)"}'${tail(btf, id, kind)}`;
  switch (kind) {
    case K.BTF_KIND_STRUCT:
    case K.BTF_KIND_UNION:
      for (let index = 0; index < vlen; index++) {
        const bitfieldSize = btf.memberBitfieldSize(id, index);
        const width = bitfieldSize === 0 ? "" : ` bitfield_size=${bitfieldSize}`;
        const place = `bits_offset=${btf.memberBitOffset(id, index)}${width}`;
        yield `\t'${btf.memberName(id, index) || "(anon)"}' type_id=${btf.memberType(id, index)} ${place}`;
      }
      break;
    case K.BTF_KIND_ENUM:
    case K.BTF_KIND_ENUM64: {
      const suffix = kind === K.BTF_KIND_ENUM ? "" : btf.kindFlag(id) ? "LL" : "ULL";
      for (let index = 0; index < vlen; index++) {
        yield `\t'${btf.enumeratorName(id, index) || "(anon)"}' val=${btf.enumeratorValue(id, index)}${suffix}`;
      }
      break;
    }
    case K.BTF_KIND_FUNC_PROTO:
      for (let index = 0; index < vlen; index++) {
        yield `\t'${btf.parameterName(id, index) || "(anon)"}' type_id=${btf.parameterType(id, index)}`;
      }
      break;
    case K.BTF_KIND_DATASEC:
      for (const entry of btf.sectionEntries(id)) {
        const target = `${K.kindName(btf.kind(entry.type))} '${btf.name(entry.type) || "(anon)"}'`;
        yield `\ttype_id=${entry.type} offset=${entry.offset} size=${entry.byteSize} (${target})`;
      }
      break;
  }
}

/** What follows kind and name on a type's own line. */
function tail(btf: Btf, id: TypeId, kind: number): string {
  const value = btf.sizeOrType(id);
  const vlen = btf.vlen(id);
  switch (kind) {
    case K.BTF_KIND_INT: {
      const bits = `bits_offset=${btf.intBitOffset(id)} nr_bits=${btf.intBitSize(id)}`;
      return ` size=${value} ${bits} encoding=${intEncodingName(btf.intEncoding(id))}`;
    }
    case K.BTF_KIND_PTR:
    case K.BTF_KIND_TYPEDEF:
    case K.BTF_KIND_VOLATILE:
    case K.BTF_KIND_CONST:
    case K.BTF_KIND_RESTRICT:
    case K.BTF_KIND_TYPE_TAG:
      return ` type_id=${value}`;
    case K.BTF_KIND_ARRAY: {
      const types = `type_id=${btf.arrayElementType(id)} index_type_id=${btf.arrayIndexType(id)}`;
      return ` ${types} nr_elems=${btf.arrayLength(id)}`;
    }
    case K.BTF_KIND_STRUCT:
    case K.BTF_KIND_UNION:
    case K.BTF_KIND_DATASEC:
      return ` size=${value} vlen=${vlen}`;
    case K.BTF_KIND_ENUM:
    case K.BTF_KIND_ENUM64:
      return ` encoding=${btf.kindFlag(id) ? "SIGNED" : "UNSIGNED"} size=${value} vlen=${vlen}`;
    case K.BTF_KIND_FWD:
      return ` fwd_kind=${btf.kindFlag(id) ? "union" : "struct"}`;
    case K.BTF_KIND_FUNC:
      return ` type_id=${value} linkage=${linkageName(btf.functionLinkage(id))}`;
    case K.BTF_KIND_FUNC_PROTO:
      return ` ret_type_id=${value} vlen=${vlen}`;
    case K.BTF_KIND_VAR:
      return ` type_id=${value}, linkage=${linkageName(btf.variableLinkage(id))}`;
    case K.BTF_KIND_FLOAT:
      return ` size=${value}`;
    case K.BTF_KIND_DECL_TAG:
      return ` type_id=${value} component_idx=${btf.declTagComponent(id)}`;
    default:
      return "";
  }
}

/** Name of an encoding BTF_INT_ in dumps. */
export function intEncodingName(encoding: number): string {
  switch (encoding) {
    case 0:
      return "(none)";
    case K.BTF_INT_SIGNED:
      return "SIGNED";
    case K.BTF_INT_CHAR:
      return "CHAR";
    case K.BTF_INT_BOOL:
      return "BOOL";
    default:
      return "UNKN";
  }
}

/** Name of a linkage of a VAR or FUNC in dumps. */
export function linkageName(linkage: number): string {
  return linkageNames[linkage] ?? "(unknown)";
}
