"""What a migration does, step by step: a step is one index, made or dropped."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pgadvisor.model.advice import AdvisedIndex, DroppedIndex
from pgadvisor.model.record import Record
from pgadvisor.sql.parse import Unread, parse
from pgadvisor.sql.splitter import split_statements

WAIT = "'5s'"
"""For a lock that stops others: whoever waits for one makes all that come later wait, so rather fail and try again."""
_LOCKS = frozenset(("IndexStmt", "DropStmt", "AlterTableStmt"))
"""Statements that take such a lock where they are not CONCURRENTLY; libpg_query calls ALTER INDEX AlterTableStmt."""

HEED = (
    "CREATE INDEX CONCURRENTLY and DROP INDEX CONCURRENTLY cannot run inside a transaction.",
    "A build that fails leaves an INVALID index behind: DROP INDEX CONCURRENTLY it before you try again.",
)


class Step(Record):
    """One index."""

    title: str
    """A line of plain text."""
    table: str
    """`schema.table`, unquoted."""
    up: tuple[str, ...]
    """Statements, without semicolons."""
    down: tuple[str, ...]
    cautions: tuple[str, ...] = ()
    """What to check before: lines of plain text."""


def steps_of(creates: Sequence[AdvisedIndex], drops: Sequence[DroppedIndex]) -> tuple[Step, ...]:
    """In the order in which to do them.

    An index that no new one replaces, and that nothing needs, is dropped first: that takes no time, and updates may be
    HOT again while the others are built. All other drops were chosen together with the new indexes, and come last.
    """
    made = {f"{each.table.partition('.')[0]}.{each.name}" for each in creates}
    first = [each for each in drops if each.why in ("redundant", "unused") and not made.intersection(each.replaced_by)]
    last = [each for each in drops if each not in first]
    return (*map(_dropped, first), *map(_created, creates), *map(_dropped, last))


def summary(steps: Sequence[Step]) -> str:
    """What a file does, in a line."""
    return f"pgadvisor: index advice in {len(steps)} {'step' if len(steps) == 1 else 'steps'}"


class Line(NamedTuple):
    """A line of a script: a comment, a statement, or nothing between two steps."""

    text: str = ""
    """A statement without its semicolon."""
    table: str | None = None
    """`schema.table` that the statement is about, unquoted; None: none."""
    is_comment: bool = False


def way_up(steps: Sequence[Step]) -> tuple[Line, ...]:
    """What carries the steps out."""
    return _script((step, (step.title, *(f"before: {each}" for each in step.cautions)), step.up) for step in steps)


def way_down(steps: Sequence[Step]) -> tuple[Line, ...]:
    """What takes them back, the last one first."""
    return _script((step, (f"back: {step.title}",), step.down) for step in reversed(steps))


def _script(parts: Iterable[tuple[Step, tuple[str, ...], tuple[str, ...]]]) -> tuple[Line, ...]:
    """Comments and statements, with how long each of them may take and wait."""
    lines, timeout = [Line("SET statement_timeout = 0")], None
    for step, comments, statements in parts:
        lines += [Line(), *(Line(each, is_comment=True) for each in comments)]
        for statement in statements:
            if (needed := _lock_timeout(statement)) != timeout:
                timeout = needed
                lines.append(Line(f"SET lock_timeout = {timeout}"))
            lines.append(Line(statement, step.table))
    return (*lines, Line(), Line("RESET lock_timeout"), Line("RESET statement_timeout")) if len(lines) > 1 else ()


def _lock_timeout(statement: str) -> str:
    """How long a statement may wait for its lock; 0: for ever.

    What runs CONCURRENTLY stops nobody while it waits, and would leave an invalid index behind if it gave up.
    """
    parsed = parse(statement)
    if isinstance(parsed, Unread) or parsed.kind not in _LOCKS:
        return "0"
    return "0" if parsed.body.get("concurrent") else WAIT


def _line(text: str) -> str:
    """The text in one line, so that no name can end a comment."""
    return " ".join(text.split())


def _created(index: AdvisedIndex) -> Step:
    title = _line(f"{index.table}: create {index.name}")
    return Step(title=title, table=index.table, up=_statements(index.steps), down=_statements(index.undo))


def _dropped(index: DroppedIndex) -> Step:
    return Step(
        title=_line(f"{index.table}: drop {index.name} ({index.why}: {index.reason})"),
        table=index.table,
        up=_statements(index.sql),
        down=_statements(index.undo),
        cautions=tuple(_line(each) for each in index.cautions),
    )


def _statements(text: str) -> tuple[str, ...]:
    return tuple(each.text for each in split_statements(text))
