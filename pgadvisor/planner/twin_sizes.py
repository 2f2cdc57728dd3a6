"""File sizes of a twin: empty files grown without using any disk, and B-trees as high as the audited ones.

The planner asks the file system how long a table or index is, and a B-tree's first page how high the tree is.
"""

import math
import os
import struct
from pathlib import Path

PAGE_BYTES = 8192
SEGMENT_BYTES = 1 << 30
"""A relation's file is cut into pieces of 1 GiB: `file`, `file.1`, … (src/backend/storage/smgr/md.c)."""

# Layouts: src/include/storage/bufpage.h, itemid.h and access/nbtree.h; the same in PostgreSQL 13 to 18.
_PAGE_HEADER = struct.Struct("=QHHHHHHI")
_PAGE_VERSION = PAGE_BYTES | 4
_BTREE_END = struct.Struct("=IIIHH")
_ITEM = struct.Struct("=I")
_PIVOT = struct.Struct("=HHHH")
_ROOT_AT = _PAGE_HEADER.size + 8
"""Of the metapage: after the magic number and the version come root, its level, fast root and its level."""
_ROOT = struct.Struct("=IIII")
_LEAF, _IS_ROOT = 1, 2
_IS_PIVOT = 0x2000
_NORMAL_ITEM = 1

_INNER_BYTES = PAGE_BYTES * 7 // 10 - _PAGE_HEADER.size - _BTREE_END.size - 2 * _ITEM.size
"""CREATE INDEX leaves pages above the leaves 70 % full: BTREE_NONLEAF_FILLFACTOR."""
_ENTRY_BYTES = 8 + _ITEM.size


def resize(file: Path, size_bytes: int) -> None:
    """Makes the relation that long, sparsely; what is cut off is lost. Further pieces belong to the first one's owner.

    Works while the server runs: it asks for the length anew each time. A piece too many stays, empty, as the server
    itself leaves it when it cuts a table.
    """
    full, rest = divmod(-(-size_bytes // PAGE_BYTES) * PAGE_BYTES, SEGMENT_BYTES)
    os.truncate(file, SEGMENT_BYTES if full else rest)
    owner = file.stat()
    number = 1
    while number <= full or file.with_name(f"{file.name}.{number}").exists():
        length = SEGMENT_BYTES if number < full else rest if number == full else 0
        _resize_piece(file.with_name(f"{file.name}.{number}"), length, owner)
        number += 1


def _resize_piece(piece: Path, length: int, owner: os.stat_result) -> None:
    handle = os.open(piece, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.ftruncate(handle, length)
        if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(handle, owner.st_uid, owner.st_gid)
    finally:
        os.close(handle)


def copy_first_page(file: Path, other: Path) -> None:
    """A new file with the first page of another and its owner."""
    owner = file.stat()
    with file.open("rb") as opened:
        page = opened.read(PAGE_BYTES)
    _resize_piece(other, PAGE_BYTES, owner)
    with other.open("r+b") as made:
        made.write(page)


def btree_height(pages: int, key_bytes: float) -> int:
    """How many levels stand above the leaves of a B-tree of so many pages, as CREATE INDEX builds it.

    `key_bytes`: on average of an entry above the leaves, without its 12 bytes of overhead.
    """
    # The first entry of a page has no key.
    fan_out = max(2, int(_INNER_BYTES / (_ENTRY_BYTES + key_bytes)) + 1)
    height, level = 0, math.ceil((pages - 1) * fan_out / (fan_out + 1))
    while level > 1:
        level = math.ceil(level / fan_out)
        height += 1
    return height


def plant_tree(file: Path, height: int) -> None:
    """Writes into an empty B-tree, at least `height` + 2 pages long, a tree of that height without any row.

    One page a level, each with the one below as its only child, so that a look-up (the planner looks up the ends of
    columns) finds nothing rather than a fault. The server must not have read the index before.
    """
    with file.open("r+b") as opened:
        opened.seek(_ROOT_AT)
        opened.write(_ROOT.pack(1, height, 1, height))
        for level in range(height, -1, -1):
            number = 1 + height - level
            opened.seek(number * PAGE_BYTES)
            opened.write(_tree_page(level, is_root=level == height, child=number + 1))


def _tree_page(level: int, *, is_root: bool, child: int) -> bytes:
    """A page without siblings. Above the leaves it holds one entry: to the child, for all above minus infinity."""
    special = PAGE_BYTES - _BTREE_END.size
    entry = b"" if level == 0 else _PIVOT.pack(child >> 16, child & 0xFFFF, 0, _IS_PIVOT | _PIVOT.size)
    start = special - len(entry)
    item = _ITEM.pack(start | _NORMAL_ITEM << 15 | len(entry) << 17) if entry else b""
    flags = (_LEAF if level == 0 else 0) | (_IS_ROOT if is_root else 0)
    header = _PAGE_HEADER.pack(0, 0, 0, _PAGE_HEADER.size + len(item), start, special, _PAGE_VERSION, 0)
    gap = b"\0" * (start - _PAGE_HEADER.size - len(item))
    return header + item + gap + entry + _BTREE_END.pack(0, 0, level, flags, 0)
