import { FormatError, isDwarflessError } from "../io/index.ts";
import { danglingReference } from "./dangling.ts";
import { Btf } from "./reader.ts";
import { relocateBtf } from "./relocate.ts";
import { type KernelRules, validateBtf, type ValidateOptions, type ValidationProblem } from "./validate.ts";

export interface BtfCheckOptions extends ValidateOptions {
  /** The kernel's own BTF, for a module's. */
  base?: Btf;
  /** What the module has in `.BTF.base`. */
  distilledBase?: Uint8Array;
  /** Name of the input for messages. */
  name?: string;
}

export interface BtfCheck {
  /** What the kernel would refuse, in its order; none where it would take the BTF. */
  problems: ValidationProblem[];
  /** What it does not look at, though it leads nowhere. */
  remark?: string;
  /** The BTF over its base; undefined where it cannot be read. */
  btf?: Btf;
}

/**
 * Whether a kernel would take these bytes as the BTF of itself (without a base) or of a module: what
 * cannot be read is a problem like others. With `base` and `distilledBase` also whether the kernel
 * would find all types of the distilled base in its own; kernels before 6.11 know no distilled base
 * and take the BTF to be split from theirs.
 *
 * Source: `btf_parse_module`, `btf_parse_vmlinux` in kernel/bpf/btf.c (v6.1, v7.2).
 */
export function checkBtf(bytes: Uint8Array, options: BtfCheckOptions = {}): BtfCheck {
  const kernel: KernelRules = options.kernel ?? "6.1";
  let base = options.base;
  const isDistilled = options.distilledBase !== undefined && kernel !== "6.1";
  if (isDistilled) {
    const below = checkOne(options.distilledBase!, undefined, options);
    const problems = below.problems.map((problem) => ({ ...problem, section: ".BTF.base" }));
    if (problems.length > 0 || below.btf === undefined) return { problems };
    base = below.btf;
  }
  const found = checkOne(bytes, base, options);
  if (!isDistilled || options.base === undefined || found.problems.length > 0 || !found.btf) return found;
  try {
    relocateBtf(found.btf, options.base);
  } catch (error) {
    found.problems.push(asProblem(error));
  }
  return found;
}

function checkOne(bytes: Uint8Array, base: Btf | undefined, options: BtfCheckOptions): BtfCheck {
  let btf: Btf;
  try {
    btf = Btf.parse(bytes, {
      danglingReferences: true,
      ...(base && { base }),
      ...(options.name !== undefined && { name: options.name }),
    });
  } catch (error) {
    return { problems: [asProblem(error)] };
  }
  const problems = validateBtf(btf, options);
  const dangling = options.resolve === true ? undefined : danglingReference(btf);
  if (dangling === undefined) return { problems, btf };
  return { problems, btf, remark: `[${dangling.typeId}] ${dangling.problem.text}` };
}

/** @throws what is no error of the input's */
function asProblem(error: unknown): ValidationProblem {
  if (!isDwarflessError(error) || !(error instanceof FormatError)) throw error;
  const { offset } = error.location;
  return { typeId: 0, kind: "", offset: Number(offset ?? 0), rule: error.code, text: error.problem };
}
