"""EXPLAIN's text form: from the lines of a plan to the keys of its JSON form."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from pgadvisor.pasted.pasted import FoundPlan, Line
from pgadvisor.pasted.query_before import query_before
from pgadvisor.pasted.text_blocks import ARROW, WORKER, Block, blocks
from pgadvisor.pasted.text_details import buffer_keys, detail_keys
from pgadvisor.pasted.text_flat import STEP, indented
from pgadvisor.pasted.text_nodes import HEADING, is_node_name, node_keys, target_keys
from pgadvisor.pasted.text_summary import SECTIONS, SUMMARY, section_keys, summary_keys

GROUPING = {"Group Key", "Hash Key", "Sort Key"}
MEMBERS = ("Append", "Merge Append", "BitmapAnd", "BitmapOr", "ModifyTable")
Node = dict[str, Any]


def text_plans(lines: Sequence[Line]) -> tuple[FoundPlan, ...]:
    """The plans in EXPLAIN's text form, each with the statement that stands before it."""
    return tuple(_found(block) for block in blocks(lines))


def _found(block: Block) -> FoundPlan:
    query, logged_ms = query_before(block.before)
    tree = _Tree()
    for line in indented(block.lines):
        tree.add(line)
    keys = tree.finished()
    if logged_ms is not None and "Actual Loops" in keys["Plan"]:
        keys.setdefault("Execution Time", logged_ms)
    return FoundPlan(keys, block.lines[0].number, query)


class _Tree:
    """A plan as it is read line by line: what stands more to the right is below."""

    def __init__(self) -> None:
        self._outer: dict[str, Any] = {}
        self._open: list[tuple[int, Node]] = []
        """The nodes from the root to the last one, each with its column."""
        self._heading: tuple[int, str] | None = None
        self._section: str | None = None
        self._worker: tuple[int, Node] | None = None

    def add(self, line: Line) -> None:
        """Read one line."""
        text = line.text.strip()
        arrow = ARROW.match(text)
        if arrow or not self._open:
            self._add_node(line.column, text[arrow.end() :] if arrow else text)
        elif HEADING.match(text):
            self._heading = (line.column, text)
            self._section = self._worker = None
        elif SUMMARY.match(text) and self._is_summary(line):
            self._add_summary(text)
        elif self._section is not None:
            self._section_keys |= section_keys(self._section, text)
        elif worker := WORKER.match(text):
            self._add_worker(line.column, text, worker.end())
        elif is_node_name(text):
            self._last.setdefault("Target Tables", []).append(target_keys(text))
        else:
            self._add_detail(line.column, text)

    def finished(self) -> dict[str, Any]:
        """The object that EXPLAIN (FORMAT JSON) would have printed."""
        nodes = list(_walk(self._outer["Plan"]))
        has_times = any("Actual Total Time" in node for node in nodes)
        has_buffers = any("Shared Hit Blocks" in node for node in nodes)
        for node in nodes:
            _relate(node)
            if has_times and node.get("Actual Loops") == 0.0:
                node |= {"Actual Startup Time": 0.0, "Actual Total Time": 0.0}
            if has_buffers:
                node |= buffer_keys("") | {key: node[key] for key in buffer_keys("") if key in node}
        return self._outer

    @property
    def _last(self) -> Node:
        return self._open[-1][1]

    @property
    def _section_keys(self) -> dict[str, Any]:
        assert self._section is not None
        found: dict[str, Any] = self._outer.setdefault(self._section, {})
        return found

    @_section_keys.setter
    def _section_keys(self, keys: dict[str, Any]) -> None:
        assert self._section is not None
        self._outer[self._section] = keys

    def _add_node(self, column: int, text: str) -> None:
        node = node_keys(text)
        self._section = self._worker = None
        if not self._open:
            self._outer["Plan"] = node
            self._open.append((-1, node))
            return
        column = max(column, 0)
        heading, self._heading = self._heading, None
        place = heading[0] if heading else column
        while len(self._open) > 1 and self._open[-1][0] >= place:
            self._open.pop()
        if heading:
            self._find_owner(*heading)
            node["Subplan Name"] = heading[1]
            node["Parent Relationship"] = "SubPlan" if heading[1].startswith("SubPlan") else "InitPlan"
        self._last.setdefault("Plans", []).append(node)
        self._open.append((column, node))

    def _find_owner(self, column: int, name: str) -> None:
        """Where a SubPlan stands in no column that EXPLAIN would give it, it is of the node that mentions it."""
        if not name.startswith("SubPlan ") or column in (2, self._open[-1][0] + STEP):
            return
        mention = re.compile(rf"\b{re.escape(name.split(' (')[0])}\b")
        owner = next((at for at, (_, node) in enumerate(self._open) if _mentions(node, mention)), None)
        if owner is not None:
            del self._open[owner + 1 :]

    def _is_summary(self, line: Line) -> bool:
        """Whether it is of the statement: `JIT:` is also below a worker."""
        return self._worker is None or line.column <= self._open[0][0] + 1 or not line.text.strip().startswith("JIT")

    def _add_summary(self, text: str) -> None:
        keys = summary_keys(text)
        self._worker = None
        self._section = next((each for each in SECTIONS if each in keys), None)
        if "Triggers" in keys:
            self._outer.setdefault("Triggers", []).append(keys["Triggers"])
        else:
            self._outer |= keys

    def _add_worker(self, column: int, text: str, end: int) -> None:
        number = int(re.sub(r"\D", "", text[:end]))
        workers = self._last.setdefault("Workers", [])
        found = next((each for each in workers if each["Worker Number"] == number), None)
        if found is None:
            found = {"Worker Number": number}
            workers.append(found)
        self._worker = (column, found)
        found |= detail_keys(text[end:].strip())

    def _add_detail(self, column: int, text: str) -> None:
        if self._worker is not None and column > self._worker[0]:
            self._worker[1].update(detail_keys(text))
            return
        self._worker = None
        node = self._last
        keys = detail_keys(text)
        if node["Node Type"] == "Aggregate" and (GROUPING & keys.keys()):
            _add_group(node, *next(iter(keys.items())))
        else:
            node |= keys


def _mentions(node: Node, name: re.Pattern[str]) -> bool:
    return any(name.search(str(value)) for key, value in node.items() if key != "Plans")


def _walk(node: Node) -> Iterable[Node]:
    yield node
    for child in node.get("Plans", ()):
        yield from _walk(child)


def _relate(node: Node) -> None:
    """What each child is to its parent: the text form says it by the order alone."""
    children = [each for each in node.get("Plans", ()) if "Subplan Name" not in each]
    kind = node["Node Type"]
    for at, child in enumerate(children):
        if kind == "Subquery Scan":
            child["Parent Relationship"] = "Subquery"
        elif kind in MEMBERS and (kind != "ModifyTable" or len(children) > 1):
            child["Parent Relationship"] = "Member"
        else:
            child["Parent Relationship"] = "Inner" if at else "Outer"


def _add_group(node: Node, key: str, columns: list[str]) -> None:
    """The first list of columns is the group's key; with more of them, or a hash, they are grouping sets."""
    columns = [] if columns == ["()"] else columns
    if key == "Group Key" and columns and not {"Group Key", "Grouping Sets"} & node.keys():
        node[key] = columns
        return
    first = [{"Group Keys": [node.pop("Group Key")]}] if "Group Key" in node else []
    sets = node.setdefault("Grouping Sets", first)
    if key == "Group Key" and sets and "Group Keys" in sets[-1]:
        sets[-1]["Group Keys"].append(columns)
    elif key == "Group Key":
        sets.append({"Group Keys": [columns]})
    else:
        sets.append({"Hash Keys": [columns]} if key == "Hash Key" else {key: columns, "Group Keys": []})
