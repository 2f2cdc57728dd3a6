"""A node's line in EXPLAIN's text form, under the keys that its JSON form has."""

import re
from typing import Any

_NAME = r'"(?:[^"]|"")+"|[^\s".()]+'
_KINDS = (
    "Result", "ProjectSet", "(?:Foreign )?(?:Insert|Update|Delete)", r"Merge(?= on )", "(?:Merge )?Append",
    "Recursive Union", "BitmapAnd", "BitmapOr", "Nested Loop(?: [A-Z][a-z]+)*(?: Join)?",
    "(?:Hash|Merge)(?: [A-Z][a-z]+)* Join", "(?:Seq|Sample|Subquery|Function|Table Function|Values|CTE|WorkTable) Scan",
    "Named Tuplestore Scan", "Tid (?:Range )?Scan", "Index (?:Only )?Scan", "Bitmap (?:Heap|Index) Scan",
    "Foreign Scan", r"Custom Scan(?: \(.+?\))?", "Gather(?: Merge)?", "Materialize", "Memoize", "(?:Incremental )?Sort",
    "Group", "(?:Group|Hash|Mixed)?Aggregate", "WindowAgg", "Unique",
    "(?:Hash)?SetOp(?: (?:Intersect|Except)(?: All)?)?", "LockRows", "Limit", "Hash",
)  # fmt: skip
_PREFIX = r"(?:(?:Parallel|Async|Partial|Finalize) )*"
_REST = rf"(?: Backward)?(?: using (?:{_NAME}))?(?: on (?:{_NAME})(?:\.(?:{_NAME}))?(?: (?:{_NAME}))?)?"
KNOWN = re.compile(rf"{_PREFIX}(?:{'|'.join(_KINDS)}){_REST}$")
"""The name of a node that PostgreSQL has, without its figures."""
FIGURES = re.compile(r"(?<!\s)\s*\((?=cost=|actual |never executed)")
"""Where a node's figures begin."""
HEADING = re.compile(r"(?:InitPlan|SubPlan)(?: \S+)?(?: \(returns .*\))?$|CTE (?!Scan\b)\S.*$")
"""What stands above the plan of a subquery."""

_LABEL = re.compile(
    rf"(?P<work>.+?)(?P<backward> Backward)?(?: using (?P<index>{_NAME}))?"
    rf"(?: on (?:(?P<schema>{_NAME})\.)?(?P<name>{_NAME})(?: (?P<alias>{_NAME}))?)?$"
)
_COST = re.compile(r"\(cost=([\d.]+)\.\.([\d.]+)(?: rows=([\d.]+))?(?: width=(\d+))?\)")
_EXECUTED = re.compile(
    r"\(actual(?: time=(?P<start>[\d.]+)\.\.(?P<total>[\d.]+))?(?: +rows=(?P<rows>[\d.]+))?(?: +loops=(?P<loops>\d+))?"
)
_AGGREGATES = {"Aggregate": "Plain", "GroupAggregate": "Sorted", "HashAggregate": "Hashed", "MixedAggregate": "Mixed"}
_CHANGES = re.compile(r"(Foreign )?(Insert|Update|Delete|Merge)$")
_JOIN = re.compile(r"(Nested Loop|Hash|Merge)(?: ((?:Left|Right|Full|Semi|Anti)(?: Semi| Anti)?))?(?: Join)?$")
_SET_OPERATION = re.compile(r"(Hash)?SetOp(?: (.+))?$")
_CUSTOM = re.compile(r"Custom Scan \((.+)\)$")
_TARGETS = {
    "Bitmap Index Scan": "Index Name",
    "Function Scan": "Function Name",
    "Table Function Scan": "Table Function Name",
    "CTE Scan": "CTE Name",
    "WorkTable Scan": "CTE Name",
    "Named Tuplestore Scan": "Tuplestore Name",
    "Values Scan": None,
    "Subquery Scan": None,
}
"""The key of what a node reads, where it is no relation."""


def node_keys(text: str) -> dict[str, Any]:
    """The keys of a node from its line, without the arrow before it."""
    match = FIGURES.search(text)
    label = text[: match.start()] if match else text
    return _named(label.strip()) | (_figures(text[match.start() :]) if match else {})


def is_node_name(text: str) -> bool:
    """Whether it names a node of PostgreSQL's, with or without figures behind it."""
    match = FIGURES.search(text)
    return bool(KNOWN.match((text[: match.start()] if match else text).strip()))


def target_keys(text: str) -> dict[str, Any]:
    """The relation in `Update on public.orders o`: the keys of a node that it would make."""
    keys = _named(text)
    return {key: keys[key] for key in ("Schema", "Relation Name", "Alias") if key in keys}


def unquoted(name: str) -> str:
    """An identifier without the quotes that PostgreSQL gave it."""
    return name[1:-1].replace('""', '"') if name[:1] == '"' and name[-1:] == '"' and len(name) > 1 else name


def _named(label: str) -> dict[str, Any]:
    words = _PREFIXES.match(label)
    before, rest = (words[0].split(), label[words.end() :]) if words else ([], label)
    match = _LABEL.match(rest)
    work = (match["work"] if match else rest).strip()
    keys = {"Node Type": work, **_kind(work, before)}
    keys["Parallel Aware"] = "Parallel" in before
    if "Async" in before:
        keys["Async Capable"] = True
    if match is None:
        return keys
    if work in ("Index Scan", "Index Only Scan"):
        keys["Scan Direction"] = "Backward" if match["backward"] else "Forward"
    if match["index"]:
        keys["Index Name"] = unquoted(match["index"])
    return keys | _target(work, match)


_PREFIXES = re.compile(_PREFIX)


def _kind(work: str, before: list[str]) -> dict[str, Any]:
    """The type, and the keys that the text form makes part of the name."""
    if work in _AGGREGATES:
        mode = next((each for each in before if each in ("Partial", "Finalize")), "Simple")
        return {"Node Type": "Aggregate", "Strategy": _AGGREGATES[work], "Partial Mode": mode}
    if match := _CHANGES.match(work):
        return {"Node Type": "Foreign Scan" if match[1] else "ModifyTable", "Operation": match[2]}
    if work == "Foreign Scan":
        return {"Operation": "Select"}
    if (match := _SET_OPERATION.match(work)) and "SetOp" in work:
        command = {"Command": match[2]} if match[2] else {}
        return {"Node Type": "SetOp", "Strategy": "Hashed" if match[1] else "Sorted", **command}
    if match := _CUSTOM.match(work):
        return {"Node Type": "Custom Scan", "Custom Plan Provider": match[1]}
    if (match := _JOIN.match(work)) and work not in ("Hash", "Merge"):
        kind = match[1] if match[1] == "Nested Loop" else f"{match[1]} Join"
        return {"Node Type": kind, "Join Type": match[2] or "Inner"}
    return {}


def _target(work: str, match: re.Match[str]) -> dict[str, Any]:
    if match["name"] is None:
        return {}
    name = unquoted(match["name"])
    key = _TARGETS.get(work, "Relation Name")
    if key == "Index Name":
        return {key: name}
    found: dict[str, Any] = {"Alias": unquoted(match["alias"]) if match["alias"] else name}
    if key is not None:
        found[key] = name
    if match["schema"]:
        found["Schema"] = unquoted(match["schema"])
    return found


def _figures(text: str) -> dict[str, Any]:
    """The planner's figures, and those of the execution."""
    keys: dict[str, Any] = {}
    if match := _COST.search(text):
        keys |= {"Startup Cost": float(match[1]), "Total Cost": float(match[2])}
        keys |= {"Plan Rows": float(match[3] or 0), "Plan Width": int(match[4] or 0)}
    return keys | executed_keys(text)


def executed_keys(text: str) -> dict[str, Any]:
    """What `(actual time=0.1..0.2 rows=3 loops=1)` says, or that the node was never executed."""
    if "(never executed)" in text:
        return {"Actual Rows": 0.0, "Actual Loops": 0.0}
    match = _EXECUTED.search(text)
    if match is None or not any(match.groups()):
        return {}
    keys = {"Actual Rows": float(match["rows"] or 0), "Actual Loops": float(match["loops"] or 1)}
    if match["total"]:
        keys |= {"Actual Startup Time": float(match["start"]), "Actual Total Time": float(match["total"])}
    return keys
