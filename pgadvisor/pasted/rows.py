"""Rows as programs and web pages give them, made the lines of a plan: lists of Python, JSON, a table of depesz."""

import ast
import json
import re
import warnings

LONGEST = 2_000_000
"""Signs of a list: what a program prints of one plan is far shorter."""
_LIST = re.compile(r"\s*\[\s*[\[({'\"]")
_DEPESZ = re.compile(r"^\s*\d+\.\s+(?:[\d.,]+\s+){2}(?:[↑↓]\s*)?(?:[\d.,]+\s+){2,4}(?=\S)")
"""Number, exclusive and inclusive time, rows off by, rows, loops."""
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_PLAN = re.compile(r"\((?:cost|actual)")
_DETAILS = (
    "Filter:", "Index Cond:", "Recheck Cond:", "Hash Cond:", "Merge Cond:", "Join Filter:", "Rows Removed by ",
    "Sort Key:", "Sort Method:", "Group Key:", "Presorted Key:", "Cache Key:", "Output:", "Buffers:", "Buckets:",
    "Workers Planned:", "Workers Launched:", "Heap Fetches:", "Heap Blocks:", "Planning:", "Planning Time:",
    "Planning time:", "Execution Time:", "Execution time:", "Total runtime:", "JIT:", "InitPlan ", "SubPlan ",
)  # fmt: skip
_PART = re.compile(rf"(?<! by)(?<! by Join)(?<!Join) +(?=-> |{'|'.join(_DETAILS)}|\(\d+ rows?\))")
_BEFORE = re.compile(r"(?:QUERY PLAN)? *-{5,} *")


def as_lines(text: str) -> str:
    """The text with rows made lines; as it is where there are no such rows."""
    if _LIST.match(text) and len(text) <= LONGEST and (rows := _listed(text)):
        return rows
    return "\n".join(_split(_bare(each)) for each in text.split("\n"))


def _bare(line: str) -> str:
    """A line of depesz's table as EXPLAIN printed it: no columns before it, no commas in numbers."""
    found = _DEPESZ.match(line)
    return line if found is None else _THOUSANDS.sub("", line[found.end() :])


def _listed(text: str) -> str | None:
    """The cells of `[('Seq Scan on a',), …]`, `[{"QUERY PLAN": "Seq Scan on a"}, …]` or `['Seq Scan on a', …]`."""
    rows = _value(text)
    if isinstance(rows, dict):
        rows = next((each for each in rows.values() if isinstance(each, list)), [rows])
    if not isinstance(rows, list):
        return None
    cells = [cell for row in rows for cell in _cells(row)]
    return "\n".join(each if isinstance(each, str) else json.dumps(each) for each in cells) or None


def _value(text: str) -> object:
    for read in (json.loads, ast.literal_eval):
        try:
            with warnings.catch_warnings(action="ignore"):  # Python warns of escapes in what is no Python
                return read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return None


def _cells(row: object) -> list[object]:
    """What a row holds of a plan; nothing of an object that is a plan itself."""
    if isinstance(row, dict):
        return [cell for name, cell in row.items() if str(name).upper() == "QUERY PLAN"]
    if isinstance(row, (list, tuple)):
        return list(row) if len(row) == 1 else []
    return [row] if isinstance(row, str) else []


def _split(line: str) -> str:
    """A plan that lost its line ends, with a line for each node and each of its details."""
    is_joined = len(_PLAN.findall(line)) > 2 or ("Planning" in line and _PLAN.search(line) is not None)
    return _PART.sub("\n", _BEFORE.sub("\n", line)) if is_joined else line
