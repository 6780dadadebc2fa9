import { isDwarflessError, LimitError } from "../io/index.ts";
import {
  BTF_FUNC_STATIC,
  BTF_KIND_FUNC,
  BTF_KIND_FUNC_PROTO,
  BTF_KIND_VAR,
  BTF_VAR_STATIC,
} from "./constants.ts";
import { declare, printableName } from "./declarator.ts";
import { btfSectionName } from "./header.ts";
import type { Btf, TypeId } from "./reader.ts";

export interface DeclarationsOptions {
  /** Also those of the base; only the own ones by default. */
  withBase?: boolean;
}

/** Characters that declarations of one name may have together before the input counts as hostile. */
const maximumGroupLength = 64 * 1024 * 1024;

/**
 * Every VAR and FUNC as a C declaration on a line of its own, sorted by name and, where a name is
 * used more than once, by text:
 *
 *     extern struct list_head modules;
 *     static int configfs_lookup(struct inode *dir, struct dentry *dentry, unsigned int flags);
 *
 * Neither ids nor addresses appear, so two configurations or builds can be compared with diff(1).
 * Statics of equal name give a line each. A name C cannot spell (`state.3`) is written as it is.
 */
export function* declarations(btf: Btf, options: DeclarationsOptions = {}): Generator<string> {
  const ids = declarationIds(btf, options);
  for (let start = 0; start < ids.length;) {
    const name = ids[start]!.name;
    const lines: string[] = [];
    let length = 0;
    let end = start;
    for (; end < ids.length && ids[end]!.name === name; end++) {
      const line = declaration(btf, ids[end]!.id);
      length += line.length;
      if (length > maximumGroupLength) {
        throw new LimitError(
          "BTF_DECLARATION",
          `declarations of one name exceed ${maximumGroupLength} characters`,
          {
            section: btfSectionName,
          },
        );
      }
      lines.push(line);
    }
    yield* lines.sort();
    start = end;
  }
}

/**
 * Declaration of one VAR or FUNC with its storage class and semicolon; a comment with the reason
 * where its type cannot be written.
 */
export function declaration(btf: Btf, id: TypeId): string {
  const name = printableName(btf.name(id));
  const isVariable = btf.kind(id) === BTF_KIND_VAR;
  const linkage = isVariable ? btf.variableLinkage(id) : btf.functionLinkage(id);
  const storage = linkage === (isVariable ? BTF_VAR_STATIC : BTF_FUNC_STATIC) ? "static" : "extern";
  const type = btf.sizeOrType(id);
  try {
    if (!isVariable && btf.kind(type) !== BTF_KIND_FUNC_PROTO)
      return `/* ${storage} ${name}: no function type */`;
    return `${storage} ${declare(btf, type, name)};`;
  } catch (error) {
    if (!isDwarflessError(error)) throw error;
    return `/* ${storage} ${name}: ${error.message} */`;
  }
}

function declarationIds(btf: Btf, options: DeclarationsOptions): { name: string; id: TypeId }[] {
  const found: { name: string; id: TypeId }[] = [];
  for (let id = options.withBase === true ? 1 : btf.startId; id < btf.typeCount; id++) {
    const kind = btf.kind(id);
    if (kind === BTF_KIND_VAR || kind === BTF_KIND_FUNC) found.push({ name: btf.name(id), id });
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
