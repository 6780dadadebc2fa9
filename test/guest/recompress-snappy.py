"""recompress-snappy.py LIBSNAPPY IN OUT: a kdump file with zlib pages, written again with snappy pages.

The library is Debian's libsnappy, by its C interface. Layout: makedumpfile's diskdump format,
header version 6, 64 bits, one 24-byte descriptor for each page: i64 offset, u32 size, u32 flags,
u64 page flags. Python, as the peers' tree has one and Node has no call into C.
"""

import ctypes
import struct
import sys
import zlib

ZLIB, SNAPPY = 1, 4

library, source, target = sys.argv[1:]
snappy = ctypes.CDLL(library)
snappy.snappy_compress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.POINTER(ctypes.c_size_t)]


def compress(page: bytes) -> bytes:
    size = ctypes.c_size_t(32 + len(page) + len(page) // 6)
    output = ctypes.create_string_buffer(size.value)
    assert snappy.snappy_compress(page, len(page), output, ctypes.byref(size)) == 0
    return output.raw[: size.value]


with open(source, "rb") as file:
    data = file.read()
assert data[:8] == b"KDUMP   "
(status,) = struct.unpack_from("<I", data, 424)
block, sub_header_blocks, bitmap_blocks = struct.unpack_from("<iiI", data, 428)
descriptors = (1 + sub_header_blocks + bitmap_blocks) * block
bitmap = data[descriptors - bitmap_blocks * block // 2 : descriptors]
count = sum(byte.bit_count() for byte in bitmap)

head = bytearray(data[: descriptors + count * 24])
struct.pack_into("<I", head, 424, status & ~ZLIB | SNAPPY)
pages = []
position = len(head)
written = {}
for index in range(count):
    at = descriptors + index * 24
    offset, size, flags, page_flags = struct.unpack_from("<qIIQ", head, at)
    if offset not in written:
        page = data[offset : offset + size]
        packed = compress(zlib.decompress(page) if flags & ZLIB else page)
        # As makedumpfile does: what does not shrink stays as it is.
        raw = len(packed) >= block
        if raw:
            packed = zlib.decompress(page) if flags & ZLIB else page
        written[offset] = position, len(packed), 0 if raw else SNAPPY
        pages.append(packed)
        position += len(packed)
    struct.pack_into("<qIIQ", head, at, *written[offset], page_flags)
with open(target, "wb") as file:
    file.write(head)
    file.writelines(pages)
