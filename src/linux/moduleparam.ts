import type { KernelObject, Program } from "../program/index.ts";

/** More parameters than any module has. */
const maximumParameters = 4096;
/** More elements than any parameter has. */
const maximumElements = 1024;

/** `struct kernel_param`s of a `struct module` (include/linux/moduleparam.h). @throws {FaultError} */
export function* forEachModuleParam(module: KernelObject): Generator<KernelObject, undefined> {
  const count = Math.min(module.member("num_kp").number(), maximumParameters);
  const parameters = module.member("kp").read();
  if (parameters.isNull) return;
  for (let index = 0; index < count; index++) yield parameters.index(index);
}

/** Types of the integers that `param_get_NAME` prints, by NAME. */
const integers: ReadonlyMap<string, string> = new Map([
  ["byte", "unsigned char"],
  ["short", "short"],
  ["ushort", "unsigned short"],
  ["int", "int"],
  ["uint", "unsigned int"],
  ["hexint", "unsigned int"],
  ["long", "long"],
  ["ulong", "unsigned long"],
  ["ullong", "unsigned long long"],
]);

/**
 * The value of a `struct kernel_param` as /sys/module/NAME/parameters shows it; undefined for one that a
 * function of its module prints.
 * @throws {FaultError}; {@link LookupError}
 */
export function moduleParamText(program: Program, parameter: KernelObject): string | undefined {
  const kind = getterOf(program, parameter.member("ops"));
  if (kind === "string") return parameter.member("str").member("string").string(4096);
  if (kind !== "array") return valueText(program, kind, parameter.member("arg").scalar() as bigint);
  const array = parameter.member("arr");
  const elementKind = getterOf(program, array.member("ops"));
  const length = array.member("num");
  const count = Math.min(
    (length.isNull ? array.member("max") : length.dereference()).number(),
    maximumElements,
  );
  const first = array.member("elem").scalar() as bigint;
  const stride = BigInt(array.member("elemsize").number());
  const texts: string[] = [];
  for (let index = 0; index < count; index++) {
    const text =
      elementKind === undefined ? undefined : valueText(program, elementKind, first + stride * BigInt(index));
    if (text === undefined) return undefined;
    texts.push(text);
  }
  return texts.join(",");
}

/** What prints a value: `int` of operations with `param_get_int`, which modules have in operations of their own too. */
function getterOf(program: Program, operations: KernelObject): string | undefined {
  const get = operations.member("get");
  const name = get.isNull ? undefined : program.symbolizer.symbolAt(get.scalar() as bigint)?.name;
  return name === "param_array_get" ? "array" : /^param_get_(\w+)$/.exec(name ?? "")?.[1];
}

function valueText(program: Program, kind: string | undefined, address: bigint): string | undefined {
  if (kind === undefined) return undefined;
  const integer = integers.get(kind);
  if (integer !== undefined) {
    const value = BigInt(program.object(address, integer).scalar());
    // %#08x
    return kind === "hexint" && value !== 0n ? `0x${value.toString(16).padStart(6, "0")}` : String(value);
  }
  const { memory } = program;
  if (kind === "bool") return memory.readU8(address) === 0 ? "N" : "Y";
  if (kind === "invbool") return memory.readU8(address) === 0 ? "Y" : "N";
  if (kind !== "charp") return undefined;
  const text = memory.readU64(address);
  return text === 0n ? "(null)" : program.memory.readCString(text, 4096);
}
