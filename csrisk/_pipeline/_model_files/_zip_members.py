"""The zip of a model file, read strictly: members back to back, then their directory, then the end; nothing else.

`zipfile` is made to read whatever it can: members that overlap, sizes that lie, four ways to pack. A model file holds
one plain form of zip, and what differs from it is refused before a byte of it is unpacked.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

__all__ = ["ZipError", "ZipMember", "list_members", "unpack_member"]

# APPNOTE.TXT of PKWARE, 4.3.16, 4.3.12 and 4.3.7; little-endian
_END = struct.Struct("<4s4H2LH")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_STORED, _DEFLATED = 0, 8


class ZipError(ValueError):
    """What is wrong with a zip, in a few words."""


class ZipMember(NamedTuple):
    """Where a member lies, and what it says of itself."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    start: int


def list_members(content: bytes, most: int) -> list[ZipMember]:
    """Read the directory of a zip, without unpacking."""
    if len(content) < _END.size:
        raise ZipError("not a readable zip (it is too short)")
    # no comment is allowed, so the end stands at the end, and nobody has to search for it
    mark, disk, first_disk, here, count, size, start, comment = _END.unpack_from(content, len(content) - _END.size)
    if mark != b"PK\5\6" or comment or disk or first_disk or here != count:
        raise ZipError("not a readable zip (it does not end as one)")
    if count > most:  # before the first entry is read
        raise ZipError(f"{count} members; at most {most}")
    # nothing between directory and end, where another reader might find another zip
    if start + size + _END.size != len(content):
        raise ZipError("not a readable zip (its directory lies elsewhere)")
    members, place, free = [], start, 0
    for _ in range(count):
        member, place, offset = _entry(content, place, len(content) - _END.size)
        # each member begins where the one before it ended: none overlaps, as those of bombs do
        free = _check_local(content, member, offset, free, start)
        members.append(member)
    if place != start + size or free != start:
        raise ZipError("not a readable zip (bytes belong to no member)")
    return members


def _entry(content: bytes, place: int, end: int) -> tuple[ZipMember, int, int]:
    """Read one entry of the directory; also where the next one begins, and where its member lies."""
    if place + _ENTRY.size > end:
        raise ZipError("not a readable zip (its directory is cut)")
    entry = _ENTRY.unpack_from(content, place)
    mark, _, _, flags, method, _, _, crc, packed, size, length, extra, comment, disk, _, _, offset = entry
    after = place + _ENTRY.size + length
    if mark != b"PK\1\2" or extra or comment or disk or after > end:
        raise ZipError("not a readable zip (an entry has parts that no csrisk model has)")
    if method not in (_STORED, _DEFLATED):
        raise ZipError(f"a member is packed by method {method}; only stored (0) and deflated (8) ones are read")
    if flags:
        raise ZipError(f"a member has the flags {flags:#06x}; encrypted and streamed ones are not read")
    name = content[place + _ENTRY.size : after].decode("ascii", "replace")  # a replaced sign is in no name of a model
    return ZipMember(name, method, crc, packed, size, offset + _LOCAL.size + length), after, offset


def _check_local(content: bytes, member: ZipMember, offset: int, free: int, end: int) -> int:
    """Hold the words before a member against its entry; give the place after it."""
    after = member.start + member.packed
    if offset != free or after > end:
        raise ZipError("not a readable zip (members overlap or leave gaps)")
    mark, _, flags, method, _, _, crc, packed, size, length, extra = _LOCAL.unpack_from(content, offset)
    name = content[offset + _LOCAL.size : member.start].decode("ascii", "replace")
    told = (mark, flags, method, crc, packed, size, offset + _LOCAL.size + length, extra, name)
    if told != (b"PK\3\4", 0, member.method, member.crc, member.packed, member.size, member.start, 0, member.name):
        raise ZipError("not a readable zip (a member says other things than its entry)")
    return after


def unpack_member(content: bytes, member: ZipMember) -> bytes:
    """Unpack a member, at most to the size that it states."""
    packed = memoryview(content)[member.start : member.start + member.packed]
    if member.method == _STORED:
        unpacked = bytes(packed)
    else:
        stream = zlib.decompressobj(-zlib.MAX_WBITS)  # negative: a zip holds no header of zlib
        try:
            # one byte more tells a member that unpacks to more than it says, however much that would be
            unpacked = stream.decompress(packed, member.size + 1)
        except zlib.error as error:
            raise ZipError(f"member {member.name!r} cannot be unpacked") from error
        if not stream.eof or stream.unused_data:
            raise ZipError(f"member {member.name!r} has another size than it says")
    if len(unpacked) != member.size or zlib.crc32(unpacked) != member.crc:
        raise ZipError(f"member {member.name!r} has another size or checksum than it says")
    return unpacked
