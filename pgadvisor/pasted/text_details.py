"""The lines below a node in EXPLAIN's text form, under the keys that its JSON form has."""

import re
from collections.abc import Callable
from typing import Any

from pgadvisor.pasted.text_nodes import executed_keys

DETAIL = re.compile(r"(?P<key>[A-Z][A-Za-z/-]*(?: (?:[A-Za-z/-]+|\d+)){0,5}):(?: +(?P<value>.*)|$)")
"""A line such as `Filter: (a = 1)`."""
KNOWN = frozenset((
    "Alias", "Async Capable", "Batches", "Buckets", "Buffers", "Cache Key", "Cache Mode", "Conflict Arbiter Indexes",
    "Conflict Filter", "Conflict Resolution", "Conflicting Tuples", "Disabled", "Disk Usage", "Estimates",
    "Exact Heap Blocks", "Filter", "Full-sort Groups", "Function Call", "Group Key", "Hash Cond", "Hash Key",
    "HashAgg Batches", "Heap Blocks", "Heap Fetches", "Hits", "I/O Timings", "Index Cond", "Index Searches",
    "Inner Unique", "Join Filter", "Memory Usage", "Merge Cond", "Merge Key", "One-Time Filter", "Order By", "Output",
    "Params Evaluated", "Peak Memory Usage", "Planned Partitions", "Pre-sorted Groups", "Presorted Key", "Recheck Cond",
    "Relations", "Remote SQL", "Repeatable Seed", "Replaces", "Rows Removed by Conflict Filter",
    "Rows Removed by Filter", "Rows Removed by Index Recheck", "Rows Removed by Join Filter", "Run Condition",
    "Sampling", "Single Copy", "Sort Key", "Sort Method", "Sort Methods", "Storage", "Subplans Removed",
    "TID Cond", "Table Function Call", "Tuples", "Tuples Inserted", "WAL", "Window", "Workers Launched",
    "Workers Planned",
))  # fmt: skip
"""The details of PostgreSQL's own nodes."""

_LISTS = frozenset((
    "Output", "Sort Key", "Presorted Key", "Group Key", "Hash Key", "Params Evaluated", "Conflict Arbiter Indexes",
    "Merge Key",
))  # fmt: skip
_COUNT = re.compile(r"([A-Z][A-Za-z -]*?): *(\d+)(?: ?kB)?(?: \(originally (\d+)\))?")
_SORT = re.compile(r"(\w[\w -]*?) *(?:(Memory|Disk): *(\d+) ?kB)?$")
_GROUPS = re.compile(r"(\d+) +Sort Methods?: (.+?)(?= +(?:Average|Peak) |$)")
_SPACE = re.compile(r"Average (Memory|Disk): (\d+) ?kB +Peak (?:Memory|Disk): (\d+) ?kB")
_STORAGE = re.compile(r"(\w+) +Maximum Storage: (\d+) ?kB")
_BLOCKS = ("Hit", "Read", "Dirtied", "Written")
_WAL = {"records": "WAL Records", "fpi": "WAL FPI", "bytes": "WAL Bytes", "buffers full": "WAL Buffers Full"}
_HASH = {"Buckets": "Hash Buckets", "Batches": "Hash Batches", "Memory Usage": "Peak Memory Usage"}
_AGGREGATE = {"Batches": "HashAgg Batches", "Memory Usage": "Peak Memory Usage"}
_CACHE = {
    "Hits": "Cache Hits", "Misses": "Cache Misses", "Evictions": "Cache Evictions", "Overflows": "Cache Overflows",
    "Memory Usage": "Peak Memory Usage",
}  # fmt: skip


def detail_keys(line: str) -> dict[str, Any]:
    """The keys that a line below a node says; empty when it is no such line."""
    if line.startswith("actual "):
        return executed_keys(f"({line})")
    match = DETAIL.match(line)
    if match is None:
        return {}
    key, value = match["key"], (match["value"] or "").strip()
    if key in _COMPOSED:
        return _COMPOSED[key](line, value)
    if key in _LISTS:
        return {key: split_list(value)}
    return {key: figure(key, value)}


def figure(key: str, value: str) -> Any:
    """The value of a key of EXPLAIN: of a condition its text, else a number or a truth where it is one."""
    is_text = key.endswith(("Filter", "Cond", "Key", "Call", "SQL")) and not key.startswith("Rows Removed")
    return value if is_text else plain(value)


def plain(value: str) -> Any:
    """A number or a truth where the text is one."""
    if re.fullmatch(r"-?\d+", value):
        return int(value)
    if re.fullmatch(r"-?\d+\.\d+", value):
        return float(value)
    return {"true": True, "false": False}.get(value, value)


def split_list(text: str) -> list[str]:
    """The expressions of a list, which commas separate where no bracket is open and no quote."""
    found, depth, quote, start = [], 0, "", 0
    for at, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "([":
            depth += 1
        elif letter in ")]":
            depth -= 1
        elif letter == "," and not depth:
            found.append(text[start:at].strip())
            start = at + 1
    return [each for each in (*found, text[start:].strip()) if each]


def buffer_keys(value: str) -> dict[str, Any]:
    """`shared hit=1 read=2, temp written=3`: what is not named is 0."""
    kinds = (("Shared", _BLOCKS), ("Local", _BLOCKS), ("Temp", ("Read", "Written")))
    keys = {f"{kind} {what} Blocks": 0 for kind, each in kinds for what in each}
    for part in value.split(","):
        kind, _, counts = part.strip().partition(" ")
        for what, count in re.findall(r"(\w+)=(\d+)", counts):
            keys[f"{kind.capitalize()} {what.capitalize()} Blocks"] = int(count)
    return keys


def _io_keys(line: str, value: str) -> dict[str, Any]:
    """`read=1.5`, since PostgreSQL 15 `shared/local read=1.5, temp write=2.5`, since 17 `shared read=1.5`."""
    keys = {}
    for part in value.split(","):
        kind = part.strip().partition(" ")[0] if "=" not in part.strip().partition(" ")[0] else ""
        prefix = f"{kind.capitalize()} " if kind in ("shared", "local", "temp") else ""
        times = dict(re.findall(r"(read|write)=([\d.]+)", part))
        for what in ("read", "write"):
            keys[f"{prefix}I/O {what.capitalize()} Time"] = float(times.get(what, 0.0))
    return keys


def _wal_keys(line: str, value: str) -> dict[str, Any]:
    return {_WAL[name]: int(count) for name, count in re.findall(r"(records|fpi|bytes|buffers full)=(\d+)", value)}


def _heap_keys(line: str, value: str) -> dict[str, Any]:
    counts = dict(re.findall(r"(exact|lossy)=(\d+)", value))
    return {f"{kind.capitalize()} Heap Blocks": int(counts.get(kind, 0)) for kind in ("exact", "lossy")}


def _hash_keys(line: str, value: str) -> dict[str, Any]:
    keys = {}
    for name, count, before in _COUNT.findall(line):
        keys[_HASH.get(name, name)] = int(count)
        if name in ("Buckets", "Batches"):
            keys[f"Original Hash {name}"] = int(before or count)
    return keys


def _aggregate_keys(line: str, value: str) -> dict[str, Any]:
    keys = {_AGGREGATE.get(name, name): int(count) for name, count, _ in _COUNT.findall(line)}
    return {"Disk Usage": 0, **keys} if "HashAgg Batches" in keys else keys


def _cache_keys(line: str, value: str) -> dict[str, Any]:
    return {_CACHE.get(name, name): int(count) for name, count, _ in _COUNT.findall(line)}


def _sort_keys(line: str, value: str) -> dict[str, Any]:
    match = _SORT.match(value)
    if match is None:
        return {"Sort Method": value}
    space = {"Sort Space Used": int(match[3]), "Sort Space Type": match[2]} if match[3] else {}
    return {"Sort Method": match[1].strip(), **space}


def _group_keys(line: str, value: str) -> dict[str, Any]:
    match = _GROUPS.match(value)
    if match is None:
        return {}
    keys: dict[str, Any] = {"Group Count": int(match[1]), "Sort Methods Used": split_list(match[2])}
    for kind, average, peak in _SPACE.findall(value):
        keys[f"Sort Space {kind}"] = {"Average Sort Space Used": int(average), "Peak Sort Space Used": int(peak)}
    return {line.partition(":")[0]: keys}


def _storage_keys(line: str, value: str) -> dict[str, Any]:
    match = _STORAGE.match(value)
    return {"Storage": match[1], "Maximum Storage": int(match[2])} if match else {"Storage": value}


def _tuple_keys(line: str, value: str) -> dict[str, Any]:
    """What MERGE did: `inserted=1 updated=2`."""
    return {f"Tuples {what.capitalize()}": int(count) for what, count in re.findall(r"(\w+)=(\d+)", value)}


def _size_keys(line: str, value: str) -> dict[str, Any]:
    """`Peak Memory Usage: 24 kB`, a line of PostgreSQL 13."""
    return {line.partition(":")[0]: plain(value.removesuffix("kB").strip())}


_COMPOSED: dict[str, Callable[[str, str], dict[str, Any]]] = {
    "Buffers": lambda _, value: buffer_keys(value),
    "I/O Timings": _io_keys,
    "WAL": _wal_keys,
    "Heap Blocks": _heap_keys,
    "Buckets": _hash_keys,
    "Planned Partitions": _aggregate_keys,
    "Batches": _aggregate_keys,
    "Hits": _cache_keys,
    "Sort Method": _sort_keys,
    "Full-sort Groups": _group_keys,
    "Pre-sorted Groups": _group_keys,
    "Storage": _storage_keys,
    "Tuples": _tuple_keys,
    "Peak Memory Usage": _size_keys,
    "Disk Usage": _size_keys,
}
"""Lines that hold several figures."""
