import { printableName } from "../btf/index.ts";
import type { Type, TypeMember } from "../program/index.ts";

/** Most lines of one type. */
const maximumLines = 5000;

/**
 * A type as C defines it, each member with its offset and size in bytes (bit fields: byte:bit):
 *
 *     struct list_head { // 16 bytes
 *         struct list_head *next; // 0, 8 bytes
 *         struct list_head *prev; // 8, 8 bytes
 *     }
 */
export function typeText(type: Type): string {
  if (type.kind === "typedef") {
    const target = type.target!;
    const line = `typedef ${target.declare(type.name ?? "")}`;
    return target.isComposite || target.kind === "enum"
      ? `${line}\n${typeText(target)}`
      : `${line}${sizeText(type)}`;
  }
  const lines: string[] = [];
  define(type, type.typeName(), "", 0, lines);
  if (lines.length >= maximumLines) lines.push(`// more than ${maximumLines} lines`);
  return lines.join("\n");
}

function define(type: Type, head: string, indent: string, bitOffset: number, lines: string[]): void {
  if (type.kind === "enum") {
    lines.push(`${indent}${head} {${sizeText(type)}`);
    for (const { name, value } of type.enumerators.slice(0, maximumLines))
      lines.push(`${indent}    ${printableName(name)} = ${value},`);
    lines.push(`${indent}}`);
    return;
  }
  if (!type.isComposite || !type.isComplete) {
    lines.push(`${indent}${head}${type.isComposite ? " // declared only" : sizeText(type)}`);
    return;
  }
  lines.push(`${indent}${head} {${sizeText(type)}`);
  for (const member of type.members) {
    if (lines.length >= maximumLines) break;
    memberLines(member, `${indent}    `, bitOffset, lines);
  }
  lines.push(`${indent}}`);
}

function memberLines(member: TypeMember, indent: string, outerBitOffset: number, lines: string[]): void {
  const { name, type, bitFieldSize } = member;
  const bitOffset = outerBitOffset + member.bitOffset;
  // Anonymous structs and unions are defined where they stand; deeper ones stop at what a screen can show.
  if (type.isComposite && type.name === undefined && indent.length < 64) {
    define(type, type.kind, indent, bitOffset, lines);
    if (name !== "") lines[lines.length - 1] += ` ${name};`;
    return;
  }
  const width = bitFieldSize === 0 ? "" : ` : ${bitFieldSize}`;
  const place = bitFieldSize === 0 ? `${bitOffset / 8}` : `${Math.floor(bitOffset / 8)}:${bitOffset % 8}`;
  const byteSize = type.byteSizeIf;
  const size = bitFieldSize !== 0 || byteSize === undefined ? "" : `, ${byteSize} bytes`;
  lines.push(`${indent}${type.declare(name)}${width}; // ${place}${size}`);
}

function sizeText(type: Type): string {
  const byteSize = type.byteSizeIf;
  return byteSize === undefined ? "" : ` // ${byteSize} bytes`;
}
