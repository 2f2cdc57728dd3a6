"""auto_explain's messages: the statement, its rows, and the few plans of each statement that are kept."""

import json
import re
import zlib
from bisect import insort
from typing import Any

import msgspec

from pgadvisor.logs.entry import text_of
from pgadvisor.logs.part import FAIR, SLOWEST, Group, Place, Plan
from pgadvisor.model.log import LoggedPlan
from pgadvisor.sql.normalize import normalize, redact

LONGEST_PLAN = 500_000
"""Bytes; longer ones are not kept: few could read them."""
_QUERY = re.compile(rb'\s*\{\s*"Query Text": ("(?:[^"\\]+|\\.)*+")', re.DOTALL)
_QUERY_LINES = re.compile(
    rb"\s*Query Text: (.*?)\n(?=[^\n]*  \((?:cost|actual|never)|Query (?:Identifier|Parameters): )", re.DOTALL
)
_ROWS = re.compile(rb'"Actual Rows": (\d+)|\(actual (?:time=[\d.]+ )?rows=(\d+)|\(actual time=\S+ rows=(\d+)')
_STRING = re.compile(r"\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*(?:'|\Z)")
"""A name, or a literal: one may go over several lines, of which each looks like one of the plan."""
_FIGURES = (
    "Rows Removed", "Heap", "Buffers", "Workers", "Worker ", "Sort Method", "Planning", "Execution", "Batches",
    "Buckets", "Cache Mode", "Hits", "I/O", "WAL", "JIT", "Functions", "Options", "Timing", "Peak", "Disk", "Memory",
    "Full-sort", "Pre-sorted", "Query Identifier", "Conflict", "Tuples Inserted", "Inlining", "Trigger",
)  # fmt: skip
"""How lines of the text form begin that hold no expression."""
_WORDS = frozenset((
    "Node Type", "Parent Relationship", "Strategy", "Partial Mode", "Operation", "Join Type", "Scan Direction",
    "Relation Name", "Alias", "Schema", "Index Name", "CTE Name", "Subplan Name", "Function Name", "Sort Method",
    "Sort Space Type", "Command", "Format", "Trigger Name", "Constraint Name", "Relation", "Cache Mode", "Storage",
    "Tuplestore Name", "Custom Plan Provider",
))  # fmt: skip
"""What holds no expression."""


def plan_query(text: bytes) -> bytes | None:
    """The statement that the plan is of."""
    if found := _QUERY.match(text):
        try:
            return msgspec.json.decode(found[1], type=str).encode()
        except (msgspec.DecodeError, UnicodeError):
            return None
    found = _QUERY_LINES.match(text)
    return found[1] if found and not found[1].startswith(b'"') else None  # YAML quotes it


def plan_form(text: bytes) -> str:
    """What the plan is written in that is not read."""
    start = text.lstrip()
    return "XML" if start.startswith(b"<") else "YAML" if start.startswith(b'Query Text: "') else "an unknown form"


def plan_rows(text: bytes) -> int | None:
    """The rows that its root gave, where it was run with ANALYZE."""
    found = _ROWS.search(text)
    return int(found[1] or found[2] or found[3]) if found else None


def add_plan(group: Group, place: Place, us: int, at: float, text: bytes) -> None:
    """Keep the plan, where it is among the few that are kept of its statement."""
    if len(text) > LONGEST_PLAN:
        return
    chance = zlib.crc32(place.to_bytes(8, "big"))
    packed = b""
    for kept, rank, most in ((group.fair, chance, FAIR), (group.slowest, -us, SLOWEST)):
        if len(kept) == most and (rank, place) >= (kept[-1].rank, kept[-1].place):
            continue
        packed = packed or zlib.compress(text, 1)
        insort(kept, Plan(rank, place, us, at, packed))
        del kept[most:]


def kept_plans(group: Group, at: Any, *, keep_values: bool) -> tuple[LoggedPlan, ...]:
    """The plans of a statement, the slowest first. `at` turns seconds into a time."""
    plans = {plan.place: plan for plan in (*group.fair, *group.slowest)}
    return tuple(
        LoggedPlan(duration_ms=plan.us / 1000, explain=_told(zlib.decompress(plan.packed), keep_values), at=at(plan.at))
        for plan in sorted(plans.values(), key=lambda plan: (-plan.us, plan.place))
    )


def _told(packed: bytes, keep_values: bool) -> str:
    text = text_of(packed).strip("\n")
    if keep_values:
        return text
    try:
        return json.dumps(_without_values(json.loads(text)), ensure_ascii=False)
    except ValueError:
        return _lines_without_values(text)


def _without_values(node: Any, name: str = "") -> Any:
    if isinstance(node, dict):
        return {key: _without_values(value, key) for key, value in node.items() if key != "Query Parameters"}
    if isinstance(node, list):
        return [_without_values(each, name) for each in node]
    if not isinstance(node, str) or name in _WORDS:
        return node
    return normalize(node) if name == "Query Text" else redact(node)


def _lines_without_values(text: str) -> str:
    found = _QUERY_LINES.match(text.encode())
    if found is None:
        return ""
    query, rest = normalize(text_of(found[1])), text_of(text.encode()[found.end() :])
    rest = _STRING.sub(lambda found: found[0] if found[0].startswith('"') else "'?'", rest)
    lines = [line for line in rest.split("\n") if not line.startswith("Query Parameters: ")]
    return "\n".join([f"Query Text: {query}", *(_line_without_values(line) for line in lines)])


def _line_without_values(line: str) -> str:
    """Figures of a node stay; whatever else has a colon is an expression."""
    if line.lstrip().startswith(_FIGURES) or re.search(r"  \((?:cost|actual|never executed)", line):
        return line
    name, colon, value = line.partition(": ")
    return f"{name}: {redact(value)}" if colon and "'" not in name else redact(line)
