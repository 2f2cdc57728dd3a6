"""Plans whose indentation was lost: which node is below which follows from how many inputs each kind of node has."""

from collections.abc import Sequence

from pgadvisor.errors import UsageError
from pgadvisor.pasted.pasted import Line
from pgadvisor.pasted.text_blocks import ARROW
from pgadvisor.pasted.text_nodes import HEADING, node_keys

STEP = 6
"""Columns by which EXPLAIN sets a node's children to the right."""
_TWO = ("Nested Loop", "Hash Join", "Merge Join", "Recursive Union")
_MANY = ("Append", "Merge Append", "BitmapAnd", "BitmapOr")
_ENDLESS = 1_000_000
_INNER = ("Hash", "Materialize", "Memoize")
"""What is never an input of an Append, and so begins the other side of a join above it."""


def indented(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The lines of a plan, with the indentation that PostgreSQL gave them where it was lost.

    Raises UsageError where it cannot be known.
    """
    return _restored(lines) if _is_lost(lines) else tuple(lines)


def _is_lost(lines: Sequence[Line]) -> bool:
    """Whether all nodes stand in one column, although one of them must have others below it."""
    nodes = [each for each in lines[1:] if ARROW.match(each.text.strip())]
    columns = {each.column for each in nodes}
    return len(columns) == 1 and any(_inputs(_kind(each)) for each in nodes[:-1])


def _restored(lines: Sequence[Line]) -> tuple[Line, ...]:
    found = [lines[0]]
    above = [(0, _inputs(_kind(lines[0])))]
    """The nodes from the root to the last one: depth, and how many inputs are still to come."""
    owners = [(0, lines[0].text)]
    """Every node's depth, with the text of its lines: a SubPlan stands below the one that mentions it."""
    heading: Line | None = None
    for line in lines[1:]:
        text = line.text.strip()
        if HEADING.match(text):
            heading = line
        elif not ARROW.match(text):
            owners[-1] = (owners[-1][0], f"{owners[-1][1]}\n{text}")
            found.append(line)
        else:
            depth = _below_heading(heading, above, owners) if heading else _next(line, above, lines[0].number)
            column = 2 + STEP * (depth - 1)
            if heading:
                found.append(Line(heading.number, " " * column + heading.text.strip()))
            found.append(Line(line.number, " " * (column + (2 if heading else 0)) + text))
            above.append((depth, _inputs(_kind(line))))
            owners.append((depth, text))
            heading = None
    return tuple(found)


def _next(line: Line, above: list[tuple[int, int]], first: int) -> int:
    """The depth of the next node: below the last one that still lacks an input."""
    is_inner = _kind(line) in _INNER
    while above and (not above[-1][1] or (is_inner and above[-1][1] > 2)):
        above.pop()
    if not above:
        raise UsageError(
            f"the plan that begins on line {first} has lost its indentation, which says what is below what: copy "
            "EXPLAIN's output once more, as it is"
        )
    depth, lacking = above[-1]
    above[-1] = (depth, lacking - 1)
    return depth + 1


def _below_heading(heading: Line, above: list[tuple[int, int]], owners: Sequence[tuple[int, str]]) -> int:
    name = heading.text.split("(")[0].strip()
    mentioning = [depth for depth, text in owners if f"{name})" in text or f"{name} " in text]
    owner = mentioning[-1] if name.startswith("SubPlan") and mentioning else owners[-1][0]
    above[:] = [each for each in above if each[0] <= owner]
    return owner + 1


def _kind(line: Line) -> str:
    text = line.text.strip()
    arrow = ARROW.match(text)
    return str(node_keys(text[arrow.end() :] if arrow else text)["Node Type"])


def _inputs(kind: str) -> int:
    if kind in _MANY:
        return _ENDLESS
    if kind in _TWO:
        return 2
    is_leaf = kind.endswith("Scan") and kind not in ("Bitmap Heap Scan", "Subquery Scan")
    return 0 if is_leaf or kind == "Result" else 1
