import { commonType, isArithmetic } from "../conversions.ts";
import { ObjectTypeError } from "../errors.ts";
import { KernelObject } from "../object.ts";
import type { Type } from "../type.ts";
import { decayedType } from "./type-resolver.ts";

/**
 * The result of `?:`: the chosen branch with the type that both have in common (C11, 6.5.15).
 * @param isTypeOnly no value is to be read
 * @throws {ObjectTypeError} for branches that have none
 */
export function choose(chosen: KernelObject, other: KernelObject, isTypeOnly: boolean): KernelObject {
  const type = resultType(chosen, other);
  if (type === undefined) return chosen;
  if (isTypeOnly) return KernelObject.scalar(chosen.program, type, 1n);
  return chosen.cast(type);
}

/** Undefined where the branch stays as it is: structs, void, two strings. */
function resultType(chosen: KernelObject, other: KernelObject): Type | undefined {
  const a = decayedType(chosen);
  const b = decayedType(other);
  if (isArithmetic(a) && isArithmetic(b)) {
    const left = { type: a, bitFieldSize: chosen.bitFieldSize };
    return commonType(left, { type: b, bitFieldSize: other.bitFieldSize }).type;
  }
  const aIsPointer = a.underlying.kind === "pointer";
  const bIsPointer = b.underlying.kind === "pointer";
  if (aIsPointer && bIsPointer) {
    // A string lies nowhere in the kernel, so it cannot become a pointer.
    const isText = (object: KernelObject): boolean =>
      object.kind === "value" && object.type.underlying.kind === "array";
    if (isText(chosen)) return undefined;
    const isVoid = (type: Type): boolean => type.underlying.target!.underlying.kind === "void";
    return isVoid(b) && !isNullConstant(other) ? b : isVoid(a) && isNullConstant(chosen) ? b : a;
  }
  if (aIsPointer && isArithmetic(b)) return a;
  if (bIsPointer && isArithmetic(a)) return b;
  if (a.underlying === b.underlying || a.typeName() === b.typeName()) return undefined;
  throw new ObjectTypeError(`branches of types "${chosen.type.typeName()}" and "${other.type.typeName()}"`);
}

function isNullConstant(object: KernelObject): boolean {
  return object.kind === "value" && object.scalar() === 0n;
}
