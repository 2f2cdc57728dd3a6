"""What stands below a plan in EXPLAIN's text form: planning, triggers, JIT, times; under the keys of its JSON form."""

import re
from typing import Any

from pgadvisor.pasted.text_details import buffer_keys, plain

SUMMARY = re.compile(
    r"(?:Planning|Execution) [Tt]ime:|Total runtime:|Settings:|Query Identifier:|Trigger .*calls=|Planning:$"
    r"|JIT:$|Serialization:"
)
"""A line of the statement, no node's."""
LAST = re.compile(r"Execution [Tt]ime:|Total runtime:")
"""The line after which nothing of the plan follows."""
SECTIONS = ("Planning", "JIT", "Serialization")
"""What has indented lines of its own."""
_TRIGGER = re.compile(
    r"Trigger (?:for constraint (?P<only>.+?)|(?P<name>.+?)(?: for constraint (?P<constraint>.+?))?)"
    r"(?: on (?P<table>.+?))?: (?:time=(?P<time>[\d.]+) )?calls=(?P<calls>[\d.]+)$"
)
_SETTING = re.compile(r"([\w.]+) = '((?:[^']|'')*)'")
_MILLISECONDS = re.compile(r"([A-Z]\w*) ([\d.]+) ms(?: \(Deform ([\d.]+) ms\))?")
_SERIALIZATION = re.compile(r"(?:time=([\d.]+) ms +)?output=(\d+) ?kB +format=(\w+)")


def summary_keys(line: str) -> dict[str, Any]:
    """The keys of the object around the plan that this line says."""
    name, _, value = line.partition(":")
    value = value.strip()
    lower = name.lower()
    if lower in ("planning time", "execution time", "total runtime"):
        time = re.match(r"[\d.]+", value)
        key = "Planning Time" if lower == "planning time" else "Execution Time"
        return {key: float(time[0])} if time else {}
    if name == "Settings":
        return {name: {key: each.replace("''", "'") for key, each in _SETTING.findall(value)}}
    if name.startswith("Trigger"):
        return {"Triggers": _trigger(line)}
    if name == "Serialization":
        return {name: _serialization(value)}
    return {name: {} if name in SECTIONS else plain(value)}


def section_keys(section: str, line: str) -> dict[str, Any]:
    """The keys that an indented line of a section says."""
    name, _, value = line.partition(":")
    value = value.strip()
    if name == "Buffers":
        return buffer_keys(value)
    if name == "Memory":
        sizes = dict(re.findall(r"(used|allocated)=(\d+)", value))
        return {f"Memory {what.capitalize()}": int(size) for what, size in sizes.items()}
    if section == "JIT" and name == "Options":
        return {name: {key: truth == "true" for key, truth in re.findall(r"(\w+) (true|false)", value)}}
    if section == "JIT" and name == "Timing":
        return {name: {key: _timing(float(ms), deform) for key, ms, deform in _MILLISECONDS.findall(value)}}
    return {name: plain(value)} if section == "JIT" and name == "Functions" else {}


def _timing(time_ms: float, deform: str) -> Any:
    """Since PostgreSQL 17 the time of generation says how much of it went into deforming."""
    return {"Deform": float(deform), "Total": time_ms} if deform else time_ms


def _trigger(line: str) -> dict[str, Any]:
    match = _TRIGGER.match(line)
    if match is None:
        return {}
    keys = {
        "Trigger Name": match["name"],
        "Constraint Name": match["only"] or match["constraint"],
        "Relation": match["table"],
        "Time": float(match["time"]) if match["time"] else None,
        "Calls": float(match["calls"]),
    }
    return {key: value for key, value in keys.items() if value is not None}


def _serialization(value: str) -> dict[str, Any]:
    match = _SERIALIZATION.match(value)
    if match is None:
        return {}
    time = {"Time": float(match[1])} if match[1] else {}
    return {**time, "Output Volume": int(match[2]), "Format": match[3]}
