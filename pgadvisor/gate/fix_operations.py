"""Operations of a framework's migration: what each ran, what is to run instead, and whether it ends the same."""

import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from pgadvisor.gate.fix import FixedMigration, FixedStatement
from pgadvisor.gate.fix_undo import dropped_index, named_index, undone
from pgadvisor.model.migration import MigrationStatement
from pgadvisor.model.record import Record
from pgadvisor.safe_forms.spelled import plain_type
from pgadvisor.sql.ddl import read_ddl
from pgadvisor.sql.ddl_step import DdlStep
from pgadvisor.sql.parse import Unread

SETTING = re.compile(r"\A(?:SET|RESET)\s+(?!CONSTRAINTS\b)", re.IGNORECASE)
CONTROL = re.compile(r"\A(?:BEGIN|COMMIT)\Z", re.IGNORECASE)
_SET_LOCAL = re.compile(r"\ASET LOCAL ", re.IGNORECASE)
_INDEX = re.compile(r"\s*CREATE\s+INDEX\b", re.IGNORECASE)
_CHECKS_NOW = re.compile(r"\s*SET\s+CONSTRAINTS\b", re.IGNORECASE)
"""Only within a transaction it does something."""
_OTHER_ENDS = frozenset(
    ("rename column", "rename table", "rename view", "rename materialized view", "rename enum value", "set schema",
     "alter column type", "set domain not null")
)  # fmt: skip
"""Commands whose safe form stands beside the old until no program uses that any more."""
STANDS_BESIDE = (
    "it stands beside the old until no program uses that: the models, the way back and the migration that ends it are "
    "yours to write"
)
OTHER_COLUMN = "it makes another column than the models say: change them with it"
_BESIDE = frozenset(("create function", "create trigger", "create view", "add enum value"))


class ChangedOperation(Record):
    """One operation, by the statements it makes."""

    line: int
    before: tuple[str, ...]
    after: tuple[str, ...]
    """Without `extras`."""
    extras: tuple[str, ...]
    """Indexes beside what the operation asked for, each with a name."""
    is_apart: bool
    """What it runs now leaves the transaction."""
    back: tuple[str, ...] | None
    """Its statements on the way back; None: it cannot be taken back."""

    @property
    def settings(self) -> tuple[str, ...]:
        """The settings it makes, each once."""
        return tuple(dict.fromkeys(each for each in self.after if SETTING.match(each)))

    @property
    def core(self) -> tuple[str, ...]:
        """What it runs besides settings."""
        return tuple(each for each in self.after if not SETTING.match(each))

    @property
    def has_settings_first(self) -> bool:
        """Whether the settings may as well be made before all else."""
        return not any(each.upper().startswith("RESET") for each in self.settings)

    @property
    def dropped_extras(self) -> tuple[str, ...]:
        """What takes the extras back."""
        return tuple(found for each in self.extras if (found := dropped_index(each)))

    @property
    def undo(self) -> tuple[str, ...]:
        """What takes its statements back where those of the old way back do not fit."""
        return undone(self.after)

    @property
    def other_end(self) -> str | None:
        """Why the schema is in the end not the one that the operation asked for; None: it is, but for the extras."""
        if self.core == self.before:
            return None
        old = [each for text in self.before if text not in self.after for each in _steps(text)]
        new = [each for text in self.core if text not in self.before for each in _steps(text)]
        if any(each.command in _OTHER_ENDS for each in old) or any(each.command in _BESIDE for each in new):
            return STANDS_BESIDE
        if any(CONTROL.match(each) for each in self.after) or set(_columns(self.before)) != set(_columns(self.core)):
            return OTHER_COLUMN
        return None


def _steps(text: str) -> Sequence[DdlStep]:
    found = read_ddl(text)
    return () if isinstance(found, Unread) else found


def _columns(texts: Iterable[str]) -> Iterator[tuple[object, ...]]:
    """The columns that are added, as far as their safe form must not differ."""
    for text in texts:
        for step in _steps(text):
            if step.command == "add column" and step.column:
                column = step.column
                yield step.table, column.name, plain_type(column), column.is_identity, column.generated


def changed_operations(fixed: FixedMigration) -> tuple[ChangedOperation, ...]:
    """The operations that change, by their lines."""
    changes = {each.origin: each for each in fixed.changes}
    lines = sorted({fixed.before.up[each].line for each in changes})
    return tuple(_operation(fixed, line, changes) for line in lines)


def _operation(fixed: FixedMigration, line: int, changes: dict[int, FixedStatement]) -> ChangedOperation:
    own = [(number, each) for number, each in enumerate(fixed.before.up) if each.line == line]
    is_apart = any(changes[number].is_apart for number, _ in own if number in changes)
    after: list[str] = []
    extras: list[str] = []
    for number, each in own:
        for text in changes[number].lines if number in changes else (each.text,):
            is_extra = _INDEX.match(text) and number in changes and not _INDEX.match(each.text)
            (extras if is_extra else after).append(named_index(text) if is_extra else text)
    if is_apart:
        after = [_SET_LOCAL.sub("SET ", each) for each in after]
    after = list(_once(after))
    down = fixed.before.down
    return ChangedOperation(
        line=line,
        before=_without_checks(each.text for _, each in own),
        after=_without_checks(after),
        extras=tuple(extras),
        is_apart=is_apart,
        back=None if down is None else _without_checks(each.text for each in down if each.line == line),
    )


def _once(texts: Iterable[str]) -> Iterator[str]:
    """Without settings that are in force already."""
    in_force: set[str] = set()
    for each in texts:
        if each.upper().startswith("RESET"):
            in_force.clear()
        if SETTING.match(each) and each in in_force:
            continue
        in_force.add(each)
        yield each


def _without_checks(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(each for each in texts if not _CHECKS_NOW.match(each))


def statements_after(
    fixed: FixedMigration, written: Sequence[ChangedOperation], *, leaves: bool
) -> tuple[MigrationStatement, ...]:
    """The statements of the migration once these operations are written; `leaves`: all leave the transaction."""
    operations = {each.line: each for each in written}
    found: list[MigrationStatement] = []
    for each in fixed.before.up:
        own = operations.get(each.line)
        if own is None:
            found.append(replace(each, is_in_transaction=each.is_in_transaction and not leaves))
        elif not any(one.line == each.line for one in found):
            is_in = each.is_in_transaction and not (leaves or own.is_apart)
            found += [replace(each, text=text, is_in_transaction=is_in) for text in (*own.after, *own.extras)]
    return tuple(found)


class OperationCode(Record):
    """The safe form of one operation, as code of its framework."""

    line: int
    code: str
    why: str | None = None
    """Why a person has to put it in, as a clause; None: the file can be rewritten."""


class PythonFix(Record):
    """What became of a framework's migration."""

    text: str | None
    """The whole file as it is to be; None: nothing in it can be rewritten."""
    codes: tuple[OperationCode, ...]
    written: tuple[ChangedOperation, ...] = ()
