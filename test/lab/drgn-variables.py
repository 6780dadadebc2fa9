"""Run by drgn over a dump: what it knows of variables, as JSON lines.

drgn -c DUMP -s VMLINUX -q drgn-variables.py list NAMES OUT
    NAMES: one a line. OUT: [name, address or null, bytes or null, type], where there is a variable.
drgn -c DUMP -s VMLINUX -q drgn-variables.py values NAMES OUT
    NAMES: a name, or NAME@CPU for a per-CPU variable. OUT: [name, value, address], values as `dwarfless eval --json`
    has them. Of several variables of a name drgn takes one, and not always the same.
"""

import json
import sys

import drgn
from drgn import TypeKind
from drgn.helpers.linux.percpu import per_cpu

CHARACTERS = (drgn.PrimitiveType.C_CHAR, drgn.PrimitiveType.C_SIGNED_CHAR, drgn.PrimitiveType.C_UNSIGNED_CHAR)


def underlying(type_):
    while type_.kind == TypeKind.TYPEDEF:
        type_ = type_.type
    return type_


def member_names(type_):
    for member in type_.members:
        if member.name is None:
            yield from member_names(underlying(member.type))
        else:
            yield member.name


def hexadecimal(value):
    return f"-{-value:#x}" if value < 0 else f"{value:#x}"


def convert(source):
    type_ = underlying(source.type_)
    if source.absent_:
        return {"absent": True}
    try:
        if type_.kind == TypeKind.ARRAY:
            if type_.length is None:
                return None
            if type_.type.kind == TypeKind.INT and type_.type.primitive in CHARACTERS:
                whole = bytes(source[index].value_() & 255 for index in range(type_.length))
                return whole.split(b"\0")[0].decode("utf-8", "replace")
            return [convert(source[index]) for index in range(type_.length)]
        if type_.kind in (TypeKind.STRUCT, TypeKind.UNION):
            if type_.members is None:
                return {"absent": True}
            return {name: convert(source.member_(name)) for name in member_names(type_)}
        if type_.kind == TypeKind.FUNCTION:
            return hexadecimal(source.address_)
        value = source.value_()
        if type_.kind == TypeKind.BOOL:
            return bool(value)
        if type_.kind == TypeKind.FLOAT:
            return value
        return hexadecimal(value) if type_.kind == TypeKind.POINTER or drgn.sizeof(type_) > 4 else value
    except drgn.FaultError:
        return {"absent": True}


def find(name):
    try:
        return prog.variable(name)
    except LookupError:
        return None
    except drgn.BadDataError as error:
        # DWARF that drgn cannot read is no reason to leave out the rest.
        print(f"{name}: {error}", file=sys.stderr)
        return None


def listed(name):
    source = find(name)
    if source is None or source.absent_:
        return None
    try:
        size = drgn.sizeof(source)
    except TypeError:
        size = None
    address = None if source.address_ is None else hex(source.address_)
    return [name, address, size, source.type_.type_name()]


def is_incomplete(type_):
    """True for an array declared elsewhere, whose definition drgn did not take."""
    type_ = underlying(type_)
    return type_.kind == TypeKind.ARRAY and type_.length is None


def valued(name):
    whole = name
    name, _, cpu = name.partition("@")
    source = find(name)
    if source is None or source.address_ is None or is_incomplete(source.type_):
        return [whole, None, "0x0"]
    address = hex(source.address_)
    if cpu:
        return [f"{name}@{cpu}", convert(per_cpu(source, int(cpu))), address]
    return [name, convert(source), address]


mode, names, output = sys.argv[1:]
with open(names, encoding="utf-8") as lines, open(output, "w", encoding="utf-8") as rows:
    for line in lines:
        row = (listed if mode == "list" else valued)(line.rstrip("\n"))
        if row is not None:
            rows.write(json.dumps(row) + "\n")
