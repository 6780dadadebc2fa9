import * as K from "./constants.ts";
import type { Btf, TypeId } from "./reader.ts";

const linkageNames = ["static", "global", "extern"];

/**
 * The own types, one record per element, as `bpftool btf dump … format raw` of 7.8 prints them
 * (sub-lines of a record are joined with newlines).
 */
export function* rawLines(btf: Btf): Generator<string> {
  for (let id = btf.startId; id < btf.typeCount; id++) yield rawLine(btf, id);
}

/** One type as `bpftool btf dump … format raw` prints it. */
export function rawLine(btf: Btf, id: TypeId): string {
  const kind = btf.kind(id);
  const head = `[${id}] ${K.kindName(kind)} '${btf.nameOffset(id) === 0 ? "(anon)" : btf.name(id)}'`;
  const vlen = btf.vlen(id);
  const value = btf.sizeOrType(id);
  switch (kind) {
    case K.BTF_KIND_INT: {
      const encoding = intEncodingName(btf.intEncoding(id));
      return `${head} size=${value} bits_offset=${btf.intBitOffset(id)} nr_bits=${btf.intBitSize(id)} encoding=${encoding}`;
    }
    case K.BTF_KIND_PTR:
    case K.BTF_KIND_TYPEDEF:
    case K.BTF_KIND_VOLATILE:
    case K.BTF_KIND_CONST:
    case K.BTF_KIND_RESTRICT:
    case K.BTF_KIND_TYPE_TAG:
      return `${head} type_id=${value}`;
    case K.BTF_KIND_ARRAY:
      return `${head} type_id=${btf.arrayElementType(id)} index_type_id=${btf.arrayIndexType(id)} nr_elems=${btf.arrayLength(id)}`;
    case K.BTF_KIND_STRUCT:
    case K.BTF_KIND_UNION: {
      let text = `${head} size=${value} vlen=${vlen}`;
      for (let index = 0; index < vlen; index++) {
        text += `\n\t'${elementName(btf, id, index)}' type_id=${btf.memberType(id, index)} bits_offset=${btf.memberBitOffset(id, index)}`;
        const bitfieldSize = btf.memberBitfieldSize(id, index);
        if (bitfieldSize !== 0) text += ` bitfield_size=${bitfieldSize}`;
      }
      return text;
    }
    case K.BTF_KIND_ENUM:
    case K.BTF_KIND_ENUM64: {
      const signed = btf.kindFlag(id);
      const suffix = kind === K.BTF_KIND_ENUM ? "" : signed ? "LL" : "ULL";
      let text = `${head} encoding=${signed ? "SIGNED" : "UNSIGNED"} size=${value} vlen=${vlen}`;
      for (let index = 0; index < vlen; index++) {
        text += `\n\t'${btf.enumeratorName(id, index) || "(anon)"}' val=${btf.enumeratorValue(id, index)}${suffix}`;
      }
      return text;
    }
    case K.BTF_KIND_FWD:
      return `${head} fwd_kind=${btf.kindFlag(id) ? "union" : "struct"}`;
    case K.BTF_KIND_FUNC:
      return `${head} type_id=${value} linkage=${linkageName(btf.functionLinkage(id))}`;
    case K.BTF_KIND_FUNC_PROTO: {
      let text = `${head} ret_type_id=${value} vlen=${vlen}`;
      for (let index = 0; index < vlen; index++) {
        text += `\n\t'${btf.parameterName(id, index) || "(anon)"}' type_id=${btf.parameterType(id, index)}`;
      }
      return text;
    }
    case K.BTF_KIND_VAR:
      return `${head} type_id=${value}, linkage=${linkageName(btf.variableLinkage(id))}`;
    case K.BTF_KIND_DATASEC: {
      let text = `${head} size=${value} vlen=${vlen}`;
      for (const entry of btf.sectionEntries(id)) {
        const name = btf.nameOffset(entry.type) === 0 ? "(anon)" : btf.name(entry.type);
        text += `\n\ttype_id=${entry.type} offset=${entry.offset} size=${entry.byteSize} (${K.kindName(btf.kind(entry.type))} '${name}')`;
      }
      return text;
    }
    case K.BTF_KIND_FLOAT:
      return `${head} size=${value}`;
    case K.BTF_KIND_DECL_TAG:
      return `${head} type_id=${value} component_idx=${btf.declTagComponent(id)}`;
    default:
      return head;
  }
}

function elementName(btf: Btf, id: TypeId, index: number): string {
  return btf.memberNameOffset(id, index) === 0 ? "(anon)" : btf.memberName(id, index);
}

function intEncodingName(encoding: number): string {
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

function linkageName(linkage: number): string {
  return linkageNames[linkage] ?? "(unknown)";
}
