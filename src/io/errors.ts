/**
 * Typed errors. Users match on `code`, never on the text; the command line turns a
 * {@link DwarflessError} into one line and an exit code.
 */

import { printable } from "./printable.ts";

const brand = Symbol.for("dwarfless.error");

/** Where in an input something was found. Offsets are bytes. */
export interface Location {
  /** Path or name of the input. */
  file?: string;
  /** ELF section name, when the input has sections. */
  section?: string;
  /** Byte offset within the section (or within the file where there are no sections). */
  offset?: number;
}

/** Base class: a stable `code` and a brand that survives two copies of the package. */
export class DwarflessError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = new.target.name;
    this.code = code;
    Object.defineProperty(this, brand, { value: true });
  }
}

/** True for an error made by any copy of this package. */
export function isDwarflessError(error: unknown): error is DwarflessError {
  return typeof error === "object" && error !== null && brand in error;
}

/** Bytes that do not follow their format; says where. */
export class FormatError extends DwarflessError {
  readonly location: Location;
  /** What is wrong, without the location. */
  readonly problem: string;

  constructor(code: string, problem: string, location: Location = {}) {
    // Names of sections and symbols are the file's: the message stays one line.
    super(code, printable(formatLocation(location) + problem));
    this.problem = problem;
    this.location = location;
  }
}

/** A well-formed input that uses something this version does not support. */
export class UnsupportedError extends FormatError {}

/** An input that would exceed a documented bound. */
export class LimitError extends FormatError {}

/** The caller's arguments do not fit; exit code 2 on the command line. */
export class UsageError extends DwarflessError {
  constructor(message: string, code = "USAGE") {
    super(code, message);
  }
}

/** A file could not be read or written. `path` is the file, `errno` Node's name of the cause. */
export class FileError extends DwarflessError {
  readonly path: string;

  constructor(path: string, errno: string, action: string) {
    super("FILE", `${path}: cannot ${action}: ${errnoText(errno)}`);
    this.path = path;
  }
}

/** A finding that did not stop the work. */
export interface Diagnostic {
  severity: "warning" | "info";
  /** Stable, for grouping. */
  code: string;
  text: string;
  location?: Location;
}

/** `file: section+0x1a: ` or as much of it as is known. */
export function formatLocation(location: Location): string {
  let text = location.file === undefined ? "" : `${location.file}: `;
  if (location.section !== undefined) {
    text += location.section;
    if (location.offset !== undefined) text += `+0x${location.offset.toString(16)}`;
    text += ": ";
  } else if (location.offset !== undefined) {
    text += `+0x${location.offset.toString(16)}: `;
  }
  return text;
}

function errnoText(errno: string): string {
  switch (errno) {
    case "ENOENT":
      return "no such file or directory";
    case "EACCES":
      return "permission denied";
    case "EISDIR":
      return "is a directory";
    case "ENOTDIR":
      return "not a directory";
    case "ENOSPC":
      return "no space left on device";
    default:
      return errno;
  }
}
